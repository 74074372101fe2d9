// The X-SMTPAPI header, by which SendGrid is told how to treat a message: one JSON text in a header field. A parsing error
// there bounces the message after it was accepted, and an instruction that is misspelt is passed over; so all of it is
// checked here. Limits are those that SendGrid documents.

import { resolveMailbox } from "../address.ts";
import { utf8Length } from "../bytes.ts";
import { MessageError } from "../errors.ts";
import {
  describe,
  type Keys,
  PRINTABLE_ASCII,
  readArray,
  readEntries,
  readObject,
  readText,
} from "../input.ts";
import { type Json, member, writeJson } from "./folded-json.ts";

/** Tells SendGrid how to treat a message. */
export interface SmtpApi {
  /**
   * Recipients instead of those of the message: each gets a message alone, with its own substitutions. The message itself is
   * then to one of them; who is in both may get two. To 10,000; SendGrid advises no more than 1000.
   */
  readonly to?: string | readonly string[];
  /** What statistics are counted by: to ten of 255 characters of ASCII. */
  readonly categories?: string | readonly string[];
  /** Comes back with every event, and is stored: no place for secrets. To 10,000 octets in all. */
  readonly uniqueArguments?: Readonly<Record<string, string>>;
  /** By tag, such as `-name-`: a value for each recipient of `to`. To 10,000 octets for a recipient. */
  readonly substitutions?: Readonly<Record<string, readonly string[]>>;
  /** By tag: what stands for it wherever it is in a substitution. */
  readonly sections?: Readonly<Record<string, string>>;
  /** Settings of this message that differ from those of the account. */
  readonly filters?: SmtpApiFilters;
  /** When it is sent: at most 72 hours ahead. A number is seconds since 1970. */
  readonly sendAt?: Date | number;
  /** The same for each recipient of `to`. */
  readonly sendEachAt?: readonly (Date | number)[];
  /** By which what is scheduled can be cancelled. */
  readonly batchId?: string;
  /** The unsubscribe group. */
  readonly asmGroupId?: number;
  /** The groups that are shown to who unsubscribes: to 25. */
  readonly asmGroupsToDisplay?: readonly number[];
  readonly ipPool?: string;
}

/** Holds the settings of one filter by the names that SendGrid has for them; `enable` is written as 1 or 0. */
export type SmtpApiSettings = Readonly<Record<string, string | number | boolean>>;

/** Holds settings by filter. */
export type SmtpApiFilters = { readonly [F in keyof typeof FILTERS]?: SmtpApiSettings };

/** Is a header field to put into a message. */
export interface SmtpApiHeader {
  readonly name: "X-SMTPAPI";
  readonly value: string;
}

/** Holds what is particular to SendGrid. */
export const sendGrid: {
  /**
   * Writes the `X-SMTPAPI` header.
   *
   * @throws MessageError naming what cannot be said, such as `smtpApi.categories[3]`
   * @example
   * ```ts
   * const { name, value } = sendGrid.smtpApi({ categories: ["sign-in"], uniqueArguments: { request: "8f2c" } });
   * const message = { from: "login@example.com", to: "bob@example.org", text: "042137", headers: { [name]: value } };
   * ```
   */
  readonly smtpApi: (instructions: SmtpApi) => SmtpApiHeader;
} = { smtpApi };

const MAX_RECIPIENTS = 10_000;
const MAX_CATEGORIES = 10;
const MAX_CATEGORY = 255;
/** Octets of all unique arguments, and of all substitutions for one recipient. */
const MAX_VALUES = 10_000;
const MAX_GROUPS = 25;
const MAX_POOL = 64;
const MAX_HOURS_AHEAD = 72;
/** Ten thousand recipients of a hundred octets each; no server is known to take a longer header section. */
const MAX_HEADER = 1_000_000;
/** No documented identifier is longer. */
const MAX_BATCH = 100;

const INSTRUCTIONS: Keys<keyof SmtpApi> = {
  to: undefined,
  categories: undefined,
  uniqueArguments: undefined,
  substitutions: undefined,
  sections: undefined,
  filters: undefined,
  sendAt: undefined,
  sendEachAt: undefined,
  batchId: undefined,
  asmGroupId: undefined,
  asmGroupsToDisplay: undefined,
  ipPool: undefined,
};

// Those that SendGrid has retired are not among them: it would pass over them.
const FILTERS = {
  bypass_list_management: undefined,
  clicktrack: undefined,
  dkim: undefined,
  footer: undefined,
  ganalytics: undefined,
  opentrack: undefined,
  subscriptiontrack: undefined,
  template: undefined,
  templates: undefined,
} as const;

const ROOT = "smtpApi";

function smtpApi(instructions: SmtpApi): SmtpApiHeader {
  const given = readObject(instructions, INSTRUCTIONS, ROOT);
  const members: string[] = [];
  const add = <T extends Json>(
    option: keyof SmtpApi,
    name: string,
    read: (value: unknown, path: string) => T,
  ): T | undefined => {
    const value = given[option];
    if (value === undefined) return undefined;
    const path = `${ROOT}.${option}`;
    const json = read(value, path);
    members.push(`"${name}": ${writeJson(json, path)}`);
    return json;
  };

  const to = add("to", "to", readRecipients);
  const substitutions = add("substitutions", "sub", readSubstitutions);
  add("sections", "section", readTags);
  add("categories", "category", readCategories);
  add("uniqueArguments", "unique_args", readArguments);
  add("filters", "filters", readFilters);
  const at = add("sendAt", "send_at", readTime);
  const eachAt = add("sendEachAt", "send_each_at", (value, path) =>
    readArray(value, path, MAX_RECIPIENTS).map((time, index) => readTime(time, `${path}[${index}]`)),
  );
  add("batchId", "batch_id", (value, path) => readWord(value, path, MAX_BATCH));
  add("asmGroupId", "asm_group_id", readGroup);
  add("asmGroupsToDisplay", "asm_groups_to_display", (value, path) =>
    readArray(value, path, MAX_GROUPS).map((group, index) => readGroup(group, `${path}[${index}]`)),
  );
  add("ipPool", "ip_pool", (value, path) => readWord(value, path, MAX_POOL));

  if (at !== undefined && eachAt !== undefined) {
    throw new MessageError(
      `${ROOT}.sendEachAt`,
      "is given, and sendAt too: SendGrid drops a message with both",
    );
  }
  if (to !== undefined) {
    for (const [tag, values] of substitutions ?? []) {
      sameLength(values, to, member(`${ROOT}.substitutions`, tag));
    }
    if (eachAt !== undefined) sameLength(eachAt, to, `${ROOT}.sendEachAt`);
  }
  const value = `{${members.join(", ")}}`;
  if (value.length > MAX_HEADER)
    throw new MessageError(ROOT, `makes a field of more than ${MAX_HEADER} octets`);
  return { name: "X-SMTPAPI", value };
}

function sameLength(values: readonly unknown[], to: readonly unknown[], path: string): void {
  if (values.length === to.length) return;
  throw new MessageError(path, `has ${values.length} values for ${to.length} recipients in "to"`);
}

function readRecipients(value: unknown, path: string): readonly string[] {
  const recipients = typeof value === "string" ? [value] : readArray(value, path, MAX_RECIPIENTS);
  if (recipients.length === 0) throw new MessageError(path, "is empty", { hint: "leave it out" });
  return recipients.map((recipient, at) => {
    const text = readText(recipient, `${path}[${at}]`);
    resolveMailbox(text, `${path}[${at}]`);
    return text;
  });
}

function readCategories(value: unknown, path: string): readonly string[] {
  const categories = typeof value === "string" ? [value] : readArray(value, path, MAX_CATEGORIES);
  return categories.map((category, at) => readWord(category, `${path}[${at}]`, MAX_CATEGORY));
}

/** A name that SendGrid takes in ASCII alone. */
function readWord(value: unknown, path: string, limit: number): string {
  const word = readText(value, path, limit);
  if (word === "") throw new MessageError(path, "is empty");
  if (!PRINTABLE_ASCII.test(word))
    throw new MessageError(path, "is not printable ASCII, and nothing else is taken");
  return word;
}

function readArguments(value: unknown, path: string): ReadonlyMap<string, string> {
  const entries = readTexts(value, path);
  let size = 0;
  for (const [name, text] of entries) size += utf8Length(name) + utf8Length(text);
  limit(size, path);
  return entries;
}

function readTags(value: unknown, path: string): ReadonlyMap<string, string> {
  const entries = readTexts(value, path);
  for (const tag of entries.keys()) checkTag(tag, path);
  return entries;
}

function readTexts(value: unknown, path: string): ReadonlyMap<string, string> {
  return new Map(readEntries(value, path).map(([name, text]) => [name, readText(text, member(path, name))]));
}

function readSubstitutions(value: unknown, path: string): ReadonlyMap<string, readonly string[]> {
  const sizes: number[] = [];
  const entries = readEntries(value, path).map(([tag, given]): [string, readonly string[]] => {
    checkTag(tag, path);
    const at = member(path, tag);
    const values = readArray(given, at, MAX_RECIPIENTS).map((text, index) =>
      readText(text, `${at}[${index}]`),
    );
    values.forEach((text, index) => {
      sizes[index] = (sizes[index] ?? 0) + utf8Length(tag) + utf8Length(text);
    });
    return [tag, values];
  });
  for (const size of sizes) limit(size, path);
  return new Map(entries);
}

/** A tag with a space in it is not found, and reaches the recipients as it stands. */
function checkTag(tag: string, path: string): void {
  if (tag !== "" && !/\s/.test(tag)) return;
  throw new MessageError(
    member(path, tag),
    "is a tag that is empty or has a space in it, and is not replaced",
  );
}

function limit(size: number, path: string): void {
  if (size > MAX_VALUES) throw new MessageError(path, `has ${size} octets, and ${MAX_VALUES} are allowed`);
}

function readFilters(value: unknown, path: string): ReadonlyMap<string, Json> {
  const filters = new Map<string, Json>();
  for (const [name, given] of Object.entries(readObject(value, FILTERS, path))) {
    if (given === undefined) continue;
    const at = `${path}.${name}`;
    const settings = new Map<string, Json>();
    for (const [setting, said] of readEntries(given, at)) settings.set(...readSetting(setting, said, at));
    filters.set(name, new Map([["settings", settings]]));
  }
  return filters;
}

function readSetting(name: string, value: unknown, path: string): [name: string, value: Json] {
  const at = member(path, name);
  // The names are in lower case, and any other is not known to SendGrid.
  if (name !== name.toLowerCase()) throw new MessageError(at, "is not in lower case, as every setting is");
  if (name === "enable") {
    if (typeof value === "boolean" || value === 0 || value === 1) return [name, Number(value)];
    throw new MessageError(at, `is ${describe(value)}, not true or false`);
  }
  if (typeof value === "string" || typeof value === "boolean" || Number.isFinite(value)) {
    return [name, value as string | boolean | number];
  }
  throw new MessageError(at, `is ${describe(value)}, not a string, a number, true or false`);
}

/** Seconds beyond this are milliseconds: they would be the year 5138. */
const MAX_SECONDS = 1e11;

function readTime(value: unknown, path: string): number {
  const seconds = value instanceof Date ? Math.floor(value.getTime() / 1000) : value;
  if (typeof seconds !== "number" || !Number.isSafeInteger(seconds) || seconds < 0 || seconds > MAX_SECONDS) {
    throw new MessageError(path, "is neither a Date nor a whole number of seconds since 1970", {
      hint: "Date.now() counts milliseconds: give new Date(…), or divide by 1000 and round",
    });
  }
  if (seconds - Date.now() / 1000 > MAX_HOURS_AHEAD * 3600) {
    throw new MessageError(
      path,
      `is more than ${MAX_HOURS_AHEAD} hours ahead, which is as far as SendGrid schedules`,
    );
  }
  return seconds;
}

function readGroup(value: unknown, path: string): number {
  if (Number.isSafeInteger(value) && (value as number) > 0) return value as number;
  throw new MessageError(path, "is not the number of an unsubscribe group");
}
