import { BreakdownView } from "./breakdown";
import { Model } from "./data";
import type { ReportDocument } from "./data";
import { moduleDetails } from "./details";
import { choice, html } from "./dom";
import { GraphView } from "./graph";
import { MemoryView } from "./memory";
import { operatorTable } from "./operators";
import { RooflineView } from "./roofline";
import { Selection } from "./selection";
import { summary } from "./summary";
import { TreeView } from "./tree";

function section(id: string, title: string, hint: string): HTMLElement {
  return html("section", { id, "aria-labelledby": `${id}-title` }, html("h2", { id: `${id}-title` }, title), hint === "" ? null : html("p", { class: "hint" }, hint));
}

/** Fills a section when it comes near to sight, or on paper. */
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

function themeChoice(): HTMLElement {
  return choice("Theme", [["auto", "Auto"], ["light", "Light"], ["dark", "Dark"]] as const, "auto", (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  });
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
  document.title = `${profile.model} · zoometer`;
  const selection = new Selection();
  const overview = section("summary", "Summary", "");
  overview.append(...summary(model));
  const breakdown = section("breakdown", "Breakdown", "What the model is made of, by module. A click goes in; the path above the picture leads back.");
  const graph = section("graph", "Graph", "");
  const roofline = section("roofline", "Roofline", "Each operator's arithmetic intensity against its FLOPs. An operator above a curve takes at least that long on such a device.");
  const memory = section("memory", "Memory", "Bytes of activations alive while each operator runs; weights are apart.");
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
  // What is above a section is filled before a jump to it, lest it move away.
  const openers = [openBreakdown, openGraph, openRoofline, openMemory, openOperators];
  const open = () => openers.forEach((opener) => opener());
  const links = sections.map((element) => html("a", { href: `#${element.id}`, click: open }, element.querySelector("h2")?.textContent ?? ""));
  const origin = [profile.source, profile.variant, model.program].filter((text) => text !== undefined && text !== "").join(" · ");
  document.body.append(
    html("a", { class: "skip", href: "#summary" }, "Skip to the report"),
    html(
      "header",
      {},
      html("div", { class: "headline" }, html("h1", {}, profile.model), html("span", { class: "quiet" }, origin), themeChoice()),
      html("nav", { "aria-label": "Sections" }, ...links),
    ),
    html("main", {}, ...sections),
    html("footer", { class: "quiet" }, `Written by ${model.program}. Figures are static: nothing was run, no weights were read.`),
  );
}

const data = document.getElementById("data")?.textContent ?? "";
page(new Model(JSON.parse(data) as ReportDocument));
