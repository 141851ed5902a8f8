// The part of guichet's schema that the questions ask for, with resolvers.

import { makeExecutableSchema } from "@graphql-tools/schema";
import { GraphQLScalarType } from "graphql";

import { day, moment } from "./moment.mjs";

const typeDefs = `
  scalar Date
  scalar DateTime
  scalar Decimal

  type Query {
    customer(id: ID!): Customer
    customers(page: Int! = 1, perPage: Int! = 25): CustomerConnection
    services(filter: ServiceFilter, sort: [ServiceSort!]! = [], page: Int! = 1, perPage: Int! = 25): ServiceConnection
  }

  type Customer {
    databaseId: Int!
    firstname: String!
    lastname: String!
    email: String!
    companyName: String
    locale: String!
    address: String!
    city: String!
    country: String!
    region: String!
    zipcode: String!
    createdAt: DateTime
    services(first: Int! = 25): ServiceConnection
    invoices(first: Int! = 25): InvoiceConnection
  }

  type CustomerConnection {
    nodes: [Customer!]!
    totalCount: Int!
  }

  type Service {
    databaseId: Int!
    customerId: ID!
    name: String!
    status: ServiceStatus!
    type: String!
    billing: BillingPeriod!
    currency: String!
    createdAt: DateTime
    expiresAt: DateTime
    product: Product
  }

  type ServiceConnection {
    nodes: [Service!]!
    totalCount: Int!
  }

  enum BillingPeriod { ONETIME WEEKLY MONTHLY QUARTERLY SEMIANNUALLY ANNUALLY BIENNIALLY TRIENNIALLY }
  enum ServiceStatus { PENDING ACTIVE SUSPENDED EXPIRED CANCELLED HIDDEN }

  type Product {
    databaseId: Int!
    name: String!
    type: String!
    status: ShopStatus!
  }

  enum ShopStatus { ACTIVE HIDDEN UNREFERENCED }

  type Invoice {
    databaseId: Int!
    status: InvoiceStatus!
    total: Money!
    currency: String!
    dueDate: Date!
    createdAt: DateTime
    items: [InvoiceItem!]
  }

  type InvoiceConnection {
    nodes: [Invoice!]!
  }

  type Money {
    amount: Decimal!
  }

  enum InvoiceStatus { DRAFT PENDING PAID CANCELLED REFUNDED FAILED }

  type InvoiceItem {
    databaseId: Int!
    name: String!
    quantity: Int!
  }

  input ServiceFilter { status: ServiceStatusFilter }
  input ServiceStatusFilter { eq: ServiceStatus }

  input ServiceSort {
    field: ServiceSortField!
    direction: Direction! = ASC
  }

  enum ServiceSortField { ID NAME STATUS EXPIRES_AT CREATED_AT }
  enum Direction { ASC DESC }
`;

// An enum whose words the database holds in lower case.
function lowerCase(...words) {
  return Object.fromEntries(words.map((word) => [word, word.toLowerCase()]));
}

const connection = {
  nodes: ({ nodes, rows, page, perPage }, _, { shop }) => nodes ?? shop.page(rows, page, perPage),
  totalCount: ({ rows }, _, { shop }) => shop.count(rows),
};

// The beginning of a list inside a record, as a connection.
function part(rows, first) {
  return { nodes: rows.length > first ? rows.slice(0, first) : rows };
}

const resolvers = {
  Date: new GraphQLScalarType({ name: "Date", serialize: day }),
  DateTime: new GraphQLScalarType({ name: "DateTime", serialize: moment }),
  Decimal: new GraphQLScalarType({ name: "Decimal", serialize: String }),
  BillingPeriod: lowerCase(
    "ONETIME", "WEEKLY", "MONTHLY", "QUARTERLY", "SEMIANNUALLY", "ANNUALLY", "BIENNIALLY", "TRIENNIALLY",
  ),
  ServiceStatus: lowerCase("PENDING", "ACTIVE", "SUSPENDED", "EXPIRED", "CANCELLED", "HIDDEN"),
  ShopStatus: lowerCase("ACTIVE", "HIDDEN", "UNREFERENCED"),
  InvoiceStatus: lowerCase("DRAFT", "PENDING", "PAID", "CANCELLED", "REFUNDED", "FAILED"),
  ServiceSortField: lowerCase("ID", "NAME", "STATUS", "EXPIRES_AT", "CREATED_AT"),
  Query: {
    customer: (_, { id }, { shop }) => shop.customer(Number(id)),
    customers: (_, { page, perPage }, { shop }) => ({ rows: shop.customers(), page, perPage }),
    services: (_, { filter, sort, page, perPage }, { shop }) => ({
      rows: shop.services(filter?.status?.eq, sort),
      page,
      perPage,
    }),
  },
  CustomerConnection: connection,
  ServiceConnection: connection,
  Customer: {
    services: async ({ databaseId }, { first }, { services }) => part(await services.load(databaseId), first),
    invoices: async ({ databaseId }, { first }, { invoices }) => part(await invoices.load(databaseId), first),
  },
  Service: {
    customerId: ({ customerId }) => btoa(`Customer:${customerId}`).replace(/=+$/, ""),
    product: ({ productId }, _, { products }) => (productId === null ? null : products.load(productId)),
  },
  Invoice: {
    total: ({ total }) => ({ amount: Number(total).toFixed(2) }),
    items: ({ databaseId }, _, { items }) => items.load(databaseId),
  },
};

export const schema = makeExecutableSchema({ typeDefs, resolvers });
