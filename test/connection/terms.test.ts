// One client, scripted servers, real sockets: what a message asks of its server, and what goes unencoded.

import { Readable } from "node:stream";
import { beforeAll, describe, expect, test } from "vitest";
import type { Message } from "../../src/index.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { connectTo, MESSAGE } from "../support/client.ts";
import { polite } from "../support/manners.ts";
import { serve } from "../support/server.ts";
import { errorOf, watchProcess } from "../support/watch.ts";

watchProcess();

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});

const REPORTED: Message = {
  from: "alice@example.com",
  text: "Hello, Bob.",
  dsn: { ret: "headers", envid: "4711", notify: ["failure"] },
  envelope: { to: ["bob@example.org", { address: "carol@example.org", notify: "never" }] },
};

describe("what a message asks for", () => {
  test.each([[["PIPELINING"]], [["PIPELINING", "CHUNKING"]], [[]]])(
    "is said with its envelope, and told in the receipt: %j",
    async (more) => {
      const server = await serve(polite({ offers: ["DSN", ...more] }));
      const { client } = connectTo(server);
      const receipt = await client.send(REPORTED);
      expect(server.peers[0]?.lines.filter((line) => /^(?:MAIL|RCPT)/.test(line))).toEqual([
        "MAIL FROM:<alice@example.com> RET=HDRS ENVID=4711",
        "RCPT TO:<bob@example.org> NOTIFY=FAILURE",
        "RCPT TO:<carol@example.org> NOTIFY=NEVER",
      ]);
      expect(receipt.extensions).toEqual([...more, "DSN"]);
      expect(receipt.envelope.to).toEqual(["bob@example.org", "carol@example.org"]);
    },
  );

  test("a server that does not offer it hears nothing of, and serves the next message", async () => {
    const server = await serve(polite({ offers: ["PIPELINING"] }));
    const { client } = connectTo(server);
    for (const [field, more] of [
      ["dsn", { dsn: { notify: "never" } }],
      ["mtPriority", { mtPriority: 5 }],
      ["deliverBy", { deliverBy: { within: 60, mode: "return" } }],
      ["holdFor", { holdFor: 60 }],
      ["holdUntil", { holdUntil: new Date("2100-01-01") }],
      ["requireTls", { requireTls: true }],
    ] as const) {
      expect(await errorOf(client.send({ ...MESSAGE, ...more }))).toMatchObject({
        code: "extension_required",
        field,
        phase: "mail",
        delivery: "not-sent",
        retryable: false,
      });
    }
    expect(server.heard).not.toContain("MAIL");
    await client.send(MESSAGE);
    expect(server.peers.length).toBe(1);
    expect(server.messages.length).toBe(1);
  });

  test("is not asked of a server whose extension the user has switched off", async () => {
    const server = await serve(polite({ offers: ["DSN", "MT-PRIORITY"] }));
    const { client } = connectTo(server, { extensions: { dsn: false, mtPriority: true } });
    expect(await errorOf(client.send(REPORTED))).toMatchObject({ code: "extension_required", field: "dsn" });
    expect((await client.send({ ...MESSAGE, mtPriority: 1 })).extensions).toEqual(["MT-PRIORITY"]);
  });
});

describe("a message that must go over TLS all the way", () => {
  const offers = ["STARTTLS", "REQUIRETLS"];
  const SECRET: Message = { ...MESSAGE, requireTls: true };

  test("goes to a server whose certificate verifies", async () => {
    const { good, ca } = certificates;
    const server = await serve(polite({ offers: ["STARTTLS"], offersInside: offers, identity: good }));
    const { client } = connectTo(server, { security: "starttls", tls: { ca } });
    expect((await client.send(SECRET)).extensions).toContain("REQUIRETLS");
    expect(server.heard).toContain("MAIL FROM:<alice@example.com> REQUIRETLS\r\n");
  });

  test("goes to no other, whatever it offers", async () => {
    const unverified = await serve(polite({ offers, identity: certificates.good }));
    const loose = connectTo(unverified, { security: "starttls", tls: { rejectUnauthorized: false } });
    const plain = await serve(polite({ offers: ["REQUIRETLS"] }));
    for (const { client } of [loose, connectTo(plain)]) {
      expect(await errorOf(client.send(SECRET))).toMatchObject({
        code: "extension_required",
        field: "requireTls",
        delivery: "not-sent",
      });
      await client.send(MESSAGE);
    }
    expect(unverified.heard + plain.heard).not.toContain("REQUIRETLS\r\n");
  });
});

describe("an attachment that goes unencoded", () => {
  const OCTETS = Buffer.alloc(
    150_000,
    Uint8Array.from({ length: 251 }, (_, at) => (at * 7) & 0xff),
  );
  const offers = ["PIPELINING", "CHUNKING", "BINARYMIME"];
  const withOctets = (content: Uint8Array | Readable): Message => ({
    ...MESSAGE,
    attachments: [{ content, encoding: "binary" }],
  });

  test.each([
    ["memory", () => OCTETS],
    ["a stream", () => Readable.from([OCTETS.subarray(0, 70_001), OCTETS.subarray(70_001)])],
  ])("from %s arrives as it was, in chunks", async (_, content) => {
    const server = await serve(polite({ offers }));
    const { client } = connectTo(server);
    const receipt = await client.send(withOctets(content()));
    expect(receipt.extensions).toEqual(["PIPELINING", "CHUNKING", "BINARYMIME"]);
    expect(server.heard).toContain("MAIL FROM:<alice@example.com> BODY=BINARYMIME\r\n");
    expect(server.heard).not.toMatch(/^DATA\r$/m);
    expect(server.messages[0]).toContain(`binary\r\n\r\n${OCTETS.toString("latin1")}\r\n--`);
    await client.send(MESSAGE);
    expect(server.messages.length).toBe(2);
  });

  test.each([
    ["BINARYMIME", ["CHUNKING"], {}],
    ["CHUNKING", ["BINARYMIME"], {}],
    ["CHUNKING", offers, { chunking: false }],
    ["BINARYMIME", offers, { binaryMime: false }],
  ])("does not go without %s", async (keyword, offered, extensions) => {
    const server = await serve(polite({ offers: offered }));
    const { client } = connectTo(server, { extensions });
    const error = await errorOf(client.send(withOctets(OCTETS)));
    expect(error).toMatchObject({ code: "extension_required", field: "attachments", delivery: "not-sent" });
    expect(error.message).toContain(keyword);
    expect(server.heard).not.toContain("MAIL");
  });
});
