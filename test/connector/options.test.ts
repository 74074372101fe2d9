// The options of nodemailer, as a client gets them.

import { describe, expect, test } from "vitest";
import { clientOptions } from "../../src/connector/nodemailer-options.ts";
import { readConnectorConfig, resolveConnector } from "../../src/connector.ts";
import { resolveOptions, type SmtpClientOptions } from "../../src/options.ts";
import { connectNode } from "../../src/transport/node.ts";
import { configWith } from "../support/connector.ts";

const optionsOf = (more: object): SmtpClientOptions => clientOptions(readConnectorConfig(configWith(more)));
/** What the client makes of a place: host, port and TLS. */
const placeOf = (more: object) => {
  const { host: _host, ...options } = {
    ...optionsOf({ host: "mail.example.com", port: undefined, ...more }),
  };
  const { settings } = resolveOptions(
    { ...(_host !== undefined && { host: _host }), ...options },
    { connect: connectNode },
  );
  const { host, port } = settings.target;
  return `${host}:${port} ${settings.opening.security}`;
};

describe("where and how to connect", () => {
  test.each([
    [{}, "mail.example.com:587 starttls"],
    [{ port: 25 }, "mail.example.com:25 starttls"],
    [{ port: "2525", secure: false }, "mail.example.com:2525 starttls"],
    [{ port: 465 }, "mail.example.com:465 tls"],
    [{ port: "465", requireTLS: true }, "mail.example.com:465 tls"],
    [{ secure: true }, "mail.example.com:465 tls"],
    [{ secure: true, port: 2465, ignoreTLS: false }, "mail.example.com:2465 tls"],
    [{ requireTLS: true }, "mail.example.com:587 starttls"],
    [{ requireTLS: false }, "mail.example.com:587 starttls"],
    [{ ignoreTLS: true, port: 25 }, "mail.example.com:25 none"],
    [{ opportunisticTLS: true }, "mail.example.com:587 opportunistic"],
    [{ host: "127.0.0.1" }, "127.0.0.1:587 opportunistic"],
    [{ host: "127.0.0.1", requireTLS: true }, "127.0.0.1:587 starttls"],
    [{ lmtp: true }, "mail.example.com:24 starttls"],
  ])("%j", (more, place) => {
    expect(placeOf(more)).toBe(place);
  });

  test.each([
    [{}, "smtp.gmail.com:465 tls"],
    [{ secure: true }, "smtp.gmail.com:465 tls"],
    [{ port: 465 }, "smtp.gmail.com:465 tls"],
    [{ port: 587 }, "smtp.gmail.com:587 starttls"],
    [{ secure: false }, "smtp.gmail.com:587 starttls"],
    [{ requireTLS: true }, "smtp.gmail.com:465 tls"],
    [{ requireTLS: true, port: 2525 }, "smtp.gmail.com:2525 starttls"],
    [{ requireTLS: true, secure: false }, "smtp.gmail.com:587 starttls"],
    [{ host: "relay.example.com" }, "relay.example.com:465 tls"],
  ])("the service gmail, with %j above it", (more, place) => {
    expect(placeOf({ host: undefined, service: "gmail", ...more })).toBe(place);
  });

  test("the name in the certificate, in tls too", () => {
    expect(optionsOf({ servername: "a.example" })).toMatchObject({ servername: "a.example", tls: {} });
    const options = optionsOf({ tls: { servername: "a.example", minVersion: "TLSv1.3" } });
    expect(options.servername).toBe("a.example");
    expect(options.tls).toEqual({ minVersion: "TLSv1.3" });
  });

  test("who connects, and through what", () => {
    const more = { name: "me.example.com", localAddress: "192.0.2.1", proxy: "socks5://a:b@127.0.0.1:1080" };
    expect(optionsOf(more)).toMatchObject(more);
  });
});

describe("time", () => {
  test("is as nodemailer has it where nothing is said", () => {
    expect(optionsOf({}).timeouts).toEqual({
      connect: 120_000,
      greeting: 30_000,
      tls: 30_000,
      command: 600_000,
      data: 600_000,
      content: 600_000,
      endOfData: 600_000,
    });
  });

  test("is what was said", () => {
    const { timeouts } = optionsOf({ connectionTimeout: 1, greetingTimeout: 2, socketTimeout: 3 });
    expect(timeouts).toEqual({
      connect: 1,
      greeting: 2,
      tls: 2,
      command: 3,
      data: 3,
      content: 3,
      endOfData: 3,
    });
  });

  test("for the lookup is a limit of its own", () => {
    const limits: number[] = [];
    const lookup = (): void => {};
    const lookupWithin = (limit: number): typeof lookup => {
      limits.push(limit);
      return lookup;
    };
    expect(resolveConnector(configWith({}), { lookupWithin }).options.lookup).toBe(lookup);
    resolveConnector(configWith({ dnsTimeout: 5 }), { lookupWithin });
    expect(limits).toEqual([30_000, 5]);
  });
});

describe("many messages", () => {
  test("share connections, or do not", () => {
    expect(optionsOf({})).not.toHaveProperty("maxMessagesPerConnection");
    expect(optionsOf({ pool: true, maxConnections: 3, maxMessages: 7, idleTimeout: 9 })).toMatchObject({
      maxConnections: 3,
      maxMessagesPerConnection: 7,
      idleTimeout: 9,
    });
    expect(optionsOf({ pool: false })).toMatchObject({ maxMessagesPerConnection: 1 });
  });

  test("begin at a rate", () => {
    expect(optionsOf({ rateLimit: 10 }).rateLimit).toEqual({ messages: 10, per: 1000 });
    expect(optionsOf({ rateLimit: 10, rateDelta: 60_000 }).rateLimit).toEqual({ messages: 10, per: 60_000 });
    expect(optionsOf({ rateLimit: 0 })).not.toHaveProperty("rateLimit");
  });

  test("begin anew as often as they may", () => {
    expect(optionsOf({})).not.toHaveProperty("retry");
    expect(optionsOf({ maxRequeues: 0 }).retry).toBe(false);
    expect(optionsOf({ maxRequeues: 3 }).retry).toEqual({ attempts: 4 });
  });
});

describe("the log", () => {
  test("is the console, without what is said on the wire", () => {
    expect(optionsOf({ logger: false })).not.toHaveProperty("logger");
    expect(Object.keys(optionsOf({ logger: true }).logger ?? {})).toEqual(["info", "warn", "error"]);
    expect(optionsOf({ logger: true, debug: true }).logger).toBe(console);
  });

  test("is a logger of the caller's, as it lives", () => {
    const heard: unknown[] = [];
    class Log {
      readonly name = "mine";
      info(text: string): void {
        heard.push(this.name, text);
      }
    }
    const logger = new Log();
    optionsOf({ logger }).logger?.info?.("connected", {});
    expect(heard).toEqual(["mine", "connected"]);
    expect(optionsOf({ logger, debug: true }).logger).toBe(logger);
  });
});

test("every option that a client is given is one that it takes", () => {
  const everything = {
    ...{
      port: 2525,
      secure: false,
      requireTLS: true,
      tls: { minVersion: "TLSv1.2" },
      servername: "a.example",
    },
    ...{
      name: "me.example.com",
      localAddress: "127.0.0.1",
      authMethod: "PLAIN",
      auth: { user: "a", pass: "b" },
    },
    ...{
      pool: true,
      maxConnections: 1,
      maxMessages: 1,
      idleTimeout: 1,
      rateLimit: 1,
      rateDelta: 1,
      maxRequeues: 1,
    },
    ...{
      logger: true,
      debug: true,
      disableFileAccess: true,
      disableUrlAccess: false,
      lmtp: false,
      dnsTimeout: 1,
    },
  };
  expect(() => resolveOptions(optionsOf(everything), { connect: connectNode })).not.toThrow();
});
