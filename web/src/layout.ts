// The graph as boxes within boxes. Each open box is laid out on its own, from its direct parts only,
// so that the work depends on what is visible and not on the size of the model.
import { graphlib, layout } from "@dagrejs/dagre";
import type { Model } from "./data";
import { shape, shortShape } from "./format";

export interface Box {
  id: string;
  kind: "module" | "operator" | "run" | "port";
  label: string;
  detail: string;
  /** The module that it shows or belongs to. */
  module: number;
  /** The operators inside; the one it shows. */
  nodes: readonly number[];
  parent: Box | null;
  parts?: readonly Box[];
}

export interface Point {
  x: number;
  y: number;
}
export interface Edge {
  points: readonly Point[];
  label: string;
  /** The label's left end. */
  labelAt: Point;
  title: string;
}
interface EdgeLayout extends Point {
  points: Point[];
  values: Set<number>;
  label: string;
  width: number;
}
export interface Placed {
  box: Box;
  width: number;
  height: number;
  /** Of the centre, within the parent. */
  x: number;
  y: number;
  parts: readonly Placed[];
  edges: readonly Edge[];
  isOpen: boolean;
}

const mostParts = 120;
const headHeight = 30;
const padding = 14;

function boxWidth(box: Box, isOpen: boolean): number {
  if (box.kind === "port") return Math.min(200, 28 + 7 * box.label.length);
  if (isOpen) return Math.min(360, 48 + 7 * (box.label.length + box.detail.length));
  return Math.min(240, Math.max(96, 34 + 7 * Math.max(box.label.length, box.detail.length * 0.86)));
}

export class GraphLayout {
  readonly root: Box;
  #model: Model;
  #open = new Set<Box>();
  #placed = new Map<Box, Placed>();

  constructor(model: Model) {
    this.#model = model;
    this.root = { id: "m0", kind: "module", label: model.profile.model, detail: model.modules[0].type, module: 0, nodes: model.nodes.map((node) => node.id), parent: null };
    this.#open.add(this.root);
    // A wrapper around everything else is not informative: show its content.
    let at = this.root;
    for (;;) {
      const parts = this.parts(at);
      if (parts.length !== 1 || parts[0].kind === "operator") break;
      at = parts[0];
      this.#open.add(at);
    }
  }

  isOpen(box: Box): boolean {
    return this.#open.has(box);
  }

  toggle(box: Box): void {
    if (box.kind === "operator" || box.kind === "port" || box === this.root) return;
    if (!this.#open.delete(box)) this.#open.add(box);
    for (let at: Box | null = box; at !== null; at = at.parent) this.#placed.delete(at);
  }

  collapseAll(): void {
    this.#open = new Set([this.root]);
    this.#placed.clear();
  }

  /** Opens the modules around a module; returns its box, or none if none of its operators run. */
  find(module: number): Box | undefined {
    const { modules } = this.#model;
    const path = new Set<number>();
    for (let at = module; at >= 0; at = modules[at].parent) path.add(at);
    const inside = (at: number) => {
      for (let up = at; up >= 0; up = modules[up].parent) if (up === module) return true;
      return false;
    };
    const target = this.#model.nodes.find((node) => inside(node.module));
    if (target === undefined) return undefined;
    let at = this.root;
    while (at.module !== module || at.kind === "run") {
      const next = this.parts(at).find((part) => part.nodes.includes(target.id));
      if (next === undefined) return undefined;
      if (!this.#open.has(at)) this.toggle(at);
      at = next;
      if (at.kind === "operator") break;
    }
    return at;
  }

  /** The direct parts of a box: modules, operators, or runs of them if there are too many. */
  parts(box: Box): readonly Box[] {
    box.parts ??= this.#split(box);
    return box.parts;
  }

  #split(box: Box): Box[] {
    const { modules, nodes } = this.#model;
    const byModule = new Map<number, { part: Box; nodes: number[] }>();
    const parts: Box[] = [];
    for (const id of box.nodes) {
      const node = nodes[id];
      if (node.module === box.module) {
        const output = node.outputs.length === 0 ? "" : shape(this.#model.shapeOf(node.outputs[0]));
        parts.push({ id: `n${id}`, kind: "operator", label: node.operator, detail: output, module: node.module, nodes: [id], parent: box });
        continue;
      }
      let child = node.module;
      while (modules[child].parent !== box.module) child = modules[child].parent;
      let entry = byModule.get(child);
      if (entry === undefined) {
        const inner: number[] = [];
        const part: Box = { id: `m${child}`, kind: "module", label: modules[child].name, detail: modules[child].type, module: child, nodes: inner, parent: box };
        entry = { part, nodes: inner };
        byModule.set(child, entry);
        parts.push(part);
      }
      entry.nodes.push(id);
    }
    return this.#group(box, parts);
  }

  #group(box: Box, parts: Box[]): Box[] {
    if (parts.length <= mostParts) return parts;
    const size = Math.max(20, Math.ceil(Math.sqrt(parts.length)));
    const runs: Box[] = [];
    for (let first = 0; first < parts.length; first += size) {
      const members = parts.slice(first, first + size);
      const run: Box = {
        id: `${box.id}r${first}`,
        kind: "run",
        label: `parts ${first + 1} to ${first + members.length}`,
        detail: `${members[0].label} to ${members[members.length - 1].label}`,
        module: box.module,
        nodes: members.flatMap((member) => member.nodes),
        parent: box,
        parts: members,
      };
      for (const member of members) member.parent = run;
      runs.push(run);
    }
    return this.#group(box, runs);
  }

  place(box: Box = this.root): Placed {
    const known = this.#placed.get(box);
    if (known !== undefined) return known;
    const isOpen = this.#open.has(box);
    const placed = isOpen ? this.#arrange(box) : { box, width: boxWidth(box, false), height: box.kind === "port" ? 26 : 44, x: 0, y: 0, parts: [], edges: [], isOpen };
    this.#placed.set(box, placed);
    return placed;
  }

  #arrange(box: Box): Placed {
    const parts = [...this.parts(box)];
    const owner = new Map<number, Box>();
    for (const part of parts) for (const node of part.nodes) owner.set(node, part);
    const graph = new graphlib.Graph();
    graph.setGraph({ rankdir: "TB", nodesep: 22, ranksep: 26, edgesep: 12, marginx: padding, marginy: padding });
    graph.setDefaultEdgeLabel(() => ({}));

    const links = new Map<string, { from: string; to: string; values: Set<number> }>();
    const link = (from: string, to: string, value: number) => {
      const key = `${from} ${to}`;
      const entry = links.get(key) ?? { from, to, values: new Set() };
      entry.values.add(value);
      links.set(key, entry);
    };
    const ports = this.#link(box, owner, link);
    const placed = [...parts, ...ports].map((part) => ({ ...this.place(part) }));
    for (const part of placed) graph.setNode(part.box.id, { width: part.width, height: part.height });
    for (const { from, to, values } of links.values()) {
      const label = this.#label(values);
      graph.setEdge(from, to, { values, label, width: 6 * label.length, height: 10, labelpos: "r", labeloffset: 4 });
    }
    layout(graph);

    const size = graph.graph() as { width?: number; height?: number };
    const width = Math.max(boxWidth(box, true), size.width ?? 0);
    const shift = (width - (size.width ?? 0)) / 2;
    for (const part of placed) {
      const { x, y } = graph.node(part.box.id) as Point;
      part.x = x + shift;
      part.y = y + headHeight;
    }
    const edges = graph.edges().map((edge) => {
      const { points, values, label, x, y, width: labelWidth } = graph.edge(edge) as unknown as EdgeLayout;
      return {
        points: points.map((point) => ({ x: point.x + shift, y: point.y + headHeight })),
        label,
        labelAt: { x: x + shift - labelWidth / 2, y: y + headHeight },
        title: [...values].slice(0, 8).map((value) => this.#model.describe(value)).join("\n"),
      };
    });
    return {
      box,
      width,
      height: (size.height ?? 0) + headHeight,
      x: 0,
      y: 0,
      parts: placed,
      edges,
      isOpen: true,
    };
  }

  #label(values: ReadonlySet<number>): string {
    const [first] = values;
    return shortShape(this.#model.shapeOf(first)) + (values.size > 1 ? ` +${values.size - 1}` : "");
  }

  /** Links the parts of a box; returns ports for its inputs and outputs. */
  #link(box: Box, owner: ReadonlyMap<number, Box>, link: (from: string, to: string, value: number) => void): Box[] {
    const { nodes, producers, consumers, isParameter, graph } = this.#model;
    const ports = new Map<string, Box>();
    const port = (name: string, label: string): string => {
      const id = `${box.id}:${name}`;
      if (!ports.has(id)) ports.set(id, { id, kind: "port", label, detail: "", module: box.module, nodes: [], parent: box });
      return id;
    };
    const isRoot = box === this.root;
    const inputs = new Map(graph.inputs.map(([name, value]) => [value, name]));
    const outputs = new Map(graph.outputs.map(([name, value]) => [value, name]));
    for (const [node, part] of owner) {
      for (const value of nodes[node].inputs) {
        if (isParameter[value]) continue;
        const maker = owner.get(producers[value]);
        if (maker === part) continue;
        if (maker !== undefined) link(maker.id, part.id, value);
        else if (isRoot && inputs.has(value)) link(port(`in ${inputs.get(value)}`, inputs.get(value) ?? ""), part.id, value);
        else link(port("in", "in"), part.id, value);
      }
      for (const value of nodes[node].outputs) {
        const leaves = consumers[value].some((reader) => !owner.has(reader));
        if (isRoot && outputs.has(value)) link(part.id, port(`out ${outputs.get(value)}`, outputs.get(value) ?? ""), value);
        else if (leaves || outputs.has(value)) link(part.id, port("out", "out"), value);
      }
    }
    return [...ports.values()];
  }
}
