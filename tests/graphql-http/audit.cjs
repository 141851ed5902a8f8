// Holds a running server against the audit of GraphQL over HTTP; see README.md.
"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const readline = require("node:readline");
const { auditServer } = require("graphql-http");

/** How many audits the pinned package has. */
const AUDITS = 61;

const RESULTS = path.resolve("docs/graphql-over-http.md");

/** The results as docs/graphql-over-http.md keeps them. */
function table(results, held) {
  const rows = results.map(({ id, name, status }) => `| ${id} | ${name.replaceAll("|", "\\|")} | ${status} |`);
  return [
    "# GraphQL over HTTP", "",
    "Written by `GUICHET_WRITE_DOCS=1 tests/graphql-http/run`: every server audit of the npm package `graphql-http`,",
    `asked of the demo shop. ${held} of ${results.length} hold.`, "",
    "| Audit | What it asks | Result |", "|---|---|---|", ...rows, "",
  ].join("\n");
}

/** Whether the file of results says what came out; written anew where that is asked for. */
function isKept(results, held) {
  const text = table(results, held);
  if (process.env.GUICHET_WRITE_DOCS) fs.writeFileSync(RESULTS, text);
  return fs.existsSync(RESULTS) && fs.readFileSync(RESULTS, "utf8") === text;
}

/** Starts the demo server in a folder of its own; its address and how to end it. */
async function startServer() {
  if (process.env.GUICHET_URL) return { url: process.env.GUICHET_URL, stop() {} };
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "guichet-audit-"));
  const env = {
    ...process.env, GUICHET_LISTEN: "127.0.0.1:0", GUICHET_DEMO_DIR: path.join(folder, "demo"), GUICHET_RATE_LIMIT: "0",
  };
  const server = spawn(path.resolve(process.env.GUICHET_BINARY), ["serve", "--demo"], {
    cwd: folder, env, stdio: ["ignore", "pipe", "inherit"],
  });
  const stop = () => {
    server.kill();
    fs.rmSync(folder, { recursive: true, force: true });
  };
  for await (const line of readline.createInterface({ input: server.stdout })) {
    const [url] = line.match(/http:\/\/127\.0\.0\.1:\d+/) ?? [];
    if (url) {
      server.stdout.resume();
      return { url, stop };
    }
  }
  stop();
  throw new Error(`the server ended with ${server.exitCode}`);
}

async function main() {
  const { url, stop } = await startServer();
  try {
    const results = await auditServer({ url: `${url}/graphql`, fetchFn: fetch });
    const failed = results.filter((result) => result.status !== "ok");
    for (const { id, name, status, reason } of failed) console.error(`${status}: ${id} ${name}: ${reason}`);
    const held = results.length - failed.length;
    console.log(`GraphQL over HTTP: ${held} of ${results.length} audits hold`);
    if (failed.length > 0 || results.length < AUDITS) process.exitCode = 1;
    if (!isKept(results, held)) {
      console.error("docs/graphql-over-http.md says otherwise: GUICHET_WRITE_DOCS=1 tests/graphql-http/run");
      process.exitCode = 1;
    }
  } finally {
    stop();
  }
}

main();
