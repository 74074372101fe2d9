// Header fields that a config gives to every message. What they may be is for the message to say: each is read and
// written as one of a message is, by the parts of composing that do that alone.

import { ConfigError, MessageError } from "../errors.ts";
import { readHeaders } from "../field.ts";
import { describe } from "../input.ts";
import { reservedField } from "../message/reserved.ts";
import { writeField } from "../mime/field.ts";
import { entriesOf, type Field, noting, PLACEHOLDER, refuseExample } from "./field.ts";

type Value = string | readonly string[];
type Headers = Readonly<Record<string, Value>>;

/** What a message takes. */
const MAX_HEADERS = 1000;

export function headersField(): Field<Headers> {
  const one = { type: "string", pattern: NO_CONTROLS, not: { pattern: PLACEHOLDER.source } };
  return {
    schema: {
      type: "object",
      maxProperties: MAX_HEADERS,
      propertyNames: { pattern: FIELD_NAME, not: { pattern: `^(?:${RESERVED.map(inAnyCase).join("|")})$` } },
      additionalProperties: {
        anyOf: [one, { type: "array", items: one, minItems: 1, maxItems: MAX_HEADERS }],
      },
    },
    read(value, path, problems) {
      const given = noting(problems, path, () => bounded(entriesOf(value, path), path)) ?? [];
      const headers: [string, Value][] = [];
      for (const [name, said] of given) {
        noting(problems, path, () => headers.push([name, tried(name, said, path)]));
      }
      return Object.fromEntries(headers);
    },
  };
}

const NO_CONTROLS = String.raw`^[^\x00-\x1f\x7f]*$`;
// RFC 5322 §2.2, and a name that leaves room for its value.
const FIELD_NAME = String.raw`^[\x21-\x39\x3b-\x7e]{1,74}$`;

/** What a message does not take, for the schema, which cannot try. */
const RESERVED = [
  ...["from", "sender", "reply-to", "to", "cc", "bcc", "subject", "date", "message-id", "in-reply-to"],
  ...["references", "otp-token", "keywords", "comments", "auto-submitted", "importance", "priority"],
  ...["x-priority", "x-msmail-priority", "mime-version", "received", "return-path", "apparently-to"],
  ...["list-id", "list-unsubscribe", "list-unsubscribe-post", "list-help", "list-subscribe", "list-post"],
  ...["list-owner", "list-archive", "dkim-signature", "authentication-results"],
  ...["content-.*", "resent-.*", "arc-.*"],
];

function inAnyCase(name: string): string {
  return name.replace(/[a-z]/g, (letter) => `[${letter.toUpperCase()}${letter}]`);
}

function bounded(given: ReadonlyMap<string, unknown>, path: string): ReadonlyMap<string, unknown> {
  if (given.size <= MAX_HEADERS) return given;
  throw new ConfigError(path, `has more than ${MAX_HEADERS} fields`);
}

function tried(name: string, value: unknown, path: string): Value {
  const place = `${path}[${JSON.stringify(name.slice(0, 80))}]`;
  if (Array.isArray(value) && value.length === 0) throw new ConfigError(place, "is an empty array");
  if (!Array.isArray(value) && typeof value !== "string") {
    throw new ConfigError(place, `is ${describe(value)}, not a string or an array of strings`);
  }
  for (const one of [value].flat()) refuseExample(one, place);
  try {
    for (const field of readHeaders({ [name]: value }, "headers", reservedField)) writeField(field);
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
    const message = error.message.slice(error.field.length + 2);
    // What a message has a property for, and what is made of it: its hint speaks to programs.
    const hint =
      message === "is not set here"
        ? "leave it out: a connector does not send it, or makes it itself"
        : error.hint;
    throw new ConfigError(place, message, { hint });
  }
  return value as Value;
}
