// What a message may ask of a real Postfix beyond delivery: addresses beyond ASCII, reports, all recipients or none; and
// what it cannot ask, because Postfix does not offer it.
import { describe, expect, test, vi } from "vitest";
import { type Message, type ReplyError, SmtpClient } from "../../src/index.ts";
import { errorOf } from "../support/watch.ts";
import { copiesOf, deliveredCopies } from "./maildir.ts";
import { login, maildir, overStartTls, plain, WAYS } from "./postfix.ts";
import { compare, fullMessage, inForm, type Sample, shortMessage } from "./sample.ts";
import { witness } from "./witness.ts";

const saw = witness("postfix");

describe("addresses beyond ASCII", () => {
  test.each(WAYS)("are delivered to: %s", async (way, extensions, form) => {
    await using client = new SmtpClient({ ...plain, extensions });
    const message: Sample = {
      ...fullMessage(`SMTPUTF8, ${way}`),
      from: { name: "Zoë", address: "zoë@example.test" },
      to: ["用户@example.test", "bob@example.test"],
      cc: [],
      bcc: ["jürgen@example.test"],
    };
    const receipt = await client.send(inForm(message, form));
    expect(receipt.accepted).toEqual(["用户@example.test", "bob@example.test", "jürgen@example.test"]);
    expect(receipt.extensions).toContain("SMTPUTF8");
    const copies = await deliveredCopies(maildir, receipt.messageId, receipt.accepted.map(octets));
    for (const copy of copies) {
      expect(copy.trace).toBe("UTF8SMTP, no TLS");
      compare(copy, message, receipt.messageId);
    }
    saw(`SMTPUTF8, ${way}`, receipt.reply, `delivered to ${receipt.accepted.join(", ")}`);
  });

  test("a domain beyond ASCII needs no SMTPUTF8: it is said in its ASCII form", async () => {
    await using client = new SmtpClient({ ...overStartTls, auth: login });
    const receipt = await client.send({ ...shortMessage("to another land"), to: ["bob@bücher.example"] });
    expect(receipt.extensions).not.toContain("SMTPUTF8");
    const copies = await deliveredCopies(maildir, receipt.messageId, ["bob@xn--bcher-kva.example"]);
    saw("a domain beyond ASCII", receipt.reply, `delivered to ${copies[0]?.recipient}`);
  });
});

describe("reports on delivery", () => {
  const envid = "order 42+1=43";

  test("come for each recipient as it was asked for, and name what they were told to name", async () => {
    await using client = new SmtpClient(plain);
    const receipt = await client.send({
      ...shortMessage("reports"),
      dsn: { envid, ret: "headers", notify: ["success", "failure"] },
      envelope: {
        from: "alice@example.test",
        to: [
          { address: "bob@example.test", orcpt: "robert=bob+1@example.test" },
          { address: "carol@example.test", notify: "never" },
          { address: "dave@example.test", notify: ["failure"] },
          { address: "gone@example.test", notify: ["failure", "delay"], orcpt: "gone@old.example" },
          "erin@example.test",
        ],
      },
    });
    expect(receipt.extensions).toContain("DSN");
    const reports = await reportsOn(receipt.messageId, 2);
    for (const report of reports) expect(report).toContain(`\nOriginal-Envelope-Id: ${envid}\n`);
    const delivered = reports.find((report) => report.includes("\nAction: delivered\n")) ?? "";
    const failed = reports.find((report) => report.includes("\nAction: failed\n")) ?? "";
    expect(finalRecipients(delivered)).toEqual(["bob@example.test", "erin@example.test"]);
    expect(delivered).toContain("\nOriginal-Recipient: rfc822;robert=bob+1@example.test\n");
    expect(finalRecipients(failed)).toEqual(["gone@example.test"]);
    expect(failed).toContain("\nOriginal-Recipient: rfc822;gone@old.example\n");
    expect(failed).toContain("\nStatus: 5.1.6\n");
    expect(failed).toContain("\nContent-Type: text/rfc822-headers");
    expect(failed).not.toContain("042137");
    saw(
      "DSN",
      receipt.reply,
      "delivered: bob, erin; failed: gone; of carol and dave nothing; ENVID and ORCPT are in the reports",
    );
  });

  test("bring the whole message back where that was asked for", async () => {
    await using client = new SmtpClient(plain);
    const message: Message = { ...shortMessage("all of it"), to: "gone@example.test", dsn: { ret: "full" } };
    const receipt = await client.send(message);
    const [report = ""] = await reportsOn(receipt.messageId, 1);
    expect(finalRecipients(report)).toEqual(["gone@example.test"]);
    expect(report).toContain("\nContent-Type: message/rfc822\n");
    expect(report).toContain("\nYour code is 042137.\n");
    saw("DSN, RET=FULL", receipt.reply, "the message is in the report");
  });

  test("name an address beyond ASCII", async () => {
    await using client = new SmtpClient(plain);
    const receipt = await client.send({
      ...shortMessage("reports beyond ASCII"),
      to: [],
      envelope: {
        from: "alice@example.test",
        to: [{ address: "bob@example.test", notify: ["success"], orcpt: "zoë@example.test" }],
      },
    });
    const [report = ""] = await reportsOn(receipt.messageId, 1);
    expect(report).toMatch(/\nOriginal-Recipient: utf-8;\s*zo(?:Ã«|\\x\{EB\})@example\.test\n/);
    saw("DSN, ORCPT beyond ASCII", receipt.reply, "it is in the report");
  });
});

describe("what all are to get, or nobody", () => {
  const to = ["bob@example.test", "reject@example.test", "carol@example.test"];

  test.each(WAYS)("goes to nobody where one is refused: %s", async (way, extensions, form) => {
    await using client = new SmtpClient({ ...plain, extensions, onPartial: "abort" });
    const error = await errorOf(client.send(inForm({ ...shortMessage("all or nobody"), to }, form)));
    expect(error).toMatchObject({ code: "recipients_refused", phase: "rcpt", delivery: "rejected" });
    expect((error as ReplyError).rejected).toMatchObject([{ recipient: "reject@example.test" }]);
    const receipt = await client.send(
      inForm({ ...shortMessage("all of them"), to: ["bob@example.test", "carol@example.test"] }, form),
    );
    await deliveredCopies(maildir, receipt.messageId, ["bob@example.test", "carol@example.test"]);
    expect(await copiesOf(maildir, "Subject: all or nobody\n")).toEqual([]);
    saw(
      `onPartial "abort", ${way}`,
      (error as ReplyError).reply,
      "nobody has it, the next message is delivered",
    );
  });
});

describe("what Postfix does not offer", () => {
  const terms: readonly (readonly [field: string, message: Partial<Message>])[] = [
    ["requireTls", { requireTls: true }],
    ["mtPriority", { mtPriority: 3 }],
    ["deliverBy", { deliverBy: { within: 60, mode: "return" } }],
    ["holdFor", { holdFor: 60 }],
    [
      "attachments",
      { attachments: [{ filename: "x.bin", content: Uint8Array.of(0, 255), encoding: "binary" }] },
    ],
  ];

  test.each(terms)("is told before anything is sent: %s", async (field, asked) => {
    await using client = new SmtpClient({ ...overStartTls, auth: login });
    const error = await errorOf(client.send({ ...shortMessage("needs more"), ...asked }));
    expect(error).toMatchObject({ code: "extension_required", field, delivery: "not-sent" });
    const receipt = await client.send(shortMessage("needs nothing"));
    await deliveredCopies(maildir, receipt.messageId, ["bob@example.test"]);
    expect(await copiesOf(maildir, "Subject: needs more\n")).toEqual([]);
    saw(`${field}, not offered`, undefined, `"${error.message}"; the next message is delivered`);
  });
});

/** As `StoredCopy` has it: a character for each octet. */
function octets(text: string): string {
  return Buffer.from(text).toString("latin1");
}

/** What came back to the sender about the message, once there are `count` reports: one for each kind of event. */
async function reportsOn(messageId: string, count: number): Promise<string[]> {
  return vi.waitFor(
    async () => {
      const copies = await copiesOf(maildir, `Message-ID: ${messageId}`);
      const reports = copies.filter(({ recipient }) => recipient === "alice@example.test");
      expect(reports).toHaveLength(count);
      return reports.map(({ content }) => content);
    },
    { timeout: 8_000, interval: 25 },
  );
}

function finalRecipients(report: string): string[] {
  return [...report.matchAll(/\nFinal-Recipient: rfc822;\s*(\S+)\n/g)]
    .map(([, recipient = ""]) => recipient)
    .sort();
}
