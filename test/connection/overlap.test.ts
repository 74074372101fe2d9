// Messages that follow each other on one connection: the next begins while the fate of the last is awaited.

import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { type Message, SmtpError } from "../../src/index.ts";
import { connectTo, MESSAGE } from "../support/client.ts";
import { type Manners, polite, takeTime } from "../support/manners.ts";
import { type Peer, type Script, serve } from "../support/server.ts";
import { errorOf, until, watchProcess } from "../support/watch.ts";

watchProcess();

const DATA = ["PIPELINING"];
const BDAT = ["PIPELINING", "CHUNKING"];
const WAYS = [
  ["through DATA", DATA],
  ["in chunks", BDAT],
] as const;

function numbered(number: number): Message {
  return { ...MESSAGE, to: `r${number}@example.org`, subject: `number ${number}` };
}

/** The subjects of messages, as the server has them. */
function subjects(messages: readonly string[]): readonly (string | undefined)[] {
  return messages.map((message) => /^Subject: (.*)\r$/m.exec(message)?.[1]);
}

/** A server that answers the end of message number `n` (from 1) of its connection as it is told to. */
function answering(
  offers: readonly string[],
  n: number,
  content: Manners["content"],
  others: Manners = {},
): Script {
  return (peer) => {
    let messages = 0;
    return polite({
      offers,
      ...others,
      content: (_, line) => {
        if (peer.index > 0 || ++messages !== n || content === undefined) return "250 2.0.0 queued";
        return typeof content === "string" ? content : content(peer, line);
      },
    })(peer);
  };
}

describe("queued messages", () => {
  test("follow each other through DATA: what the next says is written with the end of the last", async () => {
    const server = await serve(polite({ offers: DATA }));
    const { client, events } = connectTo(server, { maxConnections: 1 });
    const receipts = await Promise.all([1, 2, 3].map((number) => client.send(numbered(number))));
    expect(receipts.map(({ accepted }) => accepted)).toEqual([1, 2, 3].map((n) => [`r${n}@example.org`]));
    expect(subjects(server.messages)).toEqual(["number 1", "number 2", "number 3"]);
    const told = events.flatMap((event): (string | number)[] => {
      if (event.kind === "command") return [event.line.replace(/[ :].*/, "")];
      return event.kind === "reply" ? [event.reply.code] : event.kind === "content" ? ["content"] : [];
    });
    const message = ["content", "MAIL", "RCPT", "DATA", 250, 250, 250, 354];
    expect(told.slice(told.indexOf("content"))).toEqual([...message, ...message, "content", 250]);
  });

  test("follow each other in chunks, the one behind the other with RSET before it", async () => {
    const server = await serve(polite({ offers: BDAT }));
    const { client } = connectTo(server, { maxConnections: 1 });
    const receipts = await Promise.all([1, 2].map((number) => client.send(numbered(number))));
    expect(receipts.map(({ attempts }) => attempts)).toEqual([1, 1]);
    expect(subjects(server.messages)).toEqual(["number 1", "number 2"]);
    expect(server.peers[0]?.lines.map((line) => line.split(" ")[0])).toEqual(
      "EHLO MAIL RCPT BDAT RSET MAIL RCPT BDAT".split(" "),
    );
  });

  test("no more than one of them is ahead of the server", async () => {
    const server = await serve(
      polite({
        offers: BDAT,
        content: async (peer) => {
          await peer.silence();
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server, { maxConnections: 1, timeouts: { endOfData: 100 } });
    const errors = await Promise.all([1, 2, 3].map((number) => errorOf(client.send(numbered(number)))));
    expect(errors.map(({ delivery }) => delivery)).toEqual(["unknown", "unknown", "unknown"]);
    const heard = server.peers.map((peer) =>
      [1, 2, 3].filter((n) => peer.heard.includes(`Subject: number ${n}`)),
    );
    expect(heard).toEqual([[1, 2], [3]]);
  });

  test("wait for each other where PIPELINING is not offered", async () => {
    const server = await serve(polite());
    const { client, events } = connectTo(server, { maxConnections: 1 });
    await Promise.all([1, 2].map((number) => client.send(numbered(number))));
    const second = events.findIndex((event) => event.kind === "command" && event.line.includes("r2@"));
    expect(events.slice(0, second).filter(({ kind }) => kind === "reply").length).toBe(7);
  });

  test.each(WAYS)("may be streams, %s", async (_, offers) => {
    const server = await serve(polite({ offers }));
    const { client } = connectTo(server, { maxConnections: 1 });
    const messages = [1, 2, 3].map((number) => ({
      ...numbered(number),
      attachments: [{ content: Readable.from([new Uint8Array(100_000).fill(number)]) }],
    }));
    await Promise.all(messages.map((message) => client.send(message)));
    expect(subjects(server.messages)).toEqual(["number 1", "number 2", "number 3"]);
    expect(server.peers.length).toBe(1);
    for (const [index, message] of server.messages.entries()) {
      const body = message.slice(message.indexOf("\r\n\r\n", message.indexOf("base64")) + 4);
      const octets = Buffer.from((body.split("\r\n--")[0] ?? "").replaceAll("\r\n", ""), "base64");
      expect(octets.equals(new Uint8Array(100_000).fill(index + 1))).toBe(true);
    }
  });

  test.each(WAYS)("have a connection each while there may be more, %s", async (_, offers) => {
    const server = await serve(polite({ offers }));
    const { client } = connectTo(server, { maxConnections: 3 });
    await Promise.all([1, 2, 3].map((number) => client.send(numbered(number))));
    expect(server.peers.map(({ messages }) => messages.length)).toEqual([1, 1, 1]);
  });
});

describe("a message behind another", () => {
  test.each(WAYS)("is sent although that one is refused, %s", async (_, offers) => {
    const server = await serve(answering(offers, 1, "554 5.7.1 spam"));
    const { client } = connectTo(server, { maxConnections: 1 });
    const [first, second] = [errorOf(client.send(numbered(1))), client.send(numbered(2))];
    expect(await first).toMatchObject({ code: "content_refused", delivery: "rejected" });
    expect((await second).attempts).toBe(1);
    expect(server.peers.length).toBe(1);
  });

  test.each(WAYS)("is sent although every recipient of that one is refused, %s", async (_, offers) => {
    for (const reply of ["354 go", "554 none"]) {
      const server = await serve(
        polite({
          offers,
          RCPT: (_, line) => (line.includes("r1@") ? "550 no" : "250 ok"),
          DATA: async (peer) => {
            if (!peer.lines.at(-2)?.includes("r1@")) {
              await peer.say("354 go");
              await peer.data();
              return "250 ok";
            }
            await peer.say(reply);
            if (reply.startsWith("354")) {
              expect(await peer.line()).toBe(".");
              return "554 nobody";
            }
            return undefined;
          },
        }),
      );
      const { client } = connectTo(server, { maxConnections: 1 });
      const [first, second] = [errorOf(client.send(numbered(1))), client.send(numbered(2))];
      expect(await first).toMatchObject({ code: "recipients_refused", delivery: "rejected" });
      expect((await second).attempts).toBe(1);
      expect(subjects(server.messages)).toEqual(["number 2"]);
      expect(server.peers.length).toBe(1);
    }
  });

  test("is sent over a new connection where that one ends this, and had not gone itself", async () => {
    for (const leave of [(peer: Peer) => peer.end(), (peer: Peer) => peer.reset()]) {
      const server = await serve(answering(DATA, 1, (peer) => void leave(peer)));
      const { client } = connectTo(server, { maxConnections: 1 });
      const [first, second] = [errorOf(client.send(numbered(1))), client.send(numbered(2))];
      expect(await first).toMatchObject({ delivery: "unknown", retryable: false });
      expect((await second).attempts).toBe(2);
      expect(server.peers.map((peer) => subjects(peer.messages))).toEqual([["number 1"], ["number 2"]]);
    }
  });

  test("is not sent again where the connection ends and it had gone: nobody knows", async () => {
    const server = await serve(answering(BDAT, 1, (peer) => void peer.end()));
    const { client } = connectTo(server, { maxConnections: 1 });
    const errors = await Promise.all([1, 2].map((number) => errorOf(client.send(numbered(number)))));
    expect(errors.map(({ code, delivery }) => [code, delivery])).toEqual([
      ["connection_lost", "unknown"],
      ["connection_lost", "unknown"],
    ]);
    expect(errors[0]).not.toBe(errors[1]);
    expect(server.peers.length).toBe(1);
  });

  test.each(WAYS)("is sent over a new connection where that one met 421, %s", async (_, offers) => {
    const server = await serve(
      answering(offers, 1, async (peer) => {
        await peer.say("421 4.3.2 bye");
        peer.end();
        return undefined;
      }),
    );
    const { client } = connectTo(server, { maxConnections: 1 });
    const [first, second] = [errorOf(client.send(numbered(1))), client.send(numbered(2))];
    expect(await first).toMatchObject({ code: "service_closing", delivery: "rejected" });
    expect((await second).attempts).toBe(2);
  });

  test.each(WAYS)(
    "that the server would not take is refused without harm to that one, %s",
    async (_, offers) => {
      const server = await serve(polite({ offers: [...offers, "SIZE 5000"] }));
      const { client } = connectTo(server, { maxConnections: 1 });
      const [first, second, third] = [
        client.send(numbered(1)),
        errorOf(client.send({ ...numbered(2), text: "x".repeat(6_000) })),
        client.send(numbered(3)),
      ];
      expect(await second).toMatchObject({ code: "message_too_large", delivery: "not-sent" });
      expect((await first).attempts + (await third).attempts).toBe(2);
      expect(subjects(server.messages)).toEqual(["number 1", "number 3"]);
      expect(server.peers.length).toBe(1);
    },
  );
});

test("a server that takes its leave and then refuses without end is left when the time for its leave is over", async () => {
  const server = await serve(
    polite({
      offers: BDAT,
      MAIL: async (peer) => {
        await peer.say("421 4.3.2 bye");
        for (;;) {
          await takeTime(20);
          await peer.say("450 no");
        }
      },
    }),
  );
  const { client } = connectTo(server, { maxConnections: 1, timeouts: { quit: 100 } });
  expect(await errorOf(client.send(MESSAGE))).toMatchObject({ code: "service_closing", delivery: "unknown" });
});

describe("whoever gives up", () => {
  const held = (offers: readonly string[]): { script: Script; answer: () => void } => {
    let answer: () => void = () => {};
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const script = answering(offers, 1, async () => {
      await asked;
      return "250 queued";
    });
    return { script, answer: () => answer() };
  };

  test.each(WAYS)("behind another message does that one no harm, %s", async (way, offers) => {
    const { script, answer } = held(offers);
    const server = await serve(script);
    const { client, events } = connectTo(server, { maxConnections: 1 });
    const controller = new AbortController();
    const first = client.send(numbered(1));
    const second = errorOf(client.send(numbered(2), { signal: controller.signal }));
    const third = client.send(numbered(3));
    await until(() => events.some((event) => event.kind === "command" && event.line.includes("r2@")));
    controller.abort();
    expect(await second).toMatchObject({
      code: "aborted",
      delivery: way === "in chunks" ? "unknown" : "not-sent",
    });
    answer();
    expect((await first).attempts).toBe(1);
    expect((await third).attempts).toBe(1);
    expect(server.peers.length).toBe(2);
    expect(subjects(server.peers[1]?.messages ?? [])).toEqual(["number 3"]);
  });

  test.each(WAYS)("ahead of another message does that one no harm, %s", async (_, offers) => {
    const { script, answer } = held(offers);
    const server = await serve(script);
    const { client, events } = connectTo(server, { maxConnections: 1 });
    const controller = new AbortController();
    const first = errorOf(client.send(numbered(1), { signal: controller.signal }));
    const second = client.send(numbered(2));
    await until(() => events.some((event) => event.kind === "command" && event.line.includes("r2@")));
    controller.abort();
    expect(await first).toMatchObject({ code: "aborted", delivery: "unknown", retryable: false });
    answer();
    expect((await second).attempts).toBe(1);
    expect(subjects(server.messages)).toEqual(["number 1", "number 2"]);
    await (await server.peer(0)).closed;
  });
});

/** Each fault at each place of the second message of four, and what may be said of each then. */
describe("whatever happens, and wherever, what is said of each message is true", () => {
  const faults: Readonly<Record<string, (peer: Peer) => string | undefined | Promise<string | undefined>>> = {
    "a FIN": (peer) => void peer.end(),
    "a RST": (peer) => void peer.reset(),
    silence: () => undefined,
    "421": async (peer) => {
      await peer.say("421 4.3.2 bye");
      peer.end();
      return undefined;
    },
    "452": () => "452 4.3.1 full",
    "554": () => "554 5.7.1 no",
    "354": () => "354 go",
    garbage: () => "what?",
    "a reply too many": () => "250 ok\n250 ok",
    "mixed codes": () => "250-ok\n550 no",
  };
  const places = ["MAIL", "RCPT", "DATA", "content", "RSET"] as const;
  const cases = Object.keys(faults).flatMap((fault) =>
    places.flatMap((place) => WAYS.map(([way, offers]) => [fault, place, way, offers] as const)),
  );

  test.each(cases)("%s at %s, %s", async (fault, place, _, offers) => {
    const taken: (string | undefined)[] = [];
    const server = await serve(async (peer) => {
      let times = 0;
      const strike = (otherwise: string) => (): ReturnType<Exclude<Manners["MAIL"], string | undefined>> =>
        peer.index === 0 && ++times === 2 ? faults[fault]?.(peer) : otherwise;
      const take = (words: string | undefined): string | undefined => {
        // Who goes without a word may have taken it.
        const isTaken = words === undefined ? fault !== "421" : words.startsWith("250 ");
        if (isTaken) taken.push(...subjects(peer.messages.slice(-1)));
        return words;
      };
      const content = place === "content" ? strike("250 queued") : () => "250 queued";
      await polite({
        offers,
        content: async () => take(await content()),
        ...(place !== "content" &&
          (place !== "DATA" || offers === DATA) && {
            [place]: place === "DATA" ? dataStruck(strike("354 go"), content, take) : strike("250 ok"),
          }),
      })(peer).catch(() => {});
    });
    const { client } = connectTo(server, {
      maxConnections: 1,
      timeouts: { command: 80, data: 80, content: 80, endOfData: 80 },
    });
    const outcomes = await Promise.all(
      [1, 2, 3, 4].map((number) =>
        client.send(numbered(number)).then(
          () => "accepted",
          (error: unknown) => {
            expect(error).toBeInstanceOf(SmtpError);
            return (error as SmtpError).delivery;
          },
        ),
      ),
    );
    for (const [index, outcome] of outcomes.entries()) {
      const times = taken.filter((subject) => subject === `number ${index + 1}`).length;
      if (outcome === "accepted") expect([index, outcome, times]).toEqual([index, outcome, 1]);
      else if (outcome === "unknown") expect(times).toBeLessThanOrEqual(1);
      else expect([index, outcome, times]).toEqual([index, outcome, 0]);
    }
    expect(outcomes.filter((outcome) => outcome === "accepted").length).toBeGreaterThan(0);
  });
});

/** DATA with a reply of its own, and the mail data where that was 354. */
function dataStruck(
  reply: () => string | undefined | Promise<string | undefined>,
  content: () => string | undefined | Promise<string | undefined>,
  take: (words: string | undefined) => string | undefined,
): Manners["DATA"] {
  return async (peer) => {
    const words = await reply();
    if (words === undefined) return undefined;
    await peer.say(...words.split("\n"));
    if (!words.startsWith("354")) return undefined;
    await peer.data();
    return take(await content());
  };
}

test.each(WAYS)(
  "of many messages to a server that drops connections, each is accounted for, %s",
  async (_, offers) => {
    const taken = new Map<string | undefined, number>();
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * below);
    };
    const server = await serve(async (peer) => {
      let left = 4 + random(60);
      const fault = random(3);
      const strike = (): string | undefined => {
        if (--left > 0) return "250 2.0.0 ok";
        if (fault === 0) peer.end();
        else if (fault === 1) peer.reset();
        else
          void peer.say("421 4.4.2 bye").then(
            () => peer.end(),
            () => {},
          );
        return undefined;
      };
      const content = (): string | undefined => {
        const words = strike();
        const [subject] = subjects(peer.messages.slice(-1));
        if (words !== undefined || fault < 2) taken.set(subject, (taken.get(subject) ?? 0) + 1);
        return words;
      };
      await polite({ offers, MAIL: strike, RCPT: strike, content })(peer).catch(() => {});
    });
    const { client } = connectTo(server, { maxConnections: 3 });
    const fates = await Promise.all(
      Array.from({ length: 300 }, (_, number) =>
        client.send(numbered(number)).then(
          () => "accepted",
          (error: unknown) => (error as SmtpError).delivery,
        ),
      ),
    );
    await client.close();
    await Promise.all(server.peers.map(({ closed }) => closed));
    for (const [number, fate] of fates.entries()) {
      const times = taken.get(`number ${number}`) ?? 0;
      if (fate === "unknown") expect(times).toBeLessThanOrEqual(1);
      else expect([number, fate, times]).toEqual([number, fate, fate === "accepted" ? 1 : 0]);
    }
    expect(server.peers.length).toBeGreaterThan(10);
    expect(fates.filter((fate) => fate === "accepted").length).toBeGreaterThan(200);
  },
);
