// The page of `diff`: two models side by side, module by module.
import { choice, html } from "./dom";
import { bytes, count, exact, type Sizes, signed } from "./format";
import { section, showPage } from "./frame";
import { HeadRow, moved, RowView } from "./grid";

interface Side {
  model: string;
  source: string;
  variant?: string;
  inputs: { name: string; shape: number[]; dtype: string }[];
  notes?: string[];
}

interface ModuleSide {
  path: string;
  type: string;
  calls: number;
  parameters: number;
  buffers: number;
  macs: number;
  flops: number;
  activations: number;
  bytes_read: number;
  bytes_written: number;
  output_shapes: Sizes[];
}

interface DiffModule {
  state: "same" | "changed" | "added" | "removed";
  parent: number;
  renamed?: true;
  moved?: true;
  before?: ModuleSide;
  after?: ModuleSide;
  details?: { what: string; before: string; after: string }[];
}

interface OperatorSide {
  count: number;
  macs: number;
  flops: number;
}

export interface DiffDocument {
  program: string;
  diff: {
    before: Side;
    after: Side;
    totals: Record<string, { before: number; after: number; change: number; relative: number | null }>;
    counts: Record<"same" | "changed" | "added" | "removed" | "renamed" | "moved", number>;
    modules: DiffModule[];
    operators: { op: string; before: OperatorSide; after: OperatorSide }[];
  };
}

type Diff = DiffDocument["diff"];

const byteFigures = new Set(["peak", "parameter_bytes", "memory", "bytes_read", "bytes_written", "traffic"]);
const labels: Record<string, string> = {
  parameters: "Parameters", buffers: "Buffers", macs: "MACs", flops: "FLOPs", activations: "Activations", peak: "Peak activations",
  parameter_bytes: "Weights", memory: "Memory", bytes_read: "Bytes read", bytes_written: "Bytes written", traffic: "Traffic",
  intensity: "FLOPs per byte", nodes: "Operators", unknown: "Unknown operators",
};

function textOf(figure: string): (value: number) => string {
  if (byteFigures.has(figure)) return bytes;
  return figure === "intensity" ? (value) => value.toPrecision(4) : count;
}

function percent(relative: number | null): string {
  if (relative === null) return "new";
  return relative === 0 ? "" : `${relative < 0 ? "−" : "+"}${(100 * Math.abs(relative)).toFixed(1)}%`;
}

function signClass(change: number): string {
  return change > 0 ? "more" : change < 0 ? "less" : "quiet";
}

function cards(diff: Diff): HTMLElement {
  const shown = Object.entries(diff.totals).filter(([name, total]) => total.change !== 0 || ["parameters", "macs", "flops", "peak", "memory"].includes(name));
  return html("div", { class: "cards" }, ...shown.map(([name, total]) => {
    const text = textOf(name);
    const change = [signed(total.change, text), percent(total.relative)].filter((part) => part !== "").join(" · ");
    return html(
      "div",
      { class: "card", "data-figure": name, "data-value": total.after, "data-before": total.before, "data-change": total.change },
      html("div", { class: "card-label" }, labels[name] ?? name),
      html("div", { class: "card-value", title: exact(total.after) }, text(total.after)),
      html("div", { class: `card-exact ${signClass(total.change)}` }, change === "" ? "as before" : change),
      html("div", { class: "card-exact" }, change === "" ? "" : `was ${text(total.before)}`),
    );
  }));
}

function sidePanel(title: string, side: Side): HTMLElement {
  const ports = side.inputs.map((input) => html("li", {}, html("code", {}, `${input.name} ${input.shape.join("×")} ${input.dtype}`)));
  const notes = (side.notes ?? []).map((note) => html("li", { class: "quiet" }, note));
  return html("div", { class: "panel" }, html("h3", {}, `${title}: ${side.model}`), html("p", { class: "quiet" }, [side.source, side.variant].filter(Boolean).join(", ")), html("ul", { class: "plain ports" }, ...ports), html("ul", { class: "plain" }, ...notes));
}

interface Column {
  key: string;
  label: string;
  title?: string;
  value(module: DiffModule): number | string;
  text(module: DiffModule): string;
  change?: true;
}

const traffic = (side: ModuleSide | undefined): number => (side === undefined ? 0 : side.bytes_read + side.bytes_written);
const figureOf = { parameters: (s?: ModuleSide) => s?.parameters ?? 0, macs: (s?: ModuleSide) => s?.macs ?? 0, flops: (s?: ModuleSide) => s?.flops ?? 0, traffic };

function figureColumns(key: keyof typeof figureOf, label: string, text: (value: number) => string): Column[] {
  const get = figureOf[key];
  const change = (m: DiffModule) => get(m.after) - get(m.before);
  return [
    { key, label, value: (m) => get(m.after), text: (m) => (m.after === undefined ? "–" : text(get(m.after))) },
    { key: `change-${key}`, label: `Δ ${label}`, title: `Change of ${label}`, value: change, text: (m) => signed(change(m), text), change: true },
  ];
}

const nameOf = (path: string, type: string) => (path === "" ? type : path.slice(path.lastIndexOf(".") + 1));

const columns: readonly Column[] = [
  { key: "before", label: "Before", value: (m) => m.before?.path ?? "", text: (m) => (m.before === undefined ? "" : nameOf(m.before.path, m.before.type)) },
  { key: "after", label: "After", value: (m) => m.after?.path ?? "", text: (m) => (m.after === undefined ? "" : nameOf(m.after.path, m.after.type)) },
  { key: "type", label: "Type", value: (m) => (m.after ?? m.before)?.type ?? "", text: (m) => {
    const was = m.before?.type;
    const is = m.after?.type;
    return was !== undefined && is !== undefined && was !== is ? `${was} → ${is}` : is ?? was ?? "";
  } },
  ...figureColumns("parameters", "Params", count),
  ...figureColumns("macs", "MACs", count),
  ...figureColumns("traffic", "Traffic", bytes),
];

const marks = { same: "", changed: "~", added: "+", removed: "−" } as const;

class DiffTree {
  readonly element: HTMLElement;
  #modules: readonly DiffModule[];
  #children: number[][];
  #depth: number[];
  #holdsChanges: boolean[];
  #open = new Set<number>([0]);
  #rows: number[] = [];
  #current = 0;
  #onlyChanges = true;
  #query = "";
  #head: HeadRow<Column>;
  #view: RowView;
  #most: Record<string, number> = {};
  #status = html("span", { class: "quiet", role: "status" });
  #chosen: (module: DiffModule) => void;

  constructor(diff: Diff, chosen: (module: DiffModule) => void) {
    this.#modules = diff.modules;
    this.#chosen = chosen;
    this.#children = diff.modules.map(() => []);
    this.#depth = diff.modules.map(() => 0);
    diff.modules.forEach((module, index) => {
      if (module.parent < 0) return;
      this.#children[module.parent].push(index);
      this.#depth[index] = this.#depth[module.parent] + 1;
    });
    this.#holdsChanges = diff.modules.map((m) => m.state !== "same" || m.renamed === true || m.moved === true);
    for (let i = diff.modules.length; i-- > 0;) if (this.#holdsChanges[i] && diff.modules[i].parent >= 0) this.#holdsChanges[diff.modules[i].parent] = true;
    for (const column of columns) {
      if (column.change) this.#most[column.key] = Math.max(...diff.modules.map((m) => Math.abs(column.value(m) as number)));
    }
    this.#head = new HeadRow(columns, () => this.#update());
    this.#view = new RowView("treegrid", "Modules before and after", "diff-tree", this.#head.element);
    this.#view.scroller.addEventListener("keydown", (event) => this.#key(event));
    const search = html("input", { type: "search", placeholder: "Search paths and types", "aria-label": "Search modules" });
    search.addEventListener("input", () => {
      this.#query = search.value.trim().toLowerCase();
      this.#current = 0;
      this.#update();
    });
    const button = (label: string, act: () => void) => html("button", { type: "button", click: act }, label);
    const filter = choice("Shown modules", [["changes", "Changes"], ["all", "All"]] as const, "changes", (value) => {
      this.#onlyChanges = value === "changes";
      this.#update();
    });
    this.element = html("div", {}, html("div", { class: "toolbar" }, search, filter,
      button("Expand all", () => {
        this.#children.forEach((list, index) => list.length > 0 && this.#open.add(index));
        this.#update();
      }),
      button("Collapse all", () => {
        this.#open = new Set([0]);
        this.#update();
      }), this.#status), this.#view.scroller);
    this.#update();
  }

  #matches(index: number): boolean {
    const { before, after } = this.#modules[index];
    return `${before?.path ?? ""}\n${before?.type ?? ""}\n${after?.path ?? ""}\n${after?.type ?? ""}`.toLowerCase().includes(this.#query);
  }

  #ordered(list: readonly number[]): number[] {
    const sort = this.#head.sort;
    if (sort === null) return [...list];
    const sign = sort.descending ? -1 : 1;
    const key = (index: number) => {
      const value = sort.column.value(this.#modules[index]);
      return sort.column.change ? Math.abs(value as number) : value;
    };
    return [...list].sort((a, b) => {
      const x = key(a);
      const y = key(b);
      return x === y ? a - b : x < y ? -sign : sign;
    });
  }

  #update(): void {
    const selected = this.#rows[this.#current];
    const found = new Set<number>();
    if (this.#query !== "") {
      this.#modules.forEach((_, index) => {
        if (!this.#matches(index) || (this.#onlyChanges && !this.#holdsChanges[index])) return;
        for (let at = index; at >= 0 && !found.has(at); at = this.#modules[at].parent) found.add(at);
      });
    }
    this.#rows = [];
    const visit = (index: number): void => {
      if (this.#onlyChanges && !this.#holdsChanges[index] && index !== 0) return;
      if (this.#query !== "" && !found.has(index)) return;
      this.#rows.push(index);
      if (this.#query !== "" || this.#open.has(index)) for (const child of this.#ordered(this.#children[index])) visit(child);
    };
    visit(0);
    const place = this.#rows.indexOf(selected);
    this.#current = Math.max(0, Math.min(place >= 0 ? place : this.#current, this.#rows.length - 1));
    this.#status.textContent = this.#rows.length === 1 ? "1 row" : `${exact(this.#rows.length)} rows`;
    this.#view.show(this.#rows.length, (index) => this.#row(index));
  }

  #row(place: number): HTMLElement {
    const index = this.#rows[place];
    const module = this.#modules[index];
    const isExpandable = this.#children[index].some((child) => !this.#onlyChanges || this.#holdsChanges[child]);
    const row = html("div", {
      class: `tree-row state-${module.state}`, role: "row", "data-index": index, "data-state": module.state, "aria-level": this.#depth[index] + 1,
      "aria-selected": String(place === this.#current), "aria-expanded": isExpandable ? String(this.#query !== "" || this.#open.has(index)) : null,
    });
    for (const column of columns) {
      const value = column.value(module);
      const cell = html("div", { class: `cell cell-${column.key}`, role: "gridcell", "data-value": value }, column.text(module));
      if (typeof value === "number") cell.title = exact(value);
      if (column.change && typeof value === "number" && value !== 0) {
        cell.classList.add(signClass(value), "bar");
        cell.style.setProperty("--share", (Math.abs(value) / this.#most[column.key]).toFixed(4));
      }
      if (column.key === "before" || column.key === "after") {
        cell.style.paddingLeft = `${8 + 14 * this.#depth[index]}px`;
        cell.title = String(value);
      }
      row.append(cell);
    }
    const twisty = html("span", { class: "twisty", "aria-hidden": "true" }, isExpandable ? "▸" : "");
    twisty.addEventListener("click", (event) => {
      event.stopPropagation();
      this.#current = place;
      this.#toggle(index);
    });
    row.children[0].classList.add("cell-name");
    row.children[0].prepend(twisty);
    const mark = module.state === "same" && (module.renamed || module.moved) ? "›" : marks[module.state];
    row.children[1].prepend(html("span", { class: "mark", "aria-label": module.moved ? "moved" : module.renamed ? "renamed" : module.state }, mark));
    if (module.moved && module.before !== undefined) row.children[0].append(html("span", { class: "quiet" }, ` (was ${module.before.path})`));
    row.addEventListener("click", () => this.#moveTo(place));
    row.addEventListener("dblclick", () => this.#toggle(index));
    return row;
  }

  #toggle(index: number): void {
    if (this.#children[index].length === 0) return;
    if (!this.#open.delete(index)) this.#open.add(index);
    this.#update();
  }

  #moveTo(place: number): void {
    this.#current = place;
    this.#view.reveal(place);
    this.#view.render();
    this.#chosen(this.#modules[this.#rows[place]]);
  }

  #key(event: KeyboardEvent): void {
    if (event.target !== this.#view.scroller) return;
    const place = moved(event, this.#current, this.#rows.length, this.#view.rowsInSight());
    if (place !== null) return this.#moveTo(place);
    const index = this.#rows[this.#current];
    const isOpen = this.#open.has(index);
    if (event.key === "Enter" || event.key === " " || (event.key === "ArrowRight" && !isOpen) || (event.key === "ArrowLeft" && isOpen)) this.#toggle(index);
    else if (event.key === "ArrowRight") this.#moveTo(Math.min(this.#current + 1, this.#rows.length - 1));
    else if (event.key === "ArrowLeft" && this.#modules[index].parent >= 0) this.#moveTo(this.#rows.indexOf(this.#modules[index].parent));
    else return;
    event.preventDefault();
  }
}

function detailsOf(module: DiffModule): Node[] {
  const { before, after } = module;
  const title = (after ?? before)?.path || (after ?? before)?.type || "";
  const words = [module.state, module.renamed ? "renamed" : "", module.moved ? "moved" : ""].filter((word) => word !== "");
  const rows: [string, string, string][] = [];
  const figures: [string, string, string][] = [];
  if (before !== undefined && after !== undefined && before.path !== after.path) rows.push(["path", before.path, after.path]);
  for (const detail of module.details ?? []) rows.push([detail.what, detail.before || "–", detail.after || "–"]);
  for (const key of ["parameters", "buffers", "macs", "flops", "activations", "bytes_read", "bytes_written"] as const) {
    if (before?.[key] !== after?.[key]) figures.push([labels[key], before === undefined ? "–" : exact(before[key]), after === undefined ? "–" : exact(after[key])]);
  }
  const line = (row: readonly string[], kind: string | null) => html("tr", { class: kind }, ...row.map((text) => html("td", {}, text)));
  const table = html("table", { class: "plain" }, html("thead", {}, html("tr", {}, html("th", {}, ""), html("th", {}, "before"), html("th", {}, "after"))), html("tbody", {}, ...rows.map((row) => line(row, null)), ...figures.map((row) => line(row, "figure"))));
  return [html("h3", {}, title), html("p", { class: "quiet" }, words.join(", ")), rows.length + figures.length === 0 ? html("p", {}, "Nothing differs.") : table];
}

function operatorTable(diff: Diff): HTMLElement {
  const head = ["Operator", "Count before", "after", "MACs before", "after", "FLOPs before", "after"];
  const number = (value: number, text: string) => html("td", { class: "number", title: exact(value) }, text);
  const rows = diff.operators.map((each) => html("tr", { "data-op": each.op }, html("td", {}, each.op),
    number(each.before.count, exact(each.before.count)), number(each.after.count, exact(each.after.count)),
    number(each.before.macs, count(each.before.macs)), number(each.after.macs, count(each.after.macs)),
    number(each.before.flops, count(each.before.flops)), number(each.after.flops, count(each.after.flops))));
  return html("div", { class: "scroll" }, html("table", { class: "data" }, html("thead", {}, html("tr", {}, ...head.map((text, index) => html("th", { class: index === 0 ? null : "number" }, text)))), html("tbody", {}, ...rows)));
}

export function diffPage({ program, diff }: DiffDocument): void {
  const overview = section("summary", "Summary", "");
  const { counts } = diff;
  overview.append(cards(diff), html("div", { class: "columns" }, sidePanel("Before", diff.before), sidePanel("After", diff.after)),
    html("p", { class: "quiet", id: "counts" }, `${exact(counts.changed)} modules changed, ${exact(counts.added)} added, ${exact(counts.removed)} removed, ${exact(counts.renamed)} renamed, ${exact(counts.moved)} moved, ${exact(counts.same)} the same`));
  const modules = section("modules", "Modules", "Both trees side by side: ~ changed, + added, − removed, › the same elsewhere. Bars show each change against the largest one.");
  const details = html("aside", { class: "details", "aria-live": "polite", "aria-label": "Selected module" });
  const tree = new DiffTree(diff, (module) => details.replaceChildren(...detailsOf(module)));
  if (diff.modules.length > 0) details.replaceChildren(...detailsOf(diff.modules[0]));
  modules.append(html("div", { class: "split" }, tree.element, details));
  const operators = section("operators", "Operators", diff.operators.length === 0 ? "No operator differs." : "The kinds whose figures differ.");
  if (diff.operators.length > 0) operators.append(operatorTable(diff));
  showPage({ title: `${diff.before.model} → ${diff.after.model}`, origin: program, program, sections: [overview, modules, operators] });
}
