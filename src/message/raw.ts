// A message that is given whole: what RFC 5322 §3.6 wants of its fields.

import { MessageError } from "../errors.ts";
import { type Keys, readObject } from "../input.ts";
import { type Prebuilt, readPrebuilt } from "../prebuilt.ts";
import { isForeignId } from "./identifiers.ts";

/**
 * Is a whole message: its header section, a blank line and its body, in octets, or as text that is sent as UTF-8. With
 * `lineEnds: "normalize"` a CR or LF by itself becomes a CRLF; a signature made over it as it was then fails.
 * `"crlf"`, the default, refuses it.
 */
export type RawContent =
  | string
  | Uint8Array
  | { readonly content: string | Uint8Array; readonly lineEnds?: "crlf" | "normalize" };

const RAW_KEYS: Keys<"content" | "lineEnds"> = { content: undefined, lineEnds: undefined };

const ONCE = ["from", "date", "message-id"];
const AT_MOST_ONCE = [
  ...["sender", "reply-to", "to", "cc", "subject", "in-reply-to", "references"],
  ...["mime-version", "content-type", "content-transfer-encoding"],
];

/** Reads `raw`. */
export function readRaw(value: unknown): { readonly prebuilt: Prebuilt; readonly messageId: string } {
  const isPlain = typeof value === "string" || value instanceof Uint8Array;
  const { content, lineEnds } = isPlain
    ? { content: value, lineEnds: undefined }
    : readObject(value, RAW_KEYS, "raw");
  if (lineEnds !== undefined && lineEnds !== "crlf" && lineEnds !== "normalize") {
    throw new MessageError("raw.lineEnds", 'is neither "crlf" nor "normalize"');
  }
  const path = isPlain ? "raw" : "raw.content";
  const prebuilt = readPrebuilt(content, path, { normalize: lineEnds === "normalize" });
  const count = (name: string): number => prebuilt.fields.get(name)?.length ?? 0;
  for (const name of ONCE) {
    if (count(name) !== 1) {
      throw new MessageError(path, `has ${count(name)} fields ${name}, and must have one (RFC 5322 §3.6)`, {
        hint: "a message in raw is sent as it stands: nothing is added, and nothing is left out",
      });
    }
  }
  for (const name of AT_MOST_ONCE) {
    if (count(name) > 1) throw new MessageError(path, `has ${count(name)} fields ${name}, and may have one`);
  }
  const [, messageId = ""] =
    /^[ \t]*([^ \t]+)[ \t]*$/.exec(prebuilt.fields.get("message-id")?.[0] ?? "") ?? [];
  if (!isForeignId(messageId)) throw new MessageError(path, "has a Message-ID that is not an identifier");
  return { prebuilt, messageId };
}
