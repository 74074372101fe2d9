// Who gives up from within a listener, in the middle of what is said and heard, is told the truth as everybody is.

import { expect, test } from "vitest";
import { isSmtpError } from "../../src/index.ts";
import { connectTo, MESSAGE } from "../support/client.ts";
import { polite } from "../support/manners.ts";
import { serve } from "../support/server.ts";
import { watchProcess } from "../support/watch.ts";

watchProcess();

/** Sends three messages over one connection, and gives up the one named at the event of that number. */
async function giveUpAt(at: number, who: string, offers: readonly string[]): Promise<boolean> {
  const server = await serve(polite({ offers }));
  const given = new AbortController();
  let events = 0;
  const { client } = connectTo(server, {
    maxConnections: 1,
    trace: () => {
      if (events++ === at) given.abort();
    },
  });
  const fates = await Promise.all(
    ["one", "two", "three"].map(async (subject) => {
      const signal = subject === who ? { signal: given.signal } : {};
      const fate = await client.send({ ...MESSAGE, subject }, signal).then(
        () => "sent",
        (error: unknown) => (isSmtpError(error) ? error.delivery : error),
      );
      return [subject, fate] as const;
    }),
  );
  await client.close();
  for (const [subject, fate] of fates) {
    const times = server.messages.filter((message) => message.includes(`Subject: ${subject}\r`)).length;
    const truths = fate === "unknown" ? [0, 1] : [fate === "sent" ? 1 : 0];
    expect(truths, `${subject} is ${String(fate)}, where ${who} is given up at event ${at}`).toContain(times);
  }
  return events > at;
}

test.each([
  ["through DATA", "one", ["PIPELINING"]],
  ["through DATA", "two", ["PIPELINING"]],
  ["in chunks", "one", ["PIPELINING", "CHUNKING"]],
  ["in chunks", "two", ["PIPELINING", "CHUNKING"]],
])("of messages that follow each other %s, message %s is given up at any event", async (_, who, offers) => {
  let at = 0;
  while (await giveUpAt(at, who, offers)) at++;
  expect(at).toBeGreaterThan(20);
});
