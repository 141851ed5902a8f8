// Apollo Server on Fastify.

import { host, listens, port, url } from "./start.mjs";

import { ApolloServer } from "@apollo/server";
import { ApolloServerPluginCacheControlDisabled } from "@apollo/server/plugin/disabled";
import fastifyApollo from "@as-integrations/fastify";
import Fastify from "fastify";

import { schema } from "./schema.mjs";
import { Shop } from "./shop.mjs";

const shop = new Shop(url);
const apollo = new ApolloServer({
  schema,
  // It looks at every field of an answer, and no field has a hint for it.
  plugins: [ApolloServerPluginCacheControlDisabled()],
});
await apollo.start();
const app = Fastify();
app.register(fastifyApollo(apollo), { context: async () => shop.context() });
await app.listen({ host, port });
listens("apollo");
