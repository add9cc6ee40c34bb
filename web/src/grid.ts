// Rows of equal height, of which only the visible ones exist; on paper the first ones.
import { html } from "./dom";

const rowHeight = 28;
const printedRows = 400;

export class RowView {
  readonly scroller: HTMLElement;
  #body = html("div", { class: "tree-body", role: "presentation" });
  #count = 0;
  #row: (index: number) => HTMLElement = () => html("div");
  #isPrinting = false;

  constructor(role: "grid" | "treegrid", label: string, kind: string, head: HTMLElement) {
    this.scroller = html(
      "div",
      { class: `tree ${kind}`, role, tabindex: 0, "aria-label": label },
      html("div", { class: "tree-inner", role: "presentation" }, head, this.#body),
    );
    this.scroller.addEventListener("scroll", () => this.render());
    new ResizeObserver(() => this.render()).observe(this.scroller);
    addEventListener("beforeprint", () => this.#print(true));
    addEventListener("afterprint", () => this.#print(false));
  }

  show(count: number, row: (index: number) => HTMLElement): void {
    this.#count = count;
    this.#row = row;
    this.scroller.setAttribute("aria-rowcount", String(count + 1));
    this.#body.style.height = `${count * rowHeight}px`;
    this.render();
  }

  reveal(index: number): void {
    const top = index * rowHeight;
    const { scrollTop, clientHeight } = this.scroller;
    if (top < scrollTop) this.scroller.scrollTop = top;
    else if (top + 2 * rowHeight > scrollTop + clientHeight) this.scroller.scrollTop = top + 2 * rowHeight - clientHeight;
  }

  rowsInSight(): number {
    return Math.max(1, Math.floor(this.scroller.clientHeight / rowHeight) - 2);
  }

  render(): void {
    const top = Math.max(0, this.scroller.scrollTop - rowHeight);
    const height = this.scroller.clientHeight || 600;
    const first = this.#isPrinting ? 0 : Math.max(0, Math.floor(top / rowHeight) - 8);
    const last = Math.min(this.#count, this.#isPrinting ? printedRows : Math.ceil((top + height) / rowHeight) + 8);
    const rows: HTMLElement[] = [];
    for (let index = first; index < last; ++index) {
      const row = this.#row(index);
      row.setAttribute("aria-rowindex", String(index + 2));
      if (!this.#isPrinting) {
        row.style.position = "absolute";
        row.style.top = `${index * rowHeight}px`;
      }
      rows.push(row);
    }
    this.#body.replaceChildren(...rows);
  }

  #print(on: boolean): void {
    this.#isPrinting = on;
    this.render();
  }
}

export interface Sort<Column> {
  column: Column;
  descending: boolean;
}

/** The heads of columns as buttons: clicks sort by the largest, then the smallest, then not at all. */
export class HeadRow<Column extends { key: string; label: string; title?: string }> {
  readonly element = html("div", { class: "tree-row tree-head", role: "row", "aria-rowindex": 1 });
  sort: Sort<Column> | null = null;
  #cells = new Map<string, HTMLElement>();

  constructor(columns: readonly Column[], changed: () => void) {
    for (const column of columns) {
      const button = html("button", { type: "button", title: column.title ?? null }, column.label);
      const cell = html("div", { class: `cell cell-${column.key}`, role: "columnheader", "aria-sort": "none", "data-column": column.key }, button);
      button.addEventListener("click", () => {
        if (this.sort?.column !== column) this.sort = { column, descending: true };
        else this.sort = this.sort.descending ? { column, descending: false } : null;
        for (const [key, other] of this.#cells) {
          other.setAttribute("aria-sort", this.sort?.column.key !== key ? "none" : this.sort.descending ? "descending" : "ascending");
        }
        changed();
      });
      this.#cells.set(column.key, cell);
      this.element.append(cell);
    }
  }
}

/** Moves by arrow and page keys; returns the new position, or nothing for other keys. */
export function moved(event: KeyboardEvent, current: number, count: number, page: number): number | null {
  if (event.ctrlKey || event.metaKey || event.altKey || count === 0) return null;
  const steps: Record<string, number> = { ArrowDown: current + 1, ArrowUp: current - 1, PageDown: current + page, PageUp: current - page, Home: 0, End: count - 1 };
  if (!(event.key in steps)) return null;
  event.preventDefault();
  return Math.max(0, Math.min(steps[event.key], count - 1));
}
