// Names that people gave themselves, before a stranger's mail shows them: a "name" can be the whole attack.

/** In UTF-16 units. Longer than the names that people have, and too short to tell a story in. */
const MAX_NAME_LENGTH = 100;

// Controls, line separators, halves of surrogate pairs, and what is not seen: direction marks, blanks without width,
// fillers. Persian and Indic names need the joiners, and many an emoji its variation selector.
const HIDDEN =
  "[\\p{Cc}\\p{Cs}\\p{Zl}\\p{Zp}]|(?!\\u200c|\\u200d|\\ufe0f)[\\p{Cf}\\p{Default_Ignorable_Code_Point}]";

// Vietnamese and Hebrew stack up to three.
const STACKED = "\\p{M}{5}";

// Mail programs make links of these, whoever wrote them; the full stops are those that a browser takes for one.
const LINK = "://|@|[Ww]{3}\\.|[\\p{L}\\p{N}][.\\u3002\\uff0e\\uff61]\\p{L}{2}";

const VISIBLE = "[\\p{L}\\p{N}]";

/**
 * Tells whether a name that somebody gave may be shown in a mail to somebody else: one line of at most 100 characters
 * with a letter or a digit in it, and nothing that mail programs make a link of (`evil.example`, `a@b`, `https://…`),
 * nothing unseen and no text direction, no pile of accents. Escaping makes a name safe as markup, not as a message.
 *
 * @example
 * ```ts
 * const given = "Your account is locked: login.example.net";
 * const payload = { name: isPlainName(given) ? given : "there" };
 * renderTemplate("Hello {{name}},", payload); // "Hello there,"
 * ```
 */
export function isPlainName(name: unknown): name is string {
  return (
    typeof name === "string" &&
    name.length <= MAX_NAME_LENGTH &&
    has(VISIBLE, name) &&
    ![HIDDEN, STACKED, LINK].some((pattern) => has(pattern, name))
  );
}

/** Patterns that ask for what Unicode says of characters are text until then: engines read its tables for each at import. */
function has(pattern: string, name: string): boolean {
  return new RegExp(pattern, "u").test(name);
}
