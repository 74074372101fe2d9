// A real Postfix behind a cable that breaks anywhere: what is said of each message is held against what was delivered.
import { expect, test } from "vitest";
import { type SendResult, SmtpClient } from "../../src/index.ts";
import { deliveredCopies, storedFiles } from "./maildir.ts";
import { maildir, plain } from "./postfix.ts";
import { type Cut, cuttingRelay } from "./relay.ts";
import { shortMessage } from "./sample.ts";
import { witness } from "./witness.ts";

const saw = witness("postfix");
const COUNT = 150;

/** Another place for each connection, as far apart as can be; every second time it is the replies that are cut off. */
function cutAt(connection: number): Cut {
  const place = (connection * 0.618_033_988_75) % 1;
  return connection % 2 === 0
    ? { from: "client", after: 1 + Math.floor(place * 2_500) }
    : { from: "server", after: 200 + Math.floor(place * 1_000) };
}

test.each([
  ["DATA", { chunking: false }],
  ["BDAT", {}],
  ["DATA in lock-step", { pipelining: false, chunking: false }],
] as const)("when connections break, what is said of each message is true: %s", async (way, extensions) => {
  await using relay = await cuttingRelay(plain.port, cutAt);
  await using client = new SmtpClient({ ...plain, port: relay.port, extensions, maxConnections: 2 });
  const subject = (index: number): string => `Subject: cut, ${way}, ${index};\r\n`;
  const messages = Array.from({ length: COUNT }, (_, index) => shortMessage(subject(index).slice(9, -2)));
  const results: SendResult[] = [];
  for await (const result of client.sendMany(messages, { inFlight: 8 })) results.push(result);
  expect(results.map(({ index }) => index).sort((a, b) => a - b)).toEqual(messages.map((_, index) => index));

  const counts = { sent: 0, "not-sent": 0, unknown: 0, rejected: 0, delivered: 0 };
  for (const result of results) {
    if (!result.ok) continue;
    counts.sent++;
    await deliveredCopies(maildir, result.receipt.messageId, ["bob@example.test"]);
  }
  await using direct = new SmtpClient(plain);
  const after = await direct.send(shortMessage("after the cuts"));
  await deliveredCopies(maildir, after.messageId, ["bob@example.test"]);
  const stored = (await storedFiles(maildir)).map((octets) => octets.toString("latin1").replaceAll("\r", ""));
  for (const result of results) {
    const copies = stored.filter((text) => text.includes(subject(result.index).replace("\r", ""))).length;
    if (result.ok) expect(copies).toBe(1);
    else {
      const { delivery } = result.error;
      counts[delivery]++;
      if (delivery === "unknown") counts.delivered += copies;
      expect(copies, `${subject(result.index)} ${delivery}`).toBeLessThanOrEqual(
        delivery === "unknown" ? 1 : 0,
      );
    }
  }
  expect(counts.rejected).toBe(0);
  for (const kind of ["sent", "not-sent", "unknown", "delivered"] as const)
    expect(counts[kind], kind).toBeGreaterThan(0);
  saw(
    `${relay.connections} connections cut, ${way}`,
    undefined,
    `of ${COUNT} messages ${counts.sent} sent and delivered once each, ${counts["not-sent"]} not-sent and delivered to nobody, ${counts.unknown} unknown, of which ${counts.delivered} delivered`,
  );
});
