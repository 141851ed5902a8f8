// urql with the Graphcache of docs/clients.md.
import assert from "node:assert/strict";
import { type AnyVariables, Client, fetchExchange, type TypedDocumentNode } from "@urql/core";

import { CUSTOMER, type Demo, groupOf, isWhole, until } from "./demo";
import {
  AddGroupDocument, CustomerListDocument, DropGroupDocument, EditCustomerDocument, EditProductDocument, GroupListDocument, MyInvoicesDocument, type MyInvoicesQuery,
  ProductListDocument, ProductPageDocument, ResumeServiceDocument, ServiceListDocument, ServicePageDocument, SignInDocument,
  SuspendServiceDocument,
} from "./generated/graphql";
import { ofCustomer, ofStaff, type Operation } from "./operations";
import { cache } from "./urql-cache";

const connect = (demo: Demo, token?: string) => new Client({
  url: `${demo.url}/graphql`,
  preferGetMethod: false,
  exchanges: [cache(), fetchExchange],
  fetchOptions: { headers: token === undefined ? {} : { Authorization: `Bearer ${token}` } },
});

/** A view: the newest answer to a query. */
function watch<Data, Variables extends AnyVariables>(client: Client, query: TypedDocumentNode<Data, Variables>, variables: Variables) {
  const view = { data: undefined as Data | undefined, stop: () => {} };
  const { unsubscribe } = client.query(query, variables).subscribe((result) => {
    assert.equal(result.error, undefined);
    view.data = result.data;
  });
  view.stop = unsubscribe;
  return view;
}

async function ask<Data, Variables extends AnyVariables>(client: Client, query: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<Data> {
  const { data, error } = await client.query(query, variables).toPromise();
  assert.equal(error, undefined);
  assert(data);
  return data;
}

async function change<Data, Variables extends AnyVariables>(client: Client, mutation: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<Data> {
  const { data, error } = await client.mutation(mutation, variables).toPromise();
  assert.equal(error, undefined);
  assert(data);
  return data;
}

/** Runs each operation, once more from the cache alone, and once more from the server: the answers are the same. */
async function readsAll(client: Client, operations: Operation[]): Promise<void> {
  for (const { document, variables } of operations) {
    const data = await ask(client, document, variables);
    assert(Object.values(data).every((value) => value !== null), JSON.stringify(data));
    assert.deepEqual(client.readQuery(document, variables)?.data, data);
    const again = await client.query(document, variables, { requestPolicy: "network-only" }).toPromise();
    assert.equal(again.error, undefined);
    assert.deepEqual(Object.keys(again.data ?? {}), Object.keys(data));
  }
}

async function loadsPageAfterPage(client: Client): Promise<void> {
  const pages = [watch(client, ProductListDocument, { first: 5 })];
  await until(() => pages[0]?.data?.products != null, "there are products");
  for (let products = pages[0]?.data?.products; products?.pageInfo.hasNextPage; products = pages.at(-1)?.data?.products) {
    const next = watch(client, ProductListDocument, { first: 5, after: products.pageInfo.endCursor ?? null });
    pages.push(next);
    await until(() => (next.data?.products?.edges.length ?? 0) > (products?.edges.length ?? 0), "the next page is there");
  }
  assert(pages.length > 2 && isWhole(pages.at(-1)?.data?.products));
  const active = await ask(client, ProductListDocument, { first: 3, filter: { stock: { gt: 0 } } });
  assert.equal(active.products?.edges.length, 3);
  for (const page of pages) page.stop();
}

async function showsAChangeElsewhere(client: Client, id: string, customer: string): Promise<void> {
  const page = watch(client, ProductPageDocument, { id });
  const list = watch(client, ProductListDocument, { first: 50 });
  await until(() => page.data?.product != null && list.data?.products != null, "the views are there");
  const name = `Bbb ${page.data?.product?.name}`;
  const { productUpdate } = await change(client, EditProductDocument, { id, input: { name } });
  assert.deepEqual(productUpdate?.userErrors, []);
  const shown = () => list.data?.products?.edges.find(({ node }) => node.id === id)?.node.name;
  await until(() => page.data?.product?.name === name && shown() === name, "both views have the new name");
  const refused = (await change(client, EditProductDocument, { id, input: { name: "x".repeat(300) } })).productUpdate;
  assert.deepEqual([refused?.product, refused?.userErrors[0]?.code, refused?.userErrors[0]?.field], [null, "TOO_LONG", ["input", "name"]]);
  assert.equal(shown(), name);
  const people = watch(client, CustomerListDocument, { first: 50 });
  await until(() => people.data?.customers != null, "there are customers");
  await change(client, EditCustomerDocument, { id: customer, input: { firstname: "Nouvelle" } });
  const person = () => people.data?.customers?.edges.find(({ node }) => node.id === customer)?.node.firstname;
  await until(() => person() === "Nouvelle", "the list has the new name");
  for (const view of [page, list, people]) view.stop();
}

async function listsFollow(client: Client): Promise<void> {
  const list = watch(client, GroupListDocument, { first: 50 });
  await until(() => list.data?.groups != null, "there are groups");
  const before = list.data?.groups?.totalCount ?? 0;
  const { groupCreate } = await change(client, AddGroupDocument, { input: groupOf("urql") });
  assert.deepEqual(groupCreate?.userErrors, []);
  const id = groupCreate?.group?.id;
  assert(id);
  const has = () => list.data?.groups?.edges.some(({ node }) => node.id === id);
  await until(() => has() === true && isWhole(list.data?.groups), "the group is in the list");
  assert.equal((await change(client, DropGroupDocument, { id })).groupDelete?.deletedId, id);
  await until(() => has() === false && isWhole(list.data?.groups), "the group has left the list");
  assert.equal(list.data?.groups?.totalCount, before);
  list.stop();
}

async function actsOnAService(client: Client): Promise<void> {
  const active = await ask(client, ServiceListDocument, { first: 1, filter: { status: { eq: "ACTIVE" } } });
  const id = active.services?.edges[0]?.node.id ?? "";
  const page = watch(client, ServicePageDocument, { id });
  await until(() => page.data?.service != null, "there is a service");
  const variables = { id, input: { reason: "Facture" } };
  await change(client, SuspendServiceDocument, variables);
  await until(() => page.data?.service?.status === "SUSPENDED", "it is suspended");
  const again = await change(client, SuspendServiceDocument, variables);
  assert.equal(again.serviceSuspend?.userErrors[0]?.code, "SERVICE_NOT_SUSPENDABLE");
  await change(client, ResumeServiceDocument, { id });
  await until(() => page.data?.service?.status === "ACTIVE", "it is active");
  page.stop();
}

/** A list inside a record grows as one at the root does. */
async function loadsOwnInvoices(client: Client): Promise<void> {
  let invoices: NonNullable<MyInvoicesQuery["viewer"]>["invoices"] | undefined = (await ask(client, MyInvoicesDocument, { first: 1 })).viewer?.invoices;
  for (let pages = 1; invoices?.pageInfo.hasNextPage; pages += 1) {
    assert.equal(invoices.edges.length, pages);
    invoices = (await ask(client, MyInvoicesDocument, { first: 1, after: invoices.pageInfo.endCursor ?? null })).viewer?.invoices;
  }
  assert((invoices?.totalCount ?? 0) > 1 && isWhole(invoices));
}

export async function tryUrql(demo: Demo): Promise<string> {
  const first = connect(demo, demo.key);
  const product = (await ask(first, ProductListDocument, { first: 1 })).products?.edges[0]?.node.id ?? "";
  const group = (await ask(first, GroupListDocument, { first: 1 })).groups?.edges[0]?.node.id ?? "";
  const customer = (await ask(first, CustomerListDocument, { first: 1 })).customers?.edges[0]?.node.id ?? "";
  const service = (await ask(first, ServiceListDocument, { first: 1 })).services?.edges[0]?.node.id ?? "";
  const operations = ofStaff({ product, group, customer, service });
  await readsAll(connect(demo, demo.key), operations);
  await loadsPageAfterPage(connect(demo, demo.key));
  const client = connect(demo, demo.key);
  await showsAChangeElsewhere(client, product, customer);
  await listsFollow(client);
  await actsOnAService(client);
  const { sessionCreate } = await change(connect(demo), SignInDocument, { input: CUSTOMER });
  await readsAll(connect(demo, sessionCreate?.session?.accessToken), ofCustomer);
  await loadsOwnInvoices(connect(demo, sessionCreate?.session?.accessToken));
  return `urql runs ${operations.length + ofCustomer.length} queries, loads pages and follows changes`;
}
