import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { createDkimSigner, type DkimOptions } from "../src/dkim.ts";
import { ConfigError, MessageError } from "../src/errors.ts";
import { tagsOf, verify } from "./dkim/verifier.ts";

const RSA = generateKeyPairSync("rsa", { modulusLength: 1024 });
const ED25519 = generateKeyPairSync("ed25519");
const KEYS = { rsa: RSA, ed25519: ED25519 } as const;
const NOW = new Date("2026-03-01T12:00:00.900Z");
const CANONICALIZATIONS = ["relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple"] as const;

function pem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

function options(more: Partial<DkimOptions> = {}): DkimOptions {
  return { domain: "example.com", selector: "mail", privateKey: pem(ED25519.privateKey), ...more };
}

function latin1(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

const SECTION = [
  "From: =?utf-8?Q?Zo=C3=AB?= <login@example.com>",
  "To: bob@example.org,",
  " carol@example.org",
  "Subject: Your  code   is",
  "\there",
  "Date: Sun, 01 Mar 2026 12:00:00 +0000",
  "Message-ID: <1@example.com>",
  "X-Mailer: none",
  "MIME-Version: 1.0",
  "Content-Type: text/plain; charset=utf-8",
]
  .map((line) => `${line}\r\n`)
  .join("");
const MESSAGE = `${SECTION}\r\nYour code is  042137. \r\n\r\n.\r\n..\r\n\r\n\r\n`;

async function sign(content: string, more: Partial<DkimOptions> = {}): Promise<string> {
  return createDkimSigner(options(more)).sign(latin1(content), NOW);
}

describe("a signature", () => {
  test("is of the octets as they were handed over, also the first", async () => {
    const { sign } = createDkimSigner(options());
    const octets = latin1(MESSAGE);
    const time = new Date(NOW);
    const signing = sign(octets, time);
    octets.fill(0x20);
    time.setTime(0);
    expect(await signing).toBe(await createDkimSigner(options()).sign(latin1(MESSAGE), NOW));
  });

  test("is one field, folded, that says what it covers", async () => {
    const field = await sign(MESSAGE, { selector: "mail.2026", expiresIn: 3600 });
    const lines = field.split("\r\n");
    expect(lines.pop()).toBe("");
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(76);
    for (const line of lines.slice(1)) expect(line).toMatch(/^ [!-~]/);
    expect(lines[0]).toBe("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com;");
    expect(tagsOf(field)).toEqual({
      v: "1",
      a: "ed25519-sha256",
      c: "relaxed/relaxed",
      d: "example.com",
      s: "mail.2026",
      t: "1772366400",
      x: "1772370000",
      h: [
        "from:from:to:to:cc:subject:subject:date:date:reply-to:message-id:message-id:mime-version:mime-version",
        "content-type:content-type:content-transfer-encoding:list-unsubscribe:list-unsubscribe-post",
      ].join(":"),
      bh: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
      b: expect.stringMatching(/^[A-Za-z0-9+/]{86}==$/),
    });
  });

  test("has no end of life and no length of the body, where nothing else is asked for", async () => {
    expect(Object.keys(tagsOf(await sign(MESSAGE)))).toEqual(["v", "a", "c", "d", "s", "t", "h", "bh", "b"]);
  });

  const messages: Readonly<Record<string, string>> = {
    "that is short": MESSAGE,
    "that is long": `${SECTION}\r\n${"a line  of text \t\r\n\r\n".repeat(2000)}`,
    "that is one line": `${SECTION}\r\n${"x".repeat(10_000)}`,
    "that is line ends": `${SECTION}\r\n${"\r\n".repeat(5000)}`,
    "without a body": `${SECTION}\r\n`,
    "without the empty line before a body": SECTION,
    "beyond ASCII": `${SECTION}Cc: \u00c3\u00a9\u00a0@example.org\r\n\r\n\u00a0\u00e2\u0080\u00a8 \u00c3\u00a9\r\n`,
    "with fields that occur more than once": `${SECTION}To: x@example.org\r\nList-Id: a\r\nLIST-ID: b\r\n\r\nx\r\n`,
    "with odd white space": `${SECTION.replace("To:", "To \t:")}Cc:\r\nReply-To: \t\r\nSender:\r\n  x\r\n\r\n \t\r\n`,
  };

  for (const canonicalization of CANONICALIZATIONS) {
    for (const [name, { privateKey, publicKey }] of Object.entries(KEYS)) {
      test.each(Object.entries(messages))(
        `by ${name}, ${canonicalization}, of a message %s verifies`,
        async (_, message) => {
          const field = await sign(message, { canonicalization, privateKey: pem(privateKey) });
          const whole = message.includes("\r\n\r\n") ? message : `${message}\r\n`;
          expect(verify(field + whole, publicKey)).toBe("pass");
        },
      );
    }
  }

  test.each([
    ["another body", (text: string) => text.replace("042137", "666666"), "body"],
    ["something appended", (text: string) => `${text}And more.\r\n`, "body"],
    ["another Subject", (text: string) => text.replace("Your  code", "Our code"), "signature"],
    ["another Content-Type", (text: string) => text.replace("text/plain", "text/html"), "signature"],
    ["another From", (text: string) => text.replace("login@", "other@"), "signature"],
    ["another time", (text: string) => text.replace(" t=1", " t=2"), "signature"],
    ...[
      "From: other@example.com",
      "To: other@example.org",
      "Cc: other@example.org",
      "Subject: Other",
      "Date: Mon, 02 Mar 2026 12:00:00 +0000",
      "Reply-To: other@example.org",
      "Message-ID: <2@example.com>",
      "MIME-Version: 1.0",
      "Content-Type: text/html",
      "List-Unsubscribe: <https://example.org>",
      "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    ].flatMap((field): [string, (text: string) => string, "signature"][] => [
      [`a further ${field} before it`, (text) => text.replace("From:", `${field}\r\nFrom:`), "signature"],
      [
        `a further ${field} behind it`,
        (text) => text.replace("\r\n\r\n", `\r\n${field}\r\n\r\n`),
        "signature",
      ],
    ]),
  ] as const)("does not hold for a message with %s", async (_, change, fault) => {
    const message = (await sign(MESSAGE)) + MESSAGE;
    expect(verify(message, ED25519.publicKey)).toBe("pass");
    expect(change(message)).not.toBe(message);
    expect(verify(change(message), ED25519.publicKey)).toBe(fault);
  });

  test("holds for what a relay may do to a message where it is relaxed, and does not where it is simple", async () => {
    const touch = (text: string): string =>
      text.replace("Subject: Your  code", "SUBJECT:\r\n Your code").replace("is  042137. ", "is 042137.");
    const relaxed = (await sign(MESSAGE)) + MESSAGE;
    expect(verify(touch(relaxed), ED25519.publicKey)).toBe("pass");
    const simple = (await sign(MESSAGE, { canonicalization: "simple/simple" })) + MESSAGE;
    expect(verify(simple, ED25519.publicKey)).toBe("pass");
    expect(verify(touch(simple), ED25519.publicKey)).not.toBe("pass");
  });

  test("holds beside another one, whichever was made or put first", async () => {
    const rsa = await sign(MESSAGE, { privateKey: pem(RSA.privateKey), selector: "rsa" });
    const ed25519 = await sign(MESSAGE);
    for (const [first, second, key] of [
      [rsa, ed25519, RSA.publicKey],
      [ed25519, rsa, ED25519.publicKey],
    ] as const) {
      expect(verify(first + second + MESSAGE, key)).toBe("pass");
    }
    // Over a message that was signed before, it is the same as without.
    expect(await sign(rsa + MESSAGE)).toBe(ed25519);
  });

  test("covers further fields that the caller names, where they are present", async () => {
    const message = `X-Campaign: 1\r\n${MESSAGE}`;
    const field = await sign(message, { headerFields: ["X-Campaign", "X-Absent", "Subject"] });
    expect(tagsOf(field).h?.endsWith(":list-unsubscribe-post:x-campaign")).toBe(true);
    expect(verify(field + message, ED25519.publicKey)).toBe("pass");
    expect(verify(field + message.replace("n: 1", "n: 2"), ED25519.publicKey)).toBe("signature");
  });

  test("is folded between the names of fields, however long they are", async () => {
    const names = ["List-", "Content-", "Resent-"].map((start) => start + "x".repeat(100));
    const message = names.map((name) => `${name}: x\r\n`).join("") + MESSAGE;
    const field = await sign(message, { canonicalization: "simple/simple" });
    expect(tagsOf(field).h).toContain(names.join(":").toLowerCase());
    expect(verify(field + message, ED25519.publicKey)).toBe("pass");
  });
});

describe("content that comes in chunks", () => {
  async function* chunked(octets: Uint8Array, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
    let at = 0;
    for (const length of lengths) {
      yield octets.subarray(at, at + length);
      at += length;
    }
    yield octets.subarray(at);
  }
  const long = `${MESSAGE}${"html  with \t indents\r\n    <td>\r\n\r\n".repeat(300)}`;

  test.each(CANONICALIZATIONS)("is signed like content that comes whole, %s", async (canonicalization) => {
    const signer = createDkimSigner(options({ canonicalization }));
    for (const content of [latin1(MESSAGE), latin1(long), latin1(SECTION)]) {
      const whole = await signer.sign(content, NOW);
      const ones = Array.from(content, () => 1);
      expect(await signer.sign(chunked(content, ones), NOW)).toBe(whole);
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(content.length / 3), { maxLength: 8 }), async (lengths) => {
          expect(await signer.sign(chunked(content, lengths), NOW)).toBe(whole);
        }),
        { numRuns: 40 },
      );
    }
  });

  test("is read to its end, and closed where it cannot be signed", async () => {
    let isClosed = false;
    const broken = (async function* () {
      try {
        yield latin1(`${SECTION}\r\nbare\n`);
        yield latin1("never read");
      } finally {
        isClosed = true;
      }
    })();
    await expect(createDkimSigner(options()).sign(broken, NOW)).rejects.toThrow(MessageError);
    expect(isClosed).toBe(true);
  });

  test("that fails is not signed, and its own error is told", async () => {
    const failure = new Error("the file is gone");
    const failing = (async function* () {
      yield latin1(MESSAGE);
      throw failure;
    })();
    await expect(createDkimSigner(options()).sign(failing, NOW)).rejects.toBe(failure);
  });

  test("and has no end to its header section is given up", async () => {
    const endless = (async function* () {
      for (;;) yield latin1("X-A: b\r\n".repeat(10_000));
    })();
    await expect(createDkimSigner(options()).sign(endless, NOW)).rejects.toThrow(
      "has a header section of more than 4194304 octets",
    );
  });
});

describe("what cannot be signed is an error, never a message without a signature:", () => {
  test.each([
    ["no From", MESSAGE.replace("From:", "Frm:"), "the message has 0 From fields"],
    ["two From fields", `From: a@example.com\r\n${MESSAGE}`, "the message has 2 From fields"],
    ["an empty line first", `\r\n${MESSAGE}`, "the message has 0 From fields"],
    ["nothing in it", "", "the message has 0 From fields"],
    ["a bare line feed in its header section", MESSAGE.replace("\r\n\t", "\n\t"), "bare line feed"],
    ["a bare line feed in its body", `${MESSAGE}\n`, "bare line feed"],
    ["a bare CR in its body", `${MESSAGE}\r`, "bare carriage return"],
    ["line feeds only", MESSAGE.replaceAll("\r\n", "\n"), "bare line feed"],
    ["a line that is no field", `${SECTION}oops\r\n\r\n`, "that is no field"],
  ])("a message with %s", async (_, message, reason) => {
    const error = await sign(message).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MessageError);
    expect(error).toMatchObject({ field: "content", message: expect.stringContaining(reason) });
  });

  test("text for octets", async () => {
    const signer = createDkimSigner(options());
    await expect(signer.sign(MESSAGE as never, NOW)).rejects.toThrow(
      "content: is in part a string, not octets",
    );
  });

  test.each([new Date(Number.NaN), new Date(-1)])("at no time: %s", async (now) => {
    const signing = createDkimSigner(options()).sign(latin1(MESSAGE), now);
    await expect(signing).rejects.toThrow("now: is not a time after 1970");
  });
});

describe("a signer", () => {
  test.each<[option: string, more: Record<string, unknown>, message: string]>([
    ["domain", { domain: undefined }, "is missing, not a string"],
    ["domain", { domain: "" }, "is empty"],
    ["domain", { domain: "localhost" }, "has one label"],
    ["domain", { domain: "bücher.example" }, "is not a domain name"],
    ["domain", { domain: "example.com; l=0" }, "is not a domain name"],
    ["domain", { domain: "example.com\r\nBcc: a" }, "holds a control character"],
    ["domain", { domain: "example.com\n" }, "holds a control character"],
    ["domain", { domain: " example.com" }, "is not a domain name"],
    ["domain", { domain: "example.com." }, "is not a domain name"],
    ["domain", { domain: "-a.example.com" }, "is not a domain name"],
    ["domain", { domain: `${"a".repeat(64)}.com` }, "is not a domain name"],
    ["domain", { domain: "@example.com" }, "is not a domain name"],
    ["selector", { selector: undefined }, "is missing, not a string"],
    ["selector", { selector: "a;s=b" }, "is not a domain name"],
    ["selector", { selector: "a=b" }, "is not a domain name"],
    ["selector", { selector: "a b" }, "is not a domain name"],
    ["selector", { selector: "a\tb" }, "holds a control character"],
    ["selector", { selector: "a._domainkey" }, "is not a domain name"],
    ["selector", { selector: "a.".repeat(119).concat("a") }, "makes a name of more than 253 octets"],
    ["privateKey", { privateKey: undefined }, "is missing, not a key"],
    ["privateKey", { privateKey: pem(RSA.privateKey).slice(0, 200) }, "is cut off"],
    ["canonicalization", { canonicalization: "relaxed" }, "is none of"],
    ["canonicalization", { canonicalization: "simple/relaxed; l=1" }, "is none of"],
    ["expiresIn", { expiresIn: 0 }, "is not a whole number"],
    ["expiresIn", { expiresIn: 1.5 }, "is not a whole number"],
    ["expiresIn", { expiresIn: 1e10 }, "is not a whole number"],
    ["headerFields", { headerFields: "Subject" }, "is a string, not an array"],
    ["headerFields", { headerFields: Array.from({ length: 101 }, () => "A") }, "has more than 100 elements"],
    ["headerFields[0]", { headerFields: ["a:b"] }, "is not the name of a field"],
    ["headerFields[1]", { headerFields: ["a", "a; l=0"] }, "is not the name of a field"],
    ["headerFields[0]", { headerFields: [5] }, "is a number, not a string"],
    ["headerFields[0]", { headerFields: ["DKIM-Signature"] }, "names a field that no signature can cover"],
    ["headerFields[0]", { headerFields: ["Received"] }, "names a field that no signature can cover"],
    ["options", { length: 5 }, "has no property"],
    ["options", { algorithm: "rsa-sha1" }, "has no property"],
  ])("is not made with a %s like %j", (option, more, message) => {
    const error = (() => {
      try {
        return createDkimSigner(options(more as never));
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ option, message: expect.stringContaining(message) });
  });

  test("takes nothing from a prototype", () => {
    const inherited = Object.create(options()) as DkimOptions;
    expect(() => createDkimSigner(inherited)).toThrow("domain: is missing");
  });

  test("shows nothing of its key", async () => {
    for (const { privateKey } of Object.values(KEYS)) {
      const text = pem(privateKey);
      const signer = createDkimSigner(options({ privateKey: text }));
      await signer.sign(latin1(MESSAGE), NOW);
      const said = inspect(signer, { depth: 9, showHidden: true }) + JSON.stringify(signer);
      expect(said).not.toContain(text.slice(40, 60));
      expect(said).not.toContain("PRIVATE");
    }
  });

  test("hands its key to the runtime once, when it first signs", async () => {
    const importKey = vi.spyOn(crypto.subtle, "importKey");
    try {
      const signer = createDkimSigner(options());
      expect(importKey).not.toHaveBeenCalled();
      await Promise.all([signer.sign(latin1(MESSAGE), NOW), signer.sign(latin1(MESSAGE), NOW)]);
      await signer.sign(latin1(MESSAGE), NOW);
      expect(importKey).toHaveBeenCalledTimes(1);
    } finally {
      importKey.mockRestore();
    }
  });

  test("takes the keys that WebCrypto makes", async () => {
    const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 1024 };
    const made = await crypto.subtle.generateKey(
      { ...algorithm, publicExponent: Uint8Array.of(1, 0, 1) },
      true,
      ["sign", "verify"],
    );
    const jwk = await crypto.subtle.exportKey("jwk", made.privateKey);
    const [one, other] = await Promise.all([
      sign(MESSAGE, { privateKey: made.privateKey }),
      sign(MESSAGE, { privateKey: jwk }),
    ]);
    expect(one).toBe(other);
  });
});
