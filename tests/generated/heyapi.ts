// @hey-api/openapi-ts with its client for fetch.
import assert from "node:assert/strict";
import { client } from "./made/heyapi/client.gen";
import { createGroup, createProduct, deleteProduct, getCustomer, listDepartments, listProducts, updateProductPartially } from "./made/heyapi/sdk.gen";
import type { UpdateProductErrors, UpdateProductResponses } from "./made/heyapi/types.gen";
import { address, assertLimited, assertSorted, authorization, picture } from "./story";

client.setConfig({ baseUrl: address, headers: { Authorization: authorization } });

const list = await listProducts({ query: { per_page: 2, page: 2 } });
assert(list.data);
assert.deepEqual([list.data.current_page, list.data.per_page, list.data.data.length], [2, 2, 2]);

const filtered = await listProducts({ query: { "filter[status]": "hidden", include: "pricing,group" } });
assert(filtered.data && filtered.data.data.length > 0);
for (const product of filtered.data.data) {
  assert.equal(product.status, "hidden");
  assert(product.pricing && product.group?.name);
}

const sorted = await listProducts({ query: { sort: "group_id,-id", per_page: 100 } });
assert(sorted.data);
assertSorted(sorted.data.data);

const made = await createProduct({
  body: { name: "Lanterne Hey", description: "<p>Neuf</p>", status: "active", group_id: 2, stock: -1, type: "none", pricing: { monthly: { price: 1.5, setup: 0 } } },
});
assert(made.data, JSON.stringify(made.error));
assert.equal(made.response?.status, 201);

const { id } = made.data;
const changed = await updateProductPartially({ path: { id }, body: { stock: 7 } });
assert.equal(changed.data?.stock, 7);

// The operation's own function sends JSON, which holds no file.
const form = new FormData();
form.set("image", picture(), "picture.png");
const uploaded = await client.post<UpdateProductResponses, UpdateProductErrors>({
  url: "/application/products/{id}",
  path: { id },
  body: form,
  bodySerializer: null,
  headers: { "Content-Type": null },
});
assert(uploaded.data?.image, JSON.stringify(uploaded.error));

const missing = await getCustomer({ path: { id: 999_999 } });
assert.equal(missing.response?.status, 404);
assert(missing.error?.message);

const group = { name: "Zone", slug: "zone-hey", status: "active", description: "x", sort_order: 1 } as const;
assert.equal((await createGroup({ body: group })).response?.status, 201);
const refused = await createGroup({ body: group });
assert.equal(refused.response?.status, 422);
assert(refused.error && "errors" in refused.error && refused.error.errors["slug"]?.[0]);

assert.equal((await deleteProduct({ path: { id } })).response?.status, 200);
await assertLimited(async () => {
  const { response } = await listDepartments();
  assert(response);
  return response;
});
