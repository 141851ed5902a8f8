// A shop's program, written against the typed client: it reads pages, changes a group, signs a customer in,
// and meets every error by its code. See README.md.
import assert from "node:assert/strict";
import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { print } from "graphql";

import { CUSTOMER, type Demo } from "./demo";
import {
  ChangeGroupDocument, DeleteGroupDocument, MakeGroupDocument, type ProductCardFragment, ProductsDocument,
  type ProductsQuery, ShowGroupDocument, SignInDocument, ViewerDocument, type ViewerQuery,
} from "./generated/graphql";

/** An error of the answer, with its code. */
interface GraphQLError {
  message: string;
  path?: (string | number)[];
  extensions: { code: string; abilities?: string[]; errors?: Record<string, string[]> };
}

interface Answer<Data> {
  data?: Data;
  errors?: GraphQLError[];
}

/** Runs a document: its variables and its answer have the types of the schema. */
async function ask<Data, Variables>(
  demo: Demo,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  key = demo.key,
): Promise<Answer<Data>> {
  const answer = await fetch(`${demo.url}/graphql`, {
    method: "POST",
    headers: {
      Accept: "application/graphql-response+json",
      "Content-Type": "application/json",
      ...(key === "" ? {} : { Authorization: `Bearer ${key}` }),
    },
    body: JSON.stringify({ query: print(document), variables }),
  });
  return (await answer.json()) as Answer<Data>;
}

/** As `ask`, where nothing may go wrong. */
export async function get<Data, Variables>(
  demo: Demo,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  key = demo.key,
): Promise<Data> {
  const { data, errors } = await ask(demo, document, variables, key);
  assert.equal(errors, undefined, JSON.stringify(errors));
  assert(data);
  return data;
}

async function readsAllPages(demo: Demo): Promise<void> {
  const found: ProductCardFragment[] = [];
  let [after, total]: [string | null, number] = [null, 0];
  do {
    const { products }: ProductsQuery = await get(demo, ProductsDocument, {
      sort: [{ field: "NAME", direction: "DESC" }], first: 7, after,
    });
    assert(products);
    found.push(...products.edges.map((edge) => edge.node));
    total = products.totalCount;
    after = products.pageInfo.hasNextPage ? products.pageInfo.endCursor ?? null : null;
  } while (after !== null);
  assert.equal(found.length, total);
  assert.equal(new Set(found.map((product) => product.id)).size, total);
  const priced = found.find((product) => product.prices?.some((price) => price.period === "MONTHLY"));
  assert.match(priced?.prices?.[0]?.recurring.gross.amount ?? "", /^\d+\.\d\d$/);
  assert.equal(priced?.prices?.[0]?.recurring.gross.currency, "EUR");
  const cheapest = (await get(demo, ProductsDocument, { sort: [{ field: "PRICE" }], filter: { price: { lte: "5" } } })).products;
  assert(cheapest && cheapest.edges.length > 0);
  const { products } = await get(demo, ProductsDocument, { filter: { status: { eq: "ACTIVE" }, stock: { gt: 0 } } });
  assert(products && products.edges.length > 0 && products.edges.every(({ node }) => node.status === "ACTIVE" && node.stock > 0));
}

async function changesAGroup(demo: Demo): Promise<void> {
  const input = { name: "Clés en main", description: "<p>Tout compris</p>", status: "HIDDEN", slug: "cles", sortOrder: 9 } as const;
  const made = (await get(demo, MakeGroupDocument, { input })).groupCreate?.group;
  assert(made);
  assert.deepEqual([made.name, made.status, made.pinned], ["Clés en main", "HIDDEN", false]);
  const changed = await ask(demo, ChangeGroupDocument, { id: made.id, input: { description: "Autre" } });
  assert.equal(changed.data?.groupUpdate?.group?.description, "Autre");
  const { group } = await get(demo, ShowGroupDocument, { id: made.id });
  assert.deepEqual(group, { id: made.id, name: "Clés en main", description: "Autre", products: { totalCount: 0 } });
  const invalid = (await get(demo, MakeGroupDocument, { input: { ...input, name: "" } })).groupCreate;
  assert.equal(invalid?.group, null);
  assert.deepEqual(invalid?.userErrors.map(({ field, code }) => ({ field, code })), [
    { field: ["input", "name"], code: "REQUIRED" },
    { field: ["input", "slug"], code: "NOT_UNIQUE" },
  ]);
  const gone = (await get(demo, DeleteGroupDocument, { id: made.id })).groupDelete;
  assert.deepEqual(gone, { deletedId: made.id, userErrors: [] });
  assert.equal((await get(demo, ShowGroupDocument, { id: made.id })).group, null);
}

/** The numbers of the customer's invoices, page by page. */
async function readsInvoices(demo: Demo, session: string): Promise<(string | null | undefined)[]> {
  const numbers = [];
  let after: string | null = null;
  do {
    const invoices: NonNullable<ViewerQuery["viewer"]>["invoices"] = (await get(demo, ViewerDocument, { after }, session)).viewer?.invoices ?? null;
    assert(invoices);
    numbers.push(...invoices.nodes.map((invoice) => invoice.invoiceNumber));
    after = invoices.pageInfo.hasNextPage ? invoices.pageInfo.endCursor ?? null : null;
  } while (after !== null);
  return numbers;
}

async function signsIn(demo: Demo): Promise<void> {
  const session = (await get(demo, SignInDocument, { input: CUSTOMER }, "")).sessionCreate?.session;
  assert(session);
  const { viewer } = await get(demo, ViewerDocument, {}, session.accessToken);
  assert.equal(viewer?.email, CUSTOMER.email);
  assert(viewer.services && viewer.services.nodes.length > 0);
  const numbers = await readsInvoices(demo, session.accessToken);
  assert(numbers.length > 1 && new Set(numbers).size === numbers.length);
  const refused = await ask(demo, ProductsDocument, {}, session.accessToken);
  assert.deepEqual(refused.errors?.[0]?.extensions, { code: "FORBIDDEN", abilities: ["products:index"] });
  assert.equal(refused.data?.products, null);
  const nobody = await ask(demo, ViewerDocument, {}, "");
  assert.equal(nobody.errors?.[0]?.extensions.code, "UNAUTHENTICATED");
}

export async function tryTypedClient(demo: Demo): Promise<string> {
  await readsAllPages(demo);
  await changesAGroup(demo);
  await signsIn(demo);
  return "the typed client reads, changes and signs in";
}
