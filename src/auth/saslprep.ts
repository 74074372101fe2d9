// SASLprep (RFC 4013): one form for text that can be typed in several, so that both sides make the same keys of it.

/** The prepared form, or `undefined` where there is none, or nothing is left. */
export function saslprep(text: string): string | undefined {
  const prepared = text.replace(SPACES, " ").replace(MAPPED_TO_NOTHING, "").normalize("NFKC");
  return prepared === "" || PROHIBITED.test(prepared) || isMixed(prepared) ? undefined : prepared;
}

// RFC 3454 has its tables of Unicode 3.2. What they say of a character that was assigned then is what is said here, but
// for five ideographs that were normalised wrongly (U+2F868, U+2F874, U+2F91F, U+2F95F and U+2F9BF). What came later is
// let through, but for format characters: RFC 5802 §2.2 would not have it in a password, but people have emoji there, and
// servers that take them.

/** Table C.1.2. U+200B is in B.1 too; RFC 4013 §2.1 names this one first. */
const SPACES = /[\xa0\u1680\u2000-\u200b\u202f\u205f\u3000]/g;

/** Table B.1: what is not seen. */
const MAPPED_TO_NOTHING = /[\xad\u1806\u200c\u2060\ufeff]|\u034f|[\u180b-\u180d]|\u200d|[\ufe00-\ufe0f]/g;

/** Tables C.2 to C.9 (RFC 4013 §2.3), as far as normalisation leaves anything of them. */
const PROHIBITED = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{NChar}\u2028\u2029\u2ff0-\u2ffb\ufffc\ufffd]/u;

/** Table D.1, written from right to left, as far as normalisation leaves anything of it. */
const RIGHT_TO_LEFT =
  /[\u05be\u05c0\u05c3\u05d0-\u05ea\u05f0-\u05f4\u061b\u061f\u0621-\u063a\u0640-\u064a\u066d-\u066f\u0671-\u06d5\u06e5\u06e6\u06fa-\u06fe\u0700-\u070d\u0710\u0712-\u072c\u0780-\u07a5\u07b1\ufe73]/g;

/**
 * Table D.2, written from left to right, by what it has most of: it has some 770 digits, symbols and punctuation marks
 * besides, and has not seventeen modifier letters and tone marks. All this asks is whether they stand beside Hebrew.
 */
const LEFT_TO_RIGHT = /[\p{L}\p{Mc}\p{Nl}]/u;

/** RFC 3454 §6: what is read from right to left is so from its first character to its last, and all between. */
function isMixed(text: string): boolean {
  const rest = text.replace(RIGHT_TO_LEFT, "\0");
  return rest !== text && !(rest.startsWith("\0") && rest.endsWith("\0") && !LEFT_TO_RIGHT.test(rest));
}
