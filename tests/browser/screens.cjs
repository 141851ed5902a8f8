// Compares each page with its pictures in screens/; see README.md.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { PNG } = require("pngjs");

const RECORDED = path.join(__dirname, "screens");
const DIFFERENCES = path.resolve("target", "screenshots", "differences");
const SIZES = [{ width: 1280, height: 600 }, { width: 390, height: 700 }];
/** Share of a picture's points that may differ: other builds of a browser draw some edges otherwise. */
const TOLERANCE = 0.0003;

/** `masked` is what differs from run to run: addresses, keys, versions. */
const PAGES = [
  { name: "start", path: "/", ready: "main", masked: ["pre"] },
  { name: "swagger", path: "/api/documentation", ready: ".opblock-tag", masked: ["#servers", ".version"] },
  { name: "redoc", path: "/api/reference", ready: "[data-testid='search-trigger']:has-text('Search')", masked: ["#redoc h1", ":text('http://')"] },
  { name: "graphiql", path: "/graphql", ready: ".graphiql-query-editor .CodeMirror", masked: [".graphiql-editor-tool"] },
];

async function takePicture(openPage, url, { path, ready, masked }, options) {
  const page = await openPage(options);
  await page.goto(url + path);
  await page.locator(ready).first().waitFor({ state: "attached" });
  await page.waitForLoadState("networkidle");
  await page.evaluate(() => document.fonts.ready);
  const mask = masked.map((selector) => page.locator(selector));
  const picture = await page.screenshot({ animations: "disabled", mask, maskColor: "#888", style: ".CodeMirror-cursors { display: none }" });
  await page.close();
  return picture;
}

/** Compares a picture with the recorded one, and keeps both the new one and the difference if it is another. */
async function differs(name, picture) {
  const { default: pixelmatch } = await import(pathToFileURL(require.resolve("pixelmatch")));
  const file = path.join(RECORDED, `${name}.png`);
  const keep = (suffix, bytes) => {
    fs.mkdirSync(DIFFERENCES, { recursive: true });
    fs.writeFileSync(path.join(DIFFERENCES, `${name}${suffix}.png`), bytes);
  };
  if (!fs.existsSync(file)) {
    keep("", picture);
    return `${name} is not recorded`;
  }
  const [recorded, taken] = [fs.readFileSync(file), picture].map((bytes) => PNG.sync.read(bytes));
  const { width, height } = recorded;
  if (taken.width !== width || taken.height !== height) {
    keep("", picture);
    return `${name} has another size`;
  }
  const difference = new PNG({ width, height });
  const points = pixelmatch(recorded.data, taken.data, difference.data, width, height, { threshold: 0.1 });
  if (points <= width * height * TOLERANCE) return null;
  keep("", picture);
  keep("-difference", PNG.sync.write(difference));
  return `${name} differs in ${points} points`;
}

/** Every page at both widths, light and dark: what differs from the recorded pictures, or all of them recorded again. */
async function screens(openPage, url, record) {
  fs.rmSync(DIFFERENCES, { recursive: true, force: true });
  const differences = [];
  for (const page of PAGES) {
    for (const viewport of SIZES) {
      for (const colorScheme of ["light", "dark"]) {
        const name = `${page.name}-${viewport.width}-${colorScheme}`;
        const picture = await takePicture(openPage, url, page, { viewport, colorScheme });
        if (record) fs.writeFileSync(path.join(RECORDED, `${name}.png`), picture);
        else differences.push(await differs(name, picture));
      }
    }
  }
  const found = differences.filter(Boolean);
  if (found.length > 0) throw new Error(`${found.join("\n")}\nNew pictures and differences: ${DIFFERENCES}`);
}

module.exports = { screens };
