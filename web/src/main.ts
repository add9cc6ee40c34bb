import { BreakdownView } from "./breakdown";
import { Model } from "./data";
import type { ReportDocument } from "./data";
import { moduleDetails } from "./details";
import { diffPage } from "./diff";
import type { DiffDocument } from "./diff";
import { html } from "./dom";
import { section, showPage } from "./frame";
import { GraphView } from "./graph";
import { MemoryView } from "./memory";
import { operatorTable } from "./operators";
import { RooflineView } from "./roofline";
import { Selection } from "./selection";
import { summary } from "./summary";
import { sweepPage } from "./sweep";
import type { SweepDocument } from "./sweep";
import { TreeView } from "./tree";

/** Fills a section when it is nearly visible, or for paper. */
function lazily(element: HTMLElement, fill: () => void): () => void {
  let isDone = false;
  const run = () => {
    if (isDone) return;
    isDone = true;
    observer.disconnect();
    fill();
  };
  const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && run(), { rootMargin: "400px" });
  observer.observe(element);
  addEventListener("beforeprint", run);
  return run;
}

function modulesSection(model: Model, selection: Selection, act: { graph(module: number): void; breakdown(module: number): void }): HTMLElement {
  const element = section("modules", "Modules", "");
  const details = html("aside", { class: "details", "aria-live": "polite", "aria-label": "Selected module" });
  const show = (module: number) => {
    const inGraph = html("button", { type: "button" }, "Show in graph");
    inGraph.addEventListener("click", () => act.graph(module));
    const inBreakdown = html("button", { type: "button" }, "Break down");
    inBreakdown.addEventListener("click", () => act.breakdown(module));
    details.replaceChildren(moduleDetails(model, module), html("div", { class: "toolbar" }, inGraph, inBreakdown));
  };
  selection.listen(show);
  show(0);
  element.append(html("div", { class: "split" }, new TreeView(model, selection).element, details));
  return element;
}

function page(model: Model): void {
  const { profile } = model;
  const selection = new Selection();
  const overview = section("summary", "Summary", "");
  overview.append(...summary(model));
  const breakdown = section("breakdown", "Breakdown", "The parts of the model, by module. A click opens a module; the path above the picture leads back.");
  const graph = section("graph", "Graph", "");
  const roofline = section("roofline", "Roofline", "Each operator's arithmetic intensity against its FLOPs. An operator above a curve takes at least that long on such a device.");
  const memory = section("memory", "Memory", "Bytes of activations alive while each operator runs, without weights.");
  const operators = section("operators", "Operators", "");

  const breakdownView = new BreakdownView(model, selection);
  const graphView = new GraphView(model, selection);
  const fill = (element: HTMLElement, view: { element: HTMLElement; render(): void }) =>
    lazily(element, () => {
      element.append(view.element);
      view.render();
    });
  const openBreakdown = fill(breakdown, breakdownView);
  const openGraph = fill(graph, graphView);
  const openRoofline = fill(roofline, new RooflineView(model, selection));
  const openMemory = fill(memory, new MemoryView(model, selection));
  const openOperators = lazily(operators, () => operators.append(operatorTable(model)));
  const modules = modulesSection(model, selection, {
    graph(module) {
      openBreakdown();
      openGraph();
      graph.scrollIntoView();
      graphView.reveal(module);
    },
    breakdown(module) {
      openBreakdown();
      breakdown.scrollIntoView();
      breakdownView.show(module);
    },
  });

  const sections = [overview, modules, breakdown, graph, roofline, memory, operators];
  // The sections above are filled before a jump, so that the target does not move.
  const openers = [openBreakdown, openGraph, openRoofline, openMemory, openOperators];
  const open = () => openers.forEach((opener) => opener());
  const origin = [profile.source, profile.variant, model.program].filter((text) => text !== undefined && text !== "").join(" · ");
  showPage({ title: profile.model, origin, program: model.program, sections, beforeJump: open });
}

const data = JSON.parse(document.getElementById("data")?.textContent ?? "") as ReportDocument | DiffDocument | SweepDocument;
if ("diff" in data) diffPage(data);
else if ("sweep" in data) sweepPage(data);
else page(new Model(data));
