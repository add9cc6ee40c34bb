// The module tree as a grid of rows, of which only the visible ones exist.
import type { Model, ModelModule } from "./data";
import { html } from "./dom";
import { bytes, count, exact, shortShape } from "./format";
import type { Selection } from "./selection";

const rowHeight = 28;
const printedRows = 400;

interface Column {
  key: string;
  label: string;
  value(module: ModelModule): number | string;
  text(module: ModelModule): string;
}

const columns: readonly Column[] = [
  { key: "type", label: "Type", value: (m) => m.type, text: (m) => m.type },
  {
    key: "output",
    label: "Output",
    value: (m) => (m.output_shapes[0] ?? []).reduce<number>((product, size) => product * (size ?? 1), 1),
    text: (m) => (m.output_shapes.length === 0 ? "" : shortShape(m.output_shapes[0]) + (m.output_shapes.length > 1 ? " …" : "")),
  },
  { key: "calls", label: "Calls", value: (m) => m.calls, text: (m) => exact(m.calls) },
  { key: "parameters", label: "Parameters", value: (m) => m.parameters, text: (m) => count(m.parameters) },
  { key: "macs", label: "MACs", value: (m) => m.macs, text: (m) => count(m.macs) },
  { key: "flops", label: "FLOPs", value: (m) => m.flops, text: (m) => count(m.flops) },
  { key: "activations", label: "Activations", value: (m) => m.activations, text: (m) => count(m.activations) },
  {
    key: "memory",
    label: "Traffic",
    value: (m) => m.bytes_read + m.bytes_written,
    text: (m) => bytes(m.bytes_read + m.bytes_written),
  },
];
const shared = new Set(["parameters", "macs", "flops", "activations", "memory"]);

export class TreeView {
  readonly element: HTMLElement;
  #model: Model;
  #selection: Selection;
  #open = new Set<number>();
  #rows: number[] = [];
  #current = 0;
  #sort: { column: Column; descending: boolean } | null = null;
  #query = "";
  #matches: Set<number> | null = null;
  #scroller: HTMLElement;
  #body: HTMLElement;
  #status: HTMLElement;
  #headers = new Map<string, HTMLElement>();
  #printing = false;

  constructor(model: Model, selection: Selection) {
    this.#model = model;
    this.#selection = selection;
    this.#open.add(0);
    if (model.modules[0].children.length === 1) this.#open.add(model.modules[0].children[0]);
    this.#body = html("div", { class: "tree-body", role: "presentation" });
    const head = html("div", { class: "tree-row tree-head", role: "row", "aria-rowindex": 1 });
    head.append(this.#header("name", "Module", null));
    for (const column of columns) head.append(this.#header(column.key, column.label, column));
    this.#scroller = html(
      "div",
      { class: "tree", role: "treegrid", tabindex: 0, "aria-label": "Modules", "aria-colcount": columns.length + 1 },
      html("div", { class: "tree-inner", role: "presentation" }, head, this.#body),
    );
    this.#status = html("span", { class: "quiet", role: "status" });
    const search = html("input", { type: "search", placeholder: "Search paths and types", "aria-label": "Search modules", id: "tree-search" });
    search.addEventListener("input", () => this.#search(search.value));
    const button = (label: string, act: () => void) => {
      const element = html("button", { type: "button" }, label);
      element.addEventListener("click", act);
      return element;
    };
    this.element = html(
      "div",
      {},
      html(
        "div",
        { class: "toolbar" },
        search,
        button("Expand all", () => this.#expandAll()),
        button("Collapse all", () => this.#collapseAll()),
        this.#status,
      ),
      this.#scroller,
    );
    this.#scroller.addEventListener("scroll", () => this.#render());
    this.#scroller.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#render()).observe(this.#scroller);
    addEventListener("beforeprint", () => this.#print(true));
    addEventListener("afterprint", () => this.#print(false));
    selection.listen((module, source) => {
      if (source !== "tree") this.reveal(module);
    });
    this.#update();
  }

  /** Opens the parents of a module and scrolls to it. */
  reveal(module: number): void {
    for (let at = this.#model.modules[module].parent; at >= 0; at = this.#model.modules[at].parent) this.#open.add(at);
    this.#update();
    const index = this.#rows.indexOf(module);
    if (index >= 0) this.#moveTo(index, false);
  }

  #header(key: string, label: string, column: Column | null): HTMLElement {
    const button = html("button", { type: "button", tabindex: -1 }, label);
    const cell = html("div", { class: `cell cell-${key}`, role: "columnheader", "aria-sort": "none", "data-column": key }, button);
    button.addEventListener("click", () => this.#sortBy(column));
    this.#headers.set(key, cell);
    return cell;
  }

  /** Sorts by the largest, then by the smallest, then in the model's order. */
  #sortBy(column: Column | null): void {
    if (column === null) this.#sort = null;
    else if (this.#sort?.column !== column) this.#sort = { column, descending: true };
    else this.#sort = this.#sort.descending ? { column, descending: false } : null;
    for (const [key, cell] of this.#headers) {
      const active = this.#sort?.column.key === key;
      cell.setAttribute("aria-sort", !active ? "none" : this.#sort?.descending ? "descending" : "ascending");
    }
    this.#update();
  }

  #search(text: string): void {
    this.#query = text.trim().toLowerCase();
    this.#matches = null;
    if (this.#query !== "") {
      const { modules } = this.#model;
      this.#matches = new Set();
      let found = 0;
      for (const module of modules) {
        if (!`${module.path}\n${module.type}`.toLowerCase().includes(this.#query)) continue;
        ++found;
        for (let at = module.id; at >= 0 && !this.#matches.has(at); at = modules[at].parent) this.#matches.add(at);
      }
      this.#status.textContent = found === 1 ? "1 module found" : `${exact(found)} modules found`;
    } else {
      this.#status.textContent = "";
    }
    this.#current = 0;
    this.#scroller.scrollTop = 0;
    this.#update();
  }

  #expandAll(): void {
    for (const module of this.#model.modules) if (module.children.length > 0) this.#open.add(module.id);
    this.#update();
  }

  #collapseAll(): void {
    this.#open = new Set([0]);
    this.#current = 0;
    this.#update();
  }

  #isOpen(module: number): boolean {
    return this.#matches !== null || this.#open.has(module);
  }

  #ordered(children: readonly number[]): number[] {
    const shown = this.#matches === null ? [...children] : children.filter((child) => this.#matches?.has(child));
    const sort = this.#sort;
    if (sort === null) return shown;
    const { modules } = this.#model;
    const sign = sort.descending ? -1 : 1;
    return shown.sort((a, b) => {
      const x = sort.column.value(modules[a]);
      const y = sort.column.value(modules[b]);
      if (x === y) return a - b;
      return x < y ? -sign : sign;
    });
  }

  #update(): void {
    const selected = this.#rows[this.#current];
    this.#rows = [];
    const visit = (module: number): void => {
      this.#rows.push(module);
      if (this.#isOpen(module)) for (const child of this.#ordered(this.#model.modules[module].children)) visit(child);
    };
    if (this.#matches === null || this.#matches.has(0)) visit(0);
    const index = this.#rows.indexOf(selected);
    if (index >= 0) this.#current = index;
    this.#current = Math.max(0, Math.min(this.#current, this.#rows.length - 1));
    this.#scroller.setAttribute("aria-rowcount", String(this.#rows.length + 1));
    this.#body.style.height = `${this.#rows.length * rowHeight}px`;
    this.#render();
  }

  #print(on: boolean): void {
    this.#printing = on;
    this.#render();
  }

  #render(): void {
    const top = Math.max(0, this.#scroller.scrollTop - rowHeight);
    const height = this.#scroller.clientHeight || 600;
    let first = Math.max(0, Math.floor(top / rowHeight) - 8);
    let last = Math.min(this.#rows.length, Math.ceil((top + height) / rowHeight) + 8);
    if (this.#printing) {
      first = 0;
      last = Math.min(this.#rows.length, printedRows);
    }
    this.#body.replaceChildren(...this.#rows.slice(first, last).map((module, offset) => this.#row(module, first + offset)));
    if (this.#rows.length > 0) this.#scroller.setAttribute("aria-activedescendant", `row-${this.#rows[this.#current]}`);
  }

  #row(id: number, index: number): HTMLElement {
    const module = this.#model.modules[id];
    const expandable = module.children.length > 0;
    const name = html("div", { class: "cell cell-name", role: "gridcell", title: this.#model.title(id) });
    name.style.paddingLeft = `${8 + 16 * module.depth}px`;
    const twisty = html("span", { class: "twisty", "aria-hidden": "true" }, expandable ? "▸" : "");
    twisty.addEventListener("click", (event) => {
      event.stopPropagation();
      this.#current = index;
      this.#toggle(id);
    });
    name.append(twisty, html("span", { class: "name" }, module.name), html("span", { class: "name-type" }, module.type));
    const row = html("div", {
      class: "tree-row",
      role: "row",
      id: `row-${id}`,
      "data-path": module.path,
      "aria-level": module.depth + 1,
      "aria-rowindex": index + 2,
      "aria-selected": String(index === this.#current),
      "aria-expanded": expandable ? String(this.#isOpen(id)) : null,
    });
    row.append(name);
    for (const column of columns) {
      const value = column.value(module);
      const cell = html("div", { class: `cell cell-${column.key}`, role: "gridcell", "data-value": value }, column.text(module));
      if (shared.has(column.key) && typeof value === "number") {
        const whole = column.value(this.#model.modules[0]) as number;
        if (whole > 0) cell.style.setProperty("--share", (value / whole).toFixed(4));
        cell.title = exact(value);
      }
      if (module.bound && (column.key === "macs" || column.key === "flops")) cell.prepend("≤ ");
      row.append(cell);
    }
    if (!this.#printing) {
      row.style.position = "absolute";
      row.style.top = `${index * rowHeight}px`;
    }
    row.addEventListener("click", () => this.#moveTo(index, true));
    row.addEventListener("dblclick", () => this.#toggle(id));
    return row;
  }

  #toggle(id: number): void {
    if (this.#model.modules[id].children.length === 0) return;
    if (!this.#open.delete(id)) this.#open.add(id);
    this.#update();
  }

  #moveTo(index: number, notify: boolean): void {
    this.#current = Math.max(0, Math.min(index, this.#rows.length - 1));
    const top = this.#current * rowHeight;
    const { scrollTop, clientHeight } = this.#scroller;
    if (top < scrollTop) this.#scroller.scrollTop = top;
    else if (top + 2 * rowHeight > scrollTop + clientHeight) this.#scroller.scrollTop = top + 2 * rowHeight - clientHeight;
    this.#render();
    if (notify && this.#rows.length > 0) this.#selection.select(this.#rows[this.#current], "tree");
  }

  #key(event: KeyboardEvent): void {
    if (event.target !== this.#scroller || event.ctrlKey || event.metaKey || event.altKey || this.#rows.length === 0) return;
    const id = this.#rows[this.#current];
    const module = this.#model.modules[id];
    const page = Math.max(1, Math.floor(this.#scroller.clientHeight / rowHeight) - 2);
    const isOpen = module.children.length > 0 && this.#isOpen(id);
    switch (event.key) {
      case "ArrowDown": this.#moveTo(this.#current + 1, true); break;
      case "ArrowUp": this.#moveTo(this.#current - 1, true); break;
      case "PageDown": this.#moveTo(this.#current + page, true); break;
      case "PageUp": this.#moveTo(this.#current - page, true); break;
      case "Home": this.#moveTo(0, true); break;
      case "End": this.#moveTo(this.#rows.length - 1, true); break;
      case "ArrowRight":
        if (isOpen) this.#moveTo(this.#current + 1, true);
        else this.#toggle(id);
        break;
      case "ArrowLeft":
        if (isOpen && this.#matches === null) this.#toggle(id);
        else if (module.parent >= 0) this.#moveTo(this.#rows.indexOf(module.parent), true);
        break;
      case "Enter":
      case " ":
        this.#toggle(id);
        break;
      case "*":
        for (const sibling of module.parent < 0 ? [0] : this.#model.modules[module.parent].children) this.#open.add(sibling);
        this.#update();
        break;
      default:
        return;
    }
    event.preventDefault();
  }
}
