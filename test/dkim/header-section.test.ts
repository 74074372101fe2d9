import { createPublicKey, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { CanonicalBody } from "../../src/dkim/body.ts";
import { namesToSign, readFields, signedOctets } from "../../src/dkim/header-section.ts";
import { readSigningKey } from "../../src/dkim/key.ts";
import { Sha256 } from "../../src/dkim/sha256.ts";
import { signatureOf } from "../../src/dkim/sign.ts";

const FROM = "From: a@example.com\r\n";

function signed(how: "simple" | "relaxed", section: string, ...names: string[]): string {
  const octets = signedOctets(readFields(FROM + section), names, "S:x\r\n", how);
  const text = Buffer.from(octets).toString("latin1");
  expect(text.endsWith(how === "simple" ? "S:x" : "s:x")).toBe(true);
  return text.slice(0, -3);
}

function names(section: string, ...further: string[]): string[] {
  return namesToSign(readFields(section), new Set(further));
}

describe("a header section", () => {
  test("has the canonical forms of the example of RFC 6376", () => {
    const section = "A: X\r\nB : Y\t\r\n\tZ  \r\n";
    expect(signed("relaxed", section, "a", "b")).toBe("a:X\r\nb:Y Z\r\n");
    expect(signed("simple", section, "a", "b")).toBe(section);
  });

  test.each([
    ["no value", "A:\r\n", "a:\r\n"],
    ["a value of white space", "A: \t \r\n", "a:\r\n"],
    ["a value that begins on the next line", "A:\r\n  x\r\n", "a:x\r\n"],
    ["a line of white space within", "A: x\r\n \t\r\n y\r\n", "a:x y\r\n"],
    ["white space before its colon", "A \t : x\r\n", "a:x\r\n"],
    ["white space after its colon and at its end", "A:\t \t x \t\r\n", "a:x\r\n"],
    ["runs of blanks and tabs", "A: x \t y\tz\r\n", "a:x y z\r\n"],
    ["colons in its value", "A: x : y:z\r\n", "a:x : y:z\r\n"],
    ["capitals in its name and value", "AbC: DeF\r\n", "abc:DeF\r\n"],
    [
      "no-break spaces around its value",
      "A: \u00a0x\u00a0\u00a0y\u00a0\r\n",
      "a:\u00a0x\u00a0\u00a0y\u00a0\r\n",
    ],
    ["line separators in UTF-8", "A: \u00e2\u0080\u00a8x\u0085\r\n", "a:\u00e2\u0080\u00a8x\u0085\r\n"],
    ["form feeds", "A: \fx\v\r\n", "a:\fx\v\r\n"],
  ])("is relaxed where a field has %s", (_, field, canonical) => {
    const [name = ""] = /^\w+/.exec(field.toLowerCase()) ?? [];
    expect(signed("relaxed", field, name)).toBe(canonical);
    expect(signed("simple", field, name)).toBe(field);
  });

  test("gives the last of several fields with one name first, and none when they are used up", () => {
    const section = "A: 1\r\nB: x\r\na: 2\r\nA: 3\r\n";
    expect(signed("relaxed", section, "a", "b", "a", "a", "a", "b")).toBe("a:3\r\nb:x\r\na:2\r\na:1\r\n");
  });

  test.each([
    ["no From field", "To: b@example.org\r\n", "0 From fields"],
    ["no field at all", "", "0 From fields"],
    ["two From fields", `${FROM}FROM : b@example.org\r\n`, "2 From fields"],
    ["a line that is no field", `${FROM}nothing\r\n`, "no field"],
    ["a folded line before any field", ` x\r\n${FROM}`, "no field"],
    ["a name with a space in it", `${FROM}A b: c\r\n`, "no field"],
    ["a name that is not ASCII", `${FROM}\u00e4: c\r\n`, "no field"],
    ["a bare line feed", `${FROM}A: b\nBcc: c\r\n`, "bare line feed"],
    ["a bare CR", `${FROM}A: b\rBcc: c\r\n`, "bare carriage return"],
  ])("with %s is refused", (_, section, message) => {
    expect(() => readFields(section)).toThrow(message);
  });

  test("of a hundred thousand lines, or one as long, is read at once", () => {
    const started = performance.now();
    for (const section of [
      `${FROM}${"A: b\r\n".repeat(100_000)}`,
      `${FROM}${"Subject: b\r\n".repeat(100_000)}`,
      `${FROM}Subject: b\r\n${" c\r\n".repeat(100_000)}`,
      `${FROM}Subject: b${" ".repeat(100_000)}c\r\n`,
      `${FROM}Subject${" ".repeat(100_000)}: c\r\n`,
      `${FROM}Subject:${"\t\r\n ".repeat(100_000)}c\r\n`,
    ]) {
      const fields = readFields(section);
      signedOctets(fields, namesToSign(fields, new Set()), "s:x\r\n", "relaxed");
    }
    expect(performance.now() - started).toBeLessThan(3000);
  });
});

describe("the names of the fields to sign", () => {
  test("hold those that nobody may add once more than they occur, even where there are none", () => {
    expect(names(`${FROM}Subject: x\r\nTo: a\r\nTo: b\r\n`)).toEqual([
      "from",
      "from",
      "to",
      "to",
      "to",
      "cc",
      "subject",
      "subject",
      "date",
      "reply-to",
      "message-id",
      "mime-version",
      "content-type",
      "content-transfer-encoding",
      "list-unsubscribe",
      "list-unsubscribe-post",
    ]);
  });

  test("hold the others that matter as often as they occur", () => {
    const others = [
      "Sender",
      "In-Reply-To",
      "References",
      "List-Id",
      "List-Help",
      "Resent-From",
      "Resent-Date",
      "Auto-Submitted",
      "Feedback-ID",
      "OTP-Token",
    ];
    const bare = names(FROM);
    const list = names(FROM + others.map((name) => `${name}: x\r\n`).join(""));
    expect(list).toEqual([...bare, ...others.map((name) => name.toLowerCase())]);
  });

  test("hold as many of one name as there may be", () => {
    const many = "Feedback-ID: x\r\n".repeat(180_000);
    expect(names(FROM + many)).toHaveLength(names(FROM).length + 180_000);
  });

  test("hold no other signature, no trace field, no Bcc, and nothing that would end the list", () => {
    const section = [
      "DKIM-Signature: v=1",
      "Received: x",
      "Return-Path: <a@b>",
      "Bcc: a@b",
      "Resent-Bcc: a@b",
      "X-Mailer: x",
      "List-;b=: x",
    ];
    expect(names(FROM + section.map((line) => `${line}\r\n`).join(""))).toEqual(names(FROM));
  });

  test("hold the caller's further ones as often as they occur", () => {
    const section = `${FROM}X-A: 1\r\nx-a: 2\r\nX-B: 3\r\n`;
    expect(names(section, "x-a", "x-c", "from")).toEqual([...names(FROM), "x-a", "x-a"]);
  });
});

describe("the example of RFC 8463", () => {
  const section = [
    "From: Joe SixPack <joe@football.example.com>",
    "To: Suzie Q <suzie@shopping.example.net>",
    "Subject: Is dinner ready?",
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)",
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>",
  ]
    .map((line) => `${line}\r\n`)
    .join("");
  const body = "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
  const bodyHash = "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=";
  const octetsOf = (...field: string[]): Uint8Array =>
    signedOctets(
      readFields(section),
      ["from", "to", "subject", "date", "message-id", "from", "subject", "date"],
      `DKIM-Signature: ${field.join("\r\n ")}\r\n`,
      "relaxed",
    );

  test("has the hash of its body", () => {
    const hash = new Sha256();
    const canonical = new CanonicalBody("relaxed", (octets) => hash.update(octets));
    canonical.push(Buffer.from(body));
    canonical.end();
    expect(Buffer.from(hash.digest()).toString("base64")).toBe(bodyHash);
  });

  test("has the Ed25519 signature it shows", async () => {
    const octets = octetsOf(
      "v=1; a=ed25519-sha256; c=relaxed/relaxed;",
      "d=football.example.com; i=@football.example.com;",
      "q=dns/txt; s=brisbane; t=1528637909; h=from : to :",
      "subject : date : message-id : from : subject : date;",
      `bh=${bodyHash};`,
      "b=",
    );
    const d = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    const signature = await signatureOf(readSigningKey({ kty: "OKP", crv: "Ed25519", d }), octets);
    expect(Buffer.from(signature).toString("base64")).toBe(
      "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==",
    );
  });

  test("has the octets that its RSA signature is of", () => {
    const octets = octetsOf(
      "v=1; a=rsa-sha256; c=relaxed/relaxed;",
      "d=football.example.com; i=@football.example.com;",
      "q=dns/txt; s=test; t=1528637909; h=from : to : subject :",
      "date : message-id : from : subject : date;",
      `bh=${bodyHash};`,
      "b=",
    );
    const key = createPublicKey({
      key: Buffer.from(
        "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
        "base64",
      ),
      format: "der",
      type: "spki",
    });
    const signature =
      "F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2JzdA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=";
    expect(verify("sha256", octets, key, Buffer.from(signature, "base64"))).toBe(true);
  });
});
