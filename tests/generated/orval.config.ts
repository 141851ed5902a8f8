export default {
  shop: { input: "./openapi.json", output: { target: "./made/orval/shop.ts", client: "fetch", mode: "split" } },
};
