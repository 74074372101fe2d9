import { describe, expect, test } from "vitest";
import { encodeUtf8 } from "../../src/bytes.ts";
import { ProtocolError, type Reply } from "../../src/errors.ts";
import { MAX_REPLY_LINE, MAX_REPLY_LINES, MAX_REPLY_OCTETS, ReplyParser } from "../../src/protocol/reply.ts";

/** Every reply in `octets`, which must be the same whole, at every split in two, and octet by octet. */
function parse(octets: Uint8Array | string): readonly Reply[] {
  const all = typeof octets === "string" ? encodeUtf8(octets) : octets;
  const whole = parseInPieces([all]);
  for (let at = 0; at <= all.length; at++) {
    expect(parseInPieces([all.subarray(0, at), all.subarray(at)])).toEqual(whole);
  }
  expect(parseInPieces(Array.from(all, (octet) => Uint8Array.of(octet)))).toEqual(whole);
  return whole;
}

function parseInPieces(pieces: readonly Uint8Array[]): Reply[] {
  const parser = new ReplyParser();
  const replies: Reply[] = [];
  for (const piece of pieces) {
    parser.push(piece);
    for (let reply = parser.next(); reply !== undefined; reply = parser.next()) replies.push(reply);
  }
  return replies;
}

function fault(octets: Uint8Array | string): ProtocolError {
  const all = typeof octets === "string" ? encodeUtf8(octets) : octets;
  const errors = [[all], Array.from(all, (octet) => Uint8Array.of(octet))].map((pieces) => {
    try {
      return parseInPieces(pieces);
    } catch (error) {
      return error;
    }
  });
  for (const error of errors) expect(error).toBeInstanceOf(ProtocolError);
  const [first, second] = errors as [ProtocolError, ProtocolError];
  expect(second.code).toBe(first.code);
  return first;
}

describe("what is a reply", () => {
  test("one line is a reply", () => {
    expect(parse("250 2.1.0 Ok\r\n")).toEqual([{ code: 250, enhancedStatus: "2.1.0", lines: ["2.1.0 Ok"] }]);
  });

  test("several lines are one reply, however they are cut", () => {
    expect(parse("250-mx.example\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n")).toEqual([
      { code: 250, lines: ["mx.example", "STARTTLS", "AUTH PLAIN"] },
    ]);
  });

  test("several replies in one segment are told apart", () => {
    expect(parse("250 a\r\n251-b\r\n251 c\r\n354 d\r\n").map(({ code }) => code)).toEqual([250, 251, 354]);
  });

  test("nothing behind the reply that was asked for is read", () => {
    const parser = new ReplyParser();
    parser.push(encodeUtf8("220 go\r\n250-ev"));
    expect(parser.next()?.code).toBe(220);
    expect(parser.isEmpty).toBe(false);
  });

  test("a reply without text is a reply", () => {
    expect(parse("250\r\n")).toEqual([{ code: 250, lines: [""] }]);
    expect(parse("250-\r\n250 \r\n")).toEqual([{ code: 250, lines: ["", ""] }]);
  });

  test("UTF-8 is read as UTF-8 also when a character is cut, and anything else as Latin-1", () => {
    expect(parse("250 grüß 邮件\r\n")[0]?.lines).toEqual(["grüß 邮件"]);
    expect(parse(Uint8Array.of(0x32, 0x35, 0x30, 0x20, 0xfc, 0x0d, 0x0a))[0]?.lines).toEqual(["ü"]);
  });

  test("a carriage return within the text is text", () => {
    expect(parse("250 a\rb\r\n")[0]?.lines).toEqual(["a\rb"]);
    expect(parse("250 a\r\r\n")[0]?.lines).toEqual(["a\r"]);
  });

  test("an enhanced status is taken only whole, and only where its class is the reply's", () => {
    const status = (text: string) => parse(`${text}\r\n`)[0]?.enhancedStatus;
    expect(status("550 5.1.1 no")).toBe("5.1.1");
    expect(status("550 5.1.1")).toBe("5.1.1");
    expect(status("250 2.0.0 2.1.5 Ok")).toBe("2.0.0");
    expect(status("250 5.1.1 ok")).toBeUndefined();
    expect(status("250 2.x.y")).toBeUndefined();
    expect(status("250 2.1.0ok")).toBeUndefined();
    expect(status("550 5.1234.1 no")).toBeUndefined();
    expect(status("354 3.0.0 go")).toBeUndefined();
  });
});

describe("what is none", () => {
  test.each([
    ["no separator", "250ok"],
    ["two digits", "25 x"],
    ["four digits", "2500 x"],
    ["a leading blank", " 250 x"],
    ["an underscore", "250_x"],
    ["a letter", "25O x"],
    ["a sign", "-250 x"],
    ["a plus", "+250 x"],
    ["digits of another script", "٢٥٠ x"],
    ["a TAB", "250\tx"],
    ["a carriage return", "250\rx"],
    ["words", "hello"],
    ["an HTTP server", "HTTP/1.1 400 Bad Request"],
    ["an SSH server", "SSH-2.0-OpenSSH_9.2"],
    ["a blank line", ""],
    ["a byte order mark", "\ufeff250 ok"],
  ])("%s", (_, line) => {
    expect(fault(`${line}\r\n`)).toMatchObject({ code: "invalid_reply" });
  });

  test.each(["120 wait", "199 x", "000 x", "600 x", "999 x"])(
    "a code that SMTP does not have: %s",
    (line) => {
      expect(fault(`${line}\r\n`).code).toBe("invalid_reply");
    },
  );

  test("garbage or a blank line before a reply is not skipped", () => {
    expect(fault("garbage\r\n250 ok\r\n").code).toBe("invalid_reply");
    expect(fault("\r\n250 ok\r\n").code).toBe("invalid_reply");
    expect(fault("250-a\r\n\r\n250 ok\r\n").code).toBe("invalid_reply");
    expect(fault("250 ok\r\n\r\n").code).toBe("invalid_reply");
  });

  test.each(["250-ok\r\n550 no\r\n", "550-no\r\n250 ok\r\n", "250-ok\r\n251 ok\r\n"])(
    "lines of different codes are no reply: %j",
    (octets) => {
      expect(fault(octets).code).toBe("invalid_reply");
    },
  );

  test("a bare line feed does not end a line", () => {
    expect(fault("250 ok\n").code).toBe("invalid_reply");
    expect(fault("250-a\n250 b\r\n").code).toBe("invalid_reply");
  });

  test("a NUL is not text", () => {
    expect(fault("250 o\0k\r\n").code).toBe("invalid_reply");
  });

  test("what the server said is in the error, escaped and cut", () => {
    const error = fault(`\x1b[2Jevil\u202e${"x".repeat(900)}\r\n`);
    expect(error.excerpt).toContain("\\u{1b}[2Jevil");
    expect(error.excerpt?.length).toBeLessThan(300);
    expect(error.excerpt).not.toMatch(/[\x00-\x1f\u202e]/);
  });
});

describe("limits", () => {
  test("a line is as long as it may be, and no longer", () => {
    expect(parseInPieces([encodeUtf8(`250 ${"x".repeat(MAX_REPLY_LINE - 6)}\r\n`)])).toHaveLength(1);
    expect(fault(`250 ${"x".repeat(MAX_REPLY_LINE - 5)}\r\n`).code).toBe("reply_too_long");
  });

  test("a line that never ends is given up at the limit", () => {
    const parser = new ReplyParser();
    const chunk = encodeUtf8("x".repeat(1000));
    const feed = () => {
      parser.push(chunk);
      parser.next();
    };
    feed();
    feed();
    expect(feed).toThrow(ProtocolError);
  });

  test("lines that never end are given up at the limit", () => {
    expect(parseInPieces([encodeUtf8(`${"250-x\r\n".repeat(MAX_REPLY_LINES - 1)}250 x\r\n`)])).toHaveLength(
      1,
    );
    expect(fault(`${"250-x\r\n".repeat(MAX_REPLY_LINES)}250 x\r\n`).code).toBe("reply_too_long");
    const long = `250-${"x".repeat(2000)}\r\n`;
    expect(fault(long.repeat(Math.ceil(MAX_REPLY_OCTETS / long.length) + 1)).code).toBe("reply_too_long");
  });

  test("twice the octets take no more than some twice the work", () => {
    const time = (lines: number): number => {
      const octets = encodeUtf8(`${"250-x\r\n".repeat(9)}250 x\r\n`.repeat(lines));
      const started = performance.now();
      parseInPieces([octets]);
      return performance.now() - started;
    };
    const least = (lines: number) => Math.min(...Array.from({ length: 5 }, () => time(lines)));
    least(500);
    expect(least(4000)).toBeLessThan(least(1000) * 4 * 3 + 5);
  });
});
