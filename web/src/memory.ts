// The bytes of activations that are alive while each operator runs.
import type { Model } from "./data";
import { hideTooltip, html, showTooltip, svg } from "./dom";
import { bytes, exact } from "./format";
import { axisX, axisY, linear, ticks } from "./plot";
import type { Selection } from "./selection";

export class MemoryView {
  readonly element: HTMLElement;
  #model: Model;
  #selection: Selection;
  #canvas = html("div", { class: "plot" });

  constructor(model: Model, selection: Selection) {
    this.#model = model;
    this.#selection = selection;
    this.element = html("div", {}, this.#canvas, this.#alive());
    new ResizeObserver(() => this.render()).observe(this.#canvas);
  }

  #alive(): HTMLElement {
    const { graph, profile, nodes } = this.#model;
    const peak = nodes[graph.peak.node];
    if (peak === undefined) return html("p", { class: "quiet" }, "Nothing runs.");
    const rows = [...graph.peak.alive]
      .sort((a, b) => b[1] - a[1])
      .slice(0, 50)
      .map(([value, size, producer, isInput]) => {
        const maker = isInput ? undefined : nodes[producer];
        return html(
          "tr",
          {},
          html("td", { class: "number", title: `${exact(size)} bytes` }, bytes(size)),
          html("td", {}, this.#model.describe(value)),
          html("td", {}, maker === undefined ? "input" : maker.operator),
          html("td", {}, maker === undefined ? "" : this.#model.title(maker.module)),
        );
      });
    const head = ["Bytes", "Tensor", "Made by", "Module"].map((text, index) => html("th", { scope: "col", class: index === 0 ? "number" : null }, text));
    return html(
      "div",
      {},
      html(
        "p",
        {},
        "The peak, ",
        html("strong", {}, bytes(profile.totals.peak_activation_bytes)),
        `, is reached while ${peak.operator} runs in ${this.#model.title(peak.module)}. Alive then:`,
      ),
      html("div", { class: "scroll" }, html("table", { class: "data" }, html("thead", {}, html("tr", {}, ...head)), html("tbody", {}, ...rows))),
      graph.peak.alive.length > 50 ? html("p", { class: "quiet" }, `${graph.peak.alive.length - 50} smaller ones are not shown.`) : null,
    );
  }

  /** Draws at the current width; nothing if it is 0. */
  render(): void {
    const width = Math.floor(this.#canvas.clientWidth);
    const { nodes, graph } = this.#model;
    if (width === 0 || nodes.length === 0) return;
    const height = 300;
    const frame = { left: 76, right: width - 16, top: 28, bottom: height - 40 };
    const highest = nodes.reduce((most, node) => Math.max(most, node.alive), 1);
    const x = linear([0, nodes.length], [frame.left, frame.right]);
    const y = linear([0, highest * 1.05], [frame.bottom, frame.top]);
    const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": "Bytes of activations alive while each operator runs" });
    picture.append(
      axisY(frame, y, ticks(highest * 1.05, 5, 2), bytes, "alive activations"),
      axisX(frame, x, ticks(nodes.length, Math.max(2, Math.floor(width / 110)), 10), exact, "operator, in order of execution"),
    );
    let line = `M${x(0)} ${y(nodes[0].alive).toFixed(1)}`;
    for (const node of nodes) line += `V${y(node.alive).toFixed(1)}H${x(node.id + 1).toFixed(1)}`;
    picture.append(
      svg("path", { class: "area", d: `${line}V${frame.bottom}H${frame.left}Z` }),
      svg("path", { class: "line", d: line }),
    );
    const peak = nodes[graph.peak.node];
    if (peak !== undefined) picture.append(svg("circle", { class: "peak", cx: x(peak.id + 0.5), cy: y(peak.alive), r: 5 }));
    const cursor = svg("line", { class: "cursor", y1: frame.top, y2: frame.bottom, visibility: "hidden" });
    picture.append(cursor);
    const at = (event: PointerEvent | MouseEvent) => {
      const offset = event.clientX - picture.getBoundingClientRect().left;
      return nodes[Math.max(0, Math.min(nodes.length - 1, Math.floor(x.invert(offset))))];
    };
    picture.addEventListener("pointermove", (event) => {
      const node = at(event);
      cursor.setAttribute("visibility", "visible");
      cursor.setAttribute("x1", String(x(node.id + 0.5)));
      cursor.setAttribute("x2", String(x(node.id + 0.5)));
      showTooltip(event, [bytes(node.alive), `${node.operator} · operator ${node.id}`, this.#model.title(node.module)]);
    });
    picture.addEventListener("pointerleave", () => {
      cursor.setAttribute("visibility", "hidden");
      hideTooltip();
    });
    picture.addEventListener("click", (event) => this.#selection.select(at(event).module, "memory"));
    this.#canvas.replaceChildren(picture);
  }
}
