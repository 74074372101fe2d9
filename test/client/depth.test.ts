// As many messages behind each other on one connection as may be.

import { expect, test } from "vitest";
import { connectTo, messageTo } from "../support/client.ts";
import { polite } from "../support/manners.ts";
import { serve } from "../support/server.ts";

const COUNT = 1_000;

test("a thousand messages in flight begin one after the other, and none from within another", async () => {
  const server = await serve(polite({ offers: ["PIPELINING", "CHUNKING"] }));
  const { client } = connectTo(server, { maxConnections: 1, maxMessagesPerConnection: COUNT });
  let depth = 0;
  function* messages() {
    for (let number = 0; number < COUNT; number++) {
      depth = Math.max(depth, stackDepth());
      yield messageTo(`n${number}`);
    }
  }
  let sent = 0;
  for await (const { ok } of client.sendMany(messages(), { inFlight: COUNT, concurrency: COUNT })) {
    if (ok) sent++;
  }
  expect(sent).toBe(COUNT);
  expect(server.messages.length).toBe(COUNT);
  expect(depth).toBeLessThan(100);
});

function stackDepth(): number {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = COUNT;
  const depth = new Error().stack?.split("\n").length ?? 0;
  Error.stackTraceLimit = stackTraceLimit;
  return depth;
}
