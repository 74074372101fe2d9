// The fields of mailing lists and newsletters: List-Id (RFC 2919), where to go and write (RFC 2369), and one-click
// unsubscription (RFC 8058).

import { isDotAtom } from "../address.ts";
import { MessageError } from "../errors.ts";
import { type Field, textField } from "../field.ts";
import {
  type Keys,
  MAX_LINE,
  MAX_NAME,
  PRINTABLE_ASCII,
  readArray,
  readObject,
  readText,
  refuseControls,
} from "../input.ts";

/** Is an address to visit or to write to: a URL of `https:`, `http:` or `mailto:`, with a comment for people or without. */
export type ListTarget = string | { readonly url: string; readonly comment?: string };

/** Is what a newsletter or mailing list says of itself, for readers to show as buttons. */
export interface List {
  /** The name that never changes, such as `news.example.com`, or `News <news.example.com>`. */
  readonly id?: string | { readonly name?: string; readonly id: string };
  /**
   * The `https:` URL that unsubscribes who it was made for when it is POSTed to, without a question (RFC 8058). It stands
   * before the targets of `unsubscribe`, which are then `mailto:` only. The message has to be signed by DKIM for readers
   * to offer it.
   */
  readonly oneClick?: string;
  /** Where to unsubscribe; of several the first that a reader knows counts. At most 20. */
  readonly unsubscribe?: ListTarget | readonly ListTarget[];
  readonly subscribe?: ListTarget | readonly ListTarget[];
  readonly help?: ListTarget | readonly ListTarget[];
  /** Where to write to the list; `"NO"` where nobody may. */
  readonly post?: "NO" | ListTarget | readonly ListTarget[];
  readonly owner?: ListTarget | readonly ListTarget[];
  readonly archive?: ListTarget | readonly ListTarget[];
}

/** Enough for every way there is, in a field that a reader looks at whole. */
const MAX_TARGETS = 20;
/** Characters that, in angle brackets and with a comma, fit on the line of the longest of the names. */
const MAX_URL: number = MAX_LINE - "List-Unsubscribe: <>,".length;
/** RFC 2919 §2: octets. */
const MAX_LIST_ID = 255;

const LIST_KEYS: Keys<keyof List> = {
  id: undefined,
  oneClick: undefined,
  unsubscribe: undefined,
  subscribe: undefined,
  help: undefined,
  post: undefined,
  owner: undefined,
  archive: undefined,
};
const ID_KEYS: Keys<"name" | "id"> = { name: undefined, id: undefined };
const TARGET_KEYS: Keys<"url" | "comment"> = { url: undefined, comment: undefined };

const TARGET_FIELDS = [
  ["help", "List-Help"],
  ["subscribe", "List-Subscribe"],
  ["post", "List-Post"],
  ["owner", "List-Owner"],
  ["archive", "List-Archive"],
] as const;

/** Reads `list` into its fields. */
export function readList(value: unknown): Field[] {
  const list = readObject(value, LIST_KEYS, "list");
  const fields: Field[] = [];
  if (list.id !== undefined) fields.push(readId(list.id));
  const unsubscribe =
    list.oneClick === undefined ? [] : [`<${readUrl(list.oneClick, "list.oneClick", ONE_CLICK)}>`];
  if (list.unsubscribe !== undefined) {
    const schemes = unsubscribe.length === 0 ? ANY : BESIDE_ONE_CLICK;
    unsubscribe.push(...readTargets(list.unsubscribe, "list.unsubscribe", schemes));
  }
  if (unsubscribe.length > 0) {
    fields.push(textField("List-Unsubscribe", unsubscribe.join(", "), "list.unsubscribe"));
  }
  if (list.oneClick !== undefined) {
    fields.push(textField("List-Unsubscribe-Post", "List-Unsubscribe=One-Click", "list.oneClick"));
  }
  for (const [key, name] of TARGET_FIELDS) {
    const given = list[key];
    if (given === undefined) continue;
    const path = `list.${key}`;
    const value = key === "post" && given === "NO" ? given : readTargets(given, path, ANY).join(", ");
    fields.push(textField(name, value, path));
  }
  return fields;
}

const NAME_AND_ID = /^([^"<>()\\]*) <([^<>]*)>$/;

function readId(value: unknown): Field {
  let name: unknown;
  let id: unknown = value;
  let path = "list.id";
  if (typeof value === "string") {
    const match = NAME_AND_ID.exec(value);
    if (match !== null) [, name, id] = match;
  } else {
    ({ name, id } = readObject(value, ID_KEYS, path));
    path = "list.id.id";
  }
  const text = readText(id, path);
  if (!PRINTABLE_ASCII.test(text) || !isDotAtom(text) || !text.includes(".") || text.length > MAX_LIST_ID) {
    throw new MessageError(path, "is not a list identifier (RFC 2919 §2)", {
      hint: 'write a name under a domain of yours, "news.example.com", or "Name <news.example.com>"',
    });
  }
  const phrase = name === undefined ? "" : readText(name, "list.id.name", MAX_NAME);
  refuseControls(phrase, "list.id.name");
  return { name: "List-Id", value: `<${text}>`, path, phrases: phrase === "" ? [] : [phrase] };
}

function readTargets(value: unknown, field: string, schemes: Schemes): string[] {
  if (!Array.isArray(value)) return [readTarget(value, field, schemes)];
  if (value.length === 0) throw new MessageError(field, "is empty", { hint: "leave it out" });
  return readArray(value, field, MAX_TARGETS).map((target, at) =>
    readTarget(target, `${field}[${at}]`, schemes),
  );
}

function readTarget(value: unknown, field: string, schemes: Schemes): string {
  if (typeof value !== "object" || value === null) return `<${readUrl(value, field, schemes)}>`;
  const { url, comment } = readObject(value, TARGET_KEYS, field);
  const target = `<${readUrl(url, `${field}.url`, schemes)}>`;
  if (comment === undefined) return target;
  const text = readText(comment, `${field}.comment`);
  if (!PRINTABLE_ASCII.test(text)) throw new MessageError(`${field}.comment`, "is not one line of ASCII");
  if (text.includes("=?")) {
    throw new MessageError(`${field}.comment`, "has =?, as if an encoded-word began there (RFC 2047 §5)");
  }
  return `${target} (${text.replace(/[()\\]/g, "\\$&")})`;
}

// RFC 3986 §2, without the parentheses, which some readers take for a comment, and without the comma that others split
// at, wherever they stand.
const URL_TEXT = /^[\w.~:/?#[\]@!$&'*+;=%-]+$/;

interface Schemes {
  readonly begin: RegExp;
  readonly names: string;
  readonly hint?: string;
}

const ANY: Schemes = { begin: /^(?:https?:\/\/|mailto:)./i, names: "https:, http: or mailto:" };
const ONE_CLICK: Schemes = { begin: /^https:\/\/./i, names: "https:" };
// RFC 8058 §3.1: one HTTPS URI, and others of other schemes only.
const BESIDE_ONE_CLICK: Schemes = {
  begin: /^mailto:./i,
  names: "mailto:",
  hint: "oneClick is the one URL of https: that may be there; give a mailto: beside it, or nothing",
};

function readUrl(value: unknown, field: string, { begin, names, ...details }: Schemes): string {
  const url = readText(value, field, MAX_URL);
  if (!begin.test(url)) throw new MessageError(field, `is not a URL of ${names}`, details);
  if (URL_TEXT.test(url)) return url;
  throw new MessageError(field, "holds a character that a URL in a header field may not", {
    hint: 'write it percent-encoded: a space as %20, a comma as %2C, "(" as %28, ")" as %29',
  });
}
