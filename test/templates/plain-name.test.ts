import { describe, expect, test } from "vitest";
import { isPlainName } from "../../src/templates.ts";

describe("a plain name", () => {
  test.each([
    "Ada",
    "Ada Lovelace",
    "J.R.R. Tolkien",
    "St. John, Esq.",
    "O'Brien-Smith",
    "李小龙",
    "Nguyễn Thị Ánh".normalize("NFD"),
    "שָׁלוֹם",
    "می\u200cخواهم",
    "Ada ❤️",
    "👩‍💻 Ada",
    "x".repeat(100),
  ])("is %j", (name) => {
    expect(isPlainName(name)).toBe(true);
  });

  test.each([
    ["lines", "Ada\n\nYour bank:"],
    ["a line separator", "Ada\u2028x"],
    ["a carriage return", "Ada\rx"],
    ["another control", "Ada\u001b[2J"],
    ["a direction override", "Ada\u202egpj.exe"],
    ["an isolate", "Ada\u2066x"],
    ["a blank without width", "A\u200bda"],
    ["a soft hyphen", "A\u00adda"],
    ["a filler that is a letter", "\u3164"],
    ["a tag character", "Ada\u{e0041}"],
    ["a pile of accents", `A${"\u0301".repeat(5)}`],
    ["a link", "http://evil"],
    ["a domain", "evil.com/login"],
    ["a domain in another script", "пример.рф"],
    ["a domain with another full stop", "evil。com"],
    ["www", "WWW.x"],
    ["an address", "a@b"],
    ["half a surrogate pair", "Ada\ud83d"],
    ["nothing to be seen", " \t "],
    ["nothing", ""],
    ["punctuation alone", "!!!"],
    ["too much", "x".repeat(101)],
  ])("has no %s", (_, name) => {
    expect(isPlainName(name)).toBe(false);
  });

  test.each([undefined, null, 7, {}, ["Ada"]])("is text, not %j", (name) => {
    expect(isPlainName(name)).toBe(false);
  });
});
