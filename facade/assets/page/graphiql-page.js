// Starts GraphiQL with the explorer, a first query, and the key when the server shows one.
"use strict";

const root = document.getElementById("graphiql");
const { endpoint, key } = root.dataset;

const query = `# Runs with Ctrl+Enter. The headers below carry the key.
{
  products(perPage: 5) {
    nodes {
      databaseId
      name
      status
      pricing {
        currency
        monthly
      }
      group {
        name
      }
    }
    totalCount
  }
}
`;

const headers = JSON.stringify({ Authorization: `Bearer ${key || "KEY"}` }, null, 2);

ReactDOM.createRoot(root).render(
  React.createElement(GraphiQL, {
    fetcher: GraphiQL.createFetcher({ url: endpoint }),
    plugins: [GraphiQLPluginExplorer.explorerPlugin({ showAttribution: false })],
    defaultQuery: query,
    // A key shown by the server wins over a remembered one.
    headers: key ? headers : undefined,
    defaultHeaders: headers,
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
    defaultEditorToolsVisibility: "headers",
  }),
);
