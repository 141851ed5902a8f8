// Drives chromium through the server's pages; see README.md.
"use strict";

const assert = require("node:assert/strict");
const { execFileSync, spawn } = require("node:child_process");
const fs = require("node:fs");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");
const { chromium } = require("playwright-core");
const { accessibility } = require("./accessibility.cjs");
const { screens } = require("./screens.cjs");

const SCREENSHOTS = path.join("target", "screenshots");
const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--font-render-hinting=none", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
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

/** Bytes of files that the page has loaded. A first visit is small, because they come compressed. */
async function filesAreSmall(page, most) {
  const sizes = await page.evaluate(() =>
    performance.getEntriesByType("resource").filter(({ name }) => name.includes("/asset/")).map(({ encodedBodySize }) => encodedBodySize));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  console.log(`${page.url()}: ${bytes} bytes of files`);
  assert.ok(bytes > 0 && bytes < most, `${page.url()} loads ${bytes} bytes of files`);
}

/** The request of the start page is pasted into a shell and answers. */
async function startPage(page, url) {
  await page.goto(url);
  await page.getByRole("heading", { name: "guichet" }).waitFor();
  assert.equal(await page.locator(".doors a").count(), 5);
  const line = await page.locator("pre").innerText();
  assert.ok(line.includes(`'${url}/api/application/products`), line);
  const answer = JSON.parse(execFileSync("bash", ["-c", line], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
  assert.equal(answer.data.length, 5);
  await page.keyboard.press("Tab");
  assert.match(await page.evaluate(() => document.activeElement.href), /graphql$/, "the first link is reached first");
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
  assert.deepEqual(await tabs.allInnerTexts(), ["PricingPage", "CustomerArea", "BackOffice", "Tickets", "ChangeStock", "RefreshSession"]);
  await filesAreSmall(page, 620_000);
  const { products } = await run(page, "totalCount");
  assert.ok(products.nodes.length > 0 && products.nodes[0].name, "a product is shown");
  assert.ok(products.totalCount >= products.nodes.length);
  await shot(page, "graphiql");
  await tabs.nth(2).click();
  const { services, me } = await run(page, "expiresAt");
  assert.ok(services.nodes.length > 0 && me.abilities.length > 0 && me.limits.length > 0);
  await tabs.nth(3).click();
  const { tickets } = await run(page, "subject");
  assert.ok(tickets.nodes.length > 0 && tickets.nodes[0].messages.nodes.length > 0, "tickets with what was said");
  await tabs.nth(4).click();
  assert.equal((await run(page, "updatedAt")).productUpdate.product.stock, 25);
  assert.equal(await page.locator("#sign-in input[name=email]").inputValue(), "camille.fabre@client.example");
  await signIn(page, "wrong");
  await page.locator("#sign-in output").getByText(/identifiers|identifiants/i).waitFor();
  await tabs.nth(1).click();
  await signIn(page, "demo-password");
  await page.locator("#sign-in output").getByText("Signed in").waitFor();
  const { viewer, me: customer } = await run(page, "firstname");
  assert.deepEqual([customer.kind, viewer.firstname, viewer.services.nodes.length > 0], ["CUSTOMER", "Camille", true]);
  await shot(page, "graphiql-customer");
  const sessionHeaders = () => page.locator(".graphiql-editor-tool .CodeMirror").last().evaluate((editor) => editor.CodeMirror.getValue());
  const token = JSON.parse(await sessionHeaders()).Authorization;
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.locator("#sign-in output").getByText("Signed out").waitFor();
  await page.locator(".graphiql-editor-tool .CodeMirror").last().waitFor();
  assert.equal(JSON.parse(await sessionHeaders()).Authorization, `Bearer ${key}`, "the key that the server shows");
  assert.ok(!(await page.evaluate(() => JSON.stringify(localStorage))).includes(token.replace("Bearer ", "")), "the session is forgotten");
  assert.ok(await page.getByRole("button", { name: "Sign out" }).isHidden());
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

/** The answer to the request that "Execute" sends, which carries the key. */
async function execute(page, operation, key) {
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.url().includes("/api/application/products")),
    operation.locator(".execute").click(),
  ]);
  assert.equal(answer.status(), 200);
  assert.equal(answer.request().headers().authorization, `Bearer ${key}`);
  assert.ok((await answer.json()).data.length > 0, "products are answered");
  await operation.locator(".live-responses-table").waitFor();
}

/** The filter reads paths, summaries, ids and descriptions, and opens what it finds. */
async function filter(page) {
  const field = page.getByLabel("Find operations");
  const shown = page.locator(".opblock");
  for (const [phrase, path] of [
    ["suspend", "/application/services/{id}/suspend"],
    ["listProducts", "/application/products"],
    ["take a service back", "/application/services/{id}/unsuspend"],
    ["services:delete", "/application/services/{id}"],
  ]) {
    await field.fill(phrase);
    await page.locator(`.opblock [data-path="${path}"]`).first().waitFor();
    const count = await shown.count();
    assert.ok(count > 0 && count < 20, `${phrase} finds ${count} operations`);
    await page.locator(".operation-filter output", { hasText: `${count} operation` }).waitFor();
  }
  await shot(page, "swagger-filter");
  await field.fill("no such operation");
  await page.locator(".operation-filter output", { hasText: "0 operations" }).waitFor();
  await field.fill("");
  await page.locator(".opblock-tag").nth(5).waitFor();
  assert.equal(await shown.count(), 0, "operations are folded again");
}

async function swagger(page, url, key) {
  await page.goto(`${url}/api/documentation`);
  await page.locator(".opblock-tag").first().waitFor();
  assert.equal(await page.locator(".opblock").count(), 0, "operations are folded");
  await filesAreSmall(page, 420_000);
  await shot(page, "swagger");
  await filter(page);
  await page.getByLabel("Find operations").fill("listProducts");
  const operation = page.locator(".opblock-get", { has: page.locator('[data-path="/application/products"]') });
  await operation.locator(".opblock-summary-control").click();
  // The page of a demo shop is signed in.
  await execute(page, operation, key);
  for (const text of [key, `Bearer ${key}`]) {
    await authorize(page, text);
    await execute(page, operation, key);
  }
  await operation.locator(".live-responses-table").scrollIntoViewIfNeeded();
  await shot(page, "swagger-products");
}

/** The reference to read: an operation has an address, and the search finds it. */
async function redoc(page, url) {
  await page.goto(`${url}/api/documentation`);
  await page.getByRole("link", { name: "Reference to read" }).click();
  await page.locator("[data-testid='search-trigger']", { hasText: "Search" }).first().waitFor();
  await filesAreSmall(page, 560_000);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("suspend");
  await page.locator("a[href^='#/services/suspendservice#']").click();
  await page.waitForURL(/#\/services\/suspendservice/);
  await page.getByText("services:suspend").first().waitFor();
  await shot(page, "redoc-operation");
}

async function main() {
  fs.mkdirSync(SCREENSHOTS, { recursive: true });
  const server = await startServer();
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
  const problems = [];
  const open = (options) => openPage(browser, problems, options);
  try {
    // The pictures show a shop in which nothing has been done yet.
    await screens(open, server.url, process.env.GUICHET_WRITE_SCREENS === "1");
    const page = await open();
    await startPage(page, server.url);
    const key = await graphiql(page, server.url);
    await graphiqlOnAPhone(browser, server.url, problems);
    await swagger(page, server.url, key);
    await redoc(page, server.url);
    assert.deepEqual(await accessibility(open, server.url), []);
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
