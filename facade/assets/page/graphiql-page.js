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

/** The access token of an account. */
async function accessToken(form) {
  const { document: query } = signIn[form.elements.account.selectedIndex];
  const [email, password, code] = ["email", "password", "code"].map((name) => form.elements[name].value);
  const answer = await fetch(endpoint, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query, variables: { email, password, code: code || null } }),
  });
  const { data, errors } = await answer.json();
  const { session, userErrors } = data?.sessionCreate ?? {};
  if (!session) throw new Error((userErrors?.[0] ?? errors?.[0])?.message ?? "The server does not answer.");
  return session.accessToken;
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
    const headers = headersWith(await accessToken(form));
    page.render(React.createElement(GraphiQL, { ...props, headers, defaultHeaders: headers }));
    form.elements.password.value = form.elements.code.value = "";
    result.textContent = "Signed in: the headers carry the session.";
  } catch (error) {
    result.textContent = error.message;
  }
});
