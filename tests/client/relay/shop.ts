// Documents of relay.ts. The compiler reads them; nothing imports this file.
import { graphql } from "relay-runtime";

export const groups = graphql`
  query shopGroupsQuery($first: Int!, $after: String) {
    groups(first: $first, after: $after, sort: [{ field: NAME }]) @connection(key: "shop_groups") {
      __id
      totalCount
      edges {
        node {
          id
          name
          slug
        }
      }
    }
  }
`;

export const products = graphql`
  query shopProductsQuery {
    ...shop_products
  }
`;

export const productsPart = graphql`
  fragment shop_products on Query
  @refetchable(queryName: "shopProductsNextQuery")
  @argumentDefinitions(first: { type: "Int", defaultValue: 5 }, after: { type: "String" }) {
    products(first: $first, after: $after, sort: [{ field: NAME }]) @connection(key: "shop_products") {
      totalCount
      edges {
        node {
          id
          name
          stock
        }
      }
    }
  }
`;

export const product = graphql`
  query shopProductQuery($id: ID!) {
    product(id: $id) {
      id
      name
      description
      stock
      group {
        id
        name
      }
    }
  }
`;

export const record = graphql`
  query shopRecordQuery($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Product {
        name
        stock
      }
    }
  }
`;

export const editProduct = graphql`
  mutation shopEditProductMutation($id: ID!, $input: ProductUpdateInput!) {
    productUpdate(id: $id, input: $input) {
      product {
        id
        name
        stock
      }
      userErrors {
        field
        code
        message
      }
    }
  }
`;

export const addGroup = graphql`
  mutation shopAddGroupMutation($input: GroupCreateInput!, $connections: [ID!]!) {
    groupCreate(input: $input) {
      group @appendNode(connections: $connections, edgeTypeName: "GroupEdge") {
        id
        name
        slug
      }
      userErrors {
        field
        code
        message
      }
    }
  }
`;

export const dropGroup = graphql`
  mutation shopDropGroupMutation($id: ID!, $connections: [ID!]!) {
    groupDelete(id: $id) {
      deletedId @deleteEdge(connections: $connections)
      gone: deletedId @deleteRecord
      userErrors {
        code
        message
      }
    }
  }
`;

export const home = graphql`
  query shopHomeQuery($first: Int!, $after: String) {
    me {
      kind
      name
    }
    viewer {
      id
      firstname
      balance {
        formatted
      }
      invoices(first: $first, after: $after) @connection(key: "shop_invoices") {
        totalCount
        edges {
          node {
            id
            status
          }
        }
      }
    }
  }
`;
