// A message to more recipients than the server takes at a time.

import { describe, expect, test } from "vitest";
import { attachment } from "../../src/index.ts";
import { connectTo, MESSAGE } from "../support/client.ts";
import { nth, polite } from "../support/manners.ts";
import { type Server, serve } from "../support/server.ts";
import { errorOf, watchProcess } from "../support/watch.ts";

watchProcess();

const FIVE = ["a", "b", "c", "d", "e"].map((name) => `${name}@example.org`);
const TWO_AT_A_TIME = ["LIMITS RCPTMAX=2"];

/** The recipients of each transaction, by their first letters. */
function transactions(server: Server): string[] {
  return server.heard
    .split("MAIL FROM")
    .slice(1)
    .map((text) => [...text.matchAll(/RCPT TO:<(.)/g)].map(([, letter]) => letter).join(""));
}

describe("where the server takes few recipients at a time", () => {
  test("a message goes out in parts over one connection, and there is one receipt", async () => {
    const server = await serve(polite({ offers: TWO_AT_A_TIME, RCPT: nth(2, "550 5.1.1 unknown") }));
    const { client } = connectTo(server);
    const receipt = await client.send({ ...MESSAGE, to: FIVE });
    expect(transactions(server)).toEqual(["ab", "cd", "e"]);
    expect(receipt).toMatchObject({
      accepted: ["a", "c", "d", "e"].map((name) => `${name}@example.org`),
      rejected: [{ recipient: "b@example.org", reply: { code: 550 } }],
      envelope: { to: FIVE },
      attempts: 1,
      reply: { code: 250 },
    });
    expect(new Set(server.messages).size).toBe(1);
    expect(server.peers).toHaveLength(1);
    expect(client.stats).toMatchObject({ sent: 1, underWay: 0 });
  });

  test("a message to no more than that goes out as ever", async () => {
    const server = await serve(polite({ offers: TWO_AT_A_TIME }));
    const { client } = connectTo(server);
    await client.send({ ...MESSAGE, to: FIVE.slice(0, 2) });
    expect(transactions(server)).toEqual(["ab"]);
  });

  test("domains are counted over the session: each transaction has a connection of its own", async () => {
    const domains = new Map<number, Set<string>>();
    const server = await serve(
      polite({
        offers: ["LIMITS RCPTDOMAINMAX=1", "PIPELINING"],
        RCPT: ({ index }, line) => {
          const seen = domains.get(index) ?? new Set();
          domains.set(index, seen.add(line.slice(line.indexOf("@"))));
          return seen.size > 1 ? "452 4.5.3 too many domains" : "250 ok";
        },
      }),
    );
    const { client } = connectTo(server, { maxConnections: 1 });
    const to = ["a@x.example", "b@y.example", "c@x.example"];
    const all = [to, "d@z.example", "e@x.example", to].map((one) => client.send({ ...MESSAGE, to: one }));
    for (const { rejected } of await Promise.all(all)) expect(rejected).toEqual([]);
    expect(transactions(server).sort()).toEqual(["ac", "ac", "b", "b", "d", "e"]);
    expect(server.peers).toHaveLength(6);
  });

  test("a limit that was switched off is none", async () => {
    const server = await serve(polite({ offers: TWO_AT_A_TIME }));
    const { client } = connectTo(server, { extensions: { limits: false } });
    await client.send({ ...MESSAGE, to: FIVE });
    expect(transactions(server)).toEqual(["abcde"]);
  });

  test("others are served in between, and none gets what is another's", async () => {
    const server = await serve(polite({ offers: ["LIMITS RCPTMAX=1", "PIPELINING"] }));
    const { client } = connectTo(server, { maxConnections: 1 });
    const receipts = await Promise.all([
      client.send({ ...MESSAGE, to: FIVE.slice(0, 3) }),
      client.send({ ...MESSAGE, to: FIVE.slice(3) }),
    ]);
    expect(receipts.map(({ accepted }) => accepted)).toEqual([FIVE.slice(0, 3), FIVE.slice(3)]);
    expect(transactions(server).sort()).toEqual(["a", "b", "c", "d", "e"]);
  });

  test("each part is a message to the rate limit", async () => {
    const server = await serve(polite({ offers: TWO_AT_A_TIME }));
    let permits = 0;
    const { client } = connectTo(server, {
      rateLimit: {
        acquire: async () => {
          permits++;
        },
      },
    });
    await client.send({ ...MESSAGE, to: FIVE });
    expect(permits).toBe(3);
  });

  test("what can be read only once is not sent at all", async () => {
    const server = await serve(polite({ offers: TWO_AT_A_TIME }));
    const { client } = connectTo(server);
    async function* once(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(10);
    }
    const attachments = [{ filename: "a.bin", content: once() }];
    const error = await errorOf(client.send({ ...MESSAGE, to: FIVE, attachments }));
    expect(error).toMatchObject({
      name: "MessageError",
      field: "attachments[0].content",
      delivery: "not-sent",
    });
    expect(transactions(server)).toEqual([]);
    const again = attachment.stream(() => once(), { filename: "a.bin" });
    expect((await client.send({ ...MESSAGE, to: FIVE, attachments: [again] })).accepted).toEqual(FIVE);
  });
});

test("where all are to get it or nobody, a message that must go in parts is not sent at all", async () => {
  const server = await serve(polite({ offers: TWO_AT_A_TIME }));
  const { client } = connectTo(server, { onPartial: "abort" });
  expect(await errorOf(client.send({ ...MESSAGE, to: FIVE }))).toMatchObject({
    name: "MessageError",
    field: "to",
  });
  expect(transactions(server)).toEqual([]);
  expect((await client.send({ ...MESSAGE, to: FIVE.slice(0, 2) })).accepted).toHaveLength(2);
});

describe("where a part is refused", () => {
  test("the others get the message, whichever it is", async () => {
    for (const refused of [1, 2, 3]) {
      let parts = 0;
      const server = await serve(
        polite({
          offers: TWO_AT_A_TIME,
          MAIL: () => {
            parts++;
            return "250 ok";
          },
          RCPT: () => (parts === refused ? "550 5.1.1 unknown" : "250 ok"),
        }),
      );
      const { client } = connectTo(server);
      const { accepted, rejected } = await client.send({ ...MESSAGE, to: FIVE });
      expect(accepted.length + rejected.length).toBe(5);
      expect(rejected.map(({ recipient }) => recipient)).toEqual(FIVE.slice(2 * refused - 2, 2 * refused));
      expect(transactions(server)).toEqual(["ab", "cd", "e"]);
      expect(server.messages).toHaveLength(2);
    }
  });

  test("and so is every other, the error names them all", async () => {
    const server = await serve(
      polite({ offers: TWO_AT_A_TIME, RCPT: nth(3, "450 4.2.1 later", "550 5.1.1 no") }),
    );
    const { client } = connectTo(server);
    const error = await errorOf(client.send({ ...MESSAGE, to: FIVE }));
    expect(error).toMatchObject({
      code: "recipients_refused",
      delivery: "rejected",
      retryable: true,
      reply: { code: 450 },
      rejected: FIVE.map((recipient) => ({ recipient })),
    });
    expect(error).not.toHaveProperty("recipient");
    expect(server.messages).toEqual([]);
  });

  test.each([
    ["the sender", { MAIL: nth(2, "452 4.5.3 too many") }, ["ab", ""]],
    ["the message", { content: nth(2, "554 5.6.0 no") }, ["ab", "cd"]],
    ["the session", { MAIL: nth(2, "421 4.7.0 enough") }, ["ab", ""]],
  ])(
    "by a word on %s, those who are left have not got it, and the receipt says so",
    async (_, manners, heard) => {
      const server = await serve(polite({ offers: TWO_AT_A_TIME, ...manners }));
      const { client } = connectTo(server, { retry: false });
      const receipt = await client.send({ ...MESSAGE, to: FIVE });
      expect(receipt.accepted).toEqual(FIVE.slice(0, 2));
      expect(receipt.rejected.map(({ recipient }) => recipient)).toEqual(FIVE.slice(2));
      expect(receipt.reply.code).toBe(250);
      expect(transactions(server).map((letters) => (heard.includes(letters) ? letters : "?"))).toEqual(heard);
    },
  );

  test("for now, it is tried again for those who are left, and for nobody else", async () => {
    const server = await serve(polite({ offers: TWO_AT_A_TIME, content: nth(2, "451 4.3.0 later") }));
    const { client } = connectTo(server, { retry: { transient: true, backoff: { initial: 1 } } });
    const receipt = await client.send({ ...MESSAGE, to: FIVE });
    expect(receipt).toMatchObject({ accepted: FIVE, rejected: [], attempts: 2 });
    expect(transactions(server)).toEqual(["ab", "cd", "cd", "e"]);
  });
});

describe("where a connection dies between the parts", () => {
  test("before the next was sent, that goes over a new one, and what was accepted does not", async () => {
    const server = await serve(
      polite({
        offers: TWO_AT_A_TIME,
        MAIL: nth(2, (peer) => {
          peer.reset();
          return undefined;
        }),
      }),
    );
    const { client } = connectTo(server);
    const receipt = await client.send({ ...MESSAGE, to: FIVE });
    expect(receipt).toMatchObject({ accepted: FIVE, attempts: 2 });
    expect(server.messages).toHaveLength(3);
  });

  test("for good, the error names those who have it, and is never retryable", async () => {
    const server = await serve(
      polite({
        offers: TWO_AT_A_TIME,
        MAIL: nth(2, (peer) => {
          peer.reset();
          return undefined;
        }),
      }),
    );
    const { client } = connectTo(server, { retry: false });
    const error = await errorOf(client.send({ ...MESSAGE, to: FIVE }));
    expect(error).toMatchObject({
      code: "connection_lost",
      delivery: "unknown",
      retryable: false,
      accepted: FIVE.slice(0, 2),
    });
    expect(client.stats).toMatchObject({ unknown: 1, sent: 0 });
  });

  test("behind the end of one, nothing is sent again", async () => {
    const server = await serve(
      polite({
        offers: TWO_AT_A_TIME,
        content: nth(2, (peer) => {
          peer.reset();
          return undefined;
        }),
      }),
    );
    const { client } = connectTo(server, {
      retry: { attempts: 5, transient: true, backoff: { initial: 1 } },
    });
    const error = await errorOf(client.send({ ...MESSAGE, to: FIVE }));
    expect(error).toMatchObject({ delivery: "unknown", accepted: FIVE.slice(0, 2) });
    expect(transactions(server)).toEqual(["ab", "cd"]);
  });
});
