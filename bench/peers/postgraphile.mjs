// PostGraphile on Node's own HTTP server: its schema comes from the tables of a PostgreSQL database.

import { host, listens, port, url } from "./start.mjs";

import { createServer } from "node:http";

import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { jsonPgSmartTags } from "postgraphile/utils";
import { PostGraphileConnectionFilterPreset } from "postgraphile-plugin-connection-filter";

// PostGraphile 5 is made for Node 22 and newer. This is all that it misses in Node 20.
Promise.withResolvers ??= function withResolvers() {
  const deferred = {};
  deferred.promise = new this((resolve, reject) => Object.assign(deferred, { resolve, reject }));
  return deferred;
};

// PostGraphile offers conditions and orders on columns with an index only, unless a tag says more.
const filtered = { tags: { behavior: "+filterBy" } };
const sorted = { tags: { behavior: "+orderBy" } };
const tags = jsonPgSmartTags({
  version: 1,
  config: {
    class: {
      customers: { attribute: { deleted_at: filtered } },
      services: { attribute: { deleted_at: filtered, status: filtered, created_at: sorted } },
      invoices: { attribute: { deleted_at: filtered } },
      invoice_items: { attribute: { deleted_at: filtered } },
      // The table's own name is that of a type of GraphQL.
      subscriptions: { tags: { name: "shop_subscriptions" } },
    },
  },
});

const pgl = postgraphile({
  extends: [PostGraphileAmberPreset, PostGraphileConnectionFilterPreset],
  plugins: [tags],
  pgServices: [
    makePgService({
      connectionString: url.replace(/^(pgsql|postgresql):/, "postgres:"),
      schemas: ["public"],
      poolConfig: { max: 10 },
      pubsub: false,
    }),
  ],
  schema: {
    // Relations are lists, without cursors; there is nothing that writes.
    defaultBehavior: "+list -insert -update -delete",
    pgOrderByNullsLast: true,
  },
  grafserv: { graphiql: false, websockets: false, outputDataAsString: true },
  grafast: { explain: false },
});
const server = createServer();
// As long as Fastify has it: connections outlast the pauses of a measurement.
server.keepAliveTimeout = 72_000;
await pgl.createServ(grafserv).addTo(server);
// The schema is built before the first request.
await pgl.getSchema();
server.listen(port, host, () => listens("postgraphile"));
