// orval with fetch.
import assert from "node:assert/strict";
import { createGroup, createProduct, deleteProduct, getCustomer, getUpdateProductUrl, listDepartments, listProducts, updateProductPartially } from "./made/orval/shop";
import type { Product } from "./made/orval/shop.schemas";
import { address, assertLimited, assertSorted, authorization, picture } from "./story";

const headers = { Authorization: authorization };
const json = { headers: { ...headers, "Content-Type": "application/json" } };
// Addresses are made without a host: `baseUrl` in orval's configuration is for one that never changes.
const send = globalThis.fetch;
globalThis.fetch = (input, init) => send(`${address}${String(input)}`, init);

const list = await listProducts({ per_page: 2, page: 2 }, { headers });
assert(list.status === 200);
assert.deepEqual([list.data.current_page, list.data.per_page, list.data.data.length], [2, 2, 2]);

const filtered = await listProducts({ "filter[status]": "hidden", include: "pricing,group" }, { headers });
assert(filtered.status === 200 && filtered.data.data.length > 0);
for (const product of filtered.data.data) {
  assert.equal(product.status, "hidden");
  assert(product.pricing && product.group?.name);
}

const sorted = await listProducts({ sort: "group_id,-id", per_page: 100 }, { headers });
assert(sorted.status === 200);
assertSorted(sorted.data.data);

const made = await createProduct(
  { name: "Lanterne Orval", description: "<p>Neuf</p>", status: "active", group_id: 2, stock: -1, type: "none", pricing: { monthly: { price: 1.5, setup: 0 } } },
  json,
);
assert(made.status === 201, JSON.stringify(made));

const { id } = made.data;
const changed = await updateProductPartially(id, { stock: 7 }, json);
assert(changed.status === 200 && changed.data.stock === 7);

const form = new FormData();
form.set("image", picture(), "picture.png");
// The operation's own function sends JSON, which holds no file.
const uploaded = await fetch(getUpdateProductUrl(id), { method: "POST", headers, body: form });
assert(uploaded.status === 200 && ((await uploaded.json()) as Product).image);

const missing = await getCustomer(999_999, { headers });
assert(missing.status === 404 && missing.data.message);

const group = { name: "Zone", slug: "zone-orval", status: "active", description: "x", sort_order: 1 } as const;
assert.equal((await createGroup(group, json)).status, 201);
const refused = await createGroup(group, json);
assert(refused.status === 422 && refused.data.errors["slug"]?.[0]);

assert.equal((await deleteProduct(id, { headers })).status, 200);
await assertLimited(async () => {
  const answer = await listDepartments(undefined, { headers });
  return new Response(null, { status: answer.status, headers: answer.headers });
});
