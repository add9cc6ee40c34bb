// The drawing of the graph: pan, zoom, open and close.
import { curveBasis, line } from "d3-shape";
import type { Model } from "./data";
import { moduleDetails, nodeDetails } from "./details";
import { clip, html, svg } from "./dom";
import { count } from "./format";
import { GraphLayout } from "./layout";
import type { Box, Placed, Point } from "./layout";
import type { Selection } from "./selection";

const curve = line<Point>().x((point) => point.x).y((point) => point.y).curve(curveBasis);
const zoomStep = 1.25;

export class GraphView {
  readonly element: HTMLElement;
  #model: Model;
  #selection: Selection;
  #layout: GraphLayout;
  #picture = svg("svg", { class: "graph", role: "application", "aria-label": "Graph of the model: Tab goes from part to part, Enter opens and closes, arrow keys move, plus and minus zoom", tabindex: 0 });
  #scene = svg("g", {});
  #details = html("aside", { class: "details", "aria-live": "polite", "aria-label": "Details" });
  #view = { x: 0, y: 0, scale: 1 };
  #picked = "";
  #fitted = false;

  constructor(model: Model, selection: Selection) {
    this.#model = model;
    this.#selection = selection;
    this.#layout = new GraphLayout(model);
    const marker = svg("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, svg("path", { d: "M0 0L8 4L0 8Z" }));
    this.#picture.append(svg("defs", {}, marker), this.#scene);
    const button = (label: string, title: string, act: () => void) => {
      const element = html("button", { type: "button", title, "aria-label": title }, label);
      element.addEventListener("click", act);
      return element;
    };
    this.element = html(
      "div",
      {},
      html(
        "div",
        { class: "toolbar" },
        button("+", "Zoom in", () => this.#zoom(zoomStep)),
        button("−", "Zoom out", () => this.#zoom(1 / zoomStep)),
        button("Fit", "Fit the graph into view", () => this.#fit()),
        button("Collapse all", "Close every module", () => {
          this.#layout.collapseAll();
          this.#draw();
          this.#fit();
        }),
        html("span", { class: "quiet" }, "Click for details, double-click or ⊞ to open; drag to move, Ctrl + wheel to zoom."),
      ),
      html("div", { class: "graph-frame" }, this.#picture, this.#details),
    );
    this.#details.append(html("p", { class: "quiet" }, "Nothing is selected."));
    this.#listen();
    new ResizeObserver(() => this.render()).observe(this.#picture);
    addEventListener("beforeprint", () => this.#print());
    addEventListener("afterprint", () => {
      this.#picture.removeAttribute("viewBox");
      this.#move();
    });
  }

  /** Draws when there is room for the first time. */
  render(): void {
    if (this.#fitted || this.#picture.clientWidth === 0) return;
    this.#draw();
    this.#fit();
    this.#fitted = true;
  }

  /** On paper the whole graph is visible. */
  #print(): void {
    this.#draw();
    const { width, height } = this.#layout.place();
    this.#picture.setAttribute("viewBox", `-8 -8 ${width + 16} ${height + 16}`);
    this.#scene.removeAttribute("transform");
  }

  /** Opens the modules around a module and scrolls to it. */
  reveal(module: number): void {
    const box = this.#layout.find(module);
    if (box === undefined) {
      this.#details.replaceChildren(moduleDetails(this.#model, module), html("p", { class: "quiet" }, "None of its operators run."));
      return;
    }
    this.#draw();
    this.#fitted = true;
    this.#pick(box);
    this.#centre(box);
  }

  #listen(): void {
    let from: { x: number; y: number; moved: boolean } | null = null;
    this.#picture.addEventListener("pointerdown", (event) => {
      if (event.button === 0) from = { x: event.clientX, y: event.clientY, moved: false };
    });
    this.#picture.addEventListener("pointermove", (event) => {
      if (from === null) return;
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      if (!from.moved && Math.hypot(dx, dy) < 4) return;
      if (!from.moved) this.#picture.setPointerCapture(event.pointerId);
      from = { x: event.clientX, y: event.clientY, moved: true };
      this.#view.x += dx;
      this.#view.y += dy;
      this.#move();
    });
    const stop = () => {
      from = null;
    };
    this.#picture.addEventListener("pointerup", stop);
    this.#picture.addEventListener("pointercancel", stop);
    this.#picture.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        const bounds = this.#picture.getBoundingClientRect();
        this.#zoom(Math.exp(-event.deltaY * 0.002), { x: event.clientX - bounds.left, y: event.clientY - bounds.top });
      },
      { passive: false },
    );
    this.#picture.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const step = 60;
      switch (event.key) {
        case "ArrowLeft": this.#view.x += step; break;
        case "ArrowRight": this.#view.x -= step; break;
        case "ArrowUp": this.#view.y += step; break;
        case "ArrowDown": this.#view.y -= step; break;
        case "+":
        case "=": this.#zoom(zoomStep); break;
        case "-": this.#zoom(1 / zoomStep); break;
        case "0": this.#fit(); break;
        default: return;
      }
      event.preventDefault();
      this.#move();
    });
  }

  #move(): void {
    if (this.#picture.hasAttribute("viewBox")) return;
    const { x, y, scale } = this.#view;
    this.#scene.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
  }

  #zoom(factor: number, at: Point = { x: this.#picture.clientWidth / 2, y: this.#picture.clientHeight / 2 }): void {
    const scale = Math.max(0.02, Math.min(4, this.#view.scale * factor));
    const change = scale / this.#view.scale;
    this.#view = { x: at.x - (at.x - this.#view.x) * change, y: at.y - (at.y - this.#view.y) * change, scale };
    this.#move();
  }

  #fit(): void {
    const { width, height } = this.#layout.place();
    const { clientWidth, clientHeight } = this.#picture;
    const whole = Math.min(clientWidth / (width + 24), clientHeight / (height + 24));
    // A long chain would be too small to read: show its beginning.
    const scale = Math.min(1, Math.max(whole, Math.min(0.8, clientWidth / (width + 24))));
    this.#view = { x: (clientWidth - width * scale) / 2, y: whole < scale ? 12 : (clientHeight - height * scale) / 2, scale };
    this.#move();
  }

  /** The position of a box in the scene. */
  #locate(box: Box): { x: number; y: number; width: number; height: number } | undefined {
    const path: Box[] = [];
    for (let at: Box | null = box; at !== null; at = at.parent) path.unshift(at);
    let placed = this.#layout.place();
    let [x, y] = [0, 0];
    for (const step of path.slice(1)) {
      const next = placed.parts.find((part) => part.box === step);
      if (next === undefined) return undefined;
      x += next.x - next.width / 2;
      y += next.y - next.height / 2;
      placed = next;
    }
    return { x, y, width: placed.width, height: placed.height };
  }

  #centre(box: Box): void {
    const place = this.#locate(box);
    if (place === undefined) return;
    const { clientWidth, clientHeight } = this.#picture;
    const scale = Math.max(0.6, Math.min(1, this.#view.scale));
    const tall = place.height * scale > clientHeight - 40;
    this.#view = {
      scale,
      x: clientWidth / 2 - (place.x + place.width / 2) * scale,
      y: tall ? 20 - place.y * scale : clientHeight / 2 - (place.y + place.height / 2) * scale,
    };
    this.#move();
  }

  #draw(): void {
    this.#scene.replaceChildren(this.#group(this.#layout.place(), 0));
    this.#mark();
  }

  #mark(): void {
    for (const element of this.#scene.querySelectorAll("[data-box]")) {
      element.classList.toggle("picked", element.getAttribute("data-box") === this.#picked);
    }
  }

  #pick(box: Box): void {
    if (box.kind === "port") return;
    this.#picked = box.id;
    this.#mark();
    const details = box.kind === "operator" ? nodeDetails(this.#model, this.#model.nodes[box.nodes[0]]) : moduleDetails(this.#model, box.module);
    this.#details.replaceChildren(details);
  }

  #toggle(box: Box): void {
    const before = this.#locate(box);
    this.#layout.toggle(box);
    this.#draw();
    const after = this.#locate(box);
    if (before !== undefined && after !== undefined) {
      this.#view.x += (before.x + before.width / 2 - after.x - after.width / 2) * this.#view.scale;
      this.#view.y += (before.y - after.y) * this.#view.scale;
      this.#move();
    }
    this.#scene.querySelector<SVGGElement>(`[data-box="${box.id}"]`)?.focus({ preventScroll: true });
  }

  #kind(box: Box): string {
    if (box.kind !== "operator") return box.kind;
    const node = this.#model.nodes[box.nodes[0]];
    if (node.coverage !== "counted") return `operator ${node.coverage}`;
    return node.macs > 0 ? "operator products" : "operator";
  }

  #group(placed: Placed, depth: number): SVGGElement {
    const { box, width, height, isOpen } = placed;
    const group = svg("g", { class: `box ${this.#kind(box)}${isOpen ? " open" : ""}${depth % 2 === 1 ? " odd" : ""}`, "data-box": box.id });
    group.append(svg("rect", { class: "frame", width, height, rx: box.kind === "port" ? height / 2 : 7 }));
    const canOpen = box.kind === "module" || box.kind === "run";
    if (isOpen) this.#fillOpen(group, placed, depth);
    else this.#fillClosed(group, placed);
    if (box.kind === "port") return group;
    group.setAttribute("tabindex", "0");
    group.setAttribute("role", "button");
    group.setAttribute("aria-label", `${box.label} ${box.detail}`);
    if (canOpen) group.setAttribute("aria-expanded", String(isOpen));
    if (canOpen && box !== this.#layout.root) group.append(this.#opener(box, isOpen));
    group.addEventListener("click", (event) => {
      event.stopPropagation();
      this.#pick(box);
      if (box.kind === "module") this.#selection.select(box.module, "graph");
    });
    group.addEventListener("dblclick", (event) => {
      event.stopPropagation();
      this.#toggle(box);
    });
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.stopPropagation();
      event.preventDefault();
      this.#pick(box);
      this.#toggle(box);
    });
    return group;
  }

  #opener(box: Box, isOpen: boolean): SVGGElement {
    const opener = svg(
      "g",
      { class: "opener", transform: "translate(8 8)" },
      svg("rect", { width: 14, height: 14, rx: 3 }),
      svg("path", { d: isOpen ? "M3 7H11" : "M3 7H11M7 3V11" }),
    );
    opener.addEventListener("click", (event) => {
      event.stopPropagation();
      this.#toggle(box);
    });
    return opener;
  }

  #fillOpen(group: SVGGElement, placed: Placed, depth: number): void {
    const { box, width } = placed;
    const inset = box === this.#layout.root ? 10 : 28;
    group.append(svg("text", { class: "title", x: inset, y: 19 }, clip(`${box.label}  ${box.detail}`, Math.floor((width - inset - 6) / 6.8))));
    for (const edge of placed.edges) {
      group.append(svg("path", { class: "edge", d: curve([...edge.points]), "marker-end": "url(#arrow)" }, svg("title", {}, edge.title)));
    }
    for (const part of placed.parts) {
      const inner = this.#group(part, depth + 1);
      inner.setAttribute("transform", `translate(${part.x - part.width / 2} ${part.y - part.height / 2})`);
      group.append(inner);
    }
    for (const edge of placed.edges) {
      group.append(svg("text", { class: "edge-label", x: edge.labelAt.x, y: edge.labelAt.y + 3 }, edge.label));
    }
  }

  #fillClosed(group: SVGGElement, placed: Placed): void {
    const { box, width, height } = placed;
    const middle = width / 2 + (box.kind === "module" || box.kind === "run" ? 8 : 0);
    if (box.kind === "port") {
      group.append(svg("text", { x: middle, y: height / 2 + 4, "text-anchor": "middle" }, clip(box.label, Math.floor(width / 7))));
      return;
    }
    const most = Math.floor((width - 26) / 6.6);
    group.append(
      svg("text", { class: "title", x: middle, y: 19, "text-anchor": "middle" }, clip(box.label, most)),
      svg("text", { class: "sub", x: middle, y: 35, "text-anchor": "middle" }, clip(box.detail, Math.floor((width - 16) / 5.8))),
    );
    let macs = 0;
    for (const node of box.nodes) macs += this.#model.nodes[node].macs;
    group.append(svg("title", {}, `${box.label} ${box.detail}\n${count(macs)} MACs`));
    const whole = this.#model.profile.totals.macs;
    if (macs > 0 && whole > 0) group.append(svg("rect", { class: "weight", x: 6, y: height - 4, width: Math.max(1, ((width - 12) * macs) / whole), height: 2.5, rx: 1 }));
  }
}
