// Message identifiers (RFC 5322 §3.6.4): the one a message has, and those of the messages it answers.

import { isDotAtom } from "../address.ts";
import { MessageError } from "../errors.ts";
import { describe, readArray, readOptionalText, readText } from "../input.ts";

/** RFC 5536 §3.1.3: octets. */
const MAX_MESSAGE_ID = 250;
/** More than any thread is deep, and what servers take in one field. */
const MAX_REFERENCES = 1000;

// Without the angle brackets that RFC 5322 lets stand here: many readers would see two identifiers.
const ID_RIGHT_LITERAL = /^\[[!-;=?-Z^-~]*\]$/;
const VISIBLE = /^<[!-~]+>$/;
// Of others' identifiers no more is asked than that they cannot be mistaken for two: many in use are not of RFC 5322,
// and an answer must name them octet for octet.
const FOREIGN = /^<[!-;=?-~]+>$/;

/** Reads the identifier of a message: RFC 5322 §3.6.4 msg-id, without comments and without the obsolete forms. */
export function readMessageId(value: unknown): string | undefined {
  const id = readOptionalText(value, "messageId");
  if (id === undefined) return undefined;
  const at = id.indexOf("@");
  const right = id.slice(at + 1, -1);
  const isRight = isDotAtom(right) || ID_RIGHT_LITERAL.test(right);
  if (id.length <= MAX_MESSAGE_ID && VISIBLE.test(id) && at > 0 && isDotAtom(id.slice(1, at)) && isRight)
    return id;
  throw new MessageError("messageId", "is not a message identifier (RFC 5322 §3.6.4)", {
    hint: "write it with its angle brackets: <unique@example.org>",
  });
}

/** Reads identifiers of other messages, as an array or as they stand in a field, and returns them as in a field. */
export function readIdentifiers(value: unknown, field: string): string {
  if (!Array.isArray(value) && typeof value !== "string") {
    throw new MessageError(field, `is ${describe(value)}, not a string or an array of strings`);
  }
  const ids: unknown[] = typeof value === "string" ? value.split(" ") : value;
  const read = readArray(ids, field, MAX_REFERENCES).map((id, at) => {
    const path = typeof value === "string" ? field : `${field}[${at}]`;
    const text = readText(id, path);
    if (isForeignId(text)) return text;
    throw new MessageError(path, "is not a message identifier", {
      hint: "write each with its angle brackets, and one space between two: <a@example.org> <b@example.org>",
    });
  });
  if (read.length === 0) throw new MessageError(field, "is empty", { hint: "leave it out" });
  return read.join(" ");
}

/** Whether text is one identifier, of whatever making. */
export function isForeignId(text: string): boolean {
  return text.length <= MAX_MESSAGE_ID && FOREIGN.test(text);
}
