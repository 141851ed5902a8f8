// The demo shop that the clients talk to, and what they have in common.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";

export interface Demo {
  url: string;
  /** A key with all abilities. */
  key: string;
  stop(): void;
}

/** Starts the demo server in a folder of its own. */
export async function startDemo(binary: string): Promise<Demo> {
  const folder = mkdtempSync(join(tmpdir(), "guichet-client-"));
  const env = { ...process.env, GUICHET_LISTEN: "127.0.0.1:0", GUICHET_DEMO_DIR: join(folder, "demo"), GUICHET_RATE_LIMIT: "0", RUST_LOG: "warn" };
  const server: ChildProcess = spawn(resolve(binary), ["serve", "--demo"], { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] });
  const stop = () => {
    server.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  assert(server.stdout);
  let url: string | undefined;
  for await (const line of createInterface({ input: server.stdout })) {
    url ??= /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
    const key = /Bearer (\d+\|\w+)/.exec(line)?.[1];
    if (url && key) {
      server.stdout.resume();
      return { url, key, stop };
    }
  }
  stop();
  throw new Error(`the server ended with ${server.exitCode}`);
}

/** The customer of the demo shop. */
export const CUSTOMER = { kind: "CUSTOMER", email: "camille.fabre@client.example", password: "demo-password" } as const;

/** A group that a client makes. The slug of a deleted one stays taken: each client has its own. */
export const groupOf = (client: string) =>
  ({ name: "Zone neuve", description: "<p>Neuf</p>", status: "HIDDEN", slug: `zone-${client}`, sortOrder: 9 }) as const;

/** Waits until something holds: a view follows a change in its own time. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 5000; !holds(); await wait(5)) assert(Date.now() < end, `it takes too long until ${what}`);
}

/** Whether all rows of a list are there, each once. */
export function isWhole(list: { totalCount: number; edges: readonly { node: { id: string } }[] } | null | undefined): boolean {
  return list != null && list.edges.length === list.totalCount && new Set(list.edges.map(({ node }) => node.id)).size === list.totalCount;
}
