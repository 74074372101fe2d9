// JSON that people have written by hand: where it is wrong, it is told by line and column, and never by its words, for
// they may be a password. What the parser of the language would let pass is a name that stands twice: all but the last
// would be lost.

import { ConfigError } from "../index.ts";

/** The value of `text`; `file` is what an error calls it. */
export function parseJson(text: string, file: string): unknown {
  const fault = new Scan(text).fault();
  if (fault !== undefined) {
    const before = text.slice(0, fault.at).split("\n");
    const column = [...(before.at(-1) ?? "")].length + 1;
    throw new ConfigError(file, `is not JSON: line ${before.length}, column ${column}: ${fault.what}`, {
      hint: fault.hint,
    });
  }
  return JSON.parse(text);
}

interface Fault {
  readonly at: number;
  readonly what: string;
  readonly hint?: string | undefined;
}

/** What may come next, in the words of an error. */
const EXPECTED = {
  value: "a value is expected here",
  "value or ]": 'a value or "]" is expected here',
  name: "a name in double quotes is expected here",
  "name or }": 'a name in double quotes or "}" is expected here',
  colon: '":" is expected here',
  "comma or ]": '"," or "]" is expected here',
  "comma or }": '"," or "}" is expected here',
  end: "nothing more is expected here",
} as const;

type Expected = keyof typeof EXPECTED;

const LITERAL = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** One pass over a text, from token to token (RFC 8259 §2). */
class Scan {
  readonly #text: string;
  /** The names of each object that is open; `undefined` for an array. */
  readonly #open: (Set<string> | undefined)[] = [];
  #expected: Expected = "value";
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  fault(): Fault | undefined {
    for (;;) {
      while (" \t\n\r".includes(this.#text[this.#at] ?? "?")) this.#at++;
      const start = this.#at;
      const character = this.#text[start];
      if (character === undefined) {
        return this.#expected === "end"
          ? undefined
          : { at: start, what: `the end came too early: ${EXPECTED[this.#expected]}` };
      }
      const trouble = character === '"' ? this.#string() : this.#other(character);
      if (trouble !== undefined) return trouble;
    }
  }

  #string(): Fault | undefined {
    const start = this.#at;
    const isName = this.#expected.startsWith("name");
    if (!isName && !this.#expected.startsWith("value")) return this.#unexpected('"');
    for (this.#at++; this.#text[this.#at] !== '"'; ) {
      const character = this.#text[this.#at];
      if (character === undefined) return { at: start, what: "the text that begins here does not end" };
      if (character < " ") {
        const hint =
          character === "\n" || character === "\r" ? "a line end in a text is written \\n" : undefined;
        return { at: this.#at, what: "a control character stands in a text", hint };
      }
      if (character === "\\") {
        ESCAPE.lastIndex = this.#at;
        const [found] = ESCAPE.exec(this.#text) ?? [];
        if (found === undefined) {
          return {
            at: this.#at,
            what: "a backslash stands for nothing",
            hint: "a backslash itself is written \\\\",
          };
        }
        this.#at += found.length;
      } else {
        this.#at++;
      }
    }
    this.#at++;
    if (!isName) return this.#valued();
    this.#expected = "colon";
    const names = this.#open.at(-1);
    const name = JSON.parse(this.#text.slice(start, this.#at)) as string;
    if (names?.has(name)) return { at: start, what: "this name stands twice in one object" };
    names?.add(name);
    return undefined;
  }

  #other(character: string): Fault | undefined {
    const expected = this.#expected;
    const takesValue = expected.startsWith("value");
    if (character === "{" && takesValue) return this.#begin(new Set(), "name or }");
    if (character === "[" && takesValue) return this.#begin(undefined, "value or ]");
    if (character === ":" && expected === "colon") return this.#step("value");
    if (character === "," && expected.startsWith("comma")) {
      return this.#step(this.#open.at(-1) === undefined ? "value" : "name");
    }
    if ((character === "}" || character === "]") && expected.endsWith(character)) {
      this.#open.pop();
      this.#at++;
      return this.#valued();
    }
    LITERAL.lastIndex = this.#at;
    const literal = takesValue ? LITERAL.exec(this.#text) : null;
    if (literal === null) return this.#unexpected(character);
    this.#at += literal[0].length;
    return this.#valued();
  }

  #begin(names: Set<string> | undefined, expected: Expected): undefined {
    this.#open.push(names);
    return this.#step(expected);
  }

  #step(expected: Expected): undefined {
    this.#at++;
    this.#expected = expected;
  }

  /** A value is over. */
  #valued(): undefined {
    const names = this.#open.at(-1);
    this.#expected = this.#open.length === 0 ? "end" : names === undefined ? "comma or ]" : "comma or }";
  }

  #unexpected(character: string): Fault {
    const before = this.#text.slice(0, this.#at).trimEnd();
    const hint =
      (character === "}" || character === "]") && before.endsWith(",")
        ? "the comma before it is one too many"
        : character === "/" || character === "#"
          ? "JSON has no comments"
          : character === "'"
            ? "JSON has double quotes only"
            : character === '"' && this.#expected.startsWith("comma")
              ? "a comma is missing before it"
              : undefined;
    return { at: this.#at, what: EXPECTED[this.#expected], hint };
  }
}
