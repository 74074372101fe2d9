// One field of the header section, as its name and its value want it to be written.

import type { Field } from "../field.ts";
import { literalField, phraseField, unstructuredField } from "./header.ts";

// RFC 2047 §5 allows encoded-words in text, comments and phrases; these hold message identifiers, URLs, addresses or
// tokens, and would be read wrongly with them.
const IS_LITERAL =
  /^(?:in-reply-to|references|list-.*|auto-submitted|otp-token|disposition-notification-to|return-receipt-to|errors-to)$/i;

/** The field, with its line end. */
export function writeField({ name, value, path, phrases }: Field): string {
  if (phrases !== undefined) return phraseField(name, phrases, value, path);
  return IS_LITERAL.test(name) ? literalField(name, value, path) : unstructuredField(name, value, path);
}
