// The common parts of all pages: head, navigation, sections.
import { choice, html } from "./dom";

export function section(id: string, title: string, hint: string): HTMLElement {
  return html("section", { id, "aria-labelledby": `${id}-title` }, html("h2", { id: `${id}-title` }, title), hint === "" ? null : html("p", { class: "hint" }, hint));
}

function themeChoice(): HTMLElement {
  return choice("Theme", [["auto", "Auto"], ["light", "Light"], ["dark", "Dark"]] as const, "auto", (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  });
}

export interface PageFrame {
  title: string;
  /** Beside the title: the origin of the model. */
  origin: string;
  program: string;
  sections: readonly HTMLElement[];
  /** Called before a jump: the sections above are filled first, so that the target does not move. */
  beforeJump?: () => void;
}

export function showPage({ title, origin, program, sections, beforeJump }: PageFrame): void {
  document.title = `${title} · zoometer`;
  const links = sections.map((element) => html("a", { href: `#${element.id}`, click: beforeJump ?? null }, element.querySelector("h2")?.textContent ?? ""));
  document.body.append(
    html("a", { class: "skip", href: `#${sections[0].id}` }, "Skip to the report"),
    html(
      "header",
      {},
      html("div", { class: "headline" }, html("h1", {}, title), html("span", { class: "quiet" }, origin), themeChoice()),
      html("nav", { "aria-label": "Sections" }, ...links),
    ),
    html("main", {}, ...sections),
    html("footer", { class: "quiet" }, `Written by ${program}. Figures are static: nothing was run, no weights were read.`),
  );
}
