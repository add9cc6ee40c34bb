import type { Model, OperatorMetrics } from "./data";
import { html } from "./dom";
import { bytes, count, exact, share } from "./format";

interface Column {
  key: string;
  label: string;
  value(row: OperatorMetrics): number | string;
  text(row: OperatorMetrics): string;
}

export function operatorTable(model: Model): HTMLElement {
  const { totals, operators } = model.profile;
  const columns: Column[] = [
    { key: "op", label: "Operator", value: (row) => row.op, text: (row) => row.op },
    { key: "count", label: "Count", value: (row) => row.count, text: (row) => exact(row.count) },
    { key: "macs", label: "MACs", value: (row) => row.macs, text: (row) => count(row.macs) },
    { key: "flops", label: "FLOPs", value: (row) => row.flops, text: (row) => (row.bound ? "≤ " : "") + count(row.flops) },
    { key: "share", label: "of FLOPs", value: (row) => row.flops, text: (row) => share(row.flops, totals.flops) },
    { key: "bytes_read", label: "Read", value: (row) => row.bytes_read, text: (row) => bytes(row.bytes_read) },
    { key: "bytes_written", label: "Written", value: (row) => row.bytes_written, text: (row) => bytes(row.bytes_written) },
    {
      key: "intensity",
      label: "FLOPs / byte",
      value: (row) => row.flops / (row.bytes_read + row.bytes_written || 1),
      text: (row) => (row.bytes_read + row.bytes_written === 0 ? "–" : (row.flops / (row.bytes_read + row.bytes_written)).toFixed(2)),
    },
  ];
  const body = html("tbody", {});
  const fill = (rows: readonly OperatorMetrics[]) =>
    body.replaceChildren(
      ...rows.map((row) =>
        html(
          "tr",
          { "data-operator": row.op },
          ...columns.map((column) => {
            const value = column.value(row);
            const isNumber = typeof value === "number";
            return html("td", { class: isNumber ? "number" : null, "data-column": column.key, "data-value": value, title: isNumber ? exact(value) : null }, column.text(row));
          }),
        ),
      ),
    );
  let sorted = "";
  let descending = true;
  const headers = columns.map((column, index) => {
    const button = html("button", { type: "button" }, column.label);
    const header = html("th", { scope: "col", class: index === 0 ? null : "number", "aria-sort": "none" }, button);
    button.addEventListener("click", () => {
      descending = sorted === column.key ? !descending : index !== 0;
      sorted = column.key;
      for (const other of headers) other.setAttribute("aria-sort", "none");
      header.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const sign = descending ? -1 : 1;
      fill([...operators].sort((a, b) => {
        const [x, y] = [column.value(a), column.value(b)];
        return x === y ? 0 : x < y ? -sign : sign;
      }));
    });
    return header;
  });
  fill(operators);
  return html("div", { class: "scroll" }, html("table", { class: "data", id: "operator-table" }, html("thead", {}, html("tr", {}, ...headers)), body));
}
