import { expect, test } from "vitest";
import { isDotAtom, notAtom } from "../../src/address/tokens.ts";

test("an atom holds what RFC 6531 §3.3 lets it, and no separator of Unicode", () => {
  const atext = /[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]/;
  for (let code = 0; code <= 0x1ffff; code++) {
    const character = String.fromCodePoint(code);
    const isAllowed = code < 0x80 ? atext.test(character) : !/\p{Z}/u.test(character);
    if (isDotAtom(character) !== isAllowed) expect.fail(`U+${code.toString(16)} is taken for something else`);
    if (character !== "." && (notAtom(`a${character}`) !== character) !== isAllowed)
      expect.fail(`U+${code.toString(16)} is not told, or is told of an atom`);
  }
});
