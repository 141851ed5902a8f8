// What every client has in common: the address and the key, and what is expected of the shop.
import assert from "node:assert/strict";

const [url, key] = process.argv.slice(2);
assert(url && key, "usage: <client> <address> <key>");

export const address = `${url}/api`;
export const authorization = `Bearer ${key}`;

/** A picture of one pixel. */
export const picture = () =>
  new Blob([Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64")], { type: "image/png" });

/** Rows of a group together, the newest first within it. */
export function assertSorted(rows: readonly { id: number; group_id: number }[]): void {
  assert(rows.length > 3);
  const wanted = [...rows].sort((one, other) => one.group_id - other.group_id || other.id - one.id);
  assert.deepEqual(rows, wanted);
}

/** Asks until the limit is reached, waits as long as the answer says, and is let in again. */
export async function assertLimited(ask: () => Promise<Response>): Promise<void> {
  let answer = await ask();
  for (let count = 0; answer.ok; count++) {
    assert(count < 1000, "there is no limit");
    answer = await ask();
  }
  assert.equal(answer.status, 429);
  const seconds = Number(answer.headers.get("Retry-After"));
  assert(seconds > 0 && seconds <= 60, `Retry-After: ${seconds}`);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  assert.equal((await ask()).status, 200);
}
