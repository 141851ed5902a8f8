// Reads the last release from Git, compares, and says what it found.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

import { compare } from "./compatibility.mjs";

const git = (...words) => execFileSync("git", words, { encoding: "utf8", maxBuffer: 1 << 26, stdio: ["ignore", "pipe", "inherit"] }).trim();

/** The newest tag of a release among the ancestors of this commit; null where there is none. */
function lastRelease() {
  if (git("rev-parse", "--is-shallow-repository") === "true") throw new Error("the clone is shallow: fetch the history and its tags");
  const tags = git("tag", "--list", "v[0-9]*", "--merged", "HEAD", "--sort=-version:refname").split("\n");
  return tags.find((tag) => /^v\d+(\.\d+)*$/.test(tag)) ?? null;
}

const tag = lastRelease();
const answer = await compare({
  before: tag === null ? null : git("show", `${tag}:schema.graphql`),
  now: readFileSync("schema.graphql", "utf8"),
  release: tag?.slice(1),
  changelog: readFileSync("CHANGELOG.md", "utf8"),
  today: git("log", "-1", "--format=%cs"),
});
console.log(tag === null ? "there is no release (a tag such as v1.0.0) yet: nothing to compare with" : `compared with ${tag}`);
for (const [title, lines] of Object.entries({ "breaking, and named in CHANGELOG.md": answer.named, dangerous: answer.dangerous })) {
  if (lines.length > 0) console.log([`${title}:`, ...lines].join("\n  "));
}
for (const problem of answer.problems) console.error(problem);
process.exitCode = answer.problems.length === 0 ? 0 : 1;
