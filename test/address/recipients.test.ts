// What becomes of an address in a message: the header section and the envelope name the same mailbox.

import fc from "fast-check";
import PostalMime, { type Address } from "postal-mime";
import { describe, expect, test } from "vitest";
import { type Mailbox, parseMailboxList, resolveMailbox } from "../../src/address.ts";
import { rcptTo } from "../../src/commands.ts";
import { composeMessage } from "../../src/compose.ts";
import { MessageError } from "../../src/errors.ts";
import type { Message } from "../../src/message.ts";

const BASE = { from: "a@example.com", text: "x" } as const;

async function refusal(message: object): Promise<MessageError> {
  try {
    await composeMessage(message as Message);
  } catch (error) {
    if (error instanceof MessageError) return error;
    throw error;
  }
  throw new Error("accepted");
}

/** A field of the header section, unfolded. */
function fieldOf(text: string, name: string): string | undefined {
  const [section = ""] = text.split("\r\n\r\n");
  return section
    .replaceAll("\r\n ", " ")
    .split("\r\n")
    .find((field) => field.startsWith(`${name}: `))
    ?.slice(name.length + 2);
}

describe("the header section and the envelope", () => {
  test.each([
    ['"evil@attacker.example x"@internal.example', '"evil@attacker.example x"@internal.example'],
    [
      '"foo@x.example> ORCPT=admin@admin.example"@test.example',
      '"foo@x.example> ORCPT=admin@admin.example"@test.example',
    ],
    ['"a\\"b\\\\c"@d.example', '"a\\"b\\\\c"@d.example'],
    ['"a,b;c:d"@e.example', '"a,b;c:d"@e.example'],
    ['"plain"@d.example', "plain@d.example"],
    ["user%evil.example@good.example", "user%evil.example@good.example"],
    ["evil.example!user@good.example", "evil.example!user@good.example"],
    ["-oQ/tmp/-X/var/www/x.php@b.example", "-oQ/tmp/-X/var/www/x.php@b.example"],
    ['"-be"@b.example', "-be@b.example"],
    ["x@bücher.example", "x@xn--bcher-kva.example"],
    ["x@BÜCHER.Example", "x@xn--bcher-kva.example"],
    ["x@\u0430pple.example", "x@xn--pple-43d.example"],
    ["X@EXAMPLE.Com", "X@EXAMPLE.Com"],
    ["jürgen@bücher.example", "jürgen@xn--bcher-kva.example"],
    ["ju\u0308rgen@example.com", "ju\u0308rgen@example.com"],
    ["x@[192.0.2.1]", "x@[192.0.2.1]"],
    ["x@[IPv6:2001:db8::1]", "x@[IPv6:2001:db8::1]"],
  ])("name %s alike, octet for octet", async (given, address) => {
    const message = { from: given, to: { name: "N", address: given }, cc: given, text: "x" };
    const composed = await composeMessage(message);
    expect(composed.envelope).toEqual({ from: address, to: [address] });
    const text = composed.toString();
    expect(fieldOf(text, "From")).toBe(address);
    expect(fieldOf(text, "To")).toBe(`N <${address}>`);
    expect(fieldOf(text, "Cc")).toBe(address);
    expect(rcptTo(composed.envelope.to[0] ?? "").line).toBe(`RCPT TO:<${address}>`);
  });

  test("say of a local part that is not ASCII that it takes a server with SMTPUTF8, and of a domain not", async () => {
    const needs = async (to: string): Promise<boolean> => (await composeMessage({ ...BASE, to })).needs.utf8;
    expect(await needs("jürgen@example.org")).toBe(true);
    expect(await needs("jürgen@xn--bcher-kva.example")).toBe(true);
    expect(await needs("x@bücher.example")).toBe(false);
  });

  test("do not name a recipient twice whose domain is in another case", async () => {
    const { envelope } = await composeMessage({
      ...BASE,
      to: ["b@example.org", "B <b@EXAMPLE.org>"],
      cc: ['"b"@Example.Org', "x@bücher.example"],
      bcc: ["B@example.org", "x@XN--BCHER-KVA.example"],
    });
    expect(envelope.to).toEqual(["b@example.org", "x@xn--bcher-kva.example", "B@example.org"]);
  });

  test("take a list that the caller read as a list", async () => {
    const composed = await composeMessage({
      ...BASE,
      to: parseMailboxList('"Doe, Jane" <j@d.example>, Team: a@b.example, "x, y"@b.example;'),
    });
    expect(composed.envelope.to).toEqual(["j@d.example", "a@b.example", '"x, y"@b.example']);
    expect(fieldOf(composed.toString(), "To")).toBe(
      '"Doe, Jane" <j@d.example>, a@b.example, "x, y"@b.example',
    );
  });
});

describe("a recipient", () => {
  test.each([
    "a@evil.example@good.example",
    '"a"@evil.example"@good.example',
    "<@relay.example:user@good.example>",
    "user@good.example(x)evil.example",
    "=?utf-8?q?admin=40evil.example=3e?=foo@good.example",
    "a@b.example, evil@x.example",
    '"A" <a@b.example>, evil@x.example',
    "g: a@b.example;",
    "postmaster",
    "x@good.example/evil.example",
    "x@com\u00adpany.example",
    "x@\uff47ood.example",
    "x@good\u3002example",
  ])("that two readers could read as two is refused in every field: %s", async (address) => {
    expect((await refusal({ ...BASE, from: address, to: "b@c.example" })).field).toBe("from");
    expect((await refusal({ ...BASE, sender: address, to: "b@c.example" })).field).toBe("sender");
    expect((await refusal({ ...BASE, to: address })).field).toBe("to");
    expect((await refusal({ ...BASE, to: [address] })).field).toBe("to[0]");
    expect((await refusal({ ...BASE, cc: ["b@c.example", address] })).field).toBe("cc[1]");
    expect((await refusal({ ...BASE, bcc: { address } })).field).toBe("bcc.address");
    expect((await refusal({ ...BASE, to: "b@c.example", replyTo: [address] })).field).toBe("replyTo[0]");
    const envelope = { to: [address] };
    expect((await refusal({ ...BASE, to: "b@c.example", envelope })).field).toBe("envelope.to[0]");
  });

  test("is not found in arrays within arrays, however deep, nor in one that holds itself", async () => {
    let deep: unknown = "a@b.example";
    for (let depth = 0; depth < 100_000; depth++) deep = [deep];
    expect((await refusal({ ...BASE, to: deep })).field).toBe("to[0]");
    const cycle: unknown[] = ["a@b.example"];
    cycle.push(cycle);
    const error = await refusal({ ...BASE, to: cycle });
    expect(error.field).toBe("to[1]");
    expect(error.hint).toContain("one to each element");
  });

  test("is one of 100,000 at most", async () => {
    const million = new Array(1_000_000).fill("a@b.example");
    expect((await refusal({ ...BASE, to: million })).message).toContain("at most 100000 are allowed");
    expect((await refusal({ ...BASE, to: "a@b.example,".repeat(200_000) })).message).toContain("254 octets");
  });

  test.each([
    ["to", undefined],
    ["to", []],
    ["to[0]", [null]],
    ["to[0]", [undefined]],
    ["to", null],
    ["to", ""],
    ["to.address", { address: "" }],
    ["to.address", { address: undefined }],
    ["to.address", {}],
  ])("that is nobody is refused in %s: %j", async (field, to) => {
    expect((await refusal({ ...BASE, to })).field).toBe(field);
  });
});

test("an author who is nobody is refused: the empty reverse-path is written in the envelope, or not at all", async () => {
  expect((await refusal({ from: "", to: "b@c.example" })).field).toBe("from");
  expect((await refusal({ from: "<>", to: "b@c.example" })).field).toBe("from");
  expect((await refusal({ from: { name: "x", address: "" }, to: "b@c.example" })).field).toBe("from.address");
  expect((await refusal({ ...BASE, sender: "", to: "b@c.example" })).field).toBe("sender");
  const { envelope } = await composeMessage({ ...BASE, to: "b@c.example", envelope: { from: "" } });
  expect(envelope.from).toBe("");
});

test("any name and address in From reads back as one mailbox, and that one", async () => {
  const special = fc.constantFrom(
    "a",
    " ",
    '"',
    "\\",
    "<",
    ">",
    ",",
    ";",
    ":",
    "@",
    "=?",
    "?=",
    "(",
    ")",
    "é",
    "例",
  );
  const name = fc
    .oneof(
      fc.string({ unit: "binary", maxLength: 60 }),
      fc.string({ unit: special, maxLength: 40 }),
      fc.constantFrom(
        "Evil <ceo@bank.example>",
        'a@b.c" <x@y.example',
        "=?utf-8?q?x?=",
        "a, b <c@d.example>",
      ),
    )
    // A reader leaves out U+FEFF, and the spaces around a name.
    .map((text) => text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]/g, "").trim());
  const address = fc.constantFrom(
    "a@example.com",
    "o'hara+tag=x@ex-ample.example",
    "user%other.example@b.example",
    "x@bücher.example",
  );
  await fc.assert(
    fc.asyncProperty(name, address, async (given, at) => {
      const from: Mailbox = { name: given, address: at };
      const composed = await composeMessage({ from, to: from });
      const expected = { name: given, address: resolveMailbox(at, "from").address } satisfies Address;
      const read = await PostalMime.parse(composed.toUint8Array());
      expect(read.from).toEqual(expected);
      expect(read.to).toEqual([expected]);
      expect(composed.envelope).toEqual({ from: expected.address, to: [expected.address] });
    }),
    { numRuns: 300 },
  );
});
