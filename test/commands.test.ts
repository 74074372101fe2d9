import { describe, expect, test } from "vitest";
import { decodeLatin1, encodeUtf8 } from "../src/bytes.ts";
import * as commands from "../src/commands.ts";
import { MessageError } from "../src/errors.ts";

const { auth, ehlo, encodeGroup, helo, mailFrom, MAX_COMMAND_LINE, rcptTo, saslResponse, vrfy } = commands;

/** Every command that takes something from outside, with `value` in each place. */
const PLACES: readonly [string, (value: string) => unknown][] = [
  ["the name in EHLO", (value) => ehlo(`mx${value}.example`)],
  ["the name in HELO", (value) => helo(`mx${value}.example`)],
  ["the reverse-path", (value) => mailFrom(`a${value}@example.com`, [])],
  ["a quoted reverse-path", (value) => mailFrom(`"a${value}"@example.com`, [])],
  ["the domain of a reverse-path", (value) => mailFrom(`a@example.com${value}`, [])],
  ["a parameter of MAIL", (value) => mailFrom("a@example.com", [`SIZE=1${value}`])],
  ["a parameter of RCPT", (value) => rcptTo("a@example.com", [`ORCPT=rfc822;a${value}`])],
  ["who is asked about", (value) => vrfy(`bob${value}`)],
  ["the name in LHLO", (value) => commands.lhlo(`mx${value}.example`)],
  ["the forward-path", (value) => rcptTo(`a${value}@example.com`)],
  ["a quoted forward-path", (value) => rcptTo(`"a${value}"@example.com`)],
  ["the name of a mechanism", (value) => auth(`PLAIN${value}`, undefined, [])],
];

describe("no control octet leaves", () => {
  test.each(PLACES)("in %s", (_, make) => {
    const controls = Array.from({ length: 32 }, (_, code) => String.fromCharCode(code));
    for (const control of [...controls, "\x7f", "\r\nRCPT TO:<evil@example.net>"]) {
      expect(() => make(control), JSON.stringify(control)).toThrow(MessageError);
    }
  });

  test("also where a narrower encoding would make one of a wide character", () => {
    // U+760D and U+760A end in 0D and 0A: cut to a byte each, they are a line end.
    const octets = encodeGroup([rcptTo("\u760d\u760aRCPT@example.com")]);
    const line = decodeLatin1(octets);
    expect(line.slice(0, -2)).not.toMatch(/[\r\n]/);
    expect(octets).toEqual(encodeUtf8("RCPT TO:<\u760d\u760aRCPT@example.com>\r\n"));
  });

  test("nor from a command that was not made here", () => {
    const forged = { ...rcptTo("a@example.com"), line: "RCPT TO:<a@example.com>\r\nDATA" };
    expect(() => encodeGroup([forged])).toThrow(MessageError);
    expect(decodeLatin1(encodeGroup([rcptTo("a@example.com"), commands.data()]))).toBe(
      "RCPT TO:<a@example.com>\r\nDATA\r\n",
    );
  });

  test("the error shows what it was, escaped", () => {
    expect(() => rcptTo("a\r\nb@example.com")).toThrow("\\u{d}\\u{a}");
  });
});

describe("paths", () => {
  test.each([
    "a>@example.com",
    "a@example.com> ORCPT=x",
    "<a@example.com",
    "a b@example.com",
    '"a@example.com',
    'a"b" c@d',
  ])("%s would end the path early and does not leave", (path) => {
    expect(() => rcptTo(path)).toThrow(MessageError);
    expect(() => mailFrom(path, [])).toThrow(MessageError);
  });

  test.each(['"a b"@example.com', '"a>b"@example.com', '"a\\"> b"@example.com', "a@[IPv6:::1]", ""])(
    "%s stays whole",
    (path) => {
      expect(decodeLatin1(encodeGroup([rcptTo(path)]))).toBe(`RCPT TO:<${path}>\r\n`);
    },
  );

  test("a path that is too long does not leave", () => {
    expect(() => rcptTo(`${"a".repeat(1020)}@example.com`)).toThrow(MessageError);
  });
});

describe("parameters", () => {
  test("stand behind the path, each behind a space", () => {
    expect(mailFrom("", ["SIZE=1", "SMTPUTF8"]).line).toBe("MAIL FROM:<> SIZE=1 SMTPUTF8");
    expect(rcptTo("a@b.c", ["NOTIFY=NEVER", "ORCPT=rfc822;a@b.c"]).line).toBe(
      "RCPT TO:<a@b.c> NOTIFY=NEVER ORCPT=rfc822;a@b.c",
    );
    expect(rcptTo("a@b.c", []).line).toBe(rcptTo("a@b.c").line);
  });

  test.each([
    ...[
      "",
      "=",
      "=1",
      "-A",
      "A=",
      "A=1 B",
      "A=1=2",
      "A B",
      " A",
      "A ",
      "A=\u00fc",
      "A=\u2028",
      "A=\ud800",
      "\u017fIZE=1",
    ],
    ...["<>", "A<B>", "A=1> B"],
  ])("that are none do not leave: %j", (parameter) => {
    expect(() => mailFrom("a@b.c", [parameter])).toThrow("is not a parameter");
    expect(() => rcptTo("a@b.c", ["NOTIFY=NEVER", parameter])).toThrow("is not a parameter");
  });

  const PATH = `${"a".repeat(64)}@${"b".repeat(185)}.com`;

  test("may be as long as the extensions have them, all at once", () => {
    const mail = mailFrom(PATH, [
      ...["SIZE=99999999999999999999", "BODY=BINARYMIME", "SMTPUTF8", "RET=HDRS", `ENVID=${"x".repeat(94)}`],
      ...["REQUIRETLS", "MT-PRIORITY=-9", "BY=999999999;RT", "HOLDUNTIL=9999-12-31T23:59:59Z"],
    ]);
    expect(mail.line.endsWith("Z")).toBe(true);
    const rcpt = rcptTo(PATH, ["NOTIFY=SUCCESS,FAILURE,DELAY", `ORCPT=rfc822;${"x".repeat(487)}`]);
    expect(rcpt.line.length).toBeGreaterThan(MAX_COMMAND_LINE);
  });

  test("may not be longer", () => {
    expect(() => mailFrom(PATH, [`ENVID=${"x".repeat(600)}`])).toThrow("is the limit");
    expect(() => rcptTo(PATH, [`ORCPT=rfc822;${"x".repeat(900)}`])).toThrow("is the limit");
  });
});

describe("VRFY", () => {
  test.each([
    ["bob", "VRFY bob"],
    ["bob@example.org", "VRFY bob@example.org"],
    ['"Bob B"', 'VRFY "Bob B"'],
    ["j\u00fcrgen@example.org", "VRFY j\u00fcrgen@example.org SMTPUTF8"],
  ])("asks about %s", (who, line) => {
    expect(vrfy(who)).toMatchObject({ verb: "VRFY", line });
  });

  test.each([
    "",
    "a\ud800",
    "a\u2028b",
    "a\u0085b",
    "bob SMTPUTF8",
    "<bob>",
    "bob>",
    '"bob',
    "b".repeat(600),
  ])("does not leave about %j", (who) => {
    expect(() => vrfy(who)).toThrow(MessageError);
  });
});

test("NOOP and LHLO are themselves", () => {
  expect(decodeLatin1(encodeGroup([commands.noop(), commands.lhlo("mx.example")]))).toBe(
    "NOOP\r\nLHLO mx.example\r\n",
  );
});

describe("secrets", () => {
  test("a command that carries one is not shown with it", () => {
    const { command, saidInitial } = auth("PLAIN", encodeUtf8("\0alice\0s3cret"), ["s3cret"]);
    expect(saidInitial).toBe(true);
    expect(command.shown).toBe("AUTH PLAIN ********");
    expect(command.secrets).toEqual(["s3cret", "AGFsaWNlAHMzY3JldA=="]);
    expect(saslResponse(encodeUtf8("s3cret"), ["s3cret"]).shown).toBe("********");
  });
});

describe("AUTH", () => {
  test("an initial response of no octets is said as =", () => {
    expect(decodeLatin1(encodeGroup([auth("EXTERNAL", new Uint8Array(0), []).command]))).toBe(
      "AUTH EXTERNAL =\r\n",
    );
  });

  test("an initial response rides along up to 512 octets with the line end", () => {
    const fits = auth("XOAUTH2", new Uint8Array(372), []);
    expect(fits.saidInitial).toBe(true);
    expect(encodeGroup([fits.command]).length).toBeLessThanOrEqual(MAX_COMMAND_LINE);
    const long = auth("XOAUTH2", new Uint8Array(373), []);
    expect(long.saidInitial).toBe(false);
    expect(decodeLatin1(encodeGroup([long.command]))).toBe("AUTH XOAUTH2\r\n");
  });

  test("a response is as long as RFC 4954 allows, and no longer", () => {
    expect(encodeGroup([saslResponse(new Uint8Array(9213), [])]).length).toBeLessThanOrEqual(12_288);
    expect(() => saslResponse(new Uint8Array(9216), [])).toThrow(MessageError);
  });
});
