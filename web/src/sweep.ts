// The page of `sweep`: a table of all combinations, and any figure against another.
import { choice, hideTooltip, html, showTooltip, svg } from "./dom";
import { bytes, count, exact } from "./format";
import { section, showPage } from "./frame";
import { HeadRow, moved, RowView } from "./grid";
import { axisX, axisY, linear, logarithmic, ticks } from "./plot";
import type { Scale } from "./plot";

type Cell = number | string | null;

interface SweepColumn {
  name: string;
  unit: "text" | "count" | "bytes" | "ratio";
  summary: string;
}

export interface SweepDocument {
  program: string;
  sweep: { columns: SweepColumn[]; rows: Cell[][] };
}

type Sweep = SweepDocument["sweep"];

const modelAt = 0;
const batchAt = 1;
const resolutionAt = 2;
const dtypeAt = 3;

function textOf(column: SweepColumn, value: Cell): string {
  if (value === null) return "";
  if (typeof value === "string") return value;
  if (column.unit === "bytes") return bytes(value);
  return column.unit === "ratio" ? value.toPrecision(4) : count(value);
}

/** "520x960" as the side of a square of the same area, for sorting and axes. */
function side(resolution: Cell): number {
  const [height, width] = String(resolution ?? "0").split("x").map(Number);
  return width === undefined ? height : Math.sqrt(height * width);
}

function order(column: number, value: Cell): number | string {
  if (column === resolutionAt) return side(value);
  return value ?? -Infinity;
}

interface TableColumn {
  key: string;
  label: string;
  title: string;
  place: number;
}

class SweepTable {
  readonly element: HTMLElement;
  #sweep: Sweep;
  #rows: number[] = [];
  #current = 0;
  #head: HeadRow<TableColumn>;
  #view: RowView;
  #filter: (row: Cell[]) => boolean = () => true;

  constructor(sweep: Sweep) {
    this.#sweep = sweep;
    const columns = sweep.columns.map((column, place) => ({ key: column.name, label: column.name, title: column.summary, place }));
    this.#head = new HeadRow(columns, () => this.#update());
    this.#view = new RowView("grid", "Combinations", "sweep-table", this.#head.element);
    const widths = sweep.columns.map((column) => (column.name === "model" || column.name === "reason" ? "minmax(200px, 2fr)" : "minmax(88px, 1fr)"));
    this.#view.scroller.style.setProperty("--columns", widths.join(" "));
    this.#view.scroller.style.setProperty("--least", `${sweep.columns.length * 92 + 230}px`);
    this.#view.scroller.addEventListener("keydown", (event) => {
      if (event.target !== this.#view.scroller) return;
      const place = moved(event, this.#current, this.#rows.length, this.#view.rowsInSight());
      if (place === null) return;
      this.#current = place;
      this.#view.reveal(place);
      this.#view.render();
    });
    this.element = this.#view.scroller;
    this.#update();
  }

  /** Returns how many rows are left. */
  filter(accepts: (row: Cell[]) => boolean): number {
    this.#filter = accepts;
    this.#current = 0;
    this.#update();
    return this.#rows.length;
  }

  #update(): void {
    const { rows } = this.#sweep;
    this.#rows = rows.map((_, index) => index).filter((index) => this.#filter(rows[index]));
    const sort = this.#head.sort;
    if (sort !== null) {
      const { place } = sort.column;
      const sign = sort.descending ? -1 : 1;
      this.#rows.sort((a, b) => {
        // Rows without a figure come last in either order.
        const isLacking = Number(rows[a][place] === null) - Number(rows[b][place] === null);
        if (isLacking !== 0) return isLacking;
        const x = order(place, rows[a][place]);
        const y = order(place, rows[b][place]);
        return x === y ? a - b : x < y ? -sign : sign;
      });
    }
    this.#view.show(this.#rows.length, (index) => this.#row(index));
  }

  #row(place: number): HTMLElement {
    const { columns, rows } = this.#sweep;
    const row = rows[this.#rows[place]];
    const element = html("div", { class: "tree-row", role: "row", "data-index": this.#rows[place], "aria-selected": String(place === this.#current) });
    row.forEach((value, index) => {
      const column = columns[index];
      const cell = html("div", { class: `cell cell-${column.name} unit-${column.unit}`, role: "gridcell", "data-value": value }, textOf(column, value));
      if (value !== null) cell.title = typeof value === "number" ? exact(value) : value;
      element.append(cell);
    });
    element.addEventListener("click", () => {
      this.#current = place;
      this.#view.render();
    });
    return element;
  }
}

/** At most nine round values on a logarithmic axis: powers of two, or 1, 2, 5 times powers of ten. */
function logarithmicSteps(low: number, high: number, base: 2 | 10): number[] {
  const all: number[] = [];
  for (let exponent = Math.floor(Math.log(low) / Math.log(base)); base ** exponent <= high; ++exponent) {
    for (const factor of base === 2 ? [1] : [1, 2, 5]) all.push(factor * base ** exponent);
  }
  const inside = all.filter((value) => value >= low && value <= high);
  const step = Math.ceil(inside.length / 9);
  return inside.filter((_, index) => index % step === 0);
}

const width = 1100;
const height = 560;
const frame = { left: 86, right: width - 20, top: 30, bottom: height - 46 };
const mostPoints = 4000;
const hues = 10;

class SweepPlot {
  readonly element: HTMLElement;
  #sweep: Sweep;
  #figure = html("div", { class: "plot", id: "sweep-plot" });
  #note = html("p", { class: "quiet", role: "status" });
  #x = batchAt;
  #y: number;
  #isLogarithmic = true;
  #rows: Cell[][] = [];

  constructor(sweep: Sweep) {
    this.#sweep = sweep;
    const figures = sweep.columns.map((column, index) => ({ column, index })).filter(({ column, index }) => index > dtypeAt && column.unit !== "text" && column.name !== "bounded");
    this.#y = figures.find(({ column }) => column.name === "memory")?.index ?? figures[0]?.index ?? batchAt;
    const varies = (place: number) => new Set(sweep.rows.map((row) => row[place])).size > 1;
    this.#x = varies(batchAt) ? batchAt : varies(resolutionAt) ? resolutionAt : figures[0]?.index ?? batchAt;
    const picker = (label: string, options: { column: SweepColumn; index: number }[], chosen: number, act: (index: number) => void) => {
      const select = html("select", { "aria-label": label }, ...options.map(({ column, index }) => html("option", { value: index, selected: index === chosen }, column.name)));
      select.addEventListener("change", () => {
        act(Number(select.value));
        this.render();
      });
      return html("label", {}, `${label} `, select);
    };
    const axes = [batchAt, resolutionAt].map((index) => ({ column: sweep.columns[index], index }));
    this.element = html("div", {}, html("div", { class: "toolbar" },
      picker("Up", figures, this.#y, (index) => (this.#y = index)),
      picker("Across", [...axes, ...figures], this.#x, (index) => (this.#x = index)),
      choice("Scale", [["log", "Logarithmic"], ["linear", "Linear"]] as const, "log", (scale) => {
        this.#isLogarithmic = scale === "log";
        this.render();
      })), this.#figure, this.#note);
  }

  show(rows: Cell[][]): void {
    this.#rows = rows;
    this.render();
  }

  #across(row: Cell[]): number {
    return this.#x === resolutionAt ? side(row[resolutionAt]) : Number(row[this.#x] ?? NaN);
  }

  #scale(values: readonly number[], range: readonly [number, number]): Scale {
    const high = Math.max(...values);
    const low = Math.min(...values);
    if (!this.#isLogarithmic) return linear([0, high * 1.05 || 1], range);
    return logarithmic([low / 1.15, high * 1.15], range);
  }

  #marks(values: readonly number[], unit: string, isAxis: boolean): number[] {
    const high = Math.max(...values);
    const low = Math.min(...values);
    if (!this.#isLogarithmic) return ticks(high, 8, unit === "bytes" ? 2 : 10);
    const distinct = [...new Set(values)].sort((a, b) => a - b);
    if (isAxis && distinct.length <= 12) return distinct;
    return logarithmicSteps(low / 1.15, high * 1.15, unit === "bytes" ? 2 : 10);
  }

  /** One line per model and per value of the other axes; only points if a figure is the x axis. */
  render(): void {
    const { columns } = this.#sweep;
    const isAxis = this.#x === batchAt || this.#x === resolutionAt;
    const least = this.#isLogarithmic ? Number.MIN_VALUE : -1;
    const all = this.#rows.filter((row) => Number(row[this.#y] ?? NaN) >= least && this.#across(row) >= least);
    const rows = all.slice(0, mostPoints);
    this.#note.textContent = all.length > rows.length ? `The first ${exact(rows.length)} of ${exact(all.length)} points are shown: filter above.` : `${exact(rows.length)} points`;
    if (rows.length === 0) {
      this.#figure.replaceChildren(html("p", { class: "empty quiet" }, "Nothing to show."));
      return;
    }
    const xs = rows.map((row) => this.#across(row));
    const ys = rows.map((row) => Number(row[this.#y]));
    const x = this.#scale(xs, [frame.left, frame.right]);
    const y = this.#scale(ys, [frame.bottom, frame.top]);
    const lines = new Map<string, Cell[][]>();
    for (const row of rows) {
      const key = [modelAt, batchAt, resolutionAt, dtypeAt].filter((place) => place !== this.#x).map((place) => row[place]).join(" · ");
      lines.set(key, [...(lines.get(key) ?? []), row]);
    }
    const models = [...new Set(rows.map((row) => row[modelAt]))];
    const hue = new Map(models.map((model, index) => [model, index % hues]));
    const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${columns[this.#y].name} against ${columns[this.#x].name}` });
    const text = (place: number) => (value: number) => (place === batchAt || place === resolutionAt ? exact(Math.round(value)) : textOf(columns[place], value));
    picture.append(
      axisX(frame, x, this.#marks(xs, columns[this.#x].unit, isAxis), text(this.#x), columns[this.#x].name),
      axisY(frame, y, this.#marks(ys, columns[this.#y].unit, false), text(this.#y), columns[this.#y].name),
    );
    for (const [key, members] of lines) {
      const group = svg("g", { class: `series hue-${hue.get(members[0][modelAt])}`, "data-series": key });
      if (isAxis && members.length > 1) {
        const points = [...members].sort((a, b) => this.#across(a) - this.#across(b)).map((row) => `${x(this.#across(row)).toFixed(1)},${y(Number(row[this.#y])).toFixed(1)}`);
        group.append(svg("polyline", { points: points.join(" ") }));
      }
      for (const row of members) {
        const dot = svg("circle", { cx: x(this.#across(row)).toFixed(1), cy: y(Number(row[this.#y])).toFixed(1), r: 3.2 });
        dot.addEventListener("pointermove", (event: PointerEvent) => this.#showPoint(event, row));
        dot.addEventListener("pointerleave", hideTooltip);
        group.append(dot);
      }
      picture.append(group);
    }
    this.#figure.replaceChildren(picture);
    if (models.length <= 16) this.#figure.append(html("ul", { class: "legend" }, ...models.map((model) => html("li", {}, html("span", { class: `swatch series-swatch hue-${hue.get(model)}` }), ` ${model}`))));
  }

  #showPoint(event: PointerEvent, row: Cell[]): void {
    const { columns } = this.#sweep;
    const figures = [...new Set([this.#x, this.#y])].filter((place) => place > dtypeAt).map((place) => `${columns[place].name} ${textOf(columns[place], row[place])} (${row[place]})`);
    showTooltip(event, [String(row[modelAt]), `batch ${row[batchAt]}, resolution ${row[resolutionAt]}, ${row[dtypeAt]}`, ...figures]);
  }
}

/** What the table and the plot show: models by name, and one or all values of each axis. */
function filters(sweep: Sweep, changed: (accepts: (row: Cell[]) => boolean) => void): HTMLElement {
  const wanted = new Map<number, string>();
  let words: string[] = [];
  const apply = () => changed((row) => {
    for (const [place, value] of wanted) if (value !== "" && String(row[place] ?? "") !== value) return false;
    const model = String(row[modelAt]).toLowerCase();
    return words.length === 0 || words.some((word) => model.includes(word));
  });
  const search = html("input", { type: "search", placeholder: "Models: resnet vit", "aria-label": "Filter models", id: "model-filter" });
  search.addEventListener("input", () => {
    words = search.value.toLowerCase().split(/[\s,]+/).filter((word) => word !== "");
    apply();
  });
  const pickers = [batchAt, resolutionAt, dtypeAt].map((place) => {
    const values = [...new Set(sweep.rows.map((row) => row[place]))].filter((value) => value !== null);
    const { name } = sweep.columns[place];
    const select = html("select", { "aria-label": name, id: `filter-${name}` }, html("option", { value: "" }, "all"), ...values.map((value) => html("option", { value }, String(value))));
    select.addEventListener("change", () => {
      wanted.set(place, select.value);
      apply();
    });
    return html("label", {}, `${name} `, select);
  });
  return html("div", { class: "toolbar" }, search, ...pickers);
}

export function sweepPage({ program, sweep }: SweepDocument): void {
  const models = new Set(sweep.rows.map((row) => row[modelAt])).size;
  const refused = sweep.rows.filter((row) => row[row.length - 1] !== null).length;
  const overview = section("summary", "Sweep", "");
  const card = (figure: string, label: string, value: number) => html("div", { class: "card", "data-figure": figure, "data-value": value }, html("div", { class: "card-label" }, label), html("div", { class: "card-value" }, exact(value)));
  const status = html("p", { class: "quiet", role: "status", id: "shown" });
  overview.append(html("div", { class: "cards" }, card("rows", "Combinations", sweep.rows.length), card("models", "Models", models), card("refused", "Without figures, with a reason", refused)));
  const plot = new SweepPlot(sweep);
  const table = new SweepTable(sweep);
  const show = (accepts: (row: Cell[]) => boolean) => {
    const left = table.filter(accepts);
    status.textContent = `${exact(left)} of ${exact(sweep.rows.length)} combinations`;
    plot.show(sweep.rows.filter(accepts));
  };
  overview.append(filters(sweep, show), status);
  const plotted = section("plot", "Plot", "A line per model; point at a dot to see its figures.");
  plotted.append(plot.element);
  const listed = section("table", "Table", "");
  listed.append(table.element);
  show(() => true);
  showPage({ title: `${exact(models)} models, ${exact(sweep.rows.length)} combinations`, origin: program, program, sections: [overview, plotted, listed] });
}
