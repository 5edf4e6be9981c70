// Makes portal_query/static/vendor from the registry's packages. What it makes is committed, so that
// running the product takes no node. `npm ci && npm run build`
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { build } from "esbuild";
import * as sass from "sass";

const modules = "node_modules";
const target = "../portal_query/static/vendor";
const tests = "../../../tests/browser/vendor";

// The icons that templates name (icons/NAME.svg of Tabler's outline set).
const ICONS = (await readFile("vendor/icons.txt", "utf8")).split("\n").filter(Boolean);

await rm(target, { recursive: true, force: true });
await mkdir(`${target}/licences`, { recursive: true });
await styles();
await icons();
await bundle();
await types();
await copyFile(`${modules}/htmx.org/dist/htmx.min.js`, `${target}/htmx.js`);
await copyFile(`${modules}/htmx-ext-sse/sse.js`, `${target}/htmx-sse.js`);
await copyFile(`${modules}/uplot/dist/uPlot.d.ts`, `${target}/uplot.d.ts`);
await copyFile(`${modules}/uplot/dist/uPlot.min.css`, `${target}/uplot.css`);
await licences();
await mkdir(tests, { recursive: true });
await copyFile(`${modules}/axe-core/axe.min.js`, `${tests}/axe.js`);
await copyFile(`${modules}/axe-core/LICENSE`, `${tests}/axe.LICENSE.txt`);

async function styles() {
  const { css } = sass.compile("vendor/tabler.scss", { loadPaths: [modules], style: "compressed", quietDeps: true });
  await writeFile(`${target}/tabler.css`, css);
}

async function icons() {
  const symbols = ICONS.map(async (name) => {
    const svg = await readFile(`${modules}/@tabler/icons/icons/outline/${name}.svg`, "utf8");
    const drawing = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.indexOf("</svg>"));
    return `<symbol id="${name}" viewBox="0 0 24 24">${drawing.replaceAll(/\s*\n\s*/g, "")}</symbol>`;
  });
  const all = (await Promise.all(symbols)).join("\n");
  await writeFile(`${target}/icons.svg`, `<svg xmlns="http://www.w3.org/2000/svg">\n${all}\n</svg>\n`);
}

async function bundle() {
  await build({
    entryPoints: ["vendor/tiptap.js", "vendor/uplot.js"],
    outdir: target,
    bundle: true,
    format: "esm",
    minify: true,
    target: "es2022",
    legalComments: "none",
    logLevel: "warning",
  });
}

/** For the checking of scripts alone. */
async function types() {
  const text = (await readFile("vendor/tiptap.js", "utf8")).replace(/^\/\/.*\n/, "");
  await writeFile(`${target}/tiptap.d.ts`, text);
}

async function licences() {
  const from = {
    "htmx.txt": "htmx.org/LICENSE",
    "htmx-sse.txt": "htmx-ext-sse/LICENSE",
    "tabler-icons.txt": "@tabler/icons/LICENSE",
    "tiptap.txt": "@tiptap/core/LICENSE.md",
    "prosemirror.txt": "prosemirror-view/LICENSE",
    "linkifyjs.txt": "linkifyjs/LICENSE",
    "uplot.txt": "uplot/LICENSE",
  };
  for (const [name, path] of Object.entries(from)) await copyFile(`${modules}/${path}`, `${target}/licences/${name}`);
  // Its package comes without the text that its repository has.
  await copyFile("vendor/tabler.LICENSE.txt", `${target}/licences/tabler.txt`);
}
