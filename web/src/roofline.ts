// Intensity against FLOPs of each operator, with curves of equal time for a device: an operator
// above a curve takes at least that long.
import type { Device, Model, ModelNode } from "./data";
import { bounded } from "./data";
import { hideTooltip, html, showTooltip, svg } from "./dom";
import { bytes, count, seconds, share } from "./format";
import { axisX, axisY, logarithmic, powers } from "./plot";
import type { Selection } from "./selection";

interface Point {
  node: ModelNode;
  times: number;
  intensity: number;
  moved: number;
}

/** Operators of one kind with the same figures are one point. */
function pointsOf(nodes: readonly ModelNode[]): Point[] {
  const points = new Map<string, Point>();
  for (const node of nodes) {
    const moved = node.bytesRead + node.bytesWritten;
    if (node.flops <= 0 || moved <= 0) continue;
    const key = `${node.operator} ${node.flops} ${moved}`;
    const known = points.get(key);
    if (known === undefined) points.set(key, { node, times: 1, intensity: node.flops / moved, moved });
    else ++known.times;
  }
  return [...points.values()].sort((a, b) => b.times - a.times);
}

export class RooflineView {
  readonly element: HTMLElement;
  #model: Model;
  #selection: Selection;
  #points: Point[];
  #device: Device;
  #canvas = html("div", { class: "plot" });
  #verdict = html("p", { class: "verdict", role: "status" });

  constructor(model: Model, selection: Selection) {
    this.#model = model;
    this.#selection = selection;
    this.#points = pointsOf(model.nodes);
    this.#device = model.devices[0] ?? { name: "", peak: 20e12, bandwidth: 1000e9 };
    const peak = this.#number("Peak, TFLOP/s", 1e12, "peak");
    const bandwidth = this.#number("Bandwidth, GB/s", 1e9, "bandwidth");
    const tools = html("div", { class: "toolbar" });
    if (model.devices.length > 0) {
      const select = html("select", { "aria-label": "Device" }, ...model.devices.map((device, index) => html("option", { value: index }, device.name)));
      select.addEventListener("change", () => {
        this.#device = { ...model.devices[Number(select.value)] };
        for (const [label, key, unit] of [[peak, "peak", 1e12], [bandwidth, "bandwidth", 1e9]] as const) {
          (label.lastElementChild as HTMLInputElement).value = String(this.#device[key] / unit);
        }
        this.render();
      });
      tools.append(html("label", {}, "Device ", select));
    }
    tools.append(peak, bandwidth);
    this.element = html("div", {}, tools, this.#verdict, this.#canvas);
    new ResizeObserver(() => this.render()).observe(this.#canvas);
  }

  #number(text: string, unit: number, key: "peak" | "bandwidth"): HTMLLabelElement {
    const input = html("input", { type: "number", min: 0, step: "any", value: this.#device[key] / unit });
    input.addEventListener("input", () => {
      const value = Number(input.value) * unit;
      if (!(value > 0) || !Number.isFinite(value)) return;
      this.#device = { ...this.#device, [key]: value };
      this.render();
    });
    return html("label", {}, `${text} `, input);
  }

  #time(flops: number, moved: number): number {
    return Math.max(flops / this.#device.peak, moved / this.#device.bandwidth);
  }

  #showTimes(ridge: number): void {
    let total = 0;
    let memory = 0;
    for (const node of this.#model.nodes) {
      const moved = node.bytesRead + node.bytesWritten;
      const time = this.#time(node.flops, moved);
      total += time;
      if (node.flops < moved * ridge) memory += time;
    }
    // The least time for sizes that are upper bounds is no least time of the model.
    const isBound = this.#model.profile.totals.bound;
    this.#verdict.replaceChildren(
      isBound ? "With sizes at their upper bounds and at full speed " : "At least ",
      html("strong", {}, bounded(isBound, seconds(total))),
      ` in all, operator by operator and without fusion; ${share(memory, total)} of it bound by memory. The ridge is at ${ridge.toFixed(1)} FLOPs per byte.`,
    );
  }

  /** Draws at the current width; nothing if it is 0. */
  render(): void {
    const width = Math.floor(this.#canvas.clientWidth);
    const ridge = this.#device.peak / this.#device.bandwidth;
    this.#showTimes(ridge);
    if (width === 0) return;
    if (this.#points.length === 0) {
      this.#canvas.replaceChildren(html("p", { class: "quiet empty" }, "No operator has FLOPs."));
      return;
    }
    const height = 420;
    const frame = { left: 64, right: width - 20, top: 28, bottom: height - 44 };
    let [lowX, highX, lowY, highY] = [ridge, ridge, Infinity, 0];
    for (const { intensity, node } of this.#points) {
      lowX = Math.min(lowX, intensity);
      highX = Math.max(highX, intensity);
      lowY = Math.min(lowY, node.flops);
      highY = Math.max(highY, node.flops);
    }
    const x = logarithmic([lowX / 2, highX * 2], [frame.left, frame.right]);
    const y = logarithmic([Math.max(0.5, lowY / 3), highY * 4], [frame.bottom, frame.top]);
    const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": "Arithmetic intensity against FLOPs of each operator" });
    const clipper = svg("clipPath", { id: "roofline-clip" }, svg("rect", { x: frame.left, y: frame.top, width: Math.max(0, frame.right - frame.left), height: frame.bottom - frame.top }));
    picture.append(
      svg("defs", {}, clipper),
      axisX(frame, x, powers(lowX / 2, highX * 2, Math.max(3, Math.floor(width / 90))), (value) => (value < 1 ? String(value) : count(value)), "FLOPs per byte"),
      axisY(frame, y, powers(Math.max(0.5, lowY / 3), highY * 4, 9), count, "FLOPs of the operator"),
      this.#curves(frame, x, y, ridge, highX * 2),
    );
    const dots = svg("g", { "clip-path": "url(#roofline-clip)" });
    for (const point of this.#points) dots.append(this.#dot(point, x(point.intensity), y(point.node.flops), ridge));
    picture.append(dots);
    this.#canvas.replaceChildren(
      picture,
      html(
        "ul",
        { class: "legend" },
        html("li", {}, html("span", { class: "swatch bound-memory" }), " bound by memory"),
        html("li", {}, html("span", { class: "swatch bound-compute" }), " bound by arithmetic"),
        html("li", {}, html("span", { class: "swatch line-time" }), " equal least time"),
      ),
    );
  }

  #curves(frame: { left: number; right: number; top: number; bottom: number }, x: (v: number) => number, y: { (v: number): number; invert(p: number): number }, ridge: number, highX: number): SVGGElement {
    const { peak } = this.#device;
    const group = svg("g", {});
    const inner = svg("g", { "clip-path": "url(#roofline-clip)" });
    inner.append(svg("line", { class: "ridge", x1: x(ridge), x2: x(ridge), y1: frame.top, y2: frame.bottom }));
    const first = Math.max(-9, Math.floor(Math.log10(y.invert(frame.bottom) / peak)));
    const last = Math.ceil(Math.log10(y.invert(frame.top) / peak)) + 2;
    for (let power = first; power <= last; ++power) {
      const time = 10 ** power;
      const flat = y(peak * time);
      const low = ridge * 1e-8;
      inner.append(svg("path", { class: "roof", d: `M${x(low)} ${y(peak * time * 1e-8)}L${x(ridge)} ${flat}H${x(highX)}` }));
      if (flat > frame.top + 10 && flat < frame.bottom - 4) {
        group.append(svg("text", { class: "roof-label", x: frame.right - 4, y: flat - 4, "text-anchor": "end" }, seconds(time)));
      }
    }
    group.prepend(inner);
    return group;
  }

  #dot(point: Point, cx: number, cy: number, ridge: number): SVGCircleElement {
    const bound = point.intensity < ridge ? "memory" : "arithmetic";
    const dot = svg("circle", { class: `dot ${bound === "memory" ? "bound-memory" : "bound-compute"}`, cx, cy, r: Math.min(14, 3.5 + Math.sqrt(point.times)) });
    const { node } = point;
    const isBound = this.#model.isBound(node);
    const least = seconds(this.#time(node.flops, point.moved));
    dot.addEventListener("pointermove", (event) =>
      showTooltip(event, [
        point.times === 1 ? node.operator : `${node.operator} × ${point.times}`,
        point.times === 1 ? this.#model.title(node.module) : `${this.#model.title(node.module)} and others alike`,
        `${bounded(isBound, count(node.flops))} FLOPs, ${bounded(isBound, bytes(point.moved))}: ${point.intensity.toFixed(2)} per byte`,
        `${isBound ? `≤ ${least} at full speed` : `at least ${least}`}, bound by ${bound}`,
      ]),
    );
    dot.addEventListener("pointerleave", hideTooltip);
    dot.addEventListener("click", () => this.#selection.select(node.module, "roofline"));
    return dot;
  }
}
