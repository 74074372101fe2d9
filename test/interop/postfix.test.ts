// A real Postfix, told what a real server is told, and each message read back from where it was delivered.
import { generateKeyPairSync } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { createDkimSigner } from "../../src/dkim-door.ts";
import { attachment, MessageError, ReplyError, SmtpClient } from "../../src/index.ts";
import { verify } from "../dkim/verifier.ts";
import { errorOf } from "../support/watch.ts";
import { copiesOf, deliveredCopies } from "./maildir.ts";
import { login, maildir, mechanismOf, overStartTls, overTls, plain, WAYS } from "./postfix.ts";
import { recordingRelay, sentContent } from "./relay.ts";
import { compare, fullMessage, inForm, type Sample, shortMessage } from "./sample.ts";
import { witness } from "./witness.ts";

const authPlain = { ...login, mechanism: "PLAIN" } as const;
const authLogin = { ...login, mechanism: "LOGIN" } as const;
const saw = witness("postfix");

describe("a message arrives as it was written", () => {
  test.each([
    ["plain", plain, "ESMTP, no TLS", undefined],
    ["STARTTLS", overStartTls, "ESMTPS, TLSv1.3", undefined],
    [
      "STARTTLS + AUTH PLAIN",
      { ...overStartTls, auth: authPlain },
      "ESMTPSA, TLSv1.3, sender alice",
      "PLAIN",
    ],
    [
      "STARTTLS + AUTH LOGIN",
      { ...overStartTls, auth: authLogin },
      "ESMTPSA, TLSv1.3, sender alice",
      "LOGIN",
    ],
    ["implicit TLS", overTls, "ESMTPS, TLSv1.3", undefined],
    ["implicit TLS + AUTH", { ...overTls, auth: login }, "ESMTPSA, TLSv1.3, sender alice", "SCRAM-SHA-256"],
    ["implicit TLS to an address", { ...overTls, host: "127.0.0.1" }, "ESMTPS, TLSv1.3", undefined],
  ] as const)("%s", async (name, options, trace, mechanism) => {
    await using client = new SmtpClient(options);
    const message = fullMessage(name);
    const receipt = await client.send(message);
    const recipients = ["bob@example.test", "carol@example.test", "dave@example.test", "erin@example.test"];
    expect(receipt).toMatchObject({ accepted: recipients, rejected: [], reply: { code: 250 } });
    const copies = await deliveredCopies(maildir, receipt.messageId, recipients);
    for (const copy of copies) {
      expect(copy.trace).toBe(trace);
      expect(copy.content).not.toContain("erin@example.test");
    }
    expect(await mechanismOf(receipt.reply)).toBe(mechanism);
    const agreement = new Set(copies.map((copy) => compare(copy, message, receipt.messageId)));
    saw(name, receipt.reply, `${trace}; delivered to ${copies.length}, ${[...agreement].join()}`);
  });

  test.each(WAYS)("octet for octet: %s", async (way, extensions, form) => {
    await using relay = await recordingRelay(plain.port);
    await using client = new SmtpClient({ ...plain, port: relay.port, extensions });
    const message = { ...fullMessage(`octets, ${way}`), to: ["bob@example.test"], cc: [], bcc: [] };
    const receipt = await client.send(inForm(message, form));
    expect(receipt.extensions.includes("CHUNKING")).toBe(way.includes("BDAT"));
    const [copy] = await deliveredCopies(maildir, receipt.messageId, ["bob@example.test"]);
    expect(copy?.content).toBe(sentContent(relay.recordings[0] ?? []));
    if (copy !== undefined) compare(copy, message, receipt.messageId);
    saw(
      `octet for octet, ${way}`,
      receipt.reply,
      `${copy?.content.length} octets stored are those that were sent`,
    );
  });
});

describe("a file, signed", () => {
  test("arrives octet for octet, and the signature holds", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const dkim = createDkimSigner({ domain: "example.test", selector: "mail", privateKey: pem });
    await using client = new SmtpClient({ ...overStartTls, auth: authPlain, dkim });
    const path = fileURLToPath(new URL("../../ARCHITECTURE.md", import.meta.url));
    const receipt = await client.send({
      from: "alice@example.test",
      to: "bob@example.test",
      subject: "a file, signed – 已签名",
      text: ".\nA line of one dot comes before this one.\n",
      attachments: [
        attachment.file(path),
        { filename: "drops.bin", content: Readable.from([Uint8Array.of(0), Uint8Array.of(255, 13, 10)]) },
      ],
    });
    const [copy] = await deliveredCopies(maildir, receipt.messageId, ["bob@example.test"]);
    const [file, drops] = copy?.email.attachments ?? [];
    expect(Buffer.from(file?.content as ArrayBuffer)).toEqual(await readFile(path));
    expect([...new Uint8Array(drops?.content as ArrayBuffer)]).toEqual([0, 255, 13, 10]);
    expect(verify((copy?.content ?? "").replaceAll("\n", "\r\n"), publicKey)).toBe("pass");
    saw(
      "a file, signed",
      receipt.reply,
      "two attachments agree, and the signature holds for what was delivered",
    );
  });
});

describe("recipients", () => {
  test.each(WAYS)(
    "one that is refused does not keep the others from getting it: %s",
    async (way, extensions, form) => {
      await using client = new SmtpClient({ ...plain, extensions });
      const message: Sample = {
        ...fullMessage(`one refused, ${way}`),
        cc: [],
        bcc: [],
        to: ["bob@example.test", "reject@example.test", "carol@example.test", "defer@example.test"],
      };
      const receipt = await client.send(inForm(message, form));
      const accepted = ["bob@example.test", "carol@example.test"];
      expect(receipt.accepted).toEqual(accepted);
      expect(receipt.rejected).toMatchObject([
        { recipient: "reject@example.test", reply: { code: 550, enhancedStatus: "5.1.1" } },
        { recipient: "defer@example.test", reply: { code: 451, enhancedStatus: "4.2.1" } },
      ]);
      const copies = await deliveredCopies(maildir, receipt.messageId, accepted);
      for (const copy of copies) compare(copy, message, receipt.messageId);
      const refused = receipt.rejected.map(({ recipient, reply }) => `${recipient} ${reply.code}`).join(", ");
      saw(
        `a refused recipient among accepted ones, ${way}`,
        receipt.reply,
        `refused ${refused}; delivered to ${accepted.join(", ")}`,
      );
    },
  );

  test.each([
    ["permanently", ["reject@example.test"], 550, false],
    ["for now", ["defer@example.test"], 451, true],
    ["one way and the other", ["reject@example.test", "defer@example.test"], undefined, undefined],
  ])("when all are refused %s nothing is sent, and the next message is", async (how, to, code, retryable) => {
    await using client = new SmtpClient(plain);
    const error = await errorOf(client.send({ ...shortMessage("all refused"), to }));
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ code: "recipients_refused", phase: "rcpt", delivery: "rejected" });
    if (code !== undefined) expect(error).toMatchObject({ reply: { code }, retryable });
    const { reply, rejected = [] } = error as ReplyError;
    expect(rejected.map(({ recipient }) => recipient)).toEqual(to);
    const receipt = await client.send(shortMessage("after a refusal"));
    await deliveredCopies(maildir, receipt.messageId, ["bob@example.test"]);
    saw(`all recipients refused ${how}`, reply, "the next message is delivered");
  });
});

describe("a message over the size limit", () => {
  const tooLarge: Sample = { ...shortMessage("too large"), text: `${"x".repeat(76)}\n`.repeat(15_000) };

  test("is refused here where the server has told its limit", async () => {
    await using client = new SmtpClient(plain);
    const error = await errorOf(client.send(tooLarge));
    expect(error).toBeInstanceOf(MessageError);
    expect(error).toMatchObject({ code: "message_too_large", delivery: "not-sent", retryable: false });
    const receipt = await client.send(shortMessage("after one too large"));
    await deliveredCopies(maildir, receipt.messageId, ["bob@example.test"]);
    saw("over SIZE, refused here", undefined, `"${(error as Error).message}"; the next message is delivered`);
  });

  test.each(WAYS)(
    "is refused by the server where SIZE is switched off, and the next one is delivered: %s",
    async (way, extensions, form) => {
      await using relay = await recordingRelay(plain.port);
      await using client = new SmtpClient({
        ...plain,
        port: relay.port,
        extensions: { ...extensions, size: false },
      });
      const content = new Uint8Array(1_000_000);
      const attachments = [{ filename: "zeros", content, contentType: "application/octet-stream" }];
      const error = await errorOf(client.send(inForm({ ...shortMessage("too large"), attachments }, form)));
      expect(error).toBeInstanceOf(ReplyError);
      expect(error).toMatchObject({
        code: "content_refused",
        phase: "end-of-data",
        delivery: "rejected",
        retryable: false,
        reply: { code: 552, enhancedStatus: "5.3.4" },
      });
      const receipt = await client.send(shortMessage("after one too large"));
      await deliveredCopies(maildir, receipt.messageId, ["bob@example.test"]);
      // Where replies are many at a time, a refusal may be followed by QUIT, which shows that none is one too many.
      const mayLeave = way.endsWith("BDAT");
      expect(relay.recordings.length).toBeLessThanOrEqual(mayLeave ? 2 : 1);
      saw(
        `over SIZE, refused by the server, ${way}`,
        (error as ReplyError).reply,
        `the next message is delivered; connections: ${relay.recordings.length}`,
      );
    },
  );
});

test("what was refused is delivered to nobody", async () => {
  for (const subject of ["all refused", "too large"]) {
    expect(await copiesOf(maildir, `Subject: ${subject}\n`)).toEqual([]);
  }
});
