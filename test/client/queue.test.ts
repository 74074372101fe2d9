// Many messages at the same time, and one after the other: none has anything of another's.

import { describe, expect, test } from "vitest";
import { attachment } from "../../src/index.ts";
import { connectTo, MESSAGE, messageTo } from "../support/client.ts";
import { nth, polite } from "../support/manners.ts";
import { serve } from "../support/server.ts";
import { errorOf, watchProcess } from "../support/watch.ts";

watchProcess();

describe("a message behind another on the same connection", () => {
  test("has nothing of one that nobody got", async () => {
    const server = await serve(polite({ RCPT: nth(1, "550 5.1.1 unknown") }));
    const { client } = connectTo(server);
    await errorOf(client.send(messageTo("first")));
    const { envelope } = await client.send(messageTo("second"));
    expect(envelope.to).toEqual(["second@example.org"]);
    const verbs = server.peers[0]?.lines.map((line) => line.split(":")[0]);
    expect(verbs).toEqual([
      "EHLO [127.0.0.1]",
      "MAIL FROM",
      "RCPT TO",
      "RSET",
      "MAIL FROM",
      "RCPT TO",
      "DATA",
    ]);
    expect(server.messages).toHaveLength(1);
    expect(server.messages[0]).not.toContain("first");
  });

  test("asks for nothing that the other asked for", async () => {
    const offers = ["SIZE", "8BITMIME", "SMTPUTF8", "DSN", "MT-PRIORITY"];
    const server = await serve(polite({ offers }));
    const { client } = connectTo(server);
    await client.send({ ...MESSAGE, to: "jürgen@example.org", dsn: { envid: "first" }, mtPriority: 3 });
    await client.send(MESSAGE);
    const [first, second] = (server.peers[0]?.lines ?? []).filter((line) => line.startsWith("MAIL"));
    expect(first).toMatch(/SMTPUTF8.*ENVID=first.*MT-PRIORITY=3|MT-PRIORITY=3.*ENVID=first/);
    expect(second).toMatch(/^MAIL FROM:<alice@example\.com>(?: SIZE=\d+)?$/);
  });
});

describe("thousands that wait", () => {
  test("fail one after the other where the server can take none of them, and not within each other", async () => {
    const server = await serve(polite({ offers: ["SIZE 10"] }));
    const { client } = connectTo(server, { maxConnections: 1, maxMessagesPerConnection: 10_000 });
    const errors = await Promise.all(Array.from({ length: 3_000 }, () => errorOf(client.send(MESSAGE))));
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(["message_too_large"]));
    expect(server.peers.length).toBe(1);
  });
});

describe("a source that fails", () => {
  test("fails its own message, and the others are sent", async () => {
    const server = await serve(polite({ offers: ["CHUNKING", "PIPELINING"] }));
    const { client } = connectTo(server, { maxConnections: 1 });
    const broken = attachment.stream(
      () => {
        throw new Error("no such row");
      },
      { filename: "a.bin" },
    );
    const sending = [
      client.send(messageTo("a")),
      errorOf(client.send({ ...MESSAGE, attachments: [broken] })),
      client.send(messageTo("b")),
    ];
    const [, error] = await Promise.all(sending);
    expect(error).toMatchObject({ code: "source_failed", delivery: "not-sent" });
    expect(server.messages).toHaveLength(2);
  });
});

describe("thousands at the same time", () => {
  test("all go out, first come, first served, over as many connections as there may be", {
    timeout: 5_000,
  }, async () => {
    const server = await serve(polite({ offers: ["PIPELINING", "CHUNKING"] }));
    const { client } = connectTo(server, { maxConnections: 1, maxMessagesPerConnection: 10_000 });
    const count = 3_000;
    const order: number[] = [];
    const sending = Array.from({ length: count }, (_, at) =>
      client.send(messageTo(`n${at}`)).then(() => order.push(at)),
    );
    expect(client.stats.underWay).toBe(count);
    await Promise.all(sending);
    expect(order).toEqual(Array.from({ length: count }, (_, at) => at));
    expect(client.stats).toMatchObject({ sent: count, underWay: 0, waiting: 0 });
    expect(server.peers).toHaveLength(1);
  });

  test("fail together where the login is refused, after one attempt", async () => {
    const server = await serve(polite({ offers: ["AUTH PLAIN"], AUTH: "535 5.7.8 no" }));
    const { client } = connectTo(server, {
      maxConnections: 1,
      auth: { user: "alice", pass: "x" },
      retry: { attempts: 5, transient: true, backoff: { initial: 1 } },
    });
    const errors = await Promise.all(Array.from({ length: 500 }, () => errorOf(client.send(MESSAGE))));
    for (const error of errors)
      expect(error).toMatchObject({ code: "authentication_refused", reply: { code: 535 } });
    expect(new Set(errors).size).toBe(500);
    expect(server.peers).toHaveLength(1);
  });
});

describe("where all are to get it or nobody", () => {
  test.each([[["PIPELINING"]], [["PIPELINING", "CHUNKING"]], [[]]])(
    "one refused recipient is enough, and no message comes to be, with %j",
    async (offers) => {
      const server = await serve(polite({ offers, RCPT: nth(2, "550 5.1.1 unknown") }));
      const { client } = connectTo(server, { onPartial: "abort" });
      const to = ["a@example.org", "b@example.org", "c@example.org"];
      expect(await errorOf(client.send({ ...MESSAGE, to }))).toMatchObject({
        code: "recipients_refused",
        delivery: expect.stringMatching(/^(?:rejected|not-sent)$/),
        rejected: [{ recipient: "b@example.org" }],
      });
      expect(server.messages).toEqual([]);
      expect((await client.send(messageTo("d"))).accepted).toEqual(["d@example.org"]);
      expect(server.messages).toHaveLength(1);
    },
  );
});
