// What a change of schema.graphql breaks, and whether CHANGELOG.md says so; see README.md.
import { CriticalityLevel, diff } from "@graphql-inspector/core";
import { buildSchema, isEnumType, isInputObjectType, isInterfaceType, isObjectType } from "graphql";

/** Least time between a deprecation and the day on which the thing goes. */
const MONTHS = 6;
const REASON = /^Use (.+)\. Goes on (\d{4}-\d{2}-\d{2})\.$/s;

/** What the reason of a deprecation says; empty where it is of another form. Days are texts, which are compared as they are. */
function readReason(reason) {
  const [, replacement, day] = REASON.exec(reason) ?? [];
  const moment = new Date(`${day}T00:00:00Z`);
  const isDay = !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(day);
  return isDay ? { replacement, day } : {};
}

const monthsAfter = (day, months) => {
  const moment = new Date(`${day}T00:00:00Z`);
  moment.setUTCMonth(moment.getUTCMonth() + months);
  return moment.toISOString().slice(0, 10);
};

/** Fields or values of a type by their names. */
const membersOf = (type) => {
  if (isEnumType(type)) return Object.fromEntries(type.getValues().map((value) => [value.name, value]));
  return isObjectType(type) || isInterfaceType(type) || isInputObjectType(type) ? type.getFields() : {};
};

/** What is deprecated: its path (`Product.stock`, `Query.products.search`), its reason, and the type that it belongs to. */
function deprecated(schema) {
  const found = [];
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith("__")) continue;
    for (const [name, member] of Object.entries(membersOf(type))) {
      const parts = [{ path: `${type.name}.${name}`, of: member }];
      for (const argument of member.args ?? []) parts.push({ path: `${type.name}.${name}.${argument.name}`, of: argument });
      for (const { path, of } of parts) {
        if (of.deprecationReason != null) found.push({ path, reason: of.deprecationReason, type });
      }
    }
  }
  return found;
}

/** Whether the schema has what a reason names first: `Type.field`, a type, or a neighbour of what is deprecated. */
function isThere(schema, replacement, neighbours) {
  const [, first, member] = /^`?(\w+)(?:\.(\w+))?/.exec(replacement) ?? [];
  if (first === undefined) return false;
  const type = schema.getType(first);
  if (member !== undefined) return membersOf(type)[member] !== undefined;
  return type !== undefined || membersOf(neighbours)[first] !== undefined;
}

/** What is wrong with the reason of a deprecation; null where nothing is. */
function wrongReason(schema, { path, reason, type }) {
  const { replacement, day } = readReason(reason);
  const form = "`Use X. Goes on 2027-06-01.`";
  if (day === undefined) return `${path} is deprecated, and its reason is not of the form ${form}: ${reason}`;
  if (isThere(schema, replacement, type)) return null;
  return `${path} is deprecated in favour of \`${replacement}\`, which the schema does not have`;
}

/** The part of a changelog that is newer than a release: all of it where it has no heading of that release. */
function newerThan(changelog, release) {
  const sections = changelog.split(/^(?=## \[)/m).slice(1);
  const headings = sections.map((section) => /^## \[([^\]]+)\]/.exec(section)?.[1]);
  const known = headings.indexOf(release);
  return sections.slice(0, known === -1 ? 1 : known).join("");
}

/** Whether code in a text names a path of the schema: `Type` for a type, `Type.field` for the rest. */
function names(text, path) {
  const [type, member] = path.split(".");
  const pattern = member === undefined ? `${type}(?![\\w.])` : `${type}\\.${member}(?!\\w)`;
  const wanted = new RegExp(`(?<![\\w.@])${pattern}`);
  return [...text.matchAll(/`([^`\n]+)`/g)].some(([, code]) => wanted.test(code));
}

/**
 * Holds a schema against the one of a release.
 *
 * `before` and `now` are SDL (`before` may be null: there is no release), `release` the version without `v`, `changelog` the
 * text of CHANGELOG.md, `today` the day of the change (`2026-11-29`).
 * Answers `problems`, which must not be; `named`, breaking changes that the changelog names; `dangerous`, what clients may notice.
 */
export async function compare({ before, now, release = null, changelog, today }) {
  const schema = buildSchema(now);
  const problems = deprecated(schema).map((thing) => wrongReason(schema, thing)).filter((problem) => problem !== null);
  const answer = { problems, named: [], dangerous: [] };
  if (before === null) return answer;

  const released = buildSchema(before);
  const reasons = new Map(deprecated(released).map(({ path, reason }) => [path, reason]));
  const news = newerThan(changelog, release);
  for (const { message, path, type, criticality } of await diff(released, schema)) {
    if (criticality.level === CriticalityLevel.Dangerous) answer.dangerous.push(`${path}: ${message}`);
    if (criticality.level !== CriticalityLevel.Breaking) continue;
    const { day: promised } = readReason(reasons.get(path) ?? "");
    if (type.endsWith("_REMOVED") && promised > today) problems.push(`${path}: ${message}. It was promised until ${promised}`);
    else if (path !== undefined && names(news, path)) answer.named.push(`${path}: ${message}`);
    else problems.push(`${path ?? type}: ${message}. CHANGELOG.md does not name it`);
  }
  const earliest = monthsAfter(today, MONTHS);
  for (const { path, reason } of deprecated(schema)) {
    const { day } = readReason(reason);
    if (!reasons.has(path) && day < earliest) problems.push(`${path} is newly deprecated and goes on ${day}: before ${earliest}`);
  }
  return answer;
}
