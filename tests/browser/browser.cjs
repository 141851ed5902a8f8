// Drives chromium through the server's pages; see README.md.
"use strict";

const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");
const { chromium } = require("playwright-core");

const SCREENSHOTS = path.join("target", "screenshots");
const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Starts the demo server in a folder of its own; its address and how to end it. */
async function startServer() {
  if (process.env.GUICHET_URL) return { url: process.env.GUICHET_URL, stop() {} };
  const port = await freePort();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "guichet-browser-"));
  const env = { ...process.env, GUICHET_LISTEN: `127.0.0.1:${port}`, GUICHET_DEMO_DIR: path.join(folder, "demo") };
  const server = spawn(path.resolve(process.env.GUICHET_BINARY), ["serve", "--demo"], { cwd: folder, env, stdio: "inherit" });
  const stop = () => {
    server.kill();
    fs.rmSync(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 150; tries += 1) {
    if (server.exitCode !== null) throw new Error(`the server ended with ${server.exitCode}`);
    if (await fetch(url).then((answer) => answer.ok, () => false)) return { url, stop };
    await new Promise((wait) => setTimeout(wait, 200));
  }
  stop();
  throw new Error("the server does not answer");
}

/** A page that notes every error and every request elsewhere. */
async function openPage(browser, problems, options = { viewport: { width: 1400, height: 900 } }) {
  const page = await browser.newPage(options);
  page.on("console", (line) => line.type() === "error" && problems.push(`${page.url()}: ${line.text()}`));
  page.on("pageerror", (error) => problems.push(`${page.url()}: ${error}`));
  page.on("request", (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (protocol.startsWith("http") && hostname !== "127.0.0.1") problems.push(`asked ${request.url()}`);
  });
  return page;
}

const shot = (page, name) => page.screenshot({ path: path.join(SCREENSHOTS, `${name}.png`) });

async function startPage(page, url) {
  await page.goto(url);
  await page.getByRole("heading", { name: "guichet" }).waitFor();
  assert.equal(await page.locator(".doors a").count(), 3);
  assert.match(await page.locator("pre").innerText(), new RegExp(url));
  await shot(page, "start");
}

/** Runs the operation of the open tab; its data, which holds `text`. */
async function run(page, text) {
  // A moment after a change of the text, GraphiQL knows the name of the operation.
  await page.waitForFunction(() => {
    const editor = document.querySelector(".graphiql-query-editor .CodeMirror").CodeMirror;
    return editor.getValue().includes(` ${editor.operationName} `) || editor.getValue().includes(` ${editor.operationName}(`);
  });
  await page.locator(".graphiql-execute-button").click();
  const result = page.locator(".graphiql-response .CodeMirror");
  await result.getByText(text).first().waitFor();
  const { data, errors } = JSON.parse(await result.evaluate((editor) => editor.CodeMirror.getValue()));
  assert.equal(errors, undefined);
  return data;
}

async function signIn(page, password) {
  const form = page.locator("#sign-in");
  await form.locator("input[name=email]").fill("camille.fabre@client.example");
  await form.locator("input[name=password]").fill(password);
  await form.getByRole("button", { name: "Sign in" }).click();
}

/** On a phone, in the dark: everything is within the width, and an operation runs. */
async function graphiqlOnAPhone(browser, url, problems) {
  const page = await openPage(browser, problems, { viewport: { width: 390, height: 844 }, colorScheme: "dark" });
  await page.goto(`${url}/graphql`);
  await run(page, "totalCount");
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 390, "nothing stands beside the screen");
  for (const part of [".graphiql-execute-button", ".graphiql-query-editor", ".graphiql-response"]) {
    const box = await page.locator(part).first().boundingBox();
    assert.ok(box && box.width > 30 && box.height > 30 && box.x >= 0 && box.x + box.width <= 391, `${part} is usable`);
  }
  const background = await page.evaluate(() => getComputedStyle(document.querySelector(".graphiql-container")).backgroundColor);
  assert.ok(background.match(/\d+/g).slice(0, 3).every((part) => Number(part) < 90), `${background} is dark`);
  await shot(page, "graphiql-phone");
  await page.close();
}

/** Runs the examples and signs in; the demo key that the page was given. */
async function graphiql(page, url) {
  await page.goto(`${url}/graphql`);
  const key = await page.locator("#graphiql").getAttribute("data-key");
  assert.ok(key, "the demo server shows its key");
  assert.match(await page.title(), /Lanternes/, "the shop greets with its name");
  const tabs = page.locator(".graphiql-tab-button");
  assert.deepEqual(await tabs.allInnerTexts(), ["PricingPage", "CustomerArea", "BackOffice", "ChangeStock"]);
  const { products } = await run(page, "totalCount");
  assert.ok(products.nodes.length > 0 && products.nodes[0].name, "a product is shown");
  assert.ok(products.totalCount >= products.nodes.length);
  await shot(page, "graphiql");
  await tabs.nth(2).click();
  const { services, me } = await run(page, "expiresAt");
  assert.ok(services.nodes.length > 0 && me.abilities.length > 0 && me.limits.length > 0);
  await tabs.nth(3).click();
  assert.equal((await run(page, "updatedAt")).productUpdate.product.stock, 25);
  await signIn(page, "wrong");
  await page.locator("#sign-in output").getByText(/identifiers|identifiants/i).waitFor();
  await tabs.nth(1).click();
  await signIn(page, "demo-password");
  await page.locator("#sign-in output").getByText("Signed in").waitFor();
  const { viewer, me: customer } = await run(page, "firstname");
  assert.deepEqual([customer.kind, viewer.firstname, viewer.services.nodes.length > 0], ["CUSTOMER", "Camille", true]);
  await shot(page, "graphiql-customer");
  await page.getByRole("button", { name: /GraphiQL Explorer/ }).click();
  await page.locator(".docExplorerWrap, .graphiql-explorer-root").first().waitFor();
  await shot(page, "graphiql-explorer");
  await page.getByRole("button", { name: /Documentation Explorer/ }).click();
  await page.locator(".graphiql-doc-explorer").waitFor();
  await shot(page, "graphiql-docs");
  return key;
}

async function authorize(page, text) {
  await page.locator(".auth-wrapper .btn.authorize").click();
  const dialog = page.locator(".modal-ux");
  const logout = dialog.getByRole("button", { name: "Remove authorization" });
  await dialog.locator(".auth-btn-wrapper").waitFor();
  if (await logout.count()) await logout.click();
  await dialog.locator("input").first().fill(text);
  await dialog.locator(".auth-btn-wrapper .authorize").first().click();
  await dialog.locator(".btn-done").first().click();
}

async function swagger(page, url, key) {
  await page.goto(`${url}/api/documentation`);
  await page.locator(".opblock-tag").first().waitFor();
  assert.equal(await page.locator(".opblock").count(), 0, "operations are folded");
  assert.equal(await page.locator(".operation-filter-input").count(), 1, "tags can be filtered");
  await shot(page, "swagger");
  const operation = page.locator(".opblock-get", { has: page.locator('[data-path="/application/products"]') });
  for (const tag of await page.locator(".opblock-tag").all()) {
    if (await operation.count()) break;
    await tag.click();
  }
  await operation.locator(".opblock-summary-control").click();
  for (const text of [key, `Bearer ${key}`]) {
    await authorize(page, text);
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.url().includes("/api/application/products")),
      operation.locator(".execute").click(),
    ]);
    assert.equal(answer.status(), 200);
    assert.equal(answer.request().headers().authorization, `Bearer ${key}`);
    assert.ok((await answer.json()).data.length > 0, "products are answered");
    await operation.locator(".live-responses-table").waitFor();
  }
  await operation.locator(".live-responses-table").scrollIntoViewIfNeeded();
  await shot(page, "swagger-products");
}

async function main() {
  fs.mkdirSync(SCREENSHOTS, { recursive: true });
  const server = await startServer();
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
  const problems = [];
  try {
    const page = await openPage(browser, problems);
    await startPage(page, server.url);
    const key = await graphiql(page, server.url);
    await graphiqlOnAPhone(browser, server.url, problems);
    await swagger(page, server.url, key);
    assert.deepEqual(problems, []);
    console.log(`pages work; screenshots in ${SCREENSHOTS}`);
  } catch (error) {
    console.error(problems.join("\n"));
    throw error;
  } finally {
    await browser.close();
    server.stop();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
