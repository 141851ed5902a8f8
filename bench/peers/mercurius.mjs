// Fastify and Mercurius.

import { host, listens, port, url } from "./start.mjs";

import Fastify from "fastify";
import mercurius from "mercurius";

import { schema } from "./schema.mjs";
import { Shop } from "./shop.mjs";

const shop = new Shop(url);
const app = Fastify();
app.register(mercurius, { schema, jit: 1, context: () => shop.context() });
await app.listen({ host, port });
listens("mercurius");
