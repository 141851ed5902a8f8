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
        scalars: {
          CountryCode: "string", Currency: "string", Date: "string", DateTime: "string", Decimal: "string", EmailAddress: "string",
          HTML: "string", JSON: "unknown", Locale: "string", Upload: "unknown", URL: "string",
        },
      },
    },
  },
};

export default config;
