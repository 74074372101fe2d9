// Reports on the delivery of a message (DSN, RFC 3461), as users ask for them. What is read is encoded already.

import { parseAddress } from "../address.ts";
import { MessageError } from "../errors.ts";
import { type Keys, PRINTABLE_ASCII, readArray, readObject, readText, refuseControls } from "../input.ts";
import type { DsnTerms } from "../terms.ts";

/** Says when a report is to come: never, or on each of these. */
export type Notify = "never" | readonly ("success" | "failure" | "delay")[];

/** Is what reports on a message are to be like, and when they are to come (DSN, RFC 3461). */
export interface Dsn {
  /** What of the message a report of failure brings back. The server decides where it is not said. */
  readonly ret?: "full" | "headers";
  /** What reports call the message: printable ASCII, of at most 94 characters as it is encoded. */
  readonly envid?: string;
  /** When reports come, for every recipient who has no `notify` of their own. On failure where it is not said. */
  readonly notify?: Notify;
}

/** Is a recipient in `envelope.to` of whom more is said than the address. */
export interface EnvelopeRecipient {
  readonly address: string;
  /** When reports on this recipient come (RFC 3461 §4.1). */
  readonly notify?: Notify;
  /**
   * Whom reports name as the recipient (RFC 3461 §4.2): an address, or a type and what it is of, such as
   * `x400;/c=us/…`. It is encoded here. Who submits a message may give the address of the recipient only; a relay
   * passes on what it was given.
   */
  readonly orcpt?: string;
}

/** What was said of single recipients, by the address in the envelope. */
export type RecipientTerms = ReadonlyMap<string, RecipientTerm>;

export interface RecipientTerm {
  /** The property that it was said in. */
  readonly field: string;
  readonly notify: string | undefined;
  readonly orcpt: string | undefined;
}

const NONE: readonly string[] = [];

export const RET_FULL = "RET=FULL";

const DSN_KEYS: Keys<keyof Dsn> = { ret: undefined, envid: undefined, notify: undefined };

/** RFC 3461 §4.4: how long the parameter may be, with its keyword, and as it is encoded. */
const MAX_ENVID = 100;

/** Reads `dsn`, with what was said of single recipients; `undefined` where neither asks for anything. */
export function readDsn(value: unknown, recipients: RecipientTerms | undefined): DsnTerms | undefined {
  const given = value === undefined ? DSN_KEYS : readObject(value, DSN_KEYS, "dsn");
  const mail: string[] = [];
  if (given.ret !== undefined) {
    if (given.ret !== "full" && given.ret !== "headers") {
      throw new MessageError("dsn.ret", 'is neither "full" nor "headers"');
    }
    mail.push(given.ret === "full" ? RET_FULL : "RET=HDRS");
  }
  if (given.envid !== undefined) mail.push(readEnvid(given.envid));
  const notify = given.notify === undefined ? undefined : readNotify(given.notify, "dsn.notify");
  const rcpt = notify === undefined ? NONE : [notify];
  const [single] = recipients?.values() ?? [];
  const isAsked = mail.length > 0 || notify !== undefined;
  if (!isAsked && single === undefined) return undefined;
  const each = new Map<string, readonly string[]>();
  for (const [address, { notify: own = notify, orcpt }] of recipients ?? []) {
    each.set(
      address,
      [own, orcpt].filter((parameter) => parameter !== undefined),
    );
  }
  return { field: isAsked ? "dsn" : (single?.field ?? "dsn"), mail, rcpt, recipients: each };
}

function readEnvid(value: unknown): string {
  const envid = readText(value, "dsn.envid", MAX_ENVID);
  if (envid === "" || !PRINTABLE_ASCII.test(envid)) {
    throw new MessageError("dsn.envid", "is not one line of ASCII (RFC 3461 §4.4)");
  }
  const parameter = `ENVID=${xtext(envid)}`;
  if (parameter.length <= MAX_ENVID) return parameter;
  throw new MessageError("dsn.envid", `is longer than ${MAX_ENVID - "ENVID=".length} characters, encoded`, {
    hint: 'a space, "+" and "=" are three characters each (RFC 3461 §4)',
  });
}

const EVENTS = ["success", "failure", "delay"] as const;

function readNotify(value: unknown, field: string): string {
  if (value === "never") return "NOTIFY=NEVER";
  if (!Array.isArray(value)) {
    throw new MessageError(field, `is neither "never" nor an array`, { hint: NOTIFY_HINT });
  }
  const given = readArray(value, field, EVENTS.length);
  if (given.length === 0) throw new MessageError(field, "is empty", { hint: NOTIFY_HINT });
  given.forEach((event, at) => {
    if (!EVENTS.some((known) => known === event)) {
      throw new MessageError(`${field}[${at}]`, "is no event that is reported", { hint: NOTIFY_HINT });
    }
    if (given.indexOf(event) < at) throw new MessageError(`${field}[${at}]`, "is there twice");
  });
  return `NOTIFY=${given.join(",").toUpperCase()}`;
}

const NOTIFY_HINT = 'write "never", or what of ["success", "failure", "delay"] is to be reported';

const RECIPIENT_KEYS: Keys<keyof EnvelopeRecipient> = {
  address: undefined,
  notify: undefined,
  orcpt: undefined,
};

/** Reads an element of `envelope.to` that is not a string: its address, and what is said of it, if anything is. */
export function readRecipient(
  value: unknown,
  field: string,
): { readonly address: unknown; readonly term: RecipientTerm | undefined } {
  const { address, notify, orcpt } = readObject(value, RECIPIENT_KEYS, field);
  if (notify === undefined && orcpt === undefined) return { address, term: undefined };
  const said = {
    field: `${field}.${notify === undefined ? "orcpt" : "notify"}`,
    notify: notify === undefined ? undefined : readNotify(notify, `${field}.notify`),
    orcpt: orcpt === undefined ? undefined : readOrcpt(orcpt, `${field}.orcpt`),
  };
  return { address, term: said };
}

/** RFC 3461 §4.2: how long the parameter may be, with its keyword, and as it is encoded. */
const MAX_ORCPT = 500;
// RFC 3461 §4.2 has an atom for it. No address without quotation marks holds a semicolon.
const TYPED = /^([\w!#$%&'*+\-/=?^`{|}~]+);/;

function readOrcpt(value: unknown, field: string): string {
  const text = readText(value, field, MAX_ORCPT);
  refuseControls(text, field);
  const type = TYPED.exec(text)?.[1];
  const parameter = `ORCPT=${type === undefined ? ofAddress(text, field) : ofType(type, text.slice(type.length + 1), field)}`;
  if (parameter.length <= MAX_ORCPT) return parameter;
  throw new MessageError(field, `is longer than ${MAX_ORCPT - "ORCPT=".length} characters, encoded`);
}

function ofAddress(text: string, field: string): string {
  const { address, utf8 } = parseAddress(text, field);
  return utf8 ? `utf-8;${unicodeXtext(address)}` : `rfc822;${xtext(address)}`;
}

function ofType(type: string, value: string, field: string): string {
  if (value === "") throw new MessageError(field, "has nothing behind its type");
  // An atom may hold what a parameter may not; no type that is registered does.
  if (type.includes("=")) throw new MessageError(field, "has a type with = in it");
  if (/^utf-8$/i.test(type)) return `${type};${unicodeXtext(value)}`;
  if (PRINTABLE_ASCII.test(value)) return `${type};${xtext(value)}`;
  throw new MessageError(field, "is not ASCII (RFC 3461 §4.2)", {
    hint: "an address beyond ASCII is given as it is, or with the type utf-8",
  });
}

/** RFC 3461 §4, of ASCII. */
function xtext(text: string): string {
  return text.replace(/[^!-*,-<>-~]/g, (character) => `+${hex(character)}`);
}

/** RFC 6533 §3: the form that needs no SMTPUTF8. */
function unicodeXtext(text: string): string {
  return text.replace(/[^!-*,-<>-[\]-~]/gu, (character) => `\\x{${hex(character)}}`);
}

function hex(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, "0");
}
