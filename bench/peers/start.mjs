// What the three servers have in common: their arguments.

// Read by libraries as they are loaded, so this module is imported first.
process.env.NODE_ENV = "production";
process.env.GRAPHILE_ENV = "production";

const [script, url, address] = process.argv.slice(1);
if (url === undefined || !/^.+:\d+$/.test(address)) {
  console.error(`usage: node ${script} <database-url> <host>:<port>`);
  process.exit(2);
}
const colon = address.lastIndexOf(":");

export { url };
export const host = address.slice(0, colon);
export const port = Number(address.slice(colon + 1));

// Tells the one who waits for it that the server answers now.
export function listens(name) {
  console.log(`${name} listens on http://${host}:${port}/graphql`);
}
