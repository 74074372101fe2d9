// The watch that every test runs under: what it would miss, nobody would find.

import { randomBytes } from "node:crypto";
import { channel, subscribe, tracingChannel, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, onTestFinished, test } from "vitest";
import { ConfigError } from "../../src/errors.ts";
import { SmtpClient } from "../../src/index.ts";
import { logTo } from "../../src/logger.ts";
import { refreshTokenGrant } from "../../src/oauth2-door.ts";
import { formsOf, Secrets } from "../../src/protocol/secrets.ts";
import { gather } from "../../src/trace.ts";
import { takeLeaks } from "../support/canary.ts";
import { CanaryWatch } from "../support/canary-watch.ts";

const SECRET = `é"${randomBytes(12).toString("base64")} %&+\\${randomBytes(4).toString("hex")}`;
const base64 = (text: string): string => Buffer.from(text).toString("base64");

function watchFor(secret: string): CanaryWatch {
  const watch = new CanaryWatch();
  watch.learn(secret);
  return watch;
}

describe("a secret is found", () => {
  test.each<[string, string]>([
    ["as it is", SECRET],
    ["in capitals", SECRET.toUpperCase()],
    ["read as Latin-1", Buffer.from(SECRET).toString("latin1")],
    ["in JSON", JSON.stringify({ got: SECRET })],
    ["percent-encoded", encodeURIComponent(SECRET)],
    ["in a form", new URLSearchParams({ pass: SECRET }).toString()],
    ["in hexadecimal", Buffer.from(SECRET).toString("hex").toUpperCase()],
    ["in base64", base64(SECRET)],
    ["in base64, behind one octet", base64(`\0${SECRET}`)],
    ["in base64, behind two", base64(`ab${SECRET}xyz`)],
    ["in base64 for URLs", Buffer.from(`>>>?${SECRET}`).toString("base64url")],
    ["in the words of PLAIN", base64(`\0alice\0${SECRET}`)],
    ["in the words of XOAUTH2", base64(`user=alice\x01auth=Bearer ${SECRET}\x01\x01`)],
    [
      "in the words of OAUTHBEARER",
      base64(`n,a=alice,\x01host=h\x01port=1\x01auth=Bearer ${SECRET}\x01\x01`),
    ],
    ["in base64 twice", base64(`{"challenge":"${base64(`ab${SECRET}`)}"}`)],
    ["without its end", `535 no: ${SECRET.slice(0, 14)}...`],
    ["without its beginning", `535 no: ...${SECRET.slice(-13)}`],
  ])("%s", (_, text) => {
    expect(watchFor(SECRET).find(`535 5.7.8 <${text}>`)).toBeDefined();
  });

  test.each<[string, () => unknown]>([
    ["in a message", () => new Error(`no: ${SECRET}`)],
    ["in a cause of a cause", () => new Error("a", { cause: new Error("b", { cause: new Error(SECRET) }) })],
    ["in a cause that is no error", () => new Error("a", { cause: { request: { headers: [SECRET] } } })],
    [
      "in a property",
      () => Object.assign(new Error("a"), { reply: { lines: ["ok", base64(`a${SECRET}`)] } }),
    ],
    ["in a property that is not listed", () => Object.defineProperty(new Error("a"), "b", { value: SECRET })],
    ["behind a symbol", () => ({ [Symbol("it")]: SECRET })],
    [
      "in a getter",
      () => ({
        get it() {
          return SECRET;
        },
      }),
    ],
    ["as the name of a property", () => ({ [SECRET]: 1 })],
    ["in octets", () => ({ octets: Buffer.from(SECRET) })],
    ["in a map", () => new Map([["it", SECRET]])],
    ["in what it says of itself", () => ({ toJSON: () => SECRET })],
    ["behind ten thousand characters", () => ({ text: "x".repeat(30_000) + SECRET })],
    ["ten levels down", () => [...Array(10)].reduce<unknown>((inner) => ({ inner }), SECRET)],
  ])("%s", (_, make) => {
    const watch = watchFor(SECRET);
    watch.examine("here", make());
    expect(watch.take()).toHaveLength(1);
    expect(watch.take()).toEqual([]);
  });

  test("where there is none, nothing is found", () => {
    const watch = watchFor(SECRET);
    watch.examine("here", new Error("535 5.7.8 AUTH PLAIN ********"));
    watch.scan("there", base64("\0alice\0********"));
    expect(watch.take()).toEqual([]);
  });
});

// With the watch of this very file: what it is shown on purpose is taken from it before it reports it.
describe("every test is watched:", () => {
  const pass = `w-${randomBytes(15).toString("hex")}`;
  const shown = (): readonly string[] => [
    ...new Set(takeLeaks().map(({ where }) => where.split(/[ ,]/)[0] ?? "")),
  ];
  new SmtpClient({ host: "mail.example", auth: { user: "alice", pass } });

  test.each<[string, () => unknown]>([
    ["its message", () => new ConfigError("host", `is not ${pass}`)],
    ["its hint", () => new ConfigError("host", "is wrong", { hint: `not ${base64(`a${pass}`)}` })],
    ["its cause", () => new ConfigError("host", "is wrong", { cause: new Error(pass) })],
    [
      "what it is given later",
      () => Object.assign(new ConfigError("host", "is wrong"), { accepted: [pass] }),
    ],
  ])("an error, for %s", (_, make) => {
    make();
    expect(takeLeaks()).toMatchObject([
      { where: expect.stringContaining('a ConfigError in "an error, for') },
    ]);
  });

  test("an option that is refused is a secret too", () => {
    const other = `${randomBytes(15).toString("hex")}\n`;
    expect(() => new SmtpClient({ host: "mail.example", auth: { user: "a", pass: other } })).toThrow(
      "auth.pass",
    );
    new ConfigError("host", `is not ${other}`);
    expect(takeLeaks()).toHaveLength(1);
  });

  test("what tokens are got with is a secret", () => {
    const refreshToken = randomBytes(20).toString("hex");
    const clientSecret = randomBytes(20).toString("hex");
    refreshTokenGrant({ provider: "google", clientId: "it", clientSecret, refreshToken });
    for (const secret of [refreshToken, clientSecret]) {
      new ConfigError("host", `is not ${secret}`);
      expect(takeLeaks()).toHaveLength(1);
    }
  });

  test("a trace event", () => {
    gather(() => {}, undefined, undefined).listener()?.({
      ...{ kind: "command", connection: 1, at: 0 },
      line: `AUTH PLAIN ${base64(`\0alice\0${pass}`)}`,
    });
    expect(takeLeaks()).toMatchObject([
      { where: expect.stringMatching(/^a trace event in "a trace event"/) },
    ]);
  });

  test.each(["debug", "info", "warn", "error"] as const)("a log line (%s)", (level) => {
    const log = logTo({ [level]: () => {} });
    log.listener?.({ kind: "command", connection: 1, at: 0, line: pass });
    log.listener?.({ kind: "connected", connection: 1, at: 0, host: pass, port: 1, secure: true });
    log.listener?.({
      kind: "retry",
      connection: 1,
      at: 0,
      messageId: pass,
      attempt: 2,
      delay: 1,
      code: "dns",
    });
    log.failed(new Error(pass));
    expect(takeLeaks()).toMatchObject([{ where: expect.stringContaining("a log line in") }]);
  });

  test("what is published", () => {
    const note = (): void => {};
    const span = { start: note, end: note, asyncStart: note, asyncEnd: note, error: note };
    subscribe("pennypost:reply", note);
    tracingChannel("pennypost:send").subscribe(span);
    onTestFinished(() => {
      unsubscribe("pennypost:reply", note);
      tracingChannel("pennypost:send").unsubscribe(span);
    });
    channel("pennypost:reply").publish({ lines: [pass] });
    expect(shown()).toEqual(["pennypost:reply"]);
    tracingChannel("pennypost:send").traceSync(() => {}, { pass });
    expect(shown()).toEqual(["tracing:pennypost:send:start", "tracing:pennypost:send:end"]);
  });

  test("a reply, though nobody listens", () => {
    const secrets = new Secrets();
    secrets.add(formsOf("another secret"));
    secrets.maskReply({ code: 535, lines: [`no: ${pass}`] });
    expect(takeLeaks()).toMatchObject([{ where: expect.stringMatching(/^a reply to "a reply,/) }]);
  });
});
