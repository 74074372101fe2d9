// What is to be changed, for each way in which settings are wrong: every hint, provoked over real sockets.

import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { hintFor } from "../../src/connector/report-hints.ts";
import { ReplyError } from "../../src/errors.ts";
import { hintOf, type Refused } from "../../src/protocol/hints.ts";
import { type Certificates, type Identity, makeCertificates } from "../support/certificates.ts";
import { template, USAGE_TYPES } from "../support/connector.ts";
import { type Manners, polite } from "../support/manners.ts";
import { serveProxy } from "../support/proxy.ts";
import { AUTH, failureOf, HERE, resolver, TO, WORDS_OF_THE_CLIENT } from "../support/report.ts";
import { type Peer, type Script, serve } from "../support/server.ts";
import { watchProcess } from "../support/watch.ts";

watchProcess();

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});

const SILENT: Script = (peer) => peer.silence();
const quiet = async (peer: Peer): Promise<undefined> => void (await peer.silence());

/** A port of this machine where nobody listens. */
async function closedPort(): Promise<number> {
  const server = await serve(SILENT);
  await server.close();
  return server.port;
}

describe("the way to the server", () => {
  test("a host that there is not", async () => {
    const lookup = resolver((name, _options, done) => {
      const error = new Error(`getaddrinfo ENOTFOUND ${name}`);
      done(Object.assign(error, { code: "ENOTFOUND", syscall: "getaddrinfo" }), []);
    });
    expect(await failureOf({ host: "smtp.exmaple.com" }, {}, lookup)).toEqual([
      "dns",
      "correct host: there is no smtp.exmaple.com",
    ]);
  });

  test("name servers that say nothing", async () => {
    const hint = "the name servers of this machine gave no answer for host: check its network, and try again";
    const failing = resolver((_name, _options, done) => {
      done(Object.assign(new Error("EAI_AGAIN"), { code: "EAI_AGAIN", syscall: "getaddrinfo" }), []);
    });
    const config = { host: "smtp.example.com", connectionTimeout: 50 };
    expect(await failureOf(config, {}, failing)).toEqual(["dns", hint]);
    expect(
      await failureOf(
        config,
        {},
        resolver(() => {}),
      ),
    ).toEqual(["dns", hint]);
  });

  test("a port where nobody listens", async () => {
    const port = await closedPort();
    expect(await failureOf({ port })).toEqual([
      "tcp",
      `nothing listens on port ${port}: check host, and set port to the one that the provider names, mostly 465 or 587`,
    ]);
  });

  test("a port that is blocked: nothing answers", async () => {
    const port = await deafPort();
    expect(await failureOf({ port, connectionTimeout: 300 })).toEqual([
      "tcp",
      `nothing answers on port ${port}, which a firewall may block: set port to another that the provider names, such as 587, 465 or 2525`,
    ]);
  });

  test("an address that the system gives up on", async () => {
    const { port } = await serve(polite());
    const connect = async (): Promise<never> => {
      throw Object.assign(new Error("connect EHOSTUNREACH"), { code: "EHOSTUNREACH" });
    };
    const [step, hint] = await failureOf({ port }, {}, { connect });
    expect(step).toBe("tcp");
    expect(hint).toBe("check host and port, and the network of this machine");
  });

  test("a proxy that says nothing", async () => {
    const { port } = await serve(SILENT);
    const config = { host: "smtp.example.com", proxy: `http://127.0.0.1:${port}`, connectionTimeout: 100 };
    expect(await failureOf(config)).toEqual([
      "tcp",
      "nothing came through the proxy: check proxy, and whether it lets anybody to port 587 of host",
    ]);
  });

  test("a proxy that is not there", async () => {
    const proxy = `http://127.0.0.1:${await closedPort()}`;
    expect(await failureOf({ host: "smtp.example.com", proxy })).toEqual(["tcp", "check proxy"]);
  });
});

describe("the wrong TLS mode", () => {
  const toBe = (port: number): string =>
    `port ${port} does not begin with TLS: set secure to false, or port to 465`;

  test("TLS from the first octet, where STARTTLS is spoken", async () => {
    const { port } = await serve(polite({ offers: ["STARTTLS"], identity: certificates.good }));
    expect(await failureOf({ port, secure: true })).toEqual(["tls", toBe(port)]);
  });

  test("TLS from the first octet, where nothing is said to it", async () => {
    const { port } = await serve(SILENT);
    const config = { port, secure: true, connectionTimeout: 100 };
    expect(await failureOf(config)).toEqual(["tls", toBe(port)]);
  });

  test("the same through a proxy, which has the greeting already", async () => {
    const { port } = await serve(polite());
    const proxy = await serveProxy("http");
    const config = { host: "smtp.example.com", port, secure: true };
    const [step, hint] = await failureOf({ ...config, proxy: `http://127.0.0.1:${proxy.port}` });
    expect(step).toBe("tls");
    expect(hint).toMatch(/secure to false/);
  });

  test("no TLS at first, where it is expected", async () => {
    const { port } = await serve(polite(), { tls: certificates.good });
    expect(await failureOf({ port, greetingTimeout: 50 })).toEqual([
      "greeting",
      `nothing was said on port ${port}: if it expects TLS from the first octet, set secure to true; else set port to one for mail, such as 587`,
    ]);
  });

  test("STARTTLS that is not offered", async () => {
    const { port } = await serve(polite());
    expect(await failureOf({ port, requireTLS: true })).toEqual([
      "tls",
      `port ${port} offers no STARTTLS: set port to 465 and secure to true; only if the network is yours, set ignoreTLS to true`,
    ]);
  });

  test("STARTTLS that is offered, and refused", async () => {
    const { port } = await serve(polite({ offers: ["STARTTLS"], STARTTLS: "454 4.7.0 TLS not available" }));
    expect(await failureOf({ port })).toEqual([
      "tls",
      "the server cannot begin TLS now: try again later, or set port to 465 and secure to true",
    ]);
  });

  test("TLS that does not come after STARTTLS", async () => {
    const STARTTLS = async (peer: Peer): Promise<undefined> => {
      await peer.say("220 go ahead");
      await peer.silence();
    };
    const { port } = await serve(polite({ offers: ["STARTTLS"], STARTTLS }));
    expect(await failureOf({ port, requireTLS: true, greetingTimeout: 100 })).toEqual([
      "tls",
      "the server did not answer in time: try again later, or set greetingTimeout higher",
    ]);
  });
});

describe("a certificate", () => {
  const cases: readonly [string, keyof Omit<Certificates, "ca">, () => string][] = [
    [
      "signed by itself",
      "selfSigned",
      () => "the certificate is signed by itself: if the server is yours, give the certificate in tls.ca",
    ],
    [
      "of an authority that nobody knows",
      "unknownAuthority",
      () =>
        "nobody known here vouches for the certificate: if you trust CN=other CA, give that authority's certificate in tls.ca",
    ],
    [
      "that has ended",
      "expired",
      () => {
        const day = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10);
        return `the certificate ended on ${day}: whoever runs the server must renew it, or set another host`;
      },
    ],
    [
      "of another name",
      "wrongName",
      () =>
        "the certificate is for other.example: set host to the server's name as it stands there, or servername where host must stay",
    ],
  ];
  test.each(cases)("%s", async (_, which, hint) => {
    const identity = certificates[which] as Identity;
    const tls = { ca: certificates.ca };
    const first = await serve(polite(), { tls: identity });
    expect(await failureOf({ port: first.port, secure: true, tls })).toEqual(["tls", hint()]);
    const later = await serve(polite({ offers: ["STARTTLS"], identity }));
    expect(await failureOf({ port: later.port, requireTLS: true, tls })).toEqual(["tls", hint()]);
  });
});

describe("what answers", () => {
  test("is a web server", async () => {
    // As they do: silent until it has waited long enough for a request.
    const http = createHttpServer({
      requestTimeout: 50,
      headersTimeout: 50,
      connectionsCheckingInterval: 20,
    });
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    onTestFinished(async () => void (await once(http.close(), "close")));
    const { port } = http.address() as AddressInfo;
    expect(await failureOf({ port })).toEqual([
      "greeting",
      `port ${port} belongs to a web server: set port to the one for mail, such as 587 or 465`,
    ]);
  });

  test("is no mail server", async () => {
    const { port } = await serve(polite({ greeting: "SSH-2.0-OpenSSH_9.9" }));
    expect(await failureOf({ port })).toEqual([
      "greeting",
      "what answers there does not speak SMTP: check host and port",
    ]);
  });

  test("speaks TLS, and nothing in it", async () => {
    const { port } = await serve(SILENT, { tls: certificates.good });
    const config = { port, secure: true, tls: { ca: certificates.ca }, greetingTimeout: 50 };
    expect(await failureOf(config)).toEqual([
      "greeting",
      `port ${port} speaks TLS and no SMTP: set port to 465, or to the one that the provider names`,
    ]);
  });

  test("hangs up without a word", async () => {
    const { port } = await serve(async (peer) => peer.end());
    expect(await failureOf({ port })).toEqual([
      "greeting",
      "the server hung up without a word: check host and port, and whether it takes mail from this machine",
    ]);
  });

  test("turns this machine away", async () => {
    const { port } = await serve(polite({ greeting: "554 5.7.1 your address is listed" }));
    expect(await failureOf({ port })).toEqual([
      "greeting",
      "the server takes nothing from this machine: ask the provider whether its IP address is blocked, or set another host",
    ]);
  });

  test("does not like our name", async () => {
    const { port } = await serve(polite({ EHLO: "550 5.7.1 who is that?" }));
    expect(await failureOf({ port })).toEqual(["extensions", "set name to the domain name of this machine"]);
  });
});

describe("the login", () => {
  const PLAIN: Manners = { offers: ["AUTH PLAIN LOGIN XOAUTH2"] };
  const CHECK =
    "check auth.user and auth.pass: many providers want a password made for programs, and not that of the account";

  test.each([
    ["is refused", "535 5.7.8 authentication failed", CHECK],
    ["cannot be checked", "454 4.7.0 temporary failure", /try again later/],
    ["is one too many", "421 4.7.0 try again later", /try again in some minutes/],
    ["needs TLS", "538 5.7.11 encryption required", /leave ignoreTLS out, or set secure to true/],
    ["needs another mechanism", "504 5.7.4 unrecognized authentication type", /authMethod.*OAuth2 in auth/],
    [
      "needs a password of its own, at Gmail",
      "534-5.7.9 Application-specific password required. For more information, go to\n534 5.7.9 https://support.google.com/mail/?p=InvalidSecondFactor",
      /^set auth\.pass to an app password .*, or use OAuth2 in auth$/,
    ],
    [
      "needs the word apikey, at SendGrid",
      "535 Authentication failed: Bad username / password",
      /^with SendGrid, auth\.user is the word "apikey"/,
    ],
  ])("%s", async (_, reply, hint) => {
    const { port } = await serve(polite({ ...PLAIN, AUTH: reply }));
    const [step, said] = await failureOf({ port, auth: AUTH });
    expect(step).toBe("auth");
    if (typeof hint === "string") expect(said).toBe(hint);
    else expect(said).toMatch(hint);
  });

  test("is refused with a token", async () => {
    const auth = { type: "OAuth2", user: "alice@example.com", accessToken: "ya29.token" };
    for (const [reply, hint] of [
      ["535 5.7.8 bad credentials", "the token must be fresh, of auth.user, and of the scope for SMTP"],
      ["550 5.7.1 not today", "check that the token is fresh, of auth.user, and of the scope for SMTP"],
    ] as const) {
      const { port } = await serve(polite({ ...PLAIN, AUTH: reply }));
      const [step, said] = await failureOf({ port, auth });
      expect(step).toBe("auth");
      expect(said).toContain(hint);
    }
  });

  test("cannot be had with a token that has ended", async () => {
    const auth = { user: "alice@example.com", accessToken: "ya29.token", expires: 1 };
    const { port } = await serve(polite(PLAIN));
    const [step, said] = await failureOf({ port, auth });
    expect(step).toBe("auth");
    expect(said).toMatch(/auth\.accessToken/);
  });

  test("is not offered", async () => {
    const hint = "the server offers no login that fits auth: leave auth out, or change authMethod or port";
    const without = await serve(polite());
    expect(await failureOf({ port: without.port, auth: AUTH })).toEqual(["auth", hint]);
    const other = await serve(polite({ offers: ["AUTH GSSAPI"] }));
    expect(await failureOf({ port: other.port, auth: AUTH })).toEqual(["auth", hint]);
  });

  test("is not offered without TLS", async () => {
    const { port } = await serve(polite());
    expect(await failureOf({ port, auth: AUTH, ignoreTLS: true })).toEqual([
      "auth",
      "the server may offer a login only inside TLS: leave ignoreTLS out",
    ]);
  });

  test("would be read by others", async () => {
    const config = { host: "smtp.example.com", auth: AUTH, opportunisticTLS: true };
    const yours = "only if the network is yours, set auth.allowInsecure to true";
    const clear = await serve(polite(PLAIN));
    expect(await failureOf({ ...config, port: clear.port }, {}, HERE)).toEqual([
      "auth",
      `the server offers no TLS, and others could read the password: set port to 465 and secure to true; ${yours}`,
    ]);
    const doubtful = await serve(polite({ offers: ["STARTTLS"], identity: certificates.selfSigned }));
    expect(await failureOf({ ...config, port: doubtful.port }, {}, HERE)).toEqual([
      "auth",
      `the certificate is not verified: give its authority in tls.ca; ${yours}`,
    ]);
  });
});

describe("the message", () => {
  const LOG_IN = "the server takes mail from those who log in: set auth";

  test.each<[string, Manners, string]>([
    [
      "from a sender that is refused",
      { MAIL: "553 5.7.1 not owned by you" },
      "set fromEmail to an address that this account may send from",
    ],
    [
      "from a sender that is not the user",
      { MAIL: "553 Mail from must equal authorized user" },
      "the server wants auth.user for a sender: set fromEmail to it",
    ],
    ["from nobody who has logged in", { MAIL: "530 5.7.0 authentication required" }, LOG_IN],
    [
      "to a recipient that is refused",
      { RCPT: "550 5.1.1 no such user" },
      "check the address in to: the server takes no mail for it",
    ],
    [
      "to a recipient that is put off",
      { RCPT: "450 4.2.0 greylisted" },
      "the server puts the recipient off: try again in some minutes, or change to",
    ],
    ["to a recipient elsewhere, without a login", { RCPT: "550 5.7.1 relaying denied" }, LOG_IN],
    [
      "of a size that the server announced not to take",
      { offers: ["SIZE 10"] },
      "the server takes no message of this size: shorten the content of the template",
    ],
    [
      "of a size that the server refuses",
      { content: "552 5.3.4 too big" },
      "the server takes no message of this size: shorten the content of the template",
    ],
    [
      "that nothing is said to",
      { MAIL: quiet },
      "the server did not answer in time: try again later, or set socketTimeout higher",
    ],
    [
      "from an address that SendGrid has not verified",
      { content: "550 The from address does not match a verified Sender Identity." },
      "verify the address of fromEmail, or its domain, under Sender Authentication in SendGrid's settings",
    ],
  ])("%s", async (_, manners, hint) => {
    const { port } = await serve(polite(manners));
    expect(await failureOf({ port, socketTimeout: 300 }, TO)).toEqual(["transaction", hint]);
  });

  test("without a value that its template names", async () => {
    const templates = USAGE_TYPES.map((type) => template(type, { content: "{{user.name}}: {{code}}" }));
    const { port } = await serve(polite());
    expect(await failureOf({ port, templates }, TO)).toEqual([
      "config",
      "give a value for user.name in payload",
    ]);
  });
});

test("what providers say is answered in the words of a connector", () => {
  const folder = new URL("../transcripts/", import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith(".txt"));
  const hints: (string | undefined)[] = [];
  for (const name of names) {
    const [, code = "", text = ""] =
      /^S: ([45]\d\d)[- ](.*(?:\nS: .*)*)\s*$/m.exec(readFileSync(new URL(name, folder), "utf8")) ?? [];
    const reply = { code: Number(code), lines: text.split(/\nS: \d{3}[- ]/) };
    for (const refused of ["password", "token", "sender", "message"] satisfies Refused[]) {
      const hint = hintOf(refused, reply);
      const details = { phase: "content", verb: "DATA", reply, hint } as const;
      const error = new ReplyError("refused", { code: "content_refused", ...details });
      hints.push(hintFor(error, SITUATION));
    }
  }
  const said = [...new Set(hints.filter((hint) => hint !== undefined))];
  expect(said.length).toBeGreaterThan(10);
  expect(said.filter((hint) => WORDS_OF_THE_CLIENT.test(hint))).toEqual([]);
});

const SITUATION: Parameters<typeof hintFor>[1] = {
  host: "smtp.example.com",
  port: 587,
  via: undefined,
  security: "starttls",
  hasLogin: true,
  step: "transaction",
  certificate: undefined,
  isUnanswered: false,
};

/** A port whose listener takes nobody, and has as many waiting as it lets wait: the system answers no more. */
async function deafPort(): Promise<number> {
  const deaf = new Worker(
    `const { parentPort } = require("node:worker_threads");
    const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
      parentPort.postMessage(server.address().port);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20000);
    });`,
    { eval: true },
  );
  const waiting: Socket[] = [];
  onTestFinished(async () => {
    for (const socket of waiting) socket.destroy();
    await deaf.terminate();
  });
  const [port] = (await once(deaf, "message")) as [number];
  for (let at = 0; at < 16; at++) waiting.push(connect({ host: "127.0.0.1", port }).on("error", () => {}));
  await once(waiting[0] as Socket, "connect");
  return port;
}
