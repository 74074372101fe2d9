// Sending a test: what is told of each step, and what is kept to ourselves.

import { inspect } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import type { Report } from "../../src/connector/report.ts";
import type { Step } from "../../src/connector/steps.ts";
import { testConnector } from "../../src/connector-door.ts";
import { ConfigError } from "../../src/index.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { configWith, template, USAGE_TYPES } from "../support/connector.ts";
import { polite } from "../support/manners.ts";
import { serveProxy } from "../support/proxy.ts";
import { AUTH, HERE, reportOf, resolver, TO } from "../support/report.ts";
import { type Peer, serve } from "../support/server.ts";
import { errorOf, watchProcess } from "../support/watch.ts";

watchProcess();

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});

/** How each step went, and what is said of it. */
function lines({ steps }: Report): string[] {
  return steps.map(({ name, status, summary }) => `${name} ${status}: ${summary}`);
}

function step({ steps }: Report, name: Step["name"]): Step {
  const found = steps.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no step ${name}`);
  return found;
}

describe("a report", () => {
  test("is of the config and for the recipient that were given, whatever is written to either since", async () => {
    const server = await serve(polite({ offers: ["AUTH PLAIN"] }));
    const config = { ...configWith({ host: "127.0.0.1", port: server.port, secure: false }) };
    const options = { to: "first@example.org", type: "SignIn" };
    const first = testConnector(config, options);
    options.to = "second@example.org";
    const second = testConnector(config, options);
    options.to = "third@example.org";
    config.host = "127.0.0.2";
    const recipients = (await Promise.all([first, second])).map(({ receipt }) => receipt?.accepted);
    expect(recipients).toEqual([["first@example.org"], ["second@example.org"]]);
  });

  test("says what is wrong with a config, however deep it is", async () => {
    let deep: object = {};
    for (let level = 0; level < 200_000; level++) deep = { deep };
    const report = await testConnector({ ...configWith({}), headers: deep } as never);
    expect(report).toMatchObject({ ok: false, error: { name: "ConfigError" } });
  });

  test("tells every step of a message by STARTTLS", async () => {
    const server = await serve(
      polite({
        offers: ["STARTTLS"],
        offersInside: ["PIPELINING", "AUTH PLAIN", "SIZE 1000000"],
        identity: certificates.nameOnly,
      }),
    );
    const { port } = server;
    const report = await reportOf(
      { host: "localhost", port, auth: AUTH, requireTLS: true, tls: { ca: certificates.ca } },
      { ...TO, type: "SignIn" },
      HERE,
    );
    expect(lines(report)).toEqual([
      `config ok: localhost on port ${port}, TLS by STARTTLS`,
      "dns ok: localhost is 127.0.0.1",
      `tcp ok: connected to 127.0.0.1 on port ${port}`,
      "greeting ok: 220 test.example ESMTP",
      "tls ok: TLSv1.3, certificate of localhost, issued by CN=test CA, valid for less than a day",
      "extensions ok: PIPELINING, AUTH PLAIN, SIZE 1000000",
      "auth ok: logged in by PLAIN: 235 2.7.0 welcome",
      "transaction ok: the server has taken the message: 250 2.0.0 queued",
    ]);
    expect(report).toMatchObject({ ok: true, receipt: { accepted: ["bob@example.org"] } });
    expect(report).not.toHaveProperty("error");
    expect(server.messages.join("")).toContain("Your SignIn code is 000000.");
    expect(step(report, "config").details).toEqual({ host: "localhost", port, security: "starttls" });
    expect(step(report, "dns").details).toEqual({ addresses: ["127.0.0.1"] });
    expect(step(report, "tcp").details).toEqual({
      attempts: [{ address: "127.0.0.1", port, outcome: "connected", duration: expect.any(Number) }],
    });
    expect(step(report, "tls").details).toEqual({
      begins: "by STARTTLS",
      version: "TLSv1.3",
      cipher: "TLS_AES_256_GCM_SHA384",
      subject: "CN=a test server",
      issuer: "CN=test CA",
      names: ["localhost"],
      validFrom: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      validTo: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      daysLeft: 0,
      verified: true,
    });
    expect(step(report, "extensions").details).toEqual({
      extensions: { PIPELINING: "", AUTH: "PLAIN", SIZE: "1000000" },
    });
    expect(step(report, "auth").details).toEqual({ mechanism: "PLAIN" });
    expect(step(report, "transaction")).toMatchObject({
      reply: { code: 250 },
      details: { from: "login@example.com", to: ["bob@example.org"], octets: expect.any(Number) },
    });
  });

  test("has TLS before the greeting where it comes first, and ends before a message where nobody gets one", async () => {
    const server = await serve(polite(), { tls: certificates.good });
    const { port } = server;
    const report = await reportOf({ port, secure: true, tls: { ca: certificates.ca } });
    expect(lines(report).map((line) => line.split(":")[0])).toEqual([
      "config ok",
      "dns skipped",
      "tcp ok",
      "tls ok",
      "greeting ok",
      "extensions ok",
      "auth skipped",
      "transaction skipped",
    ]);
    expect(report.ok).toBe(true);
    expect(report).not.toHaveProperty("receipt");
    expect(step(report, "tls").details.begins).toBe("with the first octet");
    expect(server.heard).toMatch(/^EHLO \S+\r\nQUIT\r\n$/);
  });

  test("says why there was nothing to do", async () => {
    const { port } = await serve(polite());
    const [opportunistic, none] = [await reportOf({ port }), await reportOf({ port, ignoreTLS: true })];
    expect(lines(opportunistic)).toEqual([
      `config ok: 127.0.0.1 on port ${port}, TLS by STARTTLS if it is offered`,
      "dns skipped: host is an IP address",
      `tcp ok: connected to 127.0.0.1 on port ${port}`,
      "greeting ok: 220 test.example ESMTP",
      "tls skipped: not offered: others may read what is sent",
      "extensions ok: the server lists none",
      "auth skipped: auth is not given",
      "transaction skipped: no message was sent: nobody was named to send it to",
    ]);
    expect(lines(none)).toContain("tls skipped: not used: others may read what is sent");
    expect(step(none, "dns").duration).toBe(0);
  });

  test("has each address that was tried, and how it ended", async () => {
    const { port } = await serve(polite());
    const addresses = ["127.0.0.2", "127.0.0.1"].map((address) => ({ address, family: 4 }));
    const twice = resolver((_name, _options, done) => done(null, addresses));
    const report = await reportOf({ host: "mail.example", port, ignoreTLS: true }, {}, twice);
    expect(step(report, "dns").summary).toBe("mail.example is 127.0.0.2, 127.0.0.1");
    expect(step(report, "tcp").details.attempts).toMatchObject([
      { address: "127.0.0.2", port, outcome: "ECONNREFUSED" },
      { address: "127.0.0.1", port, outcome: "connected" },
    ]);
  });

  test("has a certificate that is taken although nobody vouches for it, and why nobody does", async () => {
    const { port } = await serve(polite({ offers: ["STARTTLS"], identity: certificates.selfSigned }));
    const report = await reportOf({ port });
    expect(step(report, "tls").summary).toMatch(/, not verified \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/);
    const ended = await serve(polite({ offers: ["STARTTLS"], identity: certificates.expired }));
    expect(step(await reportOf({ port: ended.port }), "tls").summary).toContain(
      ", ended within the last 3 days, not ",
    );
    expect(step(report, "tls").details).toMatchObject({
      verified: false,
      doubt: "DEPTH_ZERO_SELF_SIGNED_CERT",
    });
  });

  test("goes through a proxy, which looks the host up", async () => {
    const { port } = await serve(polite());
    const proxy = await serveProxy("http");
    const way = `127.0.0.1 on port ${proxy.port}`;
    const report = await reportOf({
      host: "mail.example",
      port,
      ignoreTLS: true,
      proxy: `http://127.0.0.1:${proxy.port}`,
    });
    expect(lines(report).slice(0, 3)).toEqual([
      `config ok: mail.example on port ${port}, through the proxy ${way}, without TLS`,
      "dns skipped: the proxy looks the host up",
      `tcp ok: connected through the proxy ${way}`,
    ]);
  });

  test("follows a login of several turns", async () => {
    const AUTH_LOGIN = async (peer: Peer): Promise<string> => {
      await peer.say("334 VXNlcm5hbWU6");
      await peer.line();
      await peer.say("334 UGFzc3dvcmQ6");
      await peer.line();
      return "235 2.7.0 welcome";
    };
    const { port } = await serve(polite({ offers: ["AUTH LOGIN"], AUTH: AUTH_LOGIN }));
    const report = await reportOf({ port, auth: AUTH }, TO);
    expect(step(report, "auth")).toMatchObject({ status: "ok", details: { mechanism: "LOGIN" } });
    expect(report.ok).toBe(true);
  });
});

describe("a failure", () => {
  test("has the server's words, and everything after it is not reached", async () => {
    const { port } = await serve(polite({ offers: ["AUTH PLAIN"], AUTH: "535 5.7.8 no,\x1b[31m no" }));
    const report = await reportOf({ port, auth: AUTH }, TO);
    expect(report.ok).toBe(false);
    expect(step(report, "auth")).toMatchObject({
      status: "failed",
      summary: "the server refused the login: 535 5.7.8 no,\\u{1b}[31m no",
      reply: { code: 535, enhancedStatus: "5.7.8" },
      details: { mechanism: "PLAIN" },
    });
    expect(step(report, "transaction")).toMatchObject({ status: "skipped", summary: "not reached" });
  });

  test("of the config names everything that is wrong with it", async () => {
    const report = await testConnector(configWith({ port: 587, secure: true, replyTo: "nobody" }));
    expect(report).toMatchObject({ ok: false, error: { code: "invalid_option" } });
    expect(report.steps.map(({ status }) => status)).toEqual(["failed", ...Array(7).fill("skipped")]);
    expect(step(report, "config").summary).toBe("2 things are wrong with the config");
    expect(step(report, "config").details.problems).toMatchObject([{ path: "replyTo" }, { path: "port" }]);
    const one = await testConnector(configWith({ port: 587, secure: true }));
    expect(step(one, "config").summary).toMatch(/^port: 587 speaks STARTTLS/);
  });

  test("of an address that is none is told before anything is connected", async () => {
    const server = await serve(polite());
    const report = await reportOf({ port: server.port }, { to: "bob at example" });
    expect(step(report, "config").status).toBe("failed");
    expect(server.peers).toHaveLength(0);
  });

  test("of a token that cannot be had leaves the steps before the login unreached", async () => {
    const server = await serve(polite({ offers: ["AUTH XOAUTH2"] }));
    const auth = { user: "alice@example.com", accessToken: "ya29.token", expires: 1 };
    const report = await reportOf({ port: server.port, auth });
    expect(lines(report).filter((line) => line.endsWith("not reached"))).toHaveLength(6);
    expect(step(report, "auth")).toMatchObject({ status: "failed", error: { code: "token_refused" } });
    expect(server.peers).toHaveLength(0);
  });

  test("of a certificate shows it", async () => {
    const { port } = await serve(polite(), { tls: certificates.expired });
    const report = await reportOf({ port, secure: true, tls: { ca: certificates.ca } });
    expect(step(report, "tls")).toMatchObject({
      status: "failed",
      summary: "the certificate of 127.0.0.1 is not trusted: certificate has expired",
      details: { issuer: "CN=test CA", daysLeft: -3 },
    });
  });

  test("for want of STARTTLS shows what was offered", async () => {
    const { port } = await serve(polite({ offers: ["SIZE 1000"] }));
    const report = await reportOf({ port, requireTLS: true });
    expect(step(report, "tls").details).toMatchObject({ extensions: { SIZE: "1000" } });
    expect(step(report, "extensions").summary).toBe("not reached");
  });

  test("after STARTTLS shows nothing that was learnt in the clear", async () => {
    const { port } = await serve(polite({ offers: ["STARTTLS"], identity: certificates.wrongName }));
    const report = await reportOf({ port, requireTLS: true, tls: { ca: certificates.ca } });
    expect(step(report, "tls").details).toMatchObject({ begins: "by STARTTLS", names: ["other.example"] });
    expect(step(report, "tls").details).not.toHaveProperty("extensions");
  });

  test("leaves no connection behind, and is not tried again", async () => {
    const MAIL = (peer: Peer): undefined => void peer.reset();
    const server = await serve(polite({ MAIL }));
    const report = await reportOf({ port: server.port, maxRequeues: 3 }, TO);
    expect(step(report, "transaction").status).toBe("failed");
    await server.peers[0]?.closed;
    expect(server.peers).toHaveLength(1);
  });
});

describe("a test", () => {
  test("that is given up says where it was", async () => {
    const controller = new AbortController();
    const EHLO = async (peer: Peer): Promise<undefined> => {
      controller.abort();
      await peer.silence();
    };
    const { port } = await serve(polite({ EHLO }));
    const report = await reportOf({ port }, { signal: controller.signal });
    expect(report).toMatchObject({ ok: false, error: { code: "aborted" } });
    expect(step(report, "extensions").status).toBe("failed");
    const early = await reportOf({ port, host: "localhost" }, { signal: AbortSignal.abort() });
    expect(early.steps.find(({ status }) => status === "failed")?.name).toBe("dns");
  });

  test("that is given up while the server has not said what it can do has not come to TLS", async () => {
    const controller = new AbortController();
    const EHLO = async (peer: Peer): Promise<undefined> => {
      controller.abort();
      await peer.silence();
    };
    const { port } = await serve(polite({ EHLO }));
    const report = await reportOf({ port, requireTLS: true }, { ...TO, signal: controller.signal });
    expect(step(report, "tls")).toMatchObject({ status: "skipped", summary: "not reached" });
    expect(step(report, "extensions").status).toBe("failed");
  });

  test("sends the values that it is given, in the language that it is given", async () => {
    const server = await serve(polite());
    const templates = [
      ...USAGE_TYPES.map((type) => template(type)),
      template("Generic", { locale: "de", content: "Hallo {{name}}" }),
    ];
    const options = { ...TO, payload: { name: "Bob", code: "1" }, locale: "de-CH" };
    expect((await reportOf({ port: server.port, templates }, options)).ok).toBe(true);
    expect(server.messages.join("")).toContain("Hallo Bob");
  });

  test("is told its steps as they happen, and does not mind a listener that throws", async () => {
    const seen: string[] = [];
    const { port } = await serve(
      polite({
        QUIT: () => {
          seen.push("QUIT");
          return "221 bye";
        },
      }),
    );
    const onStep = ({ name }: Step): void => {
      seen.push(name);
      throw new Error("oops");
    };
    expect((await reportOf({ port }, { onStep })).ok).toBe(true);
    expect(seen.indexOf("greeting")).toBeLessThan(seen.indexOf("QUIT"));
    expect(seen).toHaveLength(9);
  });

  test.each<[string, object, string]>([
    ["an option that there is not", { too: "bob@example.org" }, "options"],
    ["a type without an address", { type: "SignIn" }, "type"],
    ["a payload without an address", { payload: {} }, "payload"],
    ["a signal that is none", { signal: {} }, "signal"],
    ["a listener that is none", { onStep: "log" }, "onStep"],
  ])("refuses %s", async (_, options, option) => {
    const error = await errorOf(testConnector(configWith({}), options));
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).option).toBe(option);
  });

  test("keeps secrets to itself, also where the server repeats them", async () => {
    const pass = "k7-never-guessed";
    const encoded = [pass, `\0${AUTH.user}\0${pass}`].map((text) => Buffer.from(text).toString("base64"));
    const secrets = [pass, ...encoded.map((text) => text.replace(/=+$/, "")), "p4-proxy-pass"];
    const proxy = await serveProxy("http");
    for (const AUTH_REPLY of ["235 2.7.0 welcome", `535 5.7.8 ${pass} is wrong`]) {
      const { port } = await serve(
        polite({ offers: ["AUTH PLAIN"], AUTH: (_, line) => `${AUTH_REPLY} ${line}` }),
      );
      for (const more of [{}, { proxy: `http://me:p4-proxy-pass@127.0.0.1:${proxy.port}` }]) {
        const auth = { user: AUTH.user, pass, allowInsecure: true };
        const report = await reportOf({ port, auth, ignoreTLS: true, ...more }, TO);
        const text = inspect(report, { depth: 12, showHidden: true, getters: true }) + JSON.stringify(report);
        expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
      }
    }
  });
});
