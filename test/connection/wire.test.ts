// A wire of the caller's own that does not keep to the contract: it is told as a broken connection, and harms nothing else.

import { expect, test } from "vitest";
import { connectNode } from "../../src/transport/node.ts";
import type { Connect, Wire } from "../../src/transport/wire.ts";
import { connectTo, MESSAGE } from "../support/client.ts";
import { polite } from "../support/manners.ts";
import { serve } from "../support/server.ts";
import { errorOf, watchProcess } from "../support/watch.ts";

watchProcess();

/** A wire on which a method throws when it has done its work. */
function throwing(name: "write" | "hold" | "close" | "destroy"): Connect {
  return async (target) => {
    const wire = await connectNode(target);
    const own: Wire = {
      secure: false,
      verified: false,
      read: () => wire.read(),
      write: (octets) => wire.write(octets),
      startTls: () => wire.startTls(),
      hold: (active) => wire.hold(active),
      close: () => wire.close(),
      destroy: (reason) => wire.destroy(reason),
    };
    const method = own[name] as (argument?: unknown) => unknown;
    const broken = (argument?: unknown): never => {
      method(argument);
      throw new Error("oops");
    };
    return { ...own, [name]: broken };
  };
}

test("a wire whose write throws is a connection that is lost", async () => {
  const server = await serve(polite());
  const { client } = connectTo(server, { connect: throwing("write") });
  expect(await errorOf(client.send(MESSAGE))).toMatchObject({
    code: "connection_lost",
    delivery: "not-sent",
    message: "the connection broke: oops",
  });
});

test.each(["hold", "close"] as const)("a wire whose %s throws serves a client to the end", async (name) => {
  const server = await serve(polite());
  const { client } = connectTo(server, { connect: throwing(name) });
  expect((await client.send(MESSAGE)).attempts).toBe(1);
  await client.close();
  expect(server.messages).toHaveLength(1);
});

test("a wire whose destroy throws keeps nobody waiting", async () => {
  const server = await serve(polite({ MAIL: (peer) => void peer.reset() }));
  const { client } = connectTo(server, { connect: throwing("destroy") });
  expect(await errorOf(client.send(MESSAGE))).toMatchObject({ code: "connection_lost" });
  await client.close();
});
