// The fields that properties of a message stand for, beyond who it is from and to: what it answers, what list it is
// of, how urgent it is, what made it, and the code it brings.

import { MessageError } from "../errors.ts";
import { type Field, readHeaders, textField } from "../field.ts";
import {
  describe,
  type Keys,
  MAX_NAME,
  MAX_TEXT,
  PRINTABLE_ASCII,
  quote,
  readArray,
  readObject,
  readText,
  refuseControls,
} from "../input.ts";
import { readIdentifiers } from "./identifiers.ts";
import { readList } from "./list.ts";
import { reservedField } from "./reserved.ts";

/** Is a one-time code that the text of the message says too, bound to the site that it is for. */
export interface OneTimeCode {
  /** The code as it is to be typed: printable ASCII. */
  readonly code: string;
  /** The origin of the site, such as `https://example.com`; `http:` only on a loopback host. */
  readonly origin: string;
}

/** The properties read here, as they were given. */
export interface GivenFields {
  readonly inReplyTo?: unknown;
  readonly references?: unknown;
  readonly keywords?: unknown;
  readonly comments?: unknown;
  readonly list?: unknown;
  readonly priority?: unknown;
  readonly autoSubmitted?: unknown;
  readonly otp?: unknown;
  readonly headers?: unknown;
}

/** Reads them into fields, in the order they are written. */
export function readFields(given: GivenFields): Field[] {
  const fields: Field[] = [];
  const { inReplyTo, references, comments, keywords, list, priority, autoSubmitted, otp, headers } = given;
  if (inReplyTo !== undefined) {
    fields.push(textField("In-Reply-To", readIdentifiers(inReplyTo, "inReplyTo"), "inReplyTo"));
  }
  if (references !== undefined) {
    fields.push(textField("References", readIdentifiers(references, "references"), "references"));
  }
  if (comments !== undefined) fields.push(...readComments(comments));
  if (keywords !== undefined) fields.push(readKeywords(keywords));
  if (list !== undefined) fields.push(...readList(list));
  if (priority !== undefined) fields.push(...readPriority(priority));
  if (autoSubmitted !== undefined) {
    const value = oneOf(autoSubmitted, AUTO_SUBMITTED, "autoSubmitted");
    fields.push(textField("Auto-Submitted", value, "autoSubmitted"));
  }
  if (otp !== undefined) fields.push(readOneTimeCode(otp));
  if (headers !== undefined) fields.push(...readHeaders(headers, "headers", reservedField));
  return fields;
}

/** More is no help to anybody who looks for one of them. */
const MAX_KEYWORDS = 100;
/** As many remarks as keywords. */
const MAX_COMMENTS = MAX_KEYWORDS;

function readKeywords(value: unknown): Field {
  const phrases = readArray(value, "keywords", MAX_KEYWORDS).map((keyword, at) => {
    const text = readText(keyword, `keywords[${at}]`, MAX_NAME);
    if (text === "") throw new MessageError(`keywords[${at}]`, "is empty");
    refuseControls(text, `keywords[${at}]`);
    return text;
  });
  if (phrases.length === 0) throw new MessageError("keywords", "is empty", { hint: "leave it out" });
  return { name: "Keywords", value: "", path: "keywords", phrases };
}

/** RFC 5322 §3.6.5: a field for each, as many as there are. */
function readComments(value: unknown): Field[] {
  if (!Array.isArray(value)) return [readComment(value, "comments")];
  return readArray(value, "comments", MAX_COMMENTS).map((comment, at) =>
    readComment(comment, `comments[${at}]`),
  );
}

function readComment(value: unknown, path: string): Field {
  return textField("Comments", readText(value, path, MAX_TEXT), path);
}

// No X-MSMail-Priority: filters take it for a claim to be an old Outlook, and miss what else that would write.
const PRIORITIES = { high: "1", normal: "3", low: "5" } as const;

function readPriority(value: unknown): Field[] {
  const priority = oneOf(value, Object.keys(PRIORITIES) as (keyof typeof PRIORITIES)[], "priority");
  return [
    textField("X-Priority", PRIORITIES[priority], "priority"),
    textField("Importance", priority, "priority"),
  ];
}

const AUTO_SUBMITTED = ["auto-generated", "auto-replied", "auto-notified", "no"] as const;

function oneOf<T extends string>(value: unknown, choices: readonly T[], field: string): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  const is = typeof value === "string" ? "is another word" : `is ${describe(value)}`;
  throw new MessageError(field, `${is}, not one of ${choices.map((choice) => `"${choice}"`).join(", ")}`);
}

const CODE_KEYS: Keys<keyof OneTimeCode> = { code: undefined, origin: undefined };
/** Characters; codes that people type have six. */
const MAX_CODE = 100;
// RFC 6454 §6.2 as URL.origin writes it: no path, no user, no default port. The host is one that a URL may have and a
// name in the DNS too, or an address.
const ORIGIN = /^https?:\/\/(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::[0-9]+)?$/;
const LOOPBACK = /^http:\/\/(?:(?:.+\.)?localhost|127(?:\.[0-9]+){3}|\[::1\])(?::|$)/;

// draft-goto-otp-token: an Item of RFC 9651, the code a String with the origin as its parameter.
function readOneTimeCode(value: unknown): Field {
  const otp = readObject(value, CODE_KEYS, "otp");
  const code = readText(otp.code, "otp.code");
  if (code === "" || code.length > MAX_CODE || !PRINTABLE_ASCII.test(code)) {
    throw new MessageError("otp.code", `is not a code of 1 to ${MAX_CODE} characters of printable ASCII`);
  }
  const origin = readText(otp.origin, "otp.origin");
  const isSecure = origin.startsWith("https:") || LOOPBACK.test(origin);
  if (!isSecure || !ORIGIN.test(origin) || !isOrigin(origin)) {
    throw new MessageError("otp.origin", "is not the origin of a site", {
      hint: 'write what "new URL(url).origin" gives for its https: URL, such as "https://example.com"',
    });
  }
  return textField("OTP-Token", `${quote(code)}; origin=${quote(origin)}`, "otp");
}

function isOrigin(text: string): boolean {
  try {
    return new URL(text).origin === text;
  } catch {
    return false;
  }
}
