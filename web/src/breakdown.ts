// Treemap and sunburst of the parts of a metric; a click goes into a module.
import { hierarchy, partition, treemap, treemapSquarify } from "d3-hierarchy";
import type { HierarchyRectangularNode } from "d3-hierarchy";
import { arc } from "d3-shape";
import { bounded, metrics } from "./data";
import type { MetricName, Model } from "./data";
import { choice, clip, hideTooltip, html, showTooltip, svg } from "./dom";
import { bytes, count, share } from "./format";
import type { Selection } from "./selection";

type Form = "treemap" | "sunburst";

interface Part {
  module: number;
  label: string;
  own: number;
  children: Part[];
}
type Cell = HierarchyRectangularNode<Part>;

const palette = 10;
const levels = 4;

export class BreakdownView {
  readonly element: HTMLElement;
  #model: Model;
  #selection: Selection;
  #metric: MetricName = "macs";
  #form: Form = "treemap";
  #root = 0;
  #trail = html("nav", { class: "trail", "aria-label": "Module" });
  #canvas = html("div", { class: "breakdown" });

  constructor(model: Model, selection: Selection) {
    this.#model = model;
    this.#selection = selection;
    if (model.profile.totals.macs === 0) this.#metric = "parameters";
    this.element = html(
      "div",
      {},
      html(
        "div",
        { class: "toolbar" },
        choice("Metric", Object.entries(metrics).map(([key, metric]) => [key as MetricName, metric.label] as const), this.#metric, (metric) => {
          this.#metric = metric;
          this.render();
        }),
        choice("Form", [["treemap", "Treemap"], ["sunburst", "Sunburst"]] as const, this.#form, (form) => {
          this.#form = form;
          this.render();
        }),
      ),
      this.#trail,
      this.#canvas,
    );
    new ResizeObserver(() => this.render()).observe(this.#canvas);
  }

  show(module: number): void {
    this.#root = module;
    this.render();
  }

  #value(module: number): number {
    return metrics[this.#metric].of(this.#model.modules[module]);
  }

  /** A value of a module, or of a part of it. */
  #text(value: number, module: number): string {
    const text = metrics[this.#metric].unit === "bytes" ? bytes(value) : count(value);
    return bounded(this.#metric !== "parameters" && this.#model.modules[module].bound, text);
  }

  /** The parts of a module: its children, and its own cost outside of them. */
  #part(module: number, depth: number): Part {
    const { children, name } = this.#model.modules[module];
    const total = this.#value(module);
    if (depth === levels) return { module, label: name, own: total, children: [] };
    const parts = children.filter((child) => this.#value(child) > 0).map((child) => this.#part(child, depth + 1));
    const rest = total - children.reduce((sum, child) => sum + this.#value(child), 0);
    if (parts.length === 0) return { module, label: name, own: total, children: [] };
    if (rest > 0) parts.push({ module, label: "(itself)", own: rest, children: [] });
    return { module, label: name, own: 0, children: parts };
  }

  /** Draws at the current width; nothing if it is 0. */
  render(): void {
    const width = Math.floor(this.#canvas.clientWidth);
    if (width === 0) return;
    const path: number[] = [];
    for (let at = this.#root; at >= 0; at = this.#model.modules[at].parent) path.unshift(at);
    this.#trail.replaceChildren(
      ...path.map((module) => {
        const button = html("button", { type: "button", "aria-current": module === this.#root ? "true" : null }, this.#model.modules[module].name);
        button.addEventListener("click", () => this.show(module));
        return button;
      }),
      html("span", { class: "quiet" }, `${this.#text(this.#value(this.#root), this.#root)} · ${share(this.#value(this.#root), this.#value(0))} of the model`),
    );
    const root = hierarchy<Part>(this.#part(this.#root, 0), (part) => part.children)
      .sum((part) => part.own)
      .sort((a, b) => (b.value ?? 0) - (a.value ?? 0));
    if ((root.value ?? 0) === 0) {
      this.#canvas.replaceChildren(html("p", { class: "quiet empty" }, `No ${metrics[this.#metric].label} here.`));
      return;
    }
    this.#canvas.replaceChildren(this.#form === "treemap" ? this.#treemap(root, width) : this.#sunburst(root, width));
  }

  /** One colour per part of the first level with several large parts. */
  #hues(root: Cell): (cell: Cell) => string {
    let split = root;
    for (;;) {
      const [first] = split.children ?? [];
      if (first?.children === undefined || (first.value ?? 0) < 0.9 * (split.value ?? 0)) break;
      split = first;
    }
    return (cell) => {
      let at = cell;
      while (at.parent !== null && at.parent !== split) at = at.parent;
      const index = at.parent === split ? (split.children ?? []).indexOf(at) : -1;
      return index < 0 ? "hue-rest" : `hue-${index % palette}`;
    };
  }

  #interact(element: SVGElement, cell: Cell): void {
    const { module, label } = cell.data;
    const value = cell.value ?? 0;
    element.setAttribute("data-path", this.#model.modules[module].path);
    element.addEventListener("pointermove", (event) =>
      showTooltip(event, [
        label === "(itself)" ? `${this.#model.title(module)}, outside of its children` : this.#model.title(module),
        this.#model.modules[module].type,
        `${this.#text(value, module)} · ${share(value, this.#value(0))} of the model`,
      ]),
    );
    element.addEventListener("pointerleave", hideTooltip);
    element.addEventListener("click", (event) => {
      event.stopPropagation();
      hideTooltip();
      this.#selection.select(module, "breakdown");
      const target = this.#model.modules[module].children.length > 0 ? module : this.#model.modules[module].parent;
      if (target >= 0 && target !== this.#root) this.show(target);
    });
  }

  #picture(width: number, height: number): SVGSVGElement {
    return svg("svg", {
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: "img",
      "aria-label": `${metrics[this.#metric].label} of ${this.#model.title(this.#root)} by module`,
    });
  }

  #treemap(root: ReturnType<typeof hierarchy<Part>>, width: number): SVGSVGElement {
    const height = Math.max(320, Math.min(620, Math.round(width * 0.55)));
    const cells = treemap<Part>()
      .size([width, height])
      .tile(treemapSquarify.ratio(1.4))
      .paddingInner(2)
      .paddingTop((cell) => (cell.depth > 0 && cell.y1 - cell.y0 > 40 && cell.x1 - cell.x0 > 50 ? 18 : 1))
      .paddingRight(1)
      .paddingBottom(1)
      .paddingLeft(1)
      .round(true)(root as Parameters<ReturnType<typeof treemap<Part>>>[0]);
    const picture = this.#picture(width, height);
    const hue = this.#hues(cells);
    for (const cell of cells.descendants()) {
      const w = cell.x1 - cell.x0;
      const h = cell.y1 - cell.y0;
      if (cell.depth === 0 || w < 2 || h < 2) continue;
      const group = svg("g", { class: `tile depth-${Math.min(cell.depth, levels)} ${hue(cell)}` });
      group.append(svg("rect", { x: cell.x0, y: cell.y0, width: w, height: h, rx: 3 }));
      const characters = Math.floor((w - 8) / 6.6);
      if (characters >= 3 && h > 15) {
        group.append(svg("text", { x: cell.x0 + 5, y: cell.y0 + 13 }, clip(cell.data.label, characters)));
        if (cell.children === undefined && h > 32) {
          group.append(svg("text", { x: cell.x0 + 5, y: cell.y0 + 27, class: "tile-value" }, clip(this.#text(cell.value ?? 0, cell.data.module), characters)));
        }
      }
      this.#interact(group, cell);
      picture.append(group);
    }
    return picture;
  }

  #sunburst(root: ReturnType<typeof hierarchy<Part>>, width: number): SVGSVGElement {
    const size = Math.min(width, 620);
    const radius = size / 2;
    const cells = partition<Part>().size([2 * Math.PI, 1])(root as Parameters<ReturnType<typeof partition<Part>>>[0]);
    const ring = radius / (root.height + 1.2);
    const shape = arc<Cell>()
      .startAngle((cell) => cell.x0)
      .endAngle((cell) => cell.x1)
      .padAngle((cell) => Math.min((cell.x1 - cell.x0) / 2, 0.004))
      .padRadius(radius)
      .innerRadius((cell) => (cell.depth + 0.2) * ring)
      .outerRadius((cell) => (cell.depth + 1.2) * ring - 1.5);
    const picture = this.#picture(size, size);
    const hue = this.#hues(cells);
    const centre = svg("g", { transform: `translate(${radius} ${radius})` });
    for (const cell of cells.descendants()) {
      if (cell.depth === 0 || cell.x1 - cell.x0 < 0.003) continue;
      const group = svg("g", { class: `tile depth-${Math.min(cell.depth, levels)} ${hue(cell)}` });
      group.append(svg("path", { d: shape(cell) }));
      const middle = (cell.x0 + cell.x1) / 2;
      const distance = (cell.depth + 0.7) * ring;
      if ((cell.x1 - cell.x0) * distance > 13 && ring > 24) {
        const angle = (middle * 180) / Math.PI - 90;
        const turn = middle > Math.PI ? " rotate(180)" : "";
        group.append(
          svg("text", { transform: `rotate(${angle}) translate(${distance} 0)${turn}`, "text-anchor": "middle", dy: "0.35em" }, clip(cell.data.label, Math.floor((ring - 8) / 6.4))),
        );
      }
      this.#interact(group, cell);
      centre.append(group);
    }
    const parent = this.#model.modules[this.#root].parent;
    const hub = svg("g", { class: "hub" }, svg("circle", { r: Math.max(0, 1.2 * ring - 4) }));
    const characters = Math.floor((2 * ring) / 7);
    hub.append(svg("text", { "text-anchor": "middle", y: -2 }, clip(this.#model.modules[this.#root].name, characters)));
    hub.append(svg("text", { "text-anchor": "middle", y: 14, class: "tile-value" }, this.#text(root.value ?? 0, this.#root)));
    if (parent >= 0) {
      hub.classList.add("clickable");
      hub.addEventListener("click", () => this.show(parent));
    }
    centre.append(hub);
    picture.append(centre);
    return picture;
  }
}
