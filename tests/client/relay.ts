// Relay with the environment of docs/clients.md: what its compiler makes of relay/shop.ts, without React.
import assert from "node:assert/strict";
import {
  commitMutation, type ConcreteRequest, createOperationDescriptor, type Environment, fetchQuery, type FetchFunction,
  type GraphQLResponse, getSingularSelector, type MutationParameters, type OperationType, type Snapshot,
} from "relay-runtime";

import { CUSTOMER, type Demo, groupOf, isWhole, until } from "./demo";
import { SignInDocument } from "./generated/graphql";
import { get } from "./client";
import { makeEnvironment } from "./relay-environment";
import addGroup, { type shopAddGroupMutation } from "./relay/__generated__/shopAddGroupMutation.graphql";
import dropGroup, { type shopDropGroupMutation } from "./relay/__generated__/shopDropGroupMutation.graphql";
import editProduct, { type shopEditProductMutation } from "./relay/__generated__/shopEditProductMutation.graphql";
import groupsQuery, { type shopGroupsQuery } from "./relay/__generated__/shopGroupsQuery.graphql";
import homeQuery, { type shopHomeQuery } from "./relay/__generated__/shopHomeQuery.graphql";
import nextProducts, { type shopProductsNextQuery } from "./relay/__generated__/shopProductsNextQuery.graphql";
import productQuery, { type shopProductQuery } from "./relay/__generated__/shopProductQuery.graphql";
import productsQuery, { type shopProductsQuery } from "./relay/__generated__/shopProductsQuery.graphql";
import recordQuery, { type shopRecordQuery } from "./relay/__generated__/shopRecordQuery.graphql";
import productsFragment, { type shop_products$data } from "./relay/__generated__/shop_products.graphql";

const connect = (demo: Demo, token: string): Environment => {
  const send: FetchFunction = async ({ text }, variables) => {
    const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
    const answer = await fetch(`${demo.url}/graphql`, { method: "POST", headers, body: JSON.stringify({ query: text, variables }) });
    return (await answer.json()) as GraphQLResponse;
  };
  return makeEnvironment(send);
};

/** A view of what the store has; it stays in the store. */
function follow<Data>(environment: Environment, snapshot: Snapshot) {
  const view = { data: snapshot.data as unknown as Data };
  environment.subscribe(snapshot, (next) => { view.data = next.data as unknown as Data; });
  return view;
}

async function watch<Query extends OperationType>(environment: Environment, query: ConcreteRequest, variables: Query["variables"]) {
  await fetchQuery<Query>(environment, query, variables).toPromise();
  const operation = createOperationDescriptor(query, variables);
  environment.retain(operation);
  return follow<Query["response"]>(environment, environment.lookup(operation.fragment));
}

const change = <Mutation extends MutationParameters>(environment: Environment, mutation: ConcreteRequest, variables: Mutation["variables"]) =>
  new Promise<Mutation["response"]>((resolve, reject) => {
    commitMutation<Mutation>(environment, { mutation, variables, onCompleted: resolve, onError: reject });
  });

/** The list of products behind its fragment, with all of its pages. */
async function loadsPageAfterPage(environment: Environment) {
  const root = await watch<shopProductsQuery>(environment, productsQuery, {});
  const selector = getSingularSelector(productsFragment, root.data);
  assert(selector);
  const view = follow<shop_products$data>(environment, environment.lookup(selector));
  assert.equal(view.data.products?.edges.length, 5);
  while (view.data.products && !isWhole(view.data.products)) {
    const { length } = view.data.products.edges;
    const { pageInfo } = view.data.products as unknown as { pageInfo: { endCursor: string; hasNextPage: boolean } };
    assert(pageInfo.hasNextPage);
    await fetchQuery<shopProductsNextQuery>(environment, nextProducts, { first: 5, after: pageInfo.endCursor }).toPromise();
    await until(() => (view.data.products?.edges.length ?? 0) > length, "the next page is there");
  }
  assert(isWhole(view.data.products));
  return view;
}

async function showsAChangeElsewhere(environment: Environment, list: { data: shop_products$data }): Promise<void> {
  const id = list.data.products?.edges[7]?.node.id ?? "";
  const page = await watch<shopProductQuery>(environment, productQuery, { id });
  const name = `Ccc ${page.data.product?.name}`;
  const { productUpdate } = await change<shopEditProductMutation>(environment, editProduct, { id, input: { name } });
  assert.deepEqual(productUpdate?.userErrors, []);
  const shown = () => list.data.products?.edges.find(({ node }) => node.id === id)?.node.name;
  await until(() => page.data.product?.name === name && shown() === name, "both views have the new name");
  // node(id) needs no request for what is there.
  const operation = createOperationDescriptor(recordQuery, { id });
  assert.equal(environment.check(operation).status, "available");
  assert.equal((environment.lookup(operation.fragment).data as unknown as shopRecordQuery["response"]).node?.name, name);
  const refused = await change<shopEditProductMutation>(environment, editProduct, { id, input: { name: "x".repeat(300) } });
  assert.deepEqual([refused.productUpdate?.product, refused.productUpdate?.userErrors[0]?.code], [null, "TOO_LONG"]);
  assert.equal(shown(), name);
}

async function listsFollow(environment: Environment): Promise<void> {
  const list = await watch<shopGroupsQuery>(environment, groupsQuery, { first: 50 });
  assert(isWhole(list.data.groups));
  const connections = [list.data.groups?.__id ?? ""];
  const { groupCreate } = await change<shopAddGroupMutation>(environment, addGroup, { input: groupOf("relay"), connections });
  assert.deepEqual(groupCreate?.userErrors, []);
  const id = groupCreate?.group?.id ?? "";
  await until(() => list.data.groups?.edges.at(-1)?.node.id === id, "the group is in the list");
  const { groupDelete } = await change<shopDropGroupMutation>(environment, dropGroup, { id, connections });
  assert.equal(groupDelete?.gone, id);
  await until(() => list.data.groups?.edges.every(({ node }) => node != null && node.id !== id) === true, "the group has left the list");
  assert.equal(environment.getStore().getSource().get(id), null);
  assert(isWhole((await watch<shopGroupsQuery>(environment, groupsQuery, { first: 50 })).data.groups));
}

export async function tryRelay(demo: Demo): Promise<string> {
  const environment = connect(demo, demo.key);
  const list = await loadsPageAfterPage(environment);
  await showsAChangeElsewhere(environment, list);
  await listsFollow(environment);
  const { sessionCreate } = await get(demo, SignInDocument, { input: CUSTOMER }, "");
  const own = connect(demo, sessionCreate?.session?.accessToken ?? "");
  const home = await watch<shopHomeQuery>(own, homeQuery, { first: 1 });
  assert.equal(home.data.me?.kind, "CUSTOMER");
  for (let pages = 1; !isWhole(home.data.viewer?.invoices); pages += 1) {
    const { pageInfo } = home.data.viewer?.invoices as unknown as { pageInfo: { endCursor: string } };
    await fetchQuery<shopHomeQuery>(own, homeQuery, { first: 1, after: pageInfo.endCursor }).toPromise();
    await until(() => home.data.viewer?.invoices?.edges.length === pages + 1, "the next page is there");
  }
  return "Relay loads pages, appends and deletes records and follows changes";
}
