// Writes the code of a page into the working directory: each block whose fence names a file, as in ```ts title="codegen.ts".
import { readFileSync, writeFileSync } from "node:fs";

const page = readFileSync(process.argv[2], "utf8");
for (const [, file, code] of page.matchAll(/^```\w+ title="([\w.-]+)"\n(.*?)^```$/gms)) writeFileSync(file, code);
