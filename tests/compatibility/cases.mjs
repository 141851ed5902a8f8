// The tool itself, on made-up pairs of schemas.
import assert from "node:assert/strict";
import test from "node:test";

import { compare } from "./compatibility.mjs";

const SHOP = `
  type Query { product(id: ID!, only: String): Product, products: [Product!]! }
  type Product { id: ID!, name: String!, stock: Int, status: Status! }
  type Leaflet { id: ID! }
  enum Status { ACTIVE HIDDEN }
  input ProductInput { name: String }
  type Mutation { productUpdate(id: ID!, input: ProductInput!): Product }
  type ViewerProduct { stock: Int }
`;
const EMPTY = "# Changelog\n\n## [Unreleased]\n\n## [1.0.0] - 2026-11-30\n\n- `Product.stock`, `Leaflet`\n";
const news = (line) => EMPTY.replace("## [Unreleased]\n", `## [Unreleased]\n\n### Removed\n\n- ${line}\n`);
const run = (from, to, changelog = EMPTY, before = SHOP) =>
  compare({ before, now: before.replace(from, to), release: "1.0.0", changelog, today: "2026-11-29" });

const passes = async (...change) => {
  const answer = await run(...change);
  assert.deepEqual(answer.problems, []);
  return answer;
};
const fails = async (problem, ...change) => {
  const { problems } = await run(...change);
  assert.equal(problems.length, 1, problems.join("\n"));
  assert.match(problems[0], problem);
};

test("what is the same passes", async () => assert.deepEqual(await passes("", ""), { problems: [], named: [], dangerous: [] }));

test("a removed field fails", () => fails(/^Product\.stock: .*does not name it/, "stock: Int, status", "status"));

test("a removed field passes where the changelog names it", async () => {
  const { named } = await passes("stock: Int, status", "status", news("`Product.stock` (use `Product.status`)."));
  assert.equal(named.length, 1);
});

test("what names another field, or no code, is no name", async () => {
  for (const line of ["`ViewerProduct.stock`", "`Product.stockLevel`", "Product.stock", "`Product`", "`stock`"]) {
    await fails(/does not name it/, "stock: Int, status", "status", news(line));
  }
});

test("a name below an older release is no name, one below a later release is", async () => {
  await fails(/does not name it/, "stock: Int, status", "status", EMPTY);
  await passes("stock: Int, status", "status", EMPTY.replace("[Unreleased]\n", "[Unreleased]\n\n## [2.0.0]\n\n- `Product.stock`\n"));
});

test("types, arguments, values and inputs are held too", async () => {
  await fails(/^Leaflet: /, "type Leaflet { id: ID! }", "");
  await passes("type Leaflet { id: ID! }", "", news("`Leaflet`"));
  await fails(/^Query\.product\.only: /, ", only: String", "");
  await passes(", only: String", "", news("The argument `only` of `Query.product`"));
  await passes(", only: String", "", news("`Query.product.only`"));
  await fails(/^Status\.HIDDEN: /, "ACTIVE HIDDEN", "ACTIVE");
  await fails(/^ProductInput\.slug: /, "{ name: String }", "{ name: String, slug: String! }");
  await fails(/^Product\.name: /, "name: String!, stock", "name: String, stock");
});

test("an added field passes", () => passes("stock: Int, status", "stock: Int, weight: Int, status"));

test("a new value of an enum is dangerous, not breaking", async () => {
  const { dangerous } = await passes("ACTIVE HIDDEN", "ACTIVE HIDDEN SOLD_OUT");
  assert.equal(dangerous.length, 1);
  assert.match(dangerous[0], /^Status\.SOLD_OUT: /);
});

const old = (reason) => ["stock: Int, status", `stock: Int @deprecated(reason: "${reason}"), status`];

test("a deprecation names its replacement and its day", async () => {
  await passes(...old("Use status. Goes on 2027-06-01."));
  await passes(...old("Use `Query.products`. Goes on 2027-06-01."));
  await passes(...old("Use `status` or `Query.products`. Goes on 2027-06-01."));
  const reasons = ["Old", "Use status.", "Goes on 2027-06-01.", "Use status. Goes on 2027-02-30.", "Use status. Goes soon.", ""];
  for (const reason of reasons) await fails(/not of the form/, ...old(reason));
  await fails(/not of the form/, "stock: Int, status", "stock: Int @deprecated, status");
  await fails(/does not have/, ...old("Use amount. Goes on 2027-06-01."));
  await fails(/does not have/, ...old("Use Product.amount. Goes on 2027-06-01."));
});

test("deprecations of arguments, inputs and values are held too, without a release", async () => {
  const parts = [["only: String", "only: String"], ["{ name: String }", "{ name: String"], ["ACTIVE HIDDEN", "ACTIVE HIDDEN"]];
  for (const [from, to] of parts) {
    const end = from.endsWith("}") ? " }" : "";
    const now = SHOP.replace(from, `${to} @deprecated(reason: "Old")${end}`);
    const { problems } = await compare({ before: null, now, changelog: EMPTY, today: "2026-11-29" });
    assert.equal(problems.length, 1, now);
  }
});

test("a deprecation lasts six months, and is kept", async () => {
  await fails(/before 2027-05-29/, ...old("Use status. Goes on 2027-05-28."));
  const [from, to] = old("Use status. Goes on 2027-06-01.");
  const before = SHOP.replace(from, to);
  await fails(/promised until 2027-06-01/, to, "status", news("`Product.stock`"), before);
  const later = { before, now: before.replace(to, "status"), release: "1.0.0", today: "2027-06-01" };
  assert.deepEqual((await compare({ ...later, changelog: news("`Product.stock`") })).problems, []);
  assert.equal((await compare({ ...later, changelog: EMPTY })).problems.length, 1);
});
