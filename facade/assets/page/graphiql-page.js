// Starts GraphiQL with the explorer, the host's examples, the key that the server shows, and the form to sign in.
"use strict";

const root = document.getElementById("graphiql");
const { endpoint, key } = root.dataset;
const examples = JSON.parse(root.dataset.examples);
const signIn = JSON.parse(root.dataset.signIn);

const headersWith = (token) => JSON.stringify({ Authorization: `Bearer ${token}` }, null, 2);

const props = {
  fetcher: GraphiQL.createFetcher({ url: endpoint }),
  plugins: [GraphiQLPluginExplorer.explorerPlugin({ showAttribution: false })],
  defaultQuery: "# Runs with Ctrl+Enter. The headers below carry the key.\n{\n  __typename\n}\n",
  defaultTabs: examples.length > 0 ? examples.map((query) => ({ query })) : undefined,
  // A key shown by the server wins over a remembered one.
  headers: key ? headersWith(key) : undefined,
  defaultHeaders: headersWith(key || "KEY"),
  isHeadersEditorEnabled: true,
  shouldPersistHeaders: false,
  // On a phone, the room is for the query.
  defaultEditorToolsVisibility: matchMedia("(max-width: 700px)").matches ? false : "headers",
};
const page = ReactDOM.createRoot(root);
page.render(React.createElement(GraphiQL, props));

/** Runs an operation without a key. */
async function send(query, variables) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(endpoint, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  return answer.json();
}

/** A new session of an account. */
async function newSession(form) {
  const { document: query } = signIn[form.elements.account.selectedIndex];
  const [email, password, code] = ["email", "password", "code"].map((name) => form.elements[name].value);
  const { data, errors } = await send(query, { email, password, code: code || null });
  const { session, userErrors } = data?.sessionCreate ?? {};
  if (!session) throw new Error((userErrors?.[0] ?? errors?.[0])?.message ?? "The server does not answer.");
  return session;
}

const form = document.getElementById("sign-in");
const result = form.querySelector("output");
form.hidden = signIn.length === 0;
form.elements.account.append(...signIn.map(({ account }) => new Option(account)));

/** Fills the form with the account that the server shows. */
function fillIn() {
  const { email, password } = signIn[form.elements.account.selectedIndex] ?? {};
  if (email) [form.elements.email.value, form.elements.password.value] = [email, password];
}
form.elements.account.addEventListener("change", fillIn);
fillIn();
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  result.textContent = "…";
  try {
    const { accessToken, refreshToken } = await newSession(form);
    const headers = headersWith(accessToken);
    page.render(React.createElement(GraphiQL, { ...props, headers, defaultHeaders: headers }));
    form.elements.password.value = form.elements.code.value = "";
    signOut.onclick = () => end(refreshToken, accessToken);
    signOut.hidden = false;
    result.textContent = "Signed in: the headers carry the session.";
  } catch (error) {
    result.textContent = error.message;
  }
});

const { signOut } = form.elements;

/** GraphiQL stores tabs and headers this many milliseconds after they have changed, at the latest. */
const STORED_AFTER = 1000;

/** Removes everything from the browser's storage that holds a token: headers, tabs, and what was run before. */
function forget(token) {
  const holding = Object.keys(localStorage).filter((name) => localStorage.getItem(name).includes(token));
  holding.forEach((name) => localStorage.removeItem(name));
}

/** Ends a session, and forgets what it was sent with. */
async function end(refreshToken, accessToken) {
  signOut.hidden = true;
  result.textContent = "…";
  // A new element has no editors and tabs of the old one: in each of them the headers could hold the session.
  page.render(null);
  let told;
  try {
    const { data, errors } = await send(root.dataset.signOut, { refreshToken });
    const wrong = errors?.[0] ?? data.sessionRevoke.userErrors[0];
    told = wrong ? wrong.message : "Signed out: the session has ended.";
  } catch (error) {
    told = error.message;
  }
  await new Promise((done) => setTimeout(done, STORED_AFTER));
  forget(accessToken);
  page.render(React.createElement(GraphiQL, { ...props, key: refreshToken }));
  result.textContent = told;
}
