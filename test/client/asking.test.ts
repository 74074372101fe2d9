// What is asked of a server beside sending: whether it knows somebody, and whether it is there.

import { describe, expect, test } from "vitest";
import { connectTo, MESSAGE } from "../support/client.ts";
import { type Script, serve } from "../support/server.ts";
import { errorOf, watchProcess } from "../support/watch.ts";

watchProcess();

/** Answers what is neither greeting nor farewell by `answer`. */
function answering(answer: (line: string, index: number) => string | undefined, offers = ""): Script {
  return async (peer) => {
    await peer.say("220 test.example");
    for (;;) {
      const line = await peer.line();
      if (line.startsWith("EHLO")) await peer.say(`250-test.example${offers}`, "250 HELP");
      else if (line === "QUIT") await peer.say("221 bye");
      else {
        const words = answer(line, peer.index);
        if (words === undefined) peer.reset();
        else await peer.say(words);
      }
    }
  };
}

describe("VRFY", () => {
  test.each([
    "250 2.1.5 Bob <bob@example.org>",
    "251 2.1.5 will forward",
    "252 2.5.2 send some mail, I will try",
    "550 5.1.1 no such user",
    "551 5.7.1 not local",
    "553 5.1.3 ambiguous",
    "502 5.5.1 not here",
  ])("is answered by whatever the server says: %s", async (words) => {
    const server = await serve(answering(() => words));
    const { client } = connectTo(server);
    const reply = await client.vrfy("bob@example.org");
    expect(reply).toMatchObject({ code: Number(words.slice(0, 3)), lines: [words.slice(4)] });
    await client.close();
    expect(server.peers[0]?.lines).toContain("VRFY bob@example.org");
  });

  test.each(["bob\r\nRSET", "bob\n", "", "bob\0"])("is not said of %j", async (name) => {
    const { client, events } = connectTo({ port: 9 });
    expect(await errorOf(client.vrfy(name))).toMatchObject({ name: "MessageError" });
    expect(events).toEqual([]);
  });

  test.each([undefined, 5, null, {}])("is not said of what is no text: %j", async (name) => {
    const { client } = connectTo({ port: 9 });
    expect(await errorOf(client.vrfy(name as never))).toMatchObject({ name: "MessageError" });
  });
});

describe("NOOP", () => {
  test("is said over the connection that is open, and leaves it to others", async () => {
    const server = await serve(answering(() => "250 2.0.0 ok"));
    const { client } = connectTo(server);
    expect(await client.noop()).toMatchObject({ code: 250 });
    expect(await client.noop()).toMatchObject({ code: 250 });
    expect(server.peers).toHaveLength(1);
    expect(client.stats).toMatchObject({ idle: 1, busy: 0, underWay: 0, sent: 0 });
  });

  test("that is refused is an error", async () => {
    const server = await serve(answering(() => "500 5.5.1 what?"));
    const { client } = connectTo(server);
    expect(await errorOf(client.noop())).toMatchObject({
      code: "noop_refused",
      verb: "NOOP",
      phase: "noop",
      delivery: "not-sent",
      reply: { code: 500 },
    });
  });

  test("goes over another connection where the one that was idle is dead", async () => {
    let asked = 0;
    const server = await serve(answering((_, index) => (++asked > 1 && index === 0 ? undefined : "250 ok")));
    const { client } = connectTo(server);
    await client.noop();
    expect(await client.noop()).toMatchObject({ code: 250 });
    expect(server.peers).toHaveLength(2);
  });

  test("is given up by its signal, within its time, and where the client is closed", async () => {
    const server = await serve(async (peer) => {
      await peer.silence();
    });
    const { client } = connectTo(server, { timeout: 60 });
    expect(await errorOf(client.noop())).toMatchObject({ code: "deadline" });
    expect(await errorOf(client.noop({ signal: AbortSignal.abort() }))).toMatchObject({ code: "aborted" });
    await client.close();
    expect(await errorOf(client.noop())).toMatchObject({ code: "client_closed" });
    expect(await errorOf(client.vrfy("bob"))).toMatchObject({ code: "client_closed" });
  });

  test("begins its errors where it was called", async () => {
    const server = await serve(answering(() => "500 5.5.1 what?"));
    const { client } = connectTo(server);
    async function looks(): Promise<void> {
      await client.noop();
    }
    expect((await errorOf(looks())).stack).toMatch(/\n +at (?:async )?looks/);
  });
});

test("what is said of a client is counted, and each time anew", async () => {
  const server = await serve(answering(() => "250 ok"));
  const { client } = connectTo(server);
  const before = client.stats;
  await client.noop();
  await errorOf(client.send({ ...MESSAGE, to: "nobody" }));
  expect(before).toMatchObject({ opened: 0, underWay: 0, failed: 0 });
  expect(client.stats).toMatchObject({ opened: 1, underWay: 0, failed: 1 });
});
