// What axe-core finds in the parts of the pages that are our own.
"use strict";

const { source } = require("axe-core");

/** Pages, and the parts of them that are our own; all of a page where none are named. */
const OWN = [
  { path: "/", ready: "main" },
  { path: "/api/documentation", ready: ".opblock-tag", parts: [".bar", ".operation-filter"] },
  { path: "/api/reference", ready: "#redoc h1", parts: [".bar"] },
  { path: "/graphql", ready: ".graphiql-query-editor", parts: [".bar"] },
];

async function violations(page, parts) {
  await page.evaluate(source);
  const found = await page.evaluate(async (include) => (await axe.run(include ? { include } : document)).violations, parts);
  const severe = found.filter(({ impact }) => ["serious", "critical"].includes(impact));
  return severe.map(({ id, nodes }) => `${page.url()}: ${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
}

/** Serious and critical violations on all pages, wide and narrow, light and dark. */
async function accessibility(openPage, url) {
  const found = [];
  for (const { path, ready, parts } of OWN) {
    for (const width of [1280, 390]) {
      for (const colorScheme of ["light", "dark"]) {
        const page = await openPage({ viewport: { width, height: 800 }, colorScheme });
        await page.goto(url + path);
        await page.locator(ready).first().waitFor();
        found.push(...(await violations(page, parts)));
        await page.close();
      }
    }
  }
  return found;
}

module.exports = { accessibility };
