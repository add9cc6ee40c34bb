// Elements made without markup: every text, whatever a model file contains, is set as text.

type Child = Node | string | null | undefined;
type Listener = (event: never) => void;
type Properties = Record<string, string | number | boolean | null | undefined | Listener>;

function fill<E extends Element>(element: E, properties: Properties, children: Child[]): E {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value as EventListener);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child !== null && child !== undefined) element.append(child);
  }
  return element;
}

export function html<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), properties, children);
}

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
}

/** A group of buttons, one of which is pressed. */
export function choice<T extends string>(
  label: string,
  options: readonly (readonly [T, string])[],
  initial: T,
  chosen: (value: T) => void,
): HTMLElement {
  const group = html("div", { class: "choice", role: "group", "aria-label": label });
  for (const [value, text] of options) {
    const button = html("button", { type: "button", "aria-pressed": String(value === initial), "data-value": value }, text);
    button.addEventListener("click", () => {
      for (const other of group.children) other.setAttribute("aria-pressed", String(other === button));
      chosen(value);
    });
    group.append(button);
  }
  return group;
}

const tooltip = html("div", { class: "tooltip", role: "status", hidden: true });

/** Shows a few lines beside the pointer; without lines, hides them. */
export function showTooltip(event: { clientX: number; clientY: number }, lines: readonly string[]): void {
  if (!tooltip.isConnected) document.body.append(tooltip);
  tooltip.hidden = lines.length === 0;
  if (tooltip.hidden) return;
  tooltip.replaceChildren(...lines.map((line, index) => html(index === 0 ? "strong" : "div", {}, line)));
  const { offsetWidth: width, offsetHeight: height } = tooltip;
  const x = Math.min(event.clientX + 14, innerWidth - width - 8);
  const y = event.clientY + 18 + height > innerHeight ? event.clientY - height - 10 : event.clientY + 18;
  tooltip.style.left = `${Math.max(4, x)}px`;
  tooltip.style.top = `${Math.max(4, y)}px`;
}

export function hideTooltip(): void {
  tooltip.hidden = true;
}

export function clip(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, Math.max(1, most - 1))}…`;
}
