import type { Model, PortInfo } from "./data";
import { html } from "./dom";
import { bytes, count, exact, shape } from "./format";

function card(name: string, label: string, value: number, text: string, unit: string, bound: boolean): HTMLElement {
  return html(
    "div",
    { class: "card", "data-figure": name, "data-value": value, title: `${exact(value)}${unit === "" ? "" : ` ${unit}`}` },
    html("div", { class: "card-label" }, label),
    html("div", { class: "card-value" }, (bound ? "≤ " : "") + text),
    html("div", { class: "card-exact" }, Number.isInteger(value) ? exact(value) : "", unit === "" ? "" : ` ${unit}`),
  );
}

function port(info: PortInfo): HTMLElement {
  return html("li", {}, html("code", {}, info.name), ` ${shape(info.shape)} ${info.dtype}${info.bound ? ", at most" : ""}`);
}

function coverage(model: Model): HTMLElement {
  const { counted, zero, unknown } = model.profile.coverage;
  const unknowns = unknown.reduce((sum, entry) => sum + entry.count, 0);
  const total = counted + zero + unknowns || 1;
  const bar = html("div", { class: "ledger", role: "img", "aria-label": `${counted} counted, ${zero} zero by definition, ${unknowns} unknown` });
  const legend = html("ul", { class: "legend" });
  for (const [kind, amount, label] of [
    ["counted", counted, "counted"],
    ["zero", zero, "zero by definition"],
    ["unknown", unknowns, "unknown"],
  ] as const) {
    const part = html("span", { class: `ledger-${kind}` });
    part.style.width = `${(100 * amount) / total}%`;
    bar.append(part);
    legend.append(html("li", {}, html("span", { class: `swatch ledger-${kind}` }), ` ${exact(amount)} ${label}`));
  }
  return html(
    "div",
    { class: "panel", id: "coverage" },
    html("h3", {}, "Coverage"),
    bar,
    legend,
    unknown.length === 0
      ? html("p", { class: "quiet" }, "The cost of every operator is known.")
      : html("ul", { class: "plain" }, ...unknown.map((entry) => html("li", {}, `${exact(entry.count)} × ${entry.op}: cost unknown`))),
  );
}

export function summary(model: Model): HTMLElement[] {
  const { profile } = model;
  const { totals } = profile;
  const bound = totals.bound === true;
  const cards = html(
    "div",
    { class: "cards" },
    card("parameters", "Parameters", totals.parameters, count(totals.parameters), "", false),
    card("macs", "MACs", totals.macs, count(totals.macs), "", bound),
    card("flops", "FLOPs", totals.flops, count(totals.flops), "", bound),
    card("peak_activation_bytes", "Peak activations", totals.peak_activation_bytes, bytes(totals.peak_activation_bytes), "bytes", bound),
    card("parameter_bytes", "Weights", totals.parameter_bytes, bytes(totals.parameter_bytes), "bytes", false),
    card("traffic", "Memory traffic", totals.bytes_read + totals.bytes_written, bytes(totals.bytes_read + totals.bytes_written), "bytes", bound),
    card("activations", "Activations", totals.activations, count(totals.activations), "elements", bound),
    card("intensity", "Intensity", totals.intensity, totals.intensity.toFixed(2), "FLOPs per byte", false),
  );
  const notes = [...(profile.notes ?? [])];
  if (bound) notes.push("Figures with ≤ are upper bounds: some sizes depend on data.");
  return [
    cards,
    html(
      "div",
      { class: "columns" },
      html(
        "div",
        { class: "panel" },
        html("h3", {}, "Inputs and outputs"),
        html("ul", { class: "plain ports" }, ...profile.inputs.map(port)),
        html("ul", { class: "plain ports outputs" }, ...profile.outputs.map(port)),
        html("p", { class: "quiet" }, `${exact(totals.nodes)} operators in ${exact(profile.modules.length)} modules`),
      ),
      coverage(model),
      notes.length === 0
        ? null
        : html("div", { class: "panel notes" }, html("h3", {}, "Notes"), html("ul", { class: "plain" }, ...notes.map((note) => html("li", {}, note)))),
    ),
  ];
}
