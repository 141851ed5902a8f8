// Apollo Client with the cache of docs/clients.md.
import assert from "node:assert/strict";
import { ApolloClient, HttpLink, type OperationVariables, type TypedDocumentNode } from "@apollo/client";

import { forget, makeCache } from "./apollo-cache";
import { CUSTOMER, type Demo, groupOf, isWhole, until } from "./demo";
import {
  AddGroupDocument, CustomerListDocument, DropGroupDocument, EditProductDocument, GroupListDocument, GroupTreeDocument, MyInvoicesDocument,
  type MyInvoicesQuery, type MyInvoicesQueryVariables,
  ProductListDocument, type ProductListQuery, type ProductListQueryVariables, ProductPageDocument, RefreshSessionDocument, ResumeServiceDocument, ServiceListDocument, ServicePageDocument,
  SignInDocument, SignOutDocument, SuspendServiceDocument,
} from "./generated/graphql";
import { ofCustomer, ofStaff, type Operation } from "./operations";

const connect = (demo: Demo, token?: string) => new ApolloClient({
  link: new HttpLink({ uri: `${demo.url}/graphql`, headers: token === undefined ? {} : { Authorization: `Bearer ${token}` } }),
  cache: makeCache(),
});

/** A view: the newest answer to a query. */
function watch<Data, Variables extends OperationVariables>(client: ApolloClient, query: TypedDocumentNode<Data, Variables>, variables: Variables) {
  const observable = client.watchQuery<Data, Variables>({ query, variables } as ApolloClient.WatchQueryOptions<Data, Variables>);
  const subscription = observable.subscribe(() => {});
  return {
    observable,
    get data() { return observable.getCurrentResult().data as Data | undefined; },
    stop: () => subscription.unsubscribe(),
  };
}

/** Runs each operation, once more from the cache alone, and once more from the server: the answers are the same. */
async function readsAll(client: ApolloClient, operations: Operation[]): Promise<void> {
  for (const { document: query, variables } of operations) {
    const { data } = await client.query({ query, variables });
    assert(data && Object.values(data).every((value) => value !== null), JSON.stringify(data));
    assert.deepEqual(client.readQuery({ query, variables }), data);
    const again = await client.query({ query, variables, fetchPolicy: "network-only" });
    assert.deepEqual(Object.keys(again.data ?? {}), Object.keys(data));
  }
}

async function loadsPageAfterPage(client: ApolloClient): Promise<void> {
  const list = watch<ProductListQuery, ProductListQueryVariables>(client, ProductListDocument, { first: 5 });
  await until(() => list.data?.products != null, "there are products");
  assert.equal(list.data?.products?.edges.length, 5);
  while (list.data?.products?.pageInfo.hasNextPage) {
    const { edges, pageInfo } = list.data.products;
    await list.observable.fetchMore({ variables: { after: pageInfo.endCursor ?? null } });
    await until(() => (list.data?.products?.edges.length ?? 0) > edges.length, "the next page is there");
  }
  assert(isWhole(list.data?.products));
  // Another filter is another list.
  const active = await client.query({ query: ProductListDocument, variables: { first: 3, filter: { stock: { gt: 0 } } } });
  assert.equal(active.data?.products?.edges.length, 3);
  assert(isWhole(list.data?.products));
  list.stop();
}

async function showsAChangeElsewhere(client: ApolloClient, id: string): Promise<void> {
  const page = watch(client, ProductPageDocument, { id });
  const list = watch<ProductListQuery, ProductListQueryVariables>(client, ProductListDocument, { first: 5 });
  await until(() => page.data?.product != null && list.data?.products != null, "the views are there");
  const name = `Aaa ${page.data?.product?.name}`;
  const { data } = await client.mutate({ mutation: EditProductDocument, variables: { id, input: { name } } });
  assert.deepEqual(data?.productUpdate?.userErrors, []);
  await until(() => page.data?.product?.name === name, "the page has the new name");
  await list.observable.refetch();
  assert.equal(list.data?.products?.edges[0]?.node.name, name);
  const refused = await client.mutate({ mutation: EditProductDocument, variables: { id, input: { name: "x".repeat(300) } } });
  const problem = refused.data?.productUpdate?.userErrors[0];
  assert.deepEqual([refused.data?.productUpdate?.product, problem?.code, problem?.params?.max], [null, "TOO_LONG", 255]);
  assert.equal(page.data?.product?.name, name);
  for (const view of [page, list]) view.stop();
}

async function listsFollow(client: ApolloClient, parentId: string): Promise<void> {
  const list = watch(client, GroupListDocument, { first: 50 });
  const tree = watch(client, GroupTreeDocument, {});
  await until(() => list.data?.groups != null && tree.data?.groups != null, "there are groups");
  const before = list.data?.groups?.totalCount ?? 0;
  const input = { ...groupOf("apollo"), parentId: Number(parentId) };
  const made = await client.mutate({ mutation: AddGroupDocument, variables: { input }, refetchQueries: ["GroupList", "GroupTree"], awaitRefetchQueries: true });
  const id = made.data?.groupCreate?.group?.id ?? "";
  const has = () => list.data?.groups?.edges.some(({ node }) => node.id === id);
  assert(has() && isWhole(list.data?.groups) && list.data?.groups?.totalCount === before + 1);
  await client.mutate({
    mutation: DropGroupDocument,
    variables: { id },
    update: (cache, { data }) => { if (data?.groupDelete?.deletedId != null) forget(cache, "Group", data.groupDelete.deletedId); },
  });
  await until(() => !has(), "the group has left the list");
  // The plain list of groups below another is shorter now.
  for (const view of [list, tree]) {
    await view.observable.refetch();
    view.stop();
  }
  assert(isWhole(list.data?.groups) && list.data?.groups?.totalCount === before);
}

/** A plain list that the server has shortened meanwhile replaces the longer one. */
async function listsShrink(client: ApolloClient, id: string): Promise<void> {
  const page = { query: ProductPageDocument, variables: { id } };
  const data = (await client.query(page)).data;
  assert(data?.product);
  const gone = { __typename: "Metadata", id: "gone", key: "gone", value: "1" };
  const metadata = [...(data.product.metadata ?? []), gone, { ...gone, id: "too" }];
  client.writeQuery({ ...page, data: { ...data, product: { ...data.product, metadata } } });
  const now = (await client.query({ ...page, fetchPolicy: "network-only" })).data;
  assert.deepEqual(now?.product?.metadata, data.product.metadata);
}

async function actsOnAService(client: ApolloClient): Promise<void> {
  const active = await client.query({ query: ServiceListDocument, variables: { first: 1, filter: { status: { eq: "ACTIVE" } } } });
  const id = active.data?.services?.edges[0]?.node.id ?? "";
  const page = watch(client, ServicePageDocument, { id });
  await until(() => page.data?.service != null, "there is a service");
  const variables = { id, input: { reason: "Facture" } };
  await client.mutate({ mutation: SuspendServiceDocument, variables });
  await until(() => page.data?.service?.status === "SUSPENDED" && page.data.service.suspendReason === "Facture", "it is suspended");
  const again = await client.mutate({ mutation: SuspendServiceDocument, variables });
  assert.equal(again.data?.serviceSuspend?.userErrors[0]?.code, "SERVICE_NOT_SUSPENDABLE");
  await client.mutate({ mutation: ResumeServiceDocument, variables: { id } });
  await until(() => page.data?.service?.status === "ACTIVE", "it is active");
  page.stop();
}

/** A list inside a record grows as one at the root does. */
async function loadsOwnInvoices(client: ApolloClient): Promise<void> {
  const list = watch<MyInvoicesQuery, MyInvoicesQueryVariables>(client, MyInvoicesDocument, { first: 1 });
  const invoices = () => list.data?.viewer?.invoices;
  await until(() => invoices() != null, "there are invoices");
  for (let page = 1; invoices()?.pageInfo.hasNextPage; page += 1) {
    await list.observable.fetchMore({ variables: { after: invoices()?.pageInfo.endCursor ?? null } });
    await until(() => (invoices()?.edges.length ?? 0) > page, "the next page is there");
  }
  assert((invoices()?.totalCount ?? 0) > 1 && isWhole(invoices()));
  list.stop();
}

async function signsIn(demo: Demo): Promise<void> {
  const nobody = connect(demo);
  const { data } = await nobody.mutate({ mutation: SignInDocument, variables: { input: CUSTOMER } });
  const refreshToken = data?.sessionCreate?.session?.refreshToken ?? "";
  const next = (await nobody.mutate({ mutation: RefreshSessionDocument, variables: { refreshToken } })).data?.sessionRefresh?.session;
  assert(next);
  await readsAll(connect(demo, next.accessToken), ofCustomer);
  await loadsOwnInvoices(connect(demo, next.accessToken));
  const out = await nobody.mutate({ mutation: SignOutDocument, variables: { refreshToken: next.refreshToken } });
  assert.deepEqual(out.data?.sessionRevoke?.userErrors, []);
}

export async function tryApollo(demo: Demo): Promise<string> {
  const client = connect(demo, demo.key);
  const one = { first: 1 };
  const product = (await client.query({ query: ProductListDocument, variables: one })).data?.products?.edges[0]?.node.id ?? "";
  const group = (await client.query({ query: GroupListDocument, variables: one })).data?.groups?.edges[0]?.node.id ?? "";
  const customer = (await client.query({ query: CustomerListDocument, variables: one })).data?.customers?.edges[0]?.node.id ?? "";
  const service = (await client.query({ query: ServiceListDocument, variables: one })).data?.services?.edges[0]?.node.id ?? "";
  await client.clearStore();
  const operations = ofStaff({ product, group, customer, service });
  await readsAll(client, operations);
  await client.clearStore();
  await loadsPageAfterPage(client);
  await client.clearStore();
  await showsAChangeElsewhere(client, product);
  await listsFollow(client, "1");
  await listsShrink(client, product);
  await actsOnAService(client);
  await signsIn(demo);
  client.stop();
  return `Apollo Client runs ${operations.length + ofCustomer.length} queries, loads pages and follows changes`;
}
