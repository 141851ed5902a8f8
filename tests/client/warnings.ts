// What a client warns of. It is imported before every client: some keep `console.warn` at their start.
import { format } from "node:util";

export const warnings: string[] = [];

const note = (...words: unknown[]) => void warnings.push(format(...words));
console.warn = note;
console.error = note;
process.on("warning", (warning) => note(warning.stack ?? warning.message));
