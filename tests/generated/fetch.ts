// openapi-typescript and openapi-fetch.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { paths } from "./made/fetch";
import { address, assertLimited, assertSorted, authorization, picture } from "./story";

const shop = createClient<paths>({ baseUrl: address, headers: { Authorization: authorization } });

const list = await shop.GET("/application/products", { params: { query: { per_page: 2, page: 2 } } });
assert(list.data);
assert.deepEqual([list.data.current_page, list.data.per_page, list.data.data.length], [2, 2, 2]);

const filtered = await shop.GET("/application/products", { params: { query: { "filter[status]": "hidden", include: "pricing,group" } } });
assert(filtered.data && filtered.data.data.length > 0);
for (const product of filtered.data.data) {
  assert.equal(product.status, "hidden");
  assert(product.pricing && product.group?.name);
}

const sorted = await shop.GET("/application/products", { params: { query: { sort: "group_id,-id", per_page: 100 } } });
assert(sorted.data);
assertSorted(sorted.data.data);

const made = await shop.POST("/application/products", {
  body: { name: "Lanterne Fetch", description: "<p>Neuf</p>", status: "active", group_id: 2, stock: -1, type: "none", pricing: { monthly: { price: 1.5, setup: 0 } } },
});
assert.equal(made.response.status, 201);
assert(made.data);

const { id } = made.data;
const changed = await shop.PUT("/application/products/{id}", { params: { path: { id } }, body: { stock: 7 } });
assert.equal(changed.data?.stock, 7);

const form = new FormData();
const uploaded = await shop.POST("/application/products/{id}", {
  params: { path: { id } },
  body: { image: "picture.png" },
  bodySerializer: () => {
    form.set("image", picture(), "picture.png");
    return form;
  },
});
assert(uploaded.data?.image, JSON.stringify(uploaded.error));

const missing = await shop.GET("/application/customers/{id}", { params: { path: { id: 999_999 } } });
assert.equal(missing.response.status, 404);
assert(missing.error?.message);

const group = { name: "Zone", slug: "zone-fetch", status: "active", description: "x", sort_order: 1 } as const;
assert.equal((await shop.POST("/application/groups", { body: group })).response.status, 201);
const refused = await shop.POST("/application/groups", { body: group });
assert.equal(refused.response.status, 422);
assert(refused.error && "errors" in refused.error && refused.error.errors["slug"]?.[0]);

assert.equal((await shop.DELETE("/application/products/{id}", { params: { path: { id } } })).response.status, 200);
await assertLimited(async () => (await shop.GET("/application/departments")).response);
