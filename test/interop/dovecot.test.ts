// A real delivery agent: Dovecot, over LMTP, which says of each recipient whether the message is theirs now.
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { type ReplyError, SmtpClient, type TraceEvent } from "../../src/index.ts";
import { errorOf } from "../support/watch.ts";
import { copiesOf } from "./maildir.ts";
import { recordingRelay, sentContent } from "./relay.ts";
import { compare, fullMessage, inForm, type Sample, shortMessage } from "./sample.ts";
import { witness } from "./witness.ts";

const { mail, ca, ports, paths } = inject("dovecot");
const port = ports.lmtp ?? 0;
const tcp = { protocol: "lmtp", host: "127.0.0.1", port, security: "none" } as const;
const unix = { protocol: "lmtp", path: paths["lmtp-unix"] ?? "" } as const;
const saw = witness("dovecot");

const WIRES = [
  ["over TCP", tcp, "LMTP, no TLS"],
  ["over a Unix socket", unix, "LMTP, no TLS"],
  [
    "over TCP with STARTTLS",
    { ...tcp, host: "localhost", security: "starttls", tls: { ca } },
    "LMTPS, TLSv1.3",
  ],
] as const;

/** To those who get it, to those who are refused at once, and to one who is when the message is there. */
const MIXED = ["bob", "reject", "full", "defer", "carol"].map((name) => `${name}@example.test`);
const GONE_AT_ONCE = [
  { recipient: "reject@example.test", reply: { code: 550, enhancedStatus: "5.1.1" } },
  { recipient: "defer@example.test", reply: { code: 451, enhancedStatus: "4.3.0" } },
];
const FULL = { recipient: "full@example.test", reply: { code: 552, enhancedStatus: "5.2.2" } };

describe.each(WIRES)("%s", (wire, options, trace) => {
  test.each([
    ["pipelined, in memory", {}, "in memory"],
    ["in lock-step, in memory", { pipelining: false }, "in memory"],
    ["pipelined, streamed", {}, "streamed"],
  ] as const)(
    "each recipient has a reply of their own, and the connection serves on: %s",
    async (how, extensions, form) => {
      const events: TraceEvent[] = [];
      await using client = new SmtpClient({ ...options, extensions, trace: (event) => events.push(event) });
      const message: Sample = { ...fullMessage(`${wire}, ${how}`), to: MIXED, cc: [], bcc: [] };
      const receipt = await client.send(inForm(message, form));
      expect(receipt.accepted).toEqual(["bob@example.test", "carol@example.test"]);
      expect(receipt.rejected).toMatchObject([...GONE_AT_ONCE, FULL]);
      expect(receipt.reply.lines.join()).toContain("<bob@example.test>");
      for (const name of ["bob", "carol"]) {
        const [copy, ...others] = await copiesOf(join(mail, name), receipt.messageId);
        expect(others).toEqual([]);
        expect(copy?.trace).toBe(trace);
        if (copy !== undefined) compare(copy, message, receipt.messageId);
      }
      expect(await nobodyElseHas(receipt.messageId)).toBe(true);

      const refused = await errorOf(
        client.send({ ...message, to: ["full@example.test", "packed@example.test"] }),
      );
      expect(refused).toMatchObject({ code: "content_refused", phase: "end-of-data", delivery: "rejected" });
      expect(refused).toMatchObject({ retryable: false, reply: { code: 552, enhancedStatus: "5.2.2" } });
      expect((refused as ReplyError).rejected).toHaveLength(2);

      const last = await client.send(shortMessage("after all were refused"));
      expect(await copiesOf(join(mail, "bob"), last.messageId)).toHaveLength(1);
      expect(events.filter(({ kind }) => kind === "connecting")).toHaveLength(1);
      saw(
        `${wire}, ${how}`,
        receipt.reply,
        "saved for 2; refused 550 and 451 at once, 552 after the data; all refused: rejected; 1 connection",
      );
    },
  );
});

describe("a message arrives octet for octet", () => {
  test.each(["in memory", "streamed"] as const)("%s", async (form) => {
    await using relay = await recordingRelay(port);
    await using client = new SmtpClient({ ...tcp, port: relay.port });
    const message: Sample = { ...fullMessage(`octets, ${form}`), to: ["bob@example.test"], cc: [], bcc: [] };
    const receipt = await client.send(inForm(message, form));
    const [copy] = await copiesOf(join(mail, "bob"), receipt.messageId);
    expect(copy?.content).toBe(sentContent(relay.recordings[0] ?? []));
    saw(
      `octet for octet, ${form}`,
      receipt.reply,
      `${copy?.content.length} octets stored are those that were sent`,
    );
  });
});

describe("messages that wait", () => {
  test("follow each other on one connection, each with the replies that are its own", async () => {
    await using relay = await recordingRelay(port);
    await using client = new SmtpClient({ ...tcp, port: relay.port, maxConnections: 1 });
    const lists = [
      MIXED,
      ["bob@example.test"],
      ["full@example.test"],
      ["reject@example.test"],
      ["carol@example.test", "bob@example.test"],
    ];
    const messages = Array.from(
      { length: 40 },
      (_, at): Sample => ({ ...shortMessage(`queued ${at}`), to: lists[at % lists.length] ?? [] }),
    );
    const results = [];
    for await (const result of client.sendMany(messages, { inFlight: 8 })) results.push(result);
    expect(results).toHaveLength(messages.length);
    for (const result of results) {
      const to = messages[result.index]?.to ?? [];
      const getting = to.filter((one) => /^(bob|carol)@/.test(one));
      expect(result.ok ? result.receipt.accepted : []).toEqual(getting);
      if (!result.ok) {
        expect(result.error).toMatchObject({ delivery: "rejected" });
        continue;
      }
      for (const name of ["bob", "carol"]) {
        const isTheirs = getting.includes(`${name}@example.test`);
        expect(await copiesOf(join(mail, name), result.receipt.messageId)).toHaveLength(isTheirs ? 1 : 0);
      }
    }
    expect(relay.recordings).toHaveLength(1);
    expect(relay.recordings[0]?.join("")).toMatch(/\r\n\.\r\nMAIL FROM/);
    saw("40 messages in flight", undefined, "24 saved for whom they are, 16 refused; 1 connection");
  });
});

describe("what all are to get, or nobody", () => {
  test("is not sent where one is refused at once", async () => {
    await using client = new SmtpClient({ ...tcp, onPartial: "abort" });
    const error = await errorOf(client.send({ ...shortMessage("all or nobody"), to: MIXED }));
    expect(error).toMatchObject({ code: "recipients_refused", delivery: "rejected" });
    const receipt = await client.send(shortMessage("after nobody got one"));
    expect(await copiesOf(join(mail, "bob"), receipt.messageId)).toHaveLength(1);
    expect(await copiesOf(join(mail, "bob"), "Subject: all or nobody\n")).toEqual([]);
    saw('onPartial "abort"', (error as ReplyError).reply, "nobody has it, the next message is saved");
  });
});

describe("what Dovecot does not offer", () => {
  test.each([
    ["dsn", { dsn: { notify: ["success"] } }],
    ["requireTls", { requireTls: true }],
    ["message", { envelope: { from: "alice@example.test", to: ["zoë@example.test"] } }],
  ] as const)("is told before anything is sent: %s", async (field, terms) => {
    await using client = new SmtpClient(tcp);
    const error = await errorOf(client.send({ ...shortMessage("needs more"), ...terms }));
    expect(error).toMatchObject({ code: "extension_required", field, delivery: "not-sent" });
  });
});

/** Whoever was refused has nothing: not even a Maildir, where nothing else ever came. */
async function nobodyElseHas(messageId: string): Promise<boolean> {
  const found = ["full", "packed", "reject", "defer"].map((name) =>
    copiesOf(join(mail, name), messageId).catch(() => []),
  );
  return (await Promise.all(found)).flat().length === 0;
}
