// The shop's rows, with the columns under the names of the GraphQL fields.

import DataLoader from "dataloader";

import { open } from "./database.mjs";

const CUSTOMER = columns([
  "id", "firstname", "lastname", "email", "company_name", "locale", "address", "city", "country", "region",
  "zipcode", "created_at",
]);
const SERVICE = columns([
  "id", "customer_id", "product_id", "name", "status", "type", "billing", "currency", "created_at",
  "expires_at",
]);
const PRODUCT = columns(["id", "name", "type", "status"]);
const INVOICE = columns(["id", "customer_id", "status", "total", "currency", "due_date", "created_at"]);
const ITEM = columns(["id", "invoice_id", "name", "quantity"]);

function columns(names) {
  const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
  return names.map((name) => `${name} AS "${name === "id" ? "databaseId" : camel(name)}"`).join(", ");
}

export class Shop {
  #database;

  constructor(url) {
    this.#database = open(url);
  }

  async customer(id) {
    const sql = `SELECT ${CUSTOMER} FROM customers WHERE id = ? AND deleted_at IS NULL`;
    return (await this.#database.query(sql, [id]))[0] ?? null;
  }

  // The customers, a part of which is read with `page`.
  customers() {
    return { columns: CUSTOMER, table: "customers", condition: "deleted_at IS NULL", values: [], order: "id ASC" };
  }

  // The services with this status, or all; `sort` has columns and directions.
  services(status, sort) {
    const keys = sort.map(({ field, direction }) => this.#database.order(field, direction));
    return {
      columns: SERVICE,
      table: "services",
      condition: status === undefined ? "deleted_at IS NULL" : "deleted_at IS NULL AND status = ?",
      values: status === undefined ? [] : [status],
      order: [...keys, "id ASC"].join(", "),
    };
  }

  page({ columns, table, condition, values, order }, page, perPage) {
    const sql = `SELECT ${columns} FROM ${table} WHERE ${condition} ORDER BY ${order} LIMIT ? OFFSET ?`;
    return this.#database.query(sql, [...values, perPage, (page - 1) * perPage]);
  }

  async count({ table, condition, values }) {
    const sql = `SELECT COUNT(*) AS number FROM ${table} WHERE ${condition}`;
    return (await this.#database.query(sql, values))[0].number;
  }

  // Those whose customers have these keys: a list for each key.
  async servicesOfCustomers(ids) {
    const sql = `SELECT ${SERVICE} FROM services
      WHERE customer_id IN (?) AND deleted_at IS NULL AND status <> 'hidden' ORDER BY id`;
    return lists(ids, await this.#database.among(sql, ids), "customerId");
  }

  async invoicesOfCustomers(ids) {
    const sql = `SELECT ${INVOICE} FROM invoices WHERE customer_id IN (?) AND deleted_at IS NULL ORDER BY id`;
    return lists(ids, await this.#database.among(sql, ids), "customerId");
  }

  async itemsOfInvoices(ids) {
    const sql = `SELECT ${ITEM} FROM invoice_items WHERE invoice_id IN (?) AND deleted_at IS NULL ORDER BY id`;
    return lists(ids, await this.#database.among(sql, ids), "invoiceId");
  }

  // One or null for each key.
  async products(ids) {
    const sql = `SELECT ${PRODUCT} FROM products WHERE id IN (?) AND deleted_at IS NULL`;
    const found = new Map((await this.#database.among(sql, ids)).map((row) => [row.databaseId, row]));
    return ids.map((id) => found.get(id) ?? null);
  }

  // What the resolvers of one request share: the shop, and a loader for each relation.
  context() {
    return {
      shop: this,
      services: new DataLoader((ids) => this.servicesOfCustomers(ids)),
      invoices: new DataLoader((ids) => this.invoicesOfCustomers(ids)),
      items: new DataLoader((ids) => this.itemsOfInvoices(ids)),
      products: new DataLoader((ids) => this.products(ids)),
    };
  }
}

function lists(ids, rows, key) {
  const found = new Map(ids.map((id) => [id, []]));
  for (const row of rows) found.get(row[key]).push(row);
  return ids.map((id) => found.get(id));
}
