function fourDigits(value: number): string {
  if (value >= 1000) return value.toFixed(0);
  if (value >= 100) return value.toFixed(1);
  if (value >= 10) return value.toFixed(2);
  return value.toFixed(3);
}

function scaled(value: number, base: number, prefixes: readonly string[]): string {
  let index = -1;
  while (Math.abs(value) >= base && index + 1 < prefixes.length) {
    value /= base;
    ++index;
  }
  return `${fourDigits(value)} ${prefixes[index] ?? ""}`;
}

/** "4.089 G": four significant digits, as the program's text report has them. */
export function count(value: number): string {
  return Math.abs(value) < 1000 ? String(value) : scaled(value, 1000, ["k", "M", "G", "T", "P", "E"]);
}

export function bytes(value: number): string {
  return Math.abs(value) < 1024 ? `${value} B` : scaled(value, 1024, ["KiB", "MiB", "GiB", "TiB", "PiB"]);
}

export function exact(value: number): string {
  return value.toLocaleString("en-US");
}

export function share(part: number, whole: number): string {
  return whole === 0 ? "–" : `${((100 * part) / whole).toFixed(1)}%`;
}

export function seconds(value: number): string {
  if (value >= 1) return `${fourDigits(value)} s`;
  if (value >= 1e-3) return `${fourDigits(value * 1e3)} ms`;
  if (value >= 1e-6) return `${fourDigits(value * 1e6)} µs`;
  return `${fourDigits(value * 1e9)} ns`;
}

/** The sizes of a tensor; null where one, or the whole shape, is not known. */
export type Sizes = readonly (number | null)[] | null;

/** "1×?×224", "?", or nothing for a scalar. */
export function shortShape(sizes: Sizes): string {
  return sizes === null ? "?" : sizes.map((size) => size ?? "?").join("×");
}

/** "1 × ? × 224", "?", or "scalar". */
export function shape(sizes: Sizes): string {
  return sizes?.length === 0 ? "scalar" : shortShape(sizes).replaceAll("×", " × ");
}

/** "+135.2 M", "−2.1 k": a change with the text of its size; empty for none. */
export function signed(value: number, text: (size: number) => string): string {
  return value === 0 ? "" : `${value < 0 ? "−" : "+"}${text(Math.abs(value))}`;
}
