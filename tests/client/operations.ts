// The queries of the three pages, with variables that fit the demo shop.
import type { TypedDocumentNode } from "@graphql-typed-document-node/core";

import * as documents from "./generated/graphql";

type Values = Record<string, unknown>;
export type Operation = { document: TypedDocumentNode<Values, Values>; variables: Values };

const operation = <Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables) =>
  ({ document, variables }) as unknown as Operation;

/** What the shop's own server and its staff ask, with a key. `product`, `group` … are global identifiers. */
export const ofStaff = (ids: { product: string; group: string; customer: string; service: string }): Operation[] => [
  operation(documents.PricingPageDocument, {}),
  operation(documents.GroupTreeDocument, {}),
  operation(documents.ProductPageDocument, { id: ids.product }),
  operation(documents.ProductListDocument, { first: 5, filter: { status: { eq: "ACTIVE" } } }),
  operation(documents.DashboardDocument, {}),
  operation(documents.CustomerListDocument, { first: 5, search: "client.example" }),
  operation(documents.CustomerPageDocument, { id: ids.customer }),
  operation(documents.ServiceListDocument, { first: 5, filter: { status: { in: ["ACTIVE", "SUSPENDED"] } } }),
  operation(documents.ServicePageDocument, { id: ids.service }),
  operation(documents.GroupListDocument, { first: 5 }),
  operation(documents.InvoiceListDocument, { first: 5, filter: { status: { in: ["PENDING", "FAILED"] } } }),
  operation(documents.CouponListDocument, {}),
  operation(documents.DepartmentListDocument, {}),
  operation(documents.PriceListDocument, { product: ids.product }),
  operation(documents.RecordsDocument, { ids: [ids.product, ids.group, ids.service] }),
];

/** What a signed-in customer asks. */
export const ofCustomer: Operation[] = [
  operation(documents.CustomerHomeDocument, {}),
  operation(documents.MyServicesDocument, {}),
  operation(documents.MyInvoicesDocument, { first: 2 }),
];
