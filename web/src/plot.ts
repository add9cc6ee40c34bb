// Axes of the two plots.
import { svg } from "./dom";

export interface Scale {
  (value: number): number;
  invert(position: number): number;
}

export function linear(domain: readonly [number, number], range: readonly [number, number]): Scale {
  const factor = (range[1] - range[0]) / (domain[1] - domain[0] || 1);
  const scale = (value: number) => range[0] + (value - domain[0]) * factor;
  return Object.assign(scale, { invert: (position: number) => domain[0] + (position - range[0]) / factor });
}

export function logarithmic(domain: readonly [number, number], range: readonly [number, number]): Scale {
  const inner = linear([Math.log10(domain[0]), Math.log10(domain[1])], range);
  const scale = (value: number) => inner(Math.log10(value));
  return Object.assign(scale, { invert: (position: number) => 10 ** inner.invert(position) });
}

/** About `most` round values between 0 and `high`, in steps of 1, 2 or 5 times a power of `base`. */
export function ticks(high: number, most: number, base: 10 | 2): number[] {
  if (high <= 0) return [0];
  const unit = base === 10 ? 10 ** Math.floor(Math.log10(high / most)) : 2 ** Math.floor(Math.log2(high / most));
  const step = [1, 2, 5, 10].map((factor) => factor * unit).find((candidate) => high / candidate <= most) ?? 10 * unit;
  return Array.from({ length: Math.floor(high / step) + 1 }, (_, index) => index * step);
}

export function powers(low: number, high: number, most: number): number[] {
  const first = Math.ceil(Math.log10(low));
  const last = Math.floor(Math.log10(high));
  const step = Math.max(1, Math.ceil((last - first + 1) / most));
  return Array.from({ length: Math.max(0, Math.floor((last - first) / step) + 1) }, (_, index) => 10 ** (first + index * step));
}

export interface Frame {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export function axisX(frame: Frame, scale: Scale, values: readonly number[], text: (value: number) => string, title: string): SVGGElement {
  const axis = svg("g", { class: "axis" });
  for (const value of values) {
    const x = scale(value);
    axis.append(
      svg("line", { class: "grid", x1: x, x2: x, y1: frame.top, y2: frame.bottom }),
      svg("text", { x, y: frame.bottom + 16, "text-anchor": "middle" }, text(value)),
    );
  }
  axis.append(
    svg("line", { x1: frame.left, x2: frame.right, y1: frame.bottom, y2: frame.bottom }),
    svg("text", { class: "axis-title", x: frame.right, y: frame.bottom + 32, "text-anchor": "end" }, title),
  );
  return axis;
}

export function axisY(frame: Frame, scale: Scale, values: readonly number[], text: (value: number) => string, title: string): SVGGElement {
  const axis = svg("g", { class: "axis" });
  for (const value of values) {
    const y = scale(value);
    axis.append(
      svg("line", { class: "grid", x1: frame.left, x2: frame.right, y1: y, y2: y }),
      svg("text", { x: frame.left - 8, y, dy: "0.32em", "text-anchor": "end" }, text(value)),
    );
  }
  axis.append(svg("text", { class: "axis-title", x: frame.left, y: frame.top - 10 }, title));
  return axis;
}
