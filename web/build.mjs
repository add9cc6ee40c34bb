// Bundles the page into dist/report.html: script and style inline, allowed only by their hashes.
// The program replaces the two marks with the title and the data.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const target = process.argv[2] ?? join(here, "dist", "report.html");
const marks = ["@zoometer-title@", "@zoometer-data@"];

async function bundle(entry) {
  const result = await build({
    absWorkingDir: here,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2021",
    charset: "ascii",
    legalComments: "none",
    write: false,
    logLevel: "warning",
  });
  return result.outputFiles[0].text.trim();
}

const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const script = await bundle("src/main.ts");
const style = await bundle("src/style.css");
for (const [name, text] of [["script", script], ["style", style]]) {
  if (text.toLowerCase().includes(`</${name}`)) throw new Error(`the ${name} would end its element`);
}

const parts = {
  "@csp@": `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; ` +
    "base-uri 'none'; form-action 'none'",
  "@style@": style,
  "@script@": script,
};
const licences = readFileSync(join(here, "licences.txt"), "utf8").trim();
let page = readFileSync(join(here, "src", "page.html"), "utf8").replace("@licences@", () => licences);
for (const [mark, text] of Object.entries(parts)) page = page.replace(mark, () => text);
for (const mark of marks) {
  if (page.split(mark).length !== 2) throw new Error(`${mark} must stand in the page once`);
}
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, page);
