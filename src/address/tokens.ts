// The words that mailboxes are made of (RFC 5322 §3.2): atoms and quoted-strings.

import { MessageError } from "../errors.ts";

// Neither atext nor a dot: RFC 5322 §3.2.3, and RFC 6531 §3.3 without the separators that look like a space. By their
// numbers: for \p{Z} engines read the tables of Unicode at import.
const NOT_ATOM =
  /[^A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.\u0080-\uffff]|[\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/** Whether `text` is atoms with single dots between them (RFC 5322 §3.2.3, with RFC 6531 §3.3 beyond ASCII). */
export function isDotAtom(text: string): boolean {
  return (
    text !== "" &&
    !NOT_ATOM.test(text) &&
    !text.startsWith(".") &&
    !text.endsWith(".") &&
    !text.includes("..")
  );
}

/** The first character of `text` that no dot-atom holds. */
export function notAtom(text: string): string | undefined {
  return NOT_ATOM.exec(text)?.[0];
}

// RFC 5322 §3.2.3 specials, without the dot: "John Q. Public" is how names are written.
const NAME_SPECIAL = /[()<>[\]:;@\\,"]/;

/** The first character of `text` that a display name may hold in quotes only. */
export function nameSpecial(text: string): string | undefined {
  return NAME_SPECIAL.exec(text)?.[0];
}

/** Where what follows the quoted-string that begins at `begin` begins. */
export function endOfQuotedString(text: string, begin: number, field: string): number {
  for (let at = begin + 1; at < text.length; at++) {
    const character = text[at];
    if (character === '"') return at + 1;
    if (character === "\\") at++;
  }
  throw new MessageError(field, "has a double quote that is not closed");
}

/** The content of the quoted-string `text` begins with, and where what follows it begins. */
export function readQuotedString(text: string, field: string): { text: string; end: number } {
  const end = endOfQuotedString(text, 0, field);
  return { text: text.slice(1, end - 1).replace(/\\(.)/g, "$1"), end };
}
