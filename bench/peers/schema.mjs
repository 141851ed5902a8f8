// The part of guichet's schema that the questions ask for, with resolvers.

import { makeExecutableSchema } from "@graphql-tools/schema";
import { GraphQLScalarType } from "graphql";

import { moment } from "./moment.mjs";

const typeDefs = `
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
    services: [Service!]
    invoices: [Invoice!]
  }

  type CustomerConnection {
    nodes: [Customer!]!
    totalCount: Int!
  }

  type Service {
    databaseId: Int!
    customerId: Int!
    productId: Int
    name: String!
    status: ServiceStatus!
    type: String!
    billing: String!
    priceTtc: Decimal!
    currency: String!
    createdAt: DateTime
    expiresAt: DateTime
    product: Product
  }

  type ServiceConnection {
    nodes: [Service!]!
    totalCount: Int!
  }

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
    customerId: Int
    status: InvoiceStatus!
    total: Decimal!
    currency: String!
    dueDate: DateTime!
    createdAt: DateTime
    items: [InvoiceItem!]
  }

  enum InvoiceStatus { DRAFT PENDING PAID CANCELLED REFUNDED FAILED }

  type InvoiceItem {
    databaseId: Int!
    invoiceId: Int!
    name: String!
    quantity: Int!
    unitPriceHt: Decimal!
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
  nodes: ({ rows, page, perPage }, _, { shop }) => shop.page(rows, page, perPage),
  totalCount: ({ rows }, _, { shop }) => shop.count(rows),
};

const resolvers = {
  DateTime: new GraphQLScalarType({ name: "DateTime", serialize: moment }),
  Decimal: new GraphQLScalarType({ name: "Decimal", serialize: String }),
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
    services: ({ databaseId }, _, { services }) => services.load(databaseId),
    invoices: ({ databaseId }, _, { invoices }) => invoices.load(databaseId),
  },
  Service: {
    product: ({ productId }, _, { products }) => (productId === null ? null : products.load(productId)),
  },
  Invoice: {
    items: ({ databaseId }, _, { items }) => items.load(databaseId),
  },
};

export const schema = makeExecutableSchema({ typeDefs, resolvers });
