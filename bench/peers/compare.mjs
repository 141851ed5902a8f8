// Asks guichet and a peer the questions, and says whose answers differ.
//
//   node compare.mjs <guichet> <key> <peer> [postgraphile]
//
// <guichet> and <peer> are addresses such as http://127.0.0.1:8080, on the same database; <key> is one of guichet's.
// With `postgraphile` the peer is asked documents of its own, and its spelling of values is put aside.
// The exit code is 0 where all answers are the same.

import { readdirSync, readFileSync } from "node:fs";

import { moment } from "./moment.mjs";

const [guichet, key, peer, own] = process.argv.slice(2);
if (peer === undefined || ![undefined, "postgraphile"].includes(own)) {
  console.error("usage: node compare.mjs <guichet> <key> <peer> [postgraphile]");
  process.exit(2);
}
const documents = new URL("documents/", import.meta.url);
const names = readdirSync(documents).filter((name) => name.endsWith(".graphql")).sort();
let differ = false;
for (const name of names) {
  const expected = await ask(guichet, new URL(name, documents), { authorization: `Bearer ${key}` });
  const answer = await ask(peer, new URL(own === undefined ? name : `${own}/${name}`, documents), {});
  const found = own === undefined ? answer : likewise(answer, expected);
  const where = difference(expected, found, "");
  differ ||= where !== undefined;
  console.log(`${name}: ${where ?? `the same, ${JSON.stringify(expected).length} bytes`}`);
}
process.exit(differ ? 1 : 0);

async function ask(server, document, headers) {
  const response = await fetch(`${server}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query: readFileSync(document, "utf8") }),
  });
  const answer = await response.json();
  if (answer.errors !== undefined) throw new Error(`${server}: ${JSON.stringify(answer.errors)}`);
  return answer;
}

// The answer with each value spelled as the other server spells it, where both mean the same.
function likewise(answer, expected) {
  if (Array.isArray(answer) && Array.isArray(expected)) {
    return answer.map((item, index) => likewise(item, expected[index]));
  }
  if (answer !== null && typeof answer === "object" && expected !== null && typeof expected === "object") {
    return Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, likewise(value, expected[name])]));
  }
  // An amount of money has its currency's decimals there, and a key of a customer the type's name.
  if (typeof expected?.amount === "string") return { amount: likewise(Number(answer).toFixed(2), expected.amount) };
  const key = btoa(`Customer:${answer}`).replace(/=+$/, "");
  const spellings = [String(answer), String(answer).toUpperCase(), utc(answer), key];
  return answer !== null && spellings.includes(String(expected)) ? expected : answer;
}

// A local time or day as a moment in UTC.
function utc(text) {
  if (!/^\d{4}-\d\d-\d\d(T[\d:.]+)?$/.test(text)) return undefined;
  return moment(new Date(text.includes("T") ? text : `${text}T00:00`));
}

// Where two answers differ first; the order of fields counts too.
function difference(expected, found, path) {
  const isObject = (value) => value !== null && typeof value === "object";
  if (!isObject(expected) || !isObject(found)) {
    return Object.is(expected, found)
      ? undefined
      : `differs at ${path}: ${JSON.stringify(expected)} is ${JSON.stringify(found)?.slice(0, 200)}`;
  }
  const [left, right] = [Object.keys(expected), Object.keys(found)];
  if (left.join() !== right.join()) return `differs at ${path}: ${left} is ${right}`.slice(0, 300);
  for (const name of left) {
    const where = difference(expected[name], found[name], `${path}/${name}`);
    if (where !== undefined) return where;
  }
  return undefined;
}
