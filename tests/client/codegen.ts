// How the typed client is made from schema.graphql; see README.md.
import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: process.env.GUICHET_SCHEMA,
  documents: "documents/*.graphql",
  generates: {
    "generated/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: {
        documentMode: "string",
        enumsAsTypes: true,
        strictScalars: true,
        scalars: { Currency: "string", DateTime: "string", Decimal: "string", JSON: "unknown", NaiveDateTime: "string", Upload: "unknown" },
      },
    },
  },
};

export default config;
