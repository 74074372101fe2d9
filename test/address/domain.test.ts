import { afterEach, describe, expect, test, vi } from "vitest";
import { parseDomain } from "../../src/address/domain.ts";
import { resolveMailbox } from "../../src/address.ts";
import { MessageError } from "../../src/errors.ts";

function refusal(domain: string): MessageError {
  try {
    parseDomain(domain, "to");
  } catch (error) {
    if (error instanceof MessageError) return error;
    throw error;
  }
  throw new Error(`accepted: ${JSON.stringify(domain)}`);
}

describe("a domain of ASCII", () => {
  test.each([
    "localhost",
    "example.com",
    "EXAMPLE.Com",
    "a.b.c.d.e.example",
    "1.example",
    "192.0.2.1.example",
    "0x7f.example",
    "0xyz",
    "r3---sn-abc.example",
    "xn--bcher-kva.example",
    "XN--Bcher-Kva.example",
    "xn--strae-oqa.example",
    "xn--fiq228c.xn--fiqs8s",
    "xn--ls8h.example",
    `${"a".repeat(63)}.example`,
    "[127.0.0.1]",
    "[IPv6:2001:db8::1]",
    "[ipv6:2001:DB8::1]",
    "[IPv6:::ffff:192.0.2.1]",
  ])("stays as it was written: %s", (domain) => {
    expect(parseDomain(domain, "to")).toBe(domain);
  });
});

describe("a domain beyond ASCII", () => {
  test.each([
    ["bücher.example", "xn--bcher-kva.example"],
    ["BÜCHER.Example", "xn--bcher-kva.example"],
    ["bu\u0308cher.example", "xn--bcher-kva.example"],
    ["www.Bücher.Example", "www.xn--bcher-kva.example"],
    ["xn--bcher-kva.bücher.example", "xn--bcher-kva.xn--bcher-kva.example"],
    ["straße.example", "xn--strae-oqa.example"],
    ["faß.example", "xn--fa-hia.example"],
    ["σίγμας.example", "xn--kxaef0b5ab.example"],
    ["İstanbul.example", "xn--istanbul-o0e.example"],
    ["paral·lel.example", "xn--parallel-koa.example"],
    ["צה״ל.example", "xn--8dbq2a9c.example"],
    ["אב.example", "xn--4dbc.example"],
    ["אב1.example", "xn--1-zhcd.example"],
    ["テスト・テスト.example", "xn--zcka1bbjc86a.example"],
    ["ﾃｽﾄ.example", "xn--zckzah.example"],
    ["例え.テスト", "xn--r8jz45g.xn--zckzah"],
    ["中国.中国", "xn--fiqs8s.xn--fiqs8s"],
    ["пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"],
    ["उदाहरण.परीक्षा", "xn--p1b6ci4b4b3a.xn--11b5bs3a9aj6g"],
    ["क्\u200dष.example", "xn--11b2ezcw70k.example"],
    ["क्\u200cष.example", "xn--11b2ezcs70k.example"],
    ["نامه\u200cای.example", "xn--mgba3gch31f060k.example"],
    ["١٢٣.example", "xn--9hbcd.example"],
    ["𠀀.example", "xn--j50i.example"],
  ])("is told in A-labels: %s is %s", (domain, expected) => {
    expect(parseDomain(domain, "to")).toBe(expected);
    expect(parseDomain(expected, "to")).toBe(expected);
  });

  test("that looks like another is that of its own letters, and shows it", () => {
    expect(resolveMailbox("x@\u0430pple.example", "to")).toMatchObject({
      address: "x@xn--pple-43d.example",
      domain: "xn--pple-43d.example",
    });
  });

  test.each([
    ["a soft hyphen", "com\u00adpany.example"],
    ["a soft hyphen beside an umlaut", "bü\u00adcher.example"],
    ["an ideographic full stop", "a\u3002example"],
    ["an ideographic full stop beside an umlaut", "bücher\u3002example"],
    ["a full-width full stop", "bücher\uff0eexample"],
    ["a half-width full stop", "bücher\uff61example"],
    ["a full-width letter", "\uff47ood.example"],
    ["a full-width letter beside an umlaut", "\uff47oodü.example"],
    ["a full-width digit", "ü\uff11.example"],
    ["a full-width solidus", "good\uff0fevil.example"],
    ["a circled letter", "\u24d4xample.example"],
    ["the Kelvin sign", "\u212aelvin.example"],
    ["the Kelvin sign beside an umlaut", "\u212aelvinü.example"],
    ["a mathematical letter", "\u{1d41a}ü.example"],
    ["a ligature", "\ufb01ü.example"],
    ["a long s", "\u017fü.example"],
    ["an ordinal indicator", "\u00aaü.example"],
    ["a roman numeral", "\u2177ü.example"],
    ["a capital sharp s", "STRA\u1e9eE.example"],
    ["an address in one sign", "\u2100.example"],
    ["a variation selector", "ex\ufe0fample.example"],
    ["a variation selector beside an umlaut", "bü\ufe0fcher.example"],
    ["a combining grapheme joiner", "bü\u034fcher.example"],
    ["a Hangul filler", "ü\u3164.example"],
    ["a zero width space", "bü\u200bcher.example"],
    ["a word joiner", "bü\u2060cher.example"],
    ["a byte order mark", "bü\ufeffcher.example"],
    ["a no-break space", "bü\u00a0cher.example"],
    ["a right-to-left override", "bü\u202echer.example"],
    ["a snowman", "\u2603.example"],
    ["an emoji", "\u{1f600}.example"],
    ["a private character", "\ue000.example"],
    ["an unassigned character", "\u0378.example"],
  ])("is refused with %s in it, whatever that would be mapped to", (_, domain) => {
    const error = refusal(domain);
    expect(error.message).toMatch(/has U\+[0-9A-F]{4,5} in its domain/);
    expect(error.hint).toContain("ASCII dots");
  });

  test.each([
    ["a joiner that joins nothing", "a\u200db.example"],
    ["a non-joiner between letters that do not join", "a\u200cb.example"],
    ["letters of both directions", "אבa.example"],
    ["digits of two kinds", "א1١.example"],
    ["a mark at its beginning", "\u0301ü.example"],
    ["a hyphen at its beginning", "-ü.example"],
    ["a hyphen at its end", "ü-.example"],
    ["hyphens where the prefix of an A-label has them", "ab--ü.example"],
    ["the prefix of an A-label", "xn--ü.example"],
    ["an invalid A-label beside it", "xn--a.bücher.example"],
    ["a number at its end", "ü.123"],
    ["a hexadecimal number at its end", "ü.0x7f"],
    ["an empty label", "ü..example"],
    ["an empty label at its beginning", ".ü.example"],
    ["a dot at its end", "ü.example."],
    ["64 letters in a label", `${"ü".repeat(64)}.example`],
    ["a label of more than 63 octets once it is an A-label", `${"ü".repeat(58)}.example`],
  ])("is refused with %s", (_, domain) => {
    refusal(domain);
  });
});

describe("an A-label", () => {
  test.each([
    ["is nothing", "xn--.example"],
    ["is not Punycode", "xn--$.example"],
    ["is not Punycode either", "xn--a.example"],
    ["overflows", "xn--99999999.example"],
    ["holds ASCII only", "xn--abc-.example"],
    ["holds a capital letter", "xn--wca.example"],
    ["holds a letter and its mark apart", "xn--u-ccb.example"],
    ["holds a full-width letter", "xn--ood-joa50663a.example"],
    ["holds a variation selector", "xn--bcher-kva32646b.example"],
    ["holds a soft hyphen", "xn--a-vca1v.example"],
    ["holds a joiner that joins nothing", "xn--abc-fn0a.example"],
    ["holds digits of two kinds", "xn--1-zhc05b.example"],
  ])("that %s is refused", (_, domain) => {
    refusal(domain);
    refusal(domain.toUpperCase());
  });
});

describe("what is not a domain", () => {
  const NOT_DOMAINS = [
    "good.example/evil.example",
    "good.example?x",
    "good.example#x",
    "good.example\\evil.example",
    "good.example:25",
    "%65xample.com",
    "büch%65r.example",
    "bücher.example/evil.example",
    "bücher.example?x",
    "bücher.example#x",
    "bücher.example\\x",
    "bücher.example:25",
    "u:p@bücher.example",
    "bü\tcher.example",
    "bü\ncher.example",
    "exa\tmple.com",
    "exa\nmple.com",
    "exam_ple.com",
    "a b.example",
    " b.example",
    "b.example ",
  ];

  test.each([
    ...NOT_DOMAINS,
    "",
    ".",
    "b.c.",
    ".b.c",
    "b..c",
    "-b.c",
    "b-.c",
    "0x7f.1",
    "127.1",
    "127.0.0.1",
    "2130706433",
    "0x7f",
    "0X7F000001",
    "0x",
    "127.0.0.0x1",
    "example.0xa",
    `${"a".repeat(64)}.example`,
    `${"a.".repeat(125)}example`,
    "[1.2.3]",
    "[1.2.3.256]",
    "[01.2.3.4]",
    "[0x7f.0.0.1]",
    "[127.0.0.1",
    "[127.0.0.1].example",
    "[127.0.0.1]]",
    "127.0.0.1]",
    "[2001:db8::1]",
    "[IPv6:zz]",
    "[IPv6:1:2]",
    "[IPv6:1::2::3]",
    "[IPv6:fe80::1%25eth0]",
    "[IPv6:::1",
    "[tag:x>y]",
    "[]",
  ])("is refused: %j", (domain) => {
    refusal(domain);
  });

  describe("is refused before the parser of URLs sees it", () => {
    const seen: unknown[] = [];
    afterEach(() => {
      vi.unstubAllGlobals();
      seen.length = 0;
    });

    test.each(NOT_DOMAINS)("%j", (domain) => {
      vi.stubGlobal(
        "URL",
        class extends URL {
          constructor(url: string) {
            super(url);
            seen.push(url);
          }
        },
      );
      refusal(domain);
      expect(seen).toEqual([]);
      parseDomain("bücher.example", "to");
      expect(seen).not.toEqual([]);
    });
  });
});
