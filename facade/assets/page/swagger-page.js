// Starts Swagger UI on this server's OpenAPI document: dark where the system is, with a filter that reads operations, and
// signed in where the server shows a key.
"use strict";

const { key } = document.getElementById("swagger-ui").dataset;

const dark = matchMedia("(prefers-color-scheme: dark)");
const followSystem = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", followSystem);
followSystem();

// The key is accepted with and without the word Bearer before it.
function addBearer(request) {
  const name = Object.keys(request.headers ?? {}).find((name) => name.toLowerCase() === "authorization");
  if (name && !/bearer /i.test(request.headers[name])) {
    request.headers[name] = `Bearer ${request.headers[name].trim()}`;
  }
  return request;
}

/** What the filter reads of an operation, in small letters. */
function searchedText(tag, operation) {
  const details = ["summary", "description", "operationId"].map((name) => operation.getIn(["operation", name], ""));
  return [tag, operation.get("method"), operation.get("path"), ...details].join("\n").toLowerCase();
}

/** The operations that hold every word of a phrase, by tag. Swagger UI reads tags and paths only. */
function opsFilter(tags, phrase) {
  const words = phrase.toLowerCase().split(/\s+/);
  const matches = (tag) => (operation) => words.every((word) => searchedText(tag, operation).includes(word));
  const filtered = tags.map((operations, tag) => operations.update("operations", (all) => all.filter(matches(tag))));
  return filtered.filter((operations) => operations.get("operations").size > 0);
}

/** Opens the tags that the filter leaves, and closes all where it is empty again. */
const updateFilter = (original, system) => (phrase) => {
  const answer = original(phrase);
  for (const tag of system.specSelectors.taggedOperations().keys()) {
    system.layoutActions.show(["operations-tag", tag], phrase.trim() !== "");
  }
  return answer;
};

/** The field of the filter, with a label and the number of operations that are left. */
const filterField = (createElement) => function FilterContainer({ specSelectors, layoutSelectors, layoutActions }) {
  if (specSelectors.loadingStatus() !== "success") return null;
  const phrase = layoutSelectors.currentFilter();
  const text = typeof phrase === "string" ? phrase : "";
  const tags = specSelectors.taggedOperations().valueSeq();
  const count = tags.reduce((sum, tag) => sum + tag.get("operations").size, 0);
  return createElement(
    "div", { className: "wrapper operation-filter" },
    createElement("label", { htmlFor: "operation-filter" }, "Find operations"),
    createElement("input", {
      id: "operation-filter",
      className: "operation-filter-input",
      type: "search",
      placeholder: "suspend, invoices, PUT …",
      value: text,
      onChange: (event) => layoutActions.updateFilter(event.target.value),
    }),
    createElement("output", { htmlFor: "operation-filter" }, `${count} operation${count === 1 ? "" : "s"}`),
  );
};

const operationFilter = ({ React }) => ({
  fn: { opsFilter },
  components: { FilterContainer: filterField(React.createElement) },
  statePlugins: { layout: { wrapActions: { updateFilter } } },
});

function signIn() {
  if (!key) return;
  for (const scheme of window.ui.specSelectors.securityDefinitions().keys()) window.ui.preauthorizeApiKey(scheme, key);
}

window.ui = SwaggerUIBundle({
  url: "/docs/api-docs.json?api-docs.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  onComplete: signIn,
  persistAuthorization: false,
  plugins: [operationFilter],
  requestInterceptor: addBearer,
  tryItOutEnabled: true,
  validatorUrl: null,
});
