// Who listens: the caller's function, a logger, and tools that watch the whole process.

import { AsyncLocalStorage } from "node:async_hooks";
import { randomBytes } from "node:crypto";
import { subscribe, tracingChannel, unsubscribe } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import {
  type AuthOptions,
  type Logger,
  type Lookup,
  SmtpClient,
  type SmtpClientOptions,
  type TraceEvent,
} from "../src/index.ts";
import { gather, telling } from "../src/trace.ts";
import { type Certificates, makeCertificates } from "./support/certificates.ts";
import { connectTo, MESSAGE } from "./support/client.ts";
import { first, type Manners, nth, polite } from "./support/manners.ts";
import { type Peer, type Script, serve } from "./support/server.ts";
import { errorOf, until, watchProcess } from "./support/watch.ts";

watchProcess();

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});

const hangUp = (peer: Peer): undefined => {
  peer.reset();
};

/** The first connection is gone before the second message, and the client cannot know. */
const deadOnReuse = (): Script => first(polite({ MAIL: nth(2, hangUp) }), polite());

const THROWS = (): never => {
  throw new Error("oops");
};
const REJECTS = (): Promise<never> => Promise.reject(new Error("oops"));
const KINDS: readonly TraceEvent["kind"][] = [
  "connecting",
  "lookup",
  "attempt",
  "connected",
  "handshake",
  "secured",
  "command",
  "reply",
  "content",
  "retry",
  "closed",
];

/** A lookup that finds these addresses, or that there are none. */
function finding(...addresses: readonly string[]): Lookup {
  return (name, _options, done) => {
    const none = Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: "ENOTFOUND" });
    if (addresses.length === 0) done(none, []);
    else
      done(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      );
  };
}

describe("the trace", () => {
  test("numbers the connections and gives each event its time", async () => {
    const before = performance.now();
    const server = await serve(polite());
    const { client, events, happened } = connectTo(server);
    await client.verify();
    await client.verify();
    await happened("closed", 2);
    expect(new Set(events.map(({ connection }) => connection))).toEqual(new Set([1, 2]));
    const times = [before, ...events.map(({ at }) => at), performance.now()];
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(events[0]).toEqual({
      connection: 1,
      at: expect.any(Number),
      kind: "connecting",
      host: "127.0.0.1",
      port: server.port,
    });
  });

  test("tells of TLS from the first octet as it does of STARTTLS", async () => {
    const server = await serve(polite(), { tls: certificates.good });
    const { client, events } = connectTo(server, { security: "tls", tls: { ca: certificates.ca } });
    await client.verify();
    expect(events.slice(0, 6)).toMatchObject([
      { kind: "connecting" },
      { kind: "attempt", address: "127.0.0.1", port: server.port, state: "begun" },
      { kind: "attempt", address: "127.0.0.1", port: server.port, state: "connected" },
      {
        kind: "handshake",
        version: "TLSv1.3",
        cipher: "TLS_AES_256_GCM_SHA384",
        certificate: {
          subject: "CN=a test server",
          issuer: "CN=test CA",
          names: ["localhost", "127.0.0.1", expect.stringMatching(/1$/)],
        },
      },
      { kind: "connected", secure: true },
      { kind: "secured", version: "TLSv1.3", verified: true, resumed: false },
    ]);
  });

  test("tells of a connection that could not be opened that it is closed, and why", async () => {
    const server = await serve(polite());
    await server.close();
    const { client, events } = connectTo(server);
    await errorOf(client.verify());
    expect(events).toMatchObject([
      { kind: "connecting", connection: 1 },
      { kind: "attempt", connection: 1, state: "begun" },
      { kind: "attempt", connection: 1, state: "failed", code: "ECONNREFUSED" },
      { kind: "closed", connection: 1, phase: "connect", code: "connection" },
    ]);
  });

  test("tells of the addresses that were found, and of each that was tried", async () => {
    const server = await serve(polite());
    const addresses = ["127.0.0.2", "127.0.0.1"];
    const { client, events } = connectTo(server, {
      host: "mail.example",
      security: "none",
      lookup: finding(...addresses),
    });
    await client.verify();
    const { port } = server;
    expect(events.slice(0, 7)).toMatchObject([
      { kind: "connecting", host: "mail.example" },
      { kind: "lookup", host: "mail.example", addresses },
      { kind: "attempt", address: "127.0.0.2", port, state: "begun" },
      { kind: "attempt", address: "127.0.0.2", port, state: "failed", code: "ECONNREFUSED" },
      { kind: "attempt", address: "127.0.0.1", port, state: "begun" },
      { kind: "attempt", address: "127.0.0.1", port, state: "connected" },
      { kind: "connected", host: "mail.example" },
    ]);
  });

  test("tells of a name for which no address was found", async () => {
    const { client, events } = connectTo({ port: 9 }, { host: "mail.example", lookup: finding() });
    await errorOf(client.verify());
    expect(events).toMatchObject([
      { kind: "connecting" },
      { kind: "lookup", host: "mail.example", addresses: [], code: "ENOTFOUND" },
      { kind: "closed", code: "dns" },
    ]);
  });

  test("tells of a certificate that is refused what is in it", async () => {
    const server = await serve(polite(), { tls: certificates.wrongName });
    const { client, events } = connectTo(server, { security: "tls", tls: { ca: certificates.ca } });
    await errorOf(client.verify());
    expect(events.slice(3)).toMatchObject([
      { kind: "handshake", certificate: { names: ["other.example"] } },
      { kind: "closed", code: "tls_certificate" },
    ]);
  });

  test("says why a certificate is not trusted where it need not be", async () => {
    const server = await serve(polite(), { tls: certificates.selfSigned });
    const { client, events } = connectTo(server, { security: "tls", tls: { rejectUnauthorized: false } });
    await client.verify();
    expect(events.find(({ kind }) => kind === "secured")).toMatchObject({
      verified: false,
      doubt: "DEPTH_ZERO_SELF_SIGNED_CERT",
    });
  });

  test("is silent about an attempt that was given up", async () => {
    const found: (() => void)[] = [];
    const lookup: Lookup = (_name, _options, done) => {
      found.push(() => done(null, [{ address: "127.0.0.1", family: 4 }]));
    };
    const { client, events } = connectTo(
      { port: 9 },
      { host: "mail.example", lookup, timeouts: { connect: 50 } },
    );
    await errorOf(client.verify());
    for (const late of found) late();
    await new Promise((resolve) => setImmediate(resolve));
    expect(events.map(({ kind }) => kind)).toEqual(["connecting", "closed"]);
  });

  test("names a Unix socket by its path", async () => {
    const events: TraceEvent[] = [];
    const path = "/nowhere/at/all";
    const client = new SmtpClient({ path, trace: (event) => void events.push(event) });
    await errorOf(client.verify());
    expect(events).toMatchObject([{ kind: "connecting", path, port: 0 }, { kind: "closed" }]);
  });

  test.each<[string, Manners, SmtpClientOptions, object]>([
    ["by our own goodbye", {}, {}, { phase: "quit", code: undefined }],
    ["by a 421", { MAIL: "421 bye" }, {}, { phase: "mail", code: "service_closing" }],
    ["by a reset", { DATA: hangUp }, {}, { phase: "data", code: "connection_lost" }],
    ["by what is no reply", { RCPT: "hello" }, {}, { phase: "rcpt", code: "invalid_reply" }],
    ["by a refused greeting", { greeting: "554 no" }, {}, { phase: "greeting", code: "greeting_refused" }],
    [
      "by a refused login",
      { offers: ["AUTH PLAIN"], AUTH: "535 no" },
      { auth: { user: "alice", pass: "open sesame" } },
      { phase: "auth", code: "authentication_refused" },
    ],
    [
      "by silence",
      { MAIL: (peer) => peer.silence() as Promise<never> },
      { timeouts: { command: 50 } },
      { phase: "mail", code: "deadline" },
    ],
  ])("says of a connection that was ended %s what was waited for then", async (_, manners, options, why) => {
    const { client, events, happened } = connectTo(await serve(polite(manners)), options);
    await client.send(MESSAGE).catch(() => {});
    await client.close();
    await happened("closed");
    expect(events.filter(({ kind }) => kind === "closed")).toMatchObject([why]);
  });

  test("says of a server that leaves an idle connection that nothing went wrong", async () => {
    const server = await serve(polite());
    const { client, events, happened } = connectTo(server);
    await client.send(MESSAGE);
    server.peers[0]?.end();
    await happened("closed");
    expect(events.at(-1)).toMatchObject({ kind: "closed", phase: "idle", code: undefined });
  });

  test("says of a call that was given up that it was", async () => {
    const controller = new AbortController();
    const server = await serve(
      polite({
        RCPT: () => {
          controller.abort();
          return "250 ok";
        },
      }),
    );
    const { client, events, happened } = connectTo(server);
    await errorOf(client.send(MESSAGE, { signal: controller.signal }));
    await happened("closed");
    expect(events.at(-1)).toMatchObject({ kind: "closed", code: "aborted" });
  });

  test("tells that a message is sent once more, and after what", async () => {
    const { client, events } = connectTo(await serve(deadOnReuse()));
    await client.send(MESSAGE);
    const { messageId, attempts } = await client.send(MESSAGE);
    expect(attempts).toBe(2);
    expect(events.filter(({ kind }) => kind === "retry")).toEqual([
      {
        kind: "retry",
        connection: 1,
        at: expect.any(Number),
        messageId,
        attempt: 2,
        delay: 0,
        code: "connection_lost",
      },
    ]);
  });

  test.each([
    ["throws", THROWS],
    ["rejects", REJECTS],
  ])("a listener that %s hurts nothing, nor the others", async (_, trace) => {
    const texts: string[] = [];
    const heard = listenTo("reply");
    const logger: Logger = { debug: (text) => texts.push(text) };
    const { port } = await serve(polite());
    const client = new SmtpClient({ host: "127.0.0.1", port, trace, logger });
    expect((await client.send(MESSAGE)).reply.code).toBe(250);
    await client.close();
    expect(texts).toContain("reply");
    expect(heard).not.toEqual([]);
  });

  test("a listener that writes to what it is given changes no receipt", async () => {
    const { client } = connectTo(await serve(polite()), {
      trace: (event) => {
        if (event.kind !== "reply") return;
        Object.assign(event.reply, { code: 599 });
        Object.assign(event.reply.lines, ["forged"]);
      },
    });
    expect((await client.send(MESSAGE)).reply).toMatchObject({ code: 250, lines: ["2.0.0 queued"] });
  });

  test("is not made up where nobody listens", () => {
    expect(telling(gather(undefined, undefined, undefined), 1)).toBeUndefined();
  });
});

/** What is published on the channels `pennypost:<kind>` until the test is over. */
function listenTo(...kinds: readonly string[]): TraceEvent[] {
  const heard: TraceEvent[] = [];
  const listener = (event: unknown): void => void heard.push(event as TraceEvent);
  for (const kind of kinds) {
    subscribe(`pennypost:${kind}`, listener);
    onTestFinished(() => void unsubscribe(`pennypost:${kind}`, listener));
  }
  return heard;
}

interface Step {
  readonly step: string;
  readonly context: Readonly<Record<string, unknown>>;
}

/** What is published on a tracing channel until the test is over. */
function follow(name: "send" | "connect"): Step[] {
  const steps: Step[] = [];
  const note = (step: string) => (context: unknown) =>
    void steps.push({ step, context: context as Step["context"] });
  const listeners = {
    start: note("start"),
    end: note("end"),
    asyncStart: note("asyncStart"),
    asyncEnd: note("asyncEnd"),
    error: note("error"),
  };
  const channel = tracingChannel(`pennypost:${name}`);
  channel.subscribe(listeners);
  onTestFinished(() => void channel.unsubscribe(listeners));
  return steps;
}

describe("on diagnostics channels", () => {
  test("every kind of event is published as the trace tells it", async () => {
    const heard = listenTo(...KINDS);
    const server = await serve(
      first(
        polite({ identity: certificates.good, offers: ["STARTTLS"], MAIL: nth(2, hangUp) }),
        polite({ identity: certificates.good, offers: ["STARTTLS"] }),
      ),
    );
    const { client, events } = connectTo(server, {
      host: "localhost",
      lookup: finding("127.0.0.1"),
      security: "starttls",
      tls: { ca: certificates.ca },
    });
    await client.send(MESSAGE);
    await client.send(MESSAGE);
    await client.close();
    expect(new Set(heard.map(({ kind }) => kind))).toEqual(new Set(KINDS));
    expect(heard).toEqual(events);
  });

  test("a message is followed until its receipt", async () => {
    const steps = follow("send");
    const server = await serve(polite());
    const { client } = connectTo(server);
    const receipt = await client.send(MESSAGE);
    expect(steps.map(({ step }) => step)).toEqual(["start", "end", "asyncStart", "asyncEnd"]);
    const [context] = new Set(steps.map((one) => one.context));
    const { messageId } = receipt;
    expect(context).toEqual({
      host: "127.0.0.1",
      port: server.port,
      messageId,
      recipients: 1,
      result: receipt,
    });
  });

  test("a message that fails shows its error", async () => {
    const steps = follow("send");
    const { client } = connectTo(await serve(polite({ RCPT: "550 no such user" })));
    const error = await errorOf(client.send(MESSAGE));
    expect(steps.map(({ step }) => step)).toEqual(["start", "end", "error", "asyncStart", "asyncEnd"]);
    expect(steps[2]?.context.error).toBe(error);
  });

  test("each message of many is followed", async () => {
    const steps = follow("send");
    const { client } = connectTo(await serve(polite()));
    for await (const { ok } of client.sendMany([MESSAGE, MESSAGE])) expect(ok).toBe(true);
    const ended = steps.filter(({ step }) => step === "asyncEnd").map(({ context }) => context.messageId);
    expect(new Set(ended).size).toBe(2);
  });

  test("the opening of a connection is followed until it is ready, or is not", async () => {
    const steps = follow("connect");
    const server = await serve(polite({ EHLO: nth(2, "554 no", "250 test.example") }));
    const { client } = connectTo(server);
    await client.send(MESSAGE);
    const target = { host: "127.0.0.1", port: server.port };
    expect(steps.map(({ step }) => step)).toEqual(["start", "end", "asyncStart", "asyncEnd"]);
    expect(steps[0]?.context).toEqual({ connection: 1, ...target, result: undefined });
    const error = await errorOf(client.verify());
    expect(steps.at(-1)?.context).toEqual({ connection: 2, ...target, error });
  });

  test("what is bound to a send is there where its connection is opened", async () => {
    const store = new AsyncLocalStorage<object>();
    const { start } = tracingChannel("pennypost:send");
    start.bindStore(store, (context) => context as object);
    onTestFinished(() => void start.unbindStore(store));
    let seen: object | undefined;
    const { client } = connectTo(await serve(polite()), {
      trace: ({ kind }) => {
        if (kind === "connecting") seen = store.getStore();
      },
    });
    await client.send(MESSAGE);
    expect(seen).toMatchObject({ host: "127.0.0.1" });
  });

  test("who subscribes between two connections hears of the second", async () => {
    const { client, happened } = connectTo(await serve(polite()));
    await client.verify();
    const heard = listenTo("closed");
    await client.verify();
    await happened("closed", 2);
    expect(heard).toMatchObject([{ connection: 2 }]);
  });

  test("a subscriber that throws hurts no message; Node reports it as uncaught", async () => {
    const listeners = process.rawListeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    const uncaught: unknown[] = [];
    process.on("uncaughtException", (error) => uncaught.push(error));
    const { asyncEnd } = tracingChannel("pennypost:send");
    asyncEnd.subscribe(THROWS);
    subscribe("pennypost:content", THROWS);
    try {
      const { client } = connectTo(await serve(polite()));
      expect((await client.send(MESSAGE)).reply.code).toBe(250);
      await until(() => uncaught.length === 2);
    } finally {
      asyncEnd.unsubscribe(THROWS);
      unsubscribe("pennypost:content", THROWS);
      process.removeAllListeners("uncaughtException");
      for (const listener of listeners) process.on("uncaughtException", listener as (error: Error) => void);
    }
  });
});

interface Line {
  readonly level: string;
  readonly text: string;
  readonly details: Readonly<Record<string, unknown>>;
}

function notebook(...levels: readonly (keyof Logger)[]): { readonly logger: Logger; readonly lines: Line[] } {
  const lines: Line[] = [];
  const logger = Object.fromEntries(
    levels.map((level) => [
      level,
      (text: string, details: object) => lines.push({ level, text, details: details as Line["details"] }),
    ]),
  );
  return { logger, lines };
}

async function log(script: Script, ...levels: readonly (keyof Logger)[]): Promise<Line[]> {
  const { logger, lines } = notebook(...levels);
  const { client } = connectTo(await serve(script), { logger });
  await client.send(MESSAGE).catch(() => {});
  await client.close();
  return lines;
}

describe("a logger", () => {
  test("is told what happens by level, in constant words, and the facts beside them", async () => {
    const lines = await log(polite(), "debug", "info", "warn", "error");
    const told = lines.map(({ level, text, details }) =>
      [level, text, details.line ?? details.reply].filter(Boolean).join(" "),
    );
    expect(told).toEqual([
      "debug connecting",
      "debug trying an address",
      "debug trying an address",
      "info connected",
      "debug reply 220 test.example ESMTP",
      "debug command EHLO [127.0.0.1]",
      "debug reply 250 test.example",
      "debug command MAIL FROM:<alice@example.com>",
      "debug reply 250 2.0.0 ok",
      "debug command RCPT TO:<bob@example.org>",
      "debug reply 250 2.0.0 ok",
      "debug command DATA",
      "debug reply 354 go on",
      "debug mail data written",
      "debug reply 250 2.0.0 queued",
      "info message sent 250 2.0.0 queued",
      "debug command QUIT",
      "debug reply 221 2.0.0 bye",
      "info connection closed",
    ]);
    expect(lines[0]?.details).toMatchObject({ connection: 1, host: "127.0.0.1" });
  });

  test("is warned of refused recipients, each with its reply", async () => {
    const { logger, lines } = notebook("warn", "error");
    const server = await serve(polite({ RCPT: nth(2, "550 5.1.1 no such user") }));
    const { client } = connectTo(server, { logger });
    const { messageId } = await client.send({ ...MESSAGE, to: ["bob@example.org", "carol@example.org"] });
    const rejected = [{ recipient: "carol@example.org", reply: "550 5.1.1 no such user" }];
    expect(lines).toEqual([{ level: "warn", text: "recipients refused", details: { messageId, rejected } }]);
  });

  test("is warned where a message is sent once more", async () => {
    const { logger, lines } = notebook("warn");
    const { client } = connectTo(await serve(deadOnReuse()), { logger });
    await client.send(MESSAGE);
    await client.send(MESSAGE);
    expect(lines).toMatchObject([
      { level: "warn", text: "sending again", details: { attempt: 2, code: "connection_lost" } },
    ]);
  });

  test("is told of a message that failed what became of it", async () => {
    const lines = await log(polite({ content: hangUp }), "error");
    expect(lines).toMatchObject([
      {
        level: "error",
        text: "sending failed",
        details: { code: "connection_lost", phase: "end-of-data", delivery: "unknown", retryable: false },
      },
    ]);
  });

  test("is told of a message that could not be sent as it stood", async () => {
    const { logger, lines } = notebook("error");
    const { client } = connectTo({ port: 9 }, { logger });
    const { message } = await errorOf(client.send({ ...MESSAGE, to: "nobody" }));
    expect(lines).toMatchObject([{ details: { code: "invalid_message", delivery: "not-sent", message } }]);
  });

  test("gets no control character from the server, and no words of its own as a format", async () => {
    const lines = await log(polite({ RCPT: "550 \x1b[2J%s\u202e no" }), "debug", "error");
    const refusal = lines.find(({ details }) => String(details.reply).startsWith("550"));
    expect(refusal).toMatchObject({
      text: "reply",
      details: { reply: expect.stringContaining("\\u{1b}[2J%s") },
    });
    expect(inspect(lines)).not.toMatch(/\x1b|\u202e/);
    expect(lines.map(({ text }) => text).join()).not.toContain("%");
  });

  test("is called as a method, also one that is inherited, and as it is at the moment", async () => {
    class Inherited implements Logger {
      readonly #texts: string[] = [];
      info(text: string): void {
        this.#texts.push(text);
      }
      get texts(): readonly string[] {
        return this.#texts;
      }
    }
    const logger: Inherited & Logger = new Inherited();
    const { client } = connectTo(await serve(polite()), { logger });
    await client.send(MESSAGE);
    expect(logger.texts).toEqual(["connected", "message sent"]);
    const later: string[] = [];
    logger.info = (text) => void later.push(text);
    await client.send(MESSAGE);
    expect(later).toEqual(["message sent"]);
  });

  test("whose methods cannot even be looked up any more hurts nothing", async () => {
    let isBroken = false;
    const method = (): unknown => (isBroken ? THROWS() : () => {});
    const levels = ["debug", "info", "warn", "error"];
    const logger: Logger = Object.defineProperties(
      {},
      Object.fromEntries(levels.map((level) => [level, { get: method }])),
    );
    const { client } = connectTo(await serve(polite()), { logger });
    isBroken = true;
    expect((await client.send(MESSAGE)).attempts).toBe(1);
  });

  test.each([
    ["throws", THROWS],
    ["rejects", REJECTS],
  ])("that %s hurts nothing", async (_, method) => {
    const logger: Logger = { debug: method, info: method, warn: method, error: method };
    const { client } = connectTo(await serve(polite({ RCPT: nth(3, "550 no") })), { logger });
    expect((await client.send(MESSAGE)).reply.code).toBe(250);
    expect((await client.send({ ...MESSAGE, to: ["a@example.org", "b@example.org"] })).rejected.length).toBe(
      1,
    );
    expect(await errorOf(client.send({ ...MESSAGE, to: "nobody" }))).toMatchObject({
      code: "invalid_message",
    });
  });
});

const PASS = `p-${randomBytes(15).toString("hex")}`;
const TOKEN = `t-${randomBytes(60).toString("hex")}`;
const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** Every form of a secret, and what is within anything that looks like base64. */
function expectNoSecret(text: string): void {
  for (const secret of [PASS, TOKEN]) {
    expect(text).not.toContain(secret);
    expect(text).not.toContain(base64(secret));
    for (const run of text.match(/[A-Za-z0-9+/]{16,}={0,2}/g) ?? [])
      expect(Buffer.from(run, "base64").toString("latin1")).not.toContain(secret);
  }
}

/** Hears the login to its end, and returns the line that held the secret. */
async function hearLogin(peer: Peer, line: string): Promise<string> {
  if (line !== "AUTH LOGIN") return line;
  await peer.say("334 VXNlcm5hbWU6");
  await peer.line();
  await peer.say("334 UGFzc3dvcmQ6");
  return peer.line();
}

const LOGINS: readonly [string, AuthOptions][] = [
  ["PLAIN", { user: "alice", pass: PASS }],
  ["LOGIN", { user: "alice", pass: PASS }],
  ["XOAUTH2", { user: "alice", accessToken: TOKEN }],
];
const decoded = (line: string): string =>
  Buffer.from(line.split(" ").at(-1) ?? "", "base64")
    .toString("latin1")
    .replaceAll(/[\0\x01]/g, " ");

describe.each(LOGINS)("a login by %s that the server repeats", (mechanism, auth) => {
  test.each<[string, (heard: string) => Manners]>([
    ["in its refusal", (heard) => ({ AUTH: `535 5.7.8 no: ${heard} ${decoded(heard)}` })],
    ["in a 421", (heard) => ({ AUTH: `421 4.7.0 ${decoded(heard)}` })],
    ["in what is no reply", (heard) => ({ AUTH: heard })],
    ["where it refuses a recipient", (heard) => ({ RCPT: `550 ${heard} ${decoded(heard)}` })],
    ["where it takes the message", (heard) => ({ content: `250 ok ${heard} ${decoded(heard)}` })],
  ])("%s is shown to nobody who listens", async (_, repeat) => {
    let heard = "";
    const later = (key: keyof Manners, otherwise: string) => () => String(repeat(heard)[key] ?? otherwise);
    const server = await serve(
      polite({
        offers: [`AUTH ${mechanism}`],
        AUTH: async (peer, line) => {
          heard = await hearLogin(peer, line);
          return later("AUTH", "235 ok")();
        },
        RCPT: later("RCPT", "250 ok"),
        content: later("content", "250 ok"),
      }),
    );
    const published = listenTo(...KINDS);
    const steps = [follow("send"), follow("connect")];
    const { logger, lines } = notebook("debug", "info", "warn", "error");
    const { client, events } = connectTo(server, { auth, logger });
    await client.send(MESSAGE).catch(() => {});
    await client.close();
    expect(heard).not.toBe("");
    expect(lines.length).toBeGreaterThan(5);
    for (const told of [events, published, lines, steps]) {
      expectNoSecret(inspect(told, { depth: 9, showHidden: true, getters: true }));
      expectNoSecret(JSON.stringify(told));
    }
  });
});
