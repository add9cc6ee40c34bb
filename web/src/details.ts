import type { Model, ModelNode } from "./data";
import { html } from "./dom";
import { bytes, count, exact, shape, share } from "./format";

function facts(rows: readonly (readonly [string, string, string?])[]): HTMLElement {
  const list = html("dl", { class: "facts" });
  for (const [name, value, precise] of rows) {
    list.append(html("dt", {}, name), html("dd", { title: precise }, value));
  }
  return list;
}

function textOf(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(textOf).join(", ")}]` : String(value);
}

/** A module's shapes, parameters and figures. */
export function moduleDetails(model: Model, id: number): HTMLElement {
  const module = model.modules[id];
  const { totals } = model.profile;
  const shapes = [...new Set(module.output_shapes.map(shape))];
  const panel = html(
    "div",
    { class: "details-body" },
    html("h3", {}, model.title(id)),
    html("p", { class: "quiet" }, module.type),
    facts([
      ["Calls", exact(module.calls)],
      ["Output", shapes.slice(0, 6).join("; ") + (shapes.length > 6 ? `; ${shapes.length - 6} more` : "") || "–"],
      ["Parameters", `${exact(module.parameters)} · ${share(module.parameters, totals.parameters)}`],
      ["MACs", `${exact(module.macs)} · ${share(module.macs, totals.macs)}`],
      ["FLOPs", `${exact(module.flops)} · ${share(module.flops, totals.flops)}`],
      ["Read", bytes(module.bytes_read), `${exact(module.bytes_read)} bytes`],
      ["Written", bytes(module.bytes_written), `${exact(module.bytes_written)} bytes`],
    ]),
  );
  if (module.bound) panel.append(html("p", { class: "badge warn" }, "upper bounds: sizes depend on data"));
  if (module.parameterList.length > 0) {
    const rows = module.parameterList.map((parameter) =>
      html(
        "tr",
        {},
        html("td", {}, parameter.name),
        html("td", {}, model.describe(parameter.value)),
        html("td", { class: "quiet" }, parameter.shared ? "shared" : parameter.kind),
      ),
    );
    panel.append(html("h4", {}, "Own tensors"), html("table", { class: "plain" }, html("tbody", {}, ...rows)));
  }
  return panel;
}

/** An operator's shapes, attributes and figures. */
export function nodeDetails(model: Model, node: ModelNode): HTMLElement {
  const attributes = Object.entries(model.attributesOf(node));
  const values = (list: readonly number[]) => list.map((value) => html("li", {}, model.describe(value)));
  return html(
    "div",
    { class: "details-body" },
    html("h3", {}, node.operator),
    html("p", { class: "quiet" }, `${node.name === "" ? `node ${node.id}` : node.name} in ${model.title(node.module)}`),
    facts([
      ["MACs", exact(node.macs)],
      ["FLOPs", exact(node.flops), count(node.flops)],
      ["Read", bytes(node.bytesRead), `${exact(node.bytesRead)} bytes`],
      ["Written", bytes(node.bytesWritten), `${exact(node.bytesWritten)} bytes`],
      ["Alive then", bytes(node.alive), `${exact(node.alive)} bytes of activations`],
      ["Cost", { counted: "counted", zero: "zero by definition", unknown: "unknown" }[node.coverage]],
    ]),
    html("h4", {}, "Inputs"),
    html("ul", { class: "plain" }, ...values(node.inputs)),
    html("h4", {}, "Outputs"),
    html("ul", { class: "plain" }, ...values(node.outputs)),
    attributes.length > 0 ? html("h4", {}, "Attributes") : null,
    attributes.length > 0 ? facts(attributes.map(([name, value]) => [name, textOf(value)] as const)) : null,
  );
}
