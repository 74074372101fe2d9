// What goes to Postfix in which write, and what it says to commands that are no message.
import { describe, expect, test } from "vitest";
import { SmtpClient } from "../../src/index.ts";
import { errorOf } from "../support/watch.ts";
import { deliveredCopies } from "./maildir.ts";
import { login, maildir, overStartTls, plain } from "./postfix.ts";
import { recordingRelay } from "./relay.ts";
import { compare, fullMessage, type Sample, shortMessage } from "./sample.ts";
import { witness } from "./witness.ts";

const saw = witness("postfix");

describe("commands", () => {
  const to = ["bob@example.test", "carol@example.test", "reject@example.test"];

  test.each([
    ["pipelined", { chunking: false }, ["MAIL RCPT RCPT RCPT DATA"]],
    ["lock-step", { pipelining: false, chunking: false }, ["MAIL", "RCPT", "RCPT", "RCPT", "DATA"]],
    ["pipelined, the message with them", {}, ["MAIL RCPT RCPT RCPT BDAT"]],
    ["lock-step, the message in one chunk", { pipelining: false }, ["MAIL", "RCPT", "RCPT", "RCPT", "BDAT"]],
  ] as const)("go %s, with the same result", async (how, extensions, expected) => {
    await using relay = await recordingRelay(plain.port);
    await using client = new SmtpClient({ ...plain, port: relay.port, extensions });
    const message: Sample = { ...shortMessage(how), to };
    const receipt = await client.send(message);
    expect(receipt.rejected.map(({ recipient }) => recipient)).toEqual(["reject@example.test"]);
    const copies = await deliveredCopies(maildir, receipt.messageId, [
      "bob@example.test",
      "carol@example.test",
    ]);
    for (const copy of copies) compare(copy, message, receipt.messageId);
    const groups = (relay.recordings[0] ?? [])
      .map(verbs)
      .filter((group) => /^(MAIL|RCPT|DATA|BDAT)/.test(group));
    expect(groups).toEqual(expected);
    saw(
      how,
      receipt.reply,
      `${groups.length} ${groups.length === 1 ? "write" : "writes"}: ${groups.join(" | ")}`,
    );
  });

  test.each([
    ["through DATA", { chunking: false }, /\r\n\.\r\nMAIL FROM/],
    ["in chunks", {}, /\r\nRSET\r\nMAIL FROM/],
  ] as const)("for queued messages follow each other, %s", async (way, extensions, follows) => {
    await using relay = await recordingRelay(plain.port);
    await using client = new SmtpClient({ ...plain, port: relay.port, maxConnections: 1, extensions });
    const messages = ["first", "second", "third", "fourth"].map((number) => shortMessage(`${number} ${way}`));
    const refused = errorOf(client.send({ ...shortMessage("all refused"), to: ["reject@example.test"] }));
    const receipts = await Promise.all(messages.map((message) => client.send(message)));
    expect(await refused).toMatchObject({ code: "recipients_refused", delivery: "rejected" });
    for (const [index, { messageId }] of receipts.entries()) {
      const [copy] = await deliveredCopies(maildir, messageId, ["bob@example.test"]);
      if (copy !== undefined) compare(copy, messages[index] ?? shortMessage(""), messageId);
    }
    expect(relay.recordings).toHaveLength(1);
    expect(relay.recordings[0]?.join("")).toMatch(follows);
    saw(`queued messages ${way}`, receipts.at(-1)?.reply, "all delivered over 1 connection");
  });

  test("for two messages go over one connection", async () => {
    await using relay = await recordingRelay(overStartTls.port);
    await using client = new SmtpClient({ ...overStartTls, port: relay.port, auth: login });
    const first = await client.send(shortMessage("first"));
    const second = await client.send(fullMessage("second"));
    expect(second.messageId).not.toBe(first.messageId);
    await deliveredCopies(maildir, first.messageId, ["bob@example.test"]);
    await deliveredCopies(maildir, second.messageId, second.accepted);
    expect(relay.recordings).toHaveLength(1);
    saw(
      "two messages on one connection",
      second.reply,
      `both delivered over ${relay.recordings.length} connection`,
    );
  });
});

describe("a command that is no message", () => {
  test("NOOP goes over a connection that is open, and so does the message behind it", async () => {
    await using relay = await recordingRelay(plain.port);
    await using client = new SmtpClient({ ...plain, port: relay.port });
    const reply = await client.noop();
    expect(reply).toMatchObject({ code: 250, enhancedStatus: "2.0.0" });
    await client.send(shortMessage("behind NOOP"));
    expect(await client.noop()).toEqual(reply);
    expect(relay.recordings).toHaveLength(1);
    saw("NOOP", reply, "twice, with a message between them; 1 connection");
  });

  test.each([
    ["bob@example.test", 252, "2.0.0"],
    ["reject@example.test", 550, "5.1.1"],
    ["defer@example.test", 451, "4.2.1"],
    ["zoë@example.test", 252, "2.0.0"],
  ])("VRFY of %s says what it would be told by RCPT", async (name, code, enhancedStatus) => {
    await using client = new SmtpClient(plain);
    const reply = await client.vrfy(name);
    expect(reply).toMatchObject({ code, enhancedStatus });
    saw(`VRFY ${name}`, reply, "returned, not thrown");
  });

  test("verify() signs in and leaves, with a right password alone", async () => {
    await using relay = await recordingRelay(overStartTls.port);
    const options = { ...overStartTls, port: relay.port };
    await using client = new SmtpClient({ ...options, auth: login });
    await client.verify();
    await using stranger = new SmtpClient({ ...options, auth: { ...login, pass: "wr0ng pass" } });
    const error = await errorOf(stranger.verify());
    expect(error).toMatchObject({ code: "authentication_refused", phase: "auth" });
    expect(relay.recordings).toHaveLength(2);
    saw("verify()", undefined, `signed in; with a wrong password "${error.message}"`);
  });
});

/** The verbs of the command lines in one piece of what the client said, and not what is behind BDAT. */
function verbs(said: string): string {
  return said
    .replace(/(BDAT .*\r\n)[\s\S]*/, "$1")
    .split("\r\n")
    .slice(0, -1)
    .map((line) => line.split(" ")[0])
    .join(" ");
}
