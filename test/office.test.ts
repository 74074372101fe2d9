// The first call of a process: what a client does is loaded with it.

import { Readable } from "node:stream";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { Message, MessageContent, SmtpClient, SmtpClientOptions } from "../src/index.ts";
import { MESSAGE, messageTo } from "./support/client.ts";
import { polite } from "./support/manners.ts";
import { type Server, serve } from "./support/server.ts";

let pennypost: typeof import("../src/index.ts");
let engine: typeof import("../src/engine.ts");
beforeEach(async () => {
  vi.resetModules();
  pennypost = await import("../src/index.ts");
  engine = await import("../src/engine.ts");
});

async function begin(options: SmtpClientOptions = {}, manners: Parameters<typeof polite>[0] = {}) {
  const server = await serve(polite(manners));
  const client = new pennypost.SmtpClient({
    host: "127.0.0.1",
    port: server.port,
    timeouts: { quit: 100 },
    ...options,
  });
  onTestFinished(() => client.close({ force: true }));
  return { server, client };
}

function recipientsAt({ heard }: Server): string[] {
  return [...heard.matchAll(/^RCPT TO:<(.*)>/gm)].map(([, recipient]) => recipient ?? "");
}

/** Turn by turn until the engine is there, so that nothing is missed: what there are files for has to be in memory. */
async function engineComes(meanwhile: () => void = () => {}): Promise<void> {
  for (let turn = 0; turn < 10_000; turn++) {
    if (engine.loadedEngine() !== undefined) return;
    meanwhile();
    await null;
  }
  expect.fail("the engine did not come");
}

/** As where a file of the package is gone, or not there yet. */
function withoutEngine(): void {
  vi.doMock("../src/desk.ts", () => {
    throw new Error("no such file");
  });
  onTestFinished(() => void vi.doUnmock("../src/desk.ts"));
}

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail("it should have failed"),
    (error: unknown) => error,
  );
}

test("a client loads nothing before it is asked to do something, and closes without", async () => {
  const { client, server } = await begin();
  expect(client.stats).toMatchObject({ underWay: 0, opened: 0, allowed: 5 });
  await client.close();
  await client.close({ force: true });
  expect(engine.loadedEngine()).toBeUndefined();
  expect(server.peers).toEqual([]);
  expect(await errorOf(client.send(MESSAGE))).toMatchObject({ code: "client_closed", delivery: "not-sent" });
});

describe("a message that comes before the engine", () => {
  test("is sent as it was when it came, whatever is written to it since", async () => {
    const { client, server } = await begin();
    const message = { ...(messageTo("first") as MessageContent) } as {
      -readonly [Name in keyof MessageContent]: MessageContent[Name];
    };
    const sending = ["first", "second", "third"].map((name) => {
      message.to = [`${name}@example.org`];
      return client.send(message);
    });
    expect(client.stats.underWay).toBe(3);
    const receipts = await Promise.all(sending);
    expect(receipts.map(({ accepted }) => accepted)).toEqual([
      ["first@example.org"],
      ["second@example.org"],
      ["third@example.org"],
    ]);
    expect(recipientsAt(server).sort()).toEqual([
      "first@example.org",
      "second@example.org",
      "third@example.org",
    ]);
    expect(client.stats).toMatchObject({ underWay: 0, sent: 3 });
  });

  test("is sent in its turn, before those that come when the engine is there", async () => {
    await import("../src/desk.ts");
    const { client, server } = await begin({ maxConnections: 1 });
    const first = ["a", "b", "c"].map((name) => client.send(messageTo(name)));
    const later = (async () => {
      await engineComes();
      return client.send(messageTo("d"));
    })();
    await Promise.all([...first, later]);
    expect(recipientsAt(server)).toEqual([
      "a@example.org",
      "b@example.org",
      "c@example.org",
      "d@example.org",
    ]);
  });

  test("is counted at every moment, also when the engine comes", async () => {
    await import("../src/desk.ts");
    const { client } = await begin({ maxConnections: 1 }, { MAIL: () => undefined });
    const sending = ["a", "b", "c"].map((name) => errorOf(client.send(messageTo(name))));
    const counts = new Set<number>();
    const count = () => void counts.add(client.stats.underWay);
    await engineComes(count);
    for (let turn = 0; turn < 100; turn++) {
      count();
      await null;
    }
    expect([...counts]).toEqual([3]);
    await client.close({ force: true });
    await Promise.all(sending);
  });

  test("is waited for by close", async () => {
    const { client, server } = await begin();
    const sending = [client.send(messageTo("a")), client.send(messageTo("b"))];
    await client.close();
    expect(recipientsAt(server)).toHaveLength(2);
    expect(server.heard).toMatch(/QUIT/);
    await Promise.all(sending);
  });

  test("is not sent where the client is closed by force", async () => {
    const { client, server } = await begin();
    const sending = errorOf(client.send(MESSAGE));
    await client.close({ force: true });
    expect(await sending).toMatchObject({ delivery: "not-sent" });
    expect(server.messages).toEqual([]);
  });

  test("is not sent where it is given up meanwhile", async () => {
    const { client, server } = await begin();
    const controller = new AbortController();
    const sending = errorOf(client.send(MESSAGE, { signal: controller.signal }));
    controller.abort();
    expect(await sending).toMatchObject({ code: "aborted", delivery: "not-sent" });
    expect(server.peers).toEqual([]);
  });

  test.each<[string, Message, object]>([
    ["that cannot be sent", { ...MESSAGE, to: "bob@@example.org" }, { code: "invalid_message", field: "to" }],
    [
      "that cannot be read",
      Object.defineProperty({ ...MESSAGE }, "to", {
        enumerable: true,
        get: () => {
          throw new Error("no");
        },
      }),
      { code: "invalid_message", field: "message" },
    ],
    ["that is none", null as unknown as Message, { code: "invalid_message", field: "message" }],
  ])("%s is refused as ever", async (_, message, expected) => {
    const { client } = await begin();
    expect(await errorOf(client.send(message))).toMatchObject(expected);
    expect(client.stats).toMatchObject({ failed: 1, underWay: 0 });
  });

  test("fails by itself where its stream does, while nobody reads it yet", async () => {
    const { client } = await begin();
    const content = new Readable({ read() {} });
    const sending = errorOf(client.send({ ...MESSAGE, attachments: [{ filename: "a", content }] }));
    content.destroy(new Error("unplugged"));
    expect(await sending).toMatchObject({ code: "source_failed", delivery: "not-sent" });
  });

  describe("has its time from the call on", () => {
    beforeEach(() => {
      vi.doMock("../src/desk.ts", async (original) => {
        await new Promise((resolve) => setTimeout(resolve, 300));
        return original();
      });
      onTestFinished(() => void vi.doUnmock("../src/desk.ts"));
    });

    test("as its receipt says", async () => {
      const { client } = await begin();
      expect((await client.send(MESSAGE)).timings.total).toBeGreaterThan(290);
    });

    test.each<[string, (client: SmtpClient) => Promise<unknown>]>([
      ["send", (client) => client.send(MESSAGE)],
      ["verify", (client) => client.verify()],
      ["noop", (client) => client.noop()],
      ["vrfy", (client) => client.vrfy("bob")],
    ])("and no more: %s", async (_, call) => {
      const { client, server } = await begin({ timeout: 200 }, { greeting: () => undefined });
      expect(await errorOf(call(client))).toMatchObject({
        code: "deadline",
        message: "the call took longer than 200 ms in all",
      });
      expect(server.heard).toBe("");
    });
  });

  test("is not sent where the engine cannot be loaded, and the next call tries again", async () => {
    const { client, server } = await begin();
    withoutEngine();
    const sending = errorOf(client.send(MESSAGE));
    expect(await sending).toMatchObject({
      name: "TransportError",
      code: "connection",
      phase: "queue",
      delivery: "not-sent",
      retryable: true,
    });
    expect(server.peers).toEqual([]);
    vi.doUnmock("../src/desk.ts");
    expect((await client.send(MESSAGE)).accepted).toEqual(["bob@example.org"]);
  });

  test("fails with an error of its own where the engine cannot be loaded, from where it was sent", async () => {
    const { client } = await begin();
    withoutEngine();
    const here = async () => await client.send(MESSAGE);
    const there = async () => await client.send(MESSAGE);
    const [first, second] = await Promise.all([errorOf(here()), errorOf(there())]);
    expect(first).not.toBe(second);
    expect((first as Error).stack).toMatch(/at (?:async )?here/);
    expect((second as Error).stack).toMatch(/at (?:async )?there/);
  });

  test("leaves nothing to close where the engine cannot be loaded", async () => {
    const { client } = await begin();
    withoutEngine();
    const sending = errorOf(client.send(MESSAGE));
    await client.close();
    expect(await sending).toMatchObject({ delivery: "not-sent" });
  });
});

describe("other calls that come before the engine", () => {
  test("send many, of which one object is written to again and again", async () => {
    const { client, server } = await begin({ maxConnections: 1 });
    const message = { ...(MESSAGE as MessageContent) } as {
      -readonly [Name in keyof MessageContent]: MessageContent[Name];
    };
    function* messages(): Generator<Message> {
      for (const name of ["a", "b", "c"]) {
        message.to = `${name}@example.org`;
        yield message;
      }
    }
    const results = client.sendMany(messages());
    expect(engine.loadedEngine()).toBeUndefined();
    const indexes = [];
    for await (const { ok, index } of results) indexes.push([ok, index]);
    expect(indexes).toEqual([
      [true, 0],
      [true, 1],
      [true, 2],
    ]);
    expect(recipientsAt(server)).toEqual(["a@example.org", "b@example.org", "c@example.org"]);
  });

  test("take no message from a source whose results nobody reads", async () => {
    const { client } = await begin();
    const next = vi.fn(() => ({ done: true as const, value: undefined }));
    const results = client.sendMany({ [Symbol.iterator]: () => ({ next }) });
    expect(await results.return?.()).toEqual({ done: true, value: undefined });
    expect(await results.next()).toEqual({ done: true, value: undefined });
    expect(next).not.toHaveBeenCalled();
    expect(engine.loadedEngine()).toBeUndefined();
  });

  test("tell once that the engine cannot be loaded, and are at the end", async () => {
    const { client, server } = await begin();
    withoutEngine();
    const results = client.sendMany([MESSAGE]);
    expect(await errorOf(results.next())).toMatchObject({ name: "TransportError", delivery: "not-sent" });
    expect(await results.next()).toEqual({ done: true, value: undefined });
    expect(await results.return?.()).toEqual({ done: true, value: undefined });
    expect(server.peers).toEqual([]);
  });

  test("verify, noop and vrfy", async () => {
    const { client } = await begin();
    await client.verify();
    expect(await errorOf(client.noop())).toMatchObject({ code: "noop_refused" });
    expect((await client.vrfy("bob")).code).toBeGreaterThan(0);
  });

  test("refuse what they are told at once", async () => {
    const { client } = await begin();
    expect(await errorOf(client.vrfy(7 as unknown as string))).toMatchObject({ field: "name" });
    expect(() => client.sendMany("text" as never)).toThrow(pennypost.ConfigError);
    expect(engine.loadedEngine()).toBeUndefined();
  });
});
