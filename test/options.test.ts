import { describe, expect, test } from "vitest";
import { ConfigError, SmtpClient, type SmtpClientOptions } from "../src/index.ts";
import { type ResolvedOptions, resolveOptions } from "../src/options.ts";
import type { Connect } from "../src/transport/wire.ts";

const CONNECT: Connect = () => Promise.reject(new Error("nothing is connected here"));
const HOST = "mail.example";
const USER = { user: "alice", pass: "open sesame" };

function resolve(options: unknown): ResolvedOptions {
  return resolveOptions(options as SmtpClientOptions, { connect: CONNECT });
}

function refusal(options: unknown): ConfigError {
  try {
    resolve(options);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error(`it should be refused: ${JSON.stringify(options)}`);
}

/** Where a connection would lead, and how it would be protected. */
function course(options: unknown): string {
  const { target, opening } = resolve(options).settings;
  return `${target.host} ${target.port} ${opening.security}${target.implicitTls ? " implicit" : ""}`;
}

describe("defaults", () => {
  test.each([
    [{ host: HOST }, "mail.example 587 starttls"],
    [{ host: HOST, port: 25 }, "mail.example 25 starttls"],
    [{ host: HOST, port: 465 }, "mail.example 465 tls implicit"],
    [{ host: HOST, security: "tls" }, "mail.example 465 tls implicit"],
    [{ host: HOST, security: "tls", port: 2465 }, "mail.example 2465 tls implicit"],
    [{ host: HOST, security: "starttls", port: 465 }, "mail.example 465 starttls"],
    [{ host: HOST, security: "opportunistic" }, "mail.example 587 opportunistic"],
    [{ host: "localhost" }, "localhost 587 opportunistic"],
    [{ host: "LOCALHOST" }, "LOCALHOST 587 opportunistic"],
    [{ host: "127.0.0.1", port: 1025 }, "127.0.0.1 1025 opportunistic"],
    [{ host: "127.8.9.10" }, "127.8.9.10 587 opportunistic"],
    [{ host: "::1" }, "::1 587 opportunistic"],
    [{ host: "localhost", port: 465 }, "localhost 465 tls implicit"],
    [{ host: "127.0.0.1.example" }, "127.0.0.1.example 587 starttls"],
    [{ host: "localhost.example" }, "localhost.example 587 starttls"],
    [{ host: "128.0.0.1" }, "128.0.0.1 587 starttls"],
    [{ host: "0.0.0.0" }, "0.0.0.0 587 starttls"],
    [{ host: "127.999.0.1" }, "127.999.0.1 587 starttls"],
    [{ host: "::2" }, "::2 587 starttls"],
  ])("%j leads to %s", (options, expected) => {
    expect(course(options)).toBe(expected);
  });

  test("the name in the certificate is the host's, unless another is given", () => {
    expect(resolve({ host: HOST }).settings.target.servername).toBe(HOST);
    expect(resolve({ host: HOST, servername: "other.example" }).settings.target.servername).toBe(
      "other.example",
    );
  });

  test("time limits and the pool's have values of their own, and each can be set alone", () => {
    const { settings, limits, timeout } = resolve({ host: HOST });
    expect(settings.timeouts).toEqual({
      token: 30_000,
      connect: 30_000,
      greeting: 60_000,
      tls: 30_000,
      command: 60_000,
      data: 120_000,
      content: 180_000,
      endOfData: 600_000,
      quit: 2_000,
    });
    expect(limits).toEqual({
      maxConnections: 5,
      minConnections: 0,
      maxMessagesPerConnection: 100,
      maxConnectionAge: 600_000,
      idleTimeout: 30_000,
    });
    expect(timeout).toBeUndefined();
    expect(resolve({ host: HOST, timeouts: { greeting: 5 } }).settings.timeouts).toEqual({
      ...settings.timeouts,
      greeting: 5,
    });
  });

  test("the runtime's connect is used, unless another is given", () => {
    expect(resolve({ host: HOST }).settings.connect).toBe(CONNECT);
    const connect: Connect = () => Promise.reject(new Error());
    expect(resolve({ host: HOST, connect }).settings.connect).toBe(connect);
  });

  test("certificates are checked, but not where TLS may be left out altogether, unless the caller says so", () => {
    const strictness = (options: object): unknown =>
      resolve({ host: HOST, ...options }).settings.target.tls.rejectUnauthorized;
    expect(strictness({})).not.toBe(false);
    expect(strictness({ security: "tls" })).not.toBe(false);
    expect(strictness({ security: "opportunistic" })).toBe(false);
    expect(strictness({ security: "opportunistic", tls: { rejectUnauthorized: true } })).toBe(true);
    expect(strictness({ security: "opportunistic", tls: { rejectUnauthorized: undefined } })).toBe(false);
  });

  test("an option that is undefined is an option that is not there", () => {
    const names = Object.keys(EVERY_BAD_VALUE).filter((name) => !name.includes(".") && name !== "host");
    const options = Object.fromEntries(names.map((name) => [name, undefined]));
    expect(course({ host: HOST, ...options })).toBe("mail.example 587 starttls");
    expect(course({ url: "smtp://mail.example:2525", port: undefined })).toBe("mail.example 2525 starttls");
    const timeouts = { greeting: undefined };
    expect(resolve({ host: HOST, timeouts }).settings.timeouts.greeting).toBe(60_000);
  });
});

const NO_FUNCTION = ["x", 1, true, {}, null];
const NO_INTEGER = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "5", true, null, {}, []];
const NO_TIME = [...NO_INTEGER, 2_147_483_648, 1e300];
const NO_FLAG = ["false", 0, 1, null, {}];
const NO_STRING = ["", 5, true, null, {}, [], "a\0b", "a\r\nb", "a\tb", "a\x7fb"];
const NO_OBJECT = [null, 5, "x", true, [], [{}]];
const NO_HOST = [
  ...NO_STRING,
  "a b",
  "a/b",
  "a@b",
  "a:25",
  "127.0.0.1:25",
  "mäil.example",
  "[::1]",
  "-",
  "a\u2028b",
  "a%00",
];

const EVERY_BAD_VALUE: Readonly<Record<string, readonly unknown[]>> = {
  host: [undefined, ...NO_HOST],
  port: [...NO_INTEGER, 65_536],
  security: ["ssl", "TLS", "", true, null, ["tls"], "none\0", "__proto__", "toString"],
  tls: NO_OBJECT,
  "tls.rejectUnauthorized": NO_FLAG,
  "tls.passphrase": [8675309, 5n, true, null, {}, ["x"]],
  "tls.checkServerIdentity": NO_FUNCTION,
  "tls.servername": ["x"],
  "tls.host": ["x"],
  "tls.socket": [{}],
  "tls.lookup": [() => {}],
  "tls.secureContext": [{}],
  "tls.port": [1],
  "tls.path": ["/tmp/socket"],
  "tls.SNICallback": [() => {}],
  "tls.requestCert": [true],
  "tls.pskCallback": [() => {}],
  servername: NO_HOST,
  name: [
    ...NO_STRING,
    "a b",
    "a_b",
    "-a",
    "a-",
    "a..b",
    ".a",
    "a.",
    "[1.2.3]",
    "[::1]",
    "[IPv6:x]",
    "ä.example",
    "é",
  ],
  localAddress: [...NO_STRING, "localhost", "1.2.3", "1.2.3.4.5", "eth0", "256.1.1.1"],
  auth: [...NO_OBJECT, { user: "a" }, { user: "a", pass: "b", accessToken: "c" }],
  "auth.user": [undefined, 5, null, "a\0b", "a\nb", "a\x01b", "\ud800"],
  "auth.pass": [5, null, "a\0b", "a\r\n", "\udfff"],
  "auth.accessToken": ["", 5, null, "a b", "a\x01b", "ä", "a\n"],
  "auth.mechanism": ["plain", "DIGEST-MD5", "", null, "XOAUTH2"],
  "auth.allowInsecure": NO_FLAG,
  "auth.type": ["login"],
  timeout: NO_TIME,
  timeouts: NO_OBJECT,
  "timeouts.connect": NO_TIME,
  "timeouts.greeting": NO_TIME,
  "timeouts.tls": NO_TIME,
  "timeouts.command": NO_TIME,
  "timeouts.data": NO_TIME,
  "timeouts.content": NO_TIME,
  "timeouts.endOfData": NO_TIME,
  "timeouts.quit": NO_TIME,
  "timeouts.socket": [5],
  maxConnections: [...NO_INTEGER, 1_001],
  minConnections: [...NO_INTEGER.slice(1), 6, 1_001],
  maxMessagesPerConnection: [...NO_INTEGER, 1_000_001],
  maxConnectionAge: NO_TIME,
  idleTimeout: NO_TIME,
  rateLimit: [
    null,
    5,
    "x",
    true,
    [],
    {},
    { messages: 5 },
    { per: 5 },
    { messages: 1, per: 1, rate: 1 },
    () => {},
  ],
  "rateLimit.messages": NO_INTEGER,
  "rateLimit.per": NO_TIME,
  "rateLimit.acquire": NO_FUNCTION,
  retry: [null, true, 5, "x", [], () => {}],
  "retry.attempts": [...NO_INTEGER, 11],
  "retry.transient": NO_FLAG,
  extensions: NO_OBJECT,
  "extensions.pipelining": NO_FLAG,
  "extensions.size": NO_FLAG,
  "extensions.smtputf8": NO_FLAG,
  "extensions.starttls": [false],
  "extensions.auth": [false],
  trace: NO_FUNCTION,
  logger: [null, 5, "x", true, [], {}, { log: () => {} }, () => {}],
  "logger.debug": NO_FUNCTION,
  "logger.error": NO_FUNCTION,
  lookup: NO_FUNCTION,
  connect: NO_FUNCTION,
  url: ["", 5, null, true, {}, "x", "http://mail.example", "smtp:", "smtp://", "mailto:a@b.example"],
};

describe("a bad value is refused and its option named", () => {
  test.each(Object.entries(EVERY_BAD_VALUE))("%s", (path, values) => {
    const [outer = "", inner] = path.split(".");
    const around = { auth: { ...USER }, timeouts: {}, tls: {}, extensions: {} }[outer] ?? {};
    for (const value of values) {
      const options: Record<string, unknown> = {
        ...(outer !== "url" && { host: HOST }),
        [outer]: inner === undefined ? value : { ...around, [inner]: value },
      };
      if (path === "auth.accessToken") options.auth = { user: "a", accessToken: value };
      const what = `${path}: ${typeof value === "string" ? JSON.stringify(value) : String(value)}`;
      let error: unknown;
      try {
        resolve(options);
      } catch (caught) {
        error = caught;
      }
      expect(error, what).toBeInstanceOf(ConfigError);
      const { option, code, phase, delivery, retryable, message } = error as ConfigError;
      // A URL without a host is refused for what it lacks.
      if (path === "url") expect(["url", "host"], what).toContain(option);
      else if (path.startsWith("tls.") || inner === "type" || inner === "socket" || outer === "extensions")
        expect(`${option} ${message}`, what).toContain(inner ?? outer);
      else expect(option, what).toBe(path);
      expect({ code, phase, delivery, retryable }, what).toEqual({
        code: "invalid_option",
        phase: "config",
        delivery: "not-sent",
        retryable: false,
      });
      expect(message, what).not.toMatch(/[\0\r\n\t]/);
    }
  });

  test.each([
    "secure",
    "Host",
    "hostname",
    "requireTLS",
    "pool",
    "maxconnections",
    "__proto__x",
    "rejectUnauthorized",
  ])("an option that there is not: %s", (name) => {
    expect(refusal({ host: HOST, [name]: true }).message).toContain(name);
  });

  test.each([undefined, null, 5, true, [], () => {}])("options that are none: %s", (options) => {
    refusal(options);
  });

  test("a host that is not given is asked for", () => {
    expect(refusal({}).option).toBe("host");
  });

  test("the constructor refuses at once, before anything is connected", () => {
    expect(() => new SmtpClient({ host: "" })).toThrow(ConfigError);
    expect(() => new SmtpClient("not a url")).toThrow(ConfigError);
  });
});

describe("what is not the caller's word", () => {
  test("inherited properties are none", () => {
    const inherited = Object.create({ security: "none", auth: USER, port: 25 }) as object;
    expect(course(Object.assign(inherited, { host: HOST }))).toBe("mail.example 587 starttls");
    class Options {
      readonly host = HOST;
      get security(): string {
        return "none";
      }
    }
    expect(course(new Options())).toBe("mail.example 587 starttls");
    const tls = Object.create({ rejectUnauthorized: false }) as object;
    expect(resolve({ host: HOST, tls }).settings.target.tls.rejectUnauthorized).toBe(true);
    expect(refusal({ host: HOST, auth: Object.create(USER) as object }).option).toMatch(/^auth/);
  });

  test("a polluted prototype changes nothing", () => {
    const prototype = Object.prototype as Record<string, unknown>;
    Object.assign(prototype, {
      security: "none",
      rejectUnauthorized: false,
      allowInsecure: true,
      greeting: 1,
    });
    try {
      const { settings } = resolve({ host: HOST, auth: USER });
      expect(settings.opening.security).toBe("starttls");
      expect(settings.target.tls.rejectUnauthorized).toBe(true);
      expect(settings.insecureAllowed).toBe(false);
      expect(settings.timeouts.greeting).toBe(60_000);
    } finally {
      for (const key of ["security", "rejectUnauthorized", "allowInsecure", "greeting"])
        delete prototype[key];
    }
  });

  test("each property is read once, and what is changed afterwards changes nothing", () => {
    let reads = 0;
    const auth = { ...USER };
    const timeouts = { greeting: 5 };
    const tls = { rejectUnauthorized: true };
    const options = {
      get host() {
        return reads++ === 0 ? HOST : "evil.example";
      },
      auth,
      timeouts,
      tls,
    };
    const { settings } = resolve(options);
    Object.assign(auth, { pass: "changed" });
    Object.assign(timeouts, { greeting: 6 });
    Object.assign(tls, { rejectUnauthorized: false });
    expect(reads).toBe(1);
    expect(settings.target).toMatchObject({
      host: HOST,
      servername: HOST,
      tls: { rejectUnauthorized: true },
    });
    expect(settings.opening.login?.credentials).toMatchObject({ pass: USER.pass });
    expect(settings.timeouts.greeting).toBe(5);
  });

  test("the caller's objects may be frozen", () => {
    const options = Object.freeze({
      host: HOST,
      auth: Object.freeze({ ...USER }),
      tls: Object.freeze({ minVersion: "TLSv1.3" }),
    });
    expect(resolve(options).settings.target.tls).toMatchObject({ minVersion: "TLSv1.3" });
  });
});

describe("credentials that would be there for all to read", () => {
  test.each([
    [{ security: "none" }, "security"],
    [{ tls: { rejectUnauthorized: false } }, "tls.rejectUnauthorized"],
    [{ security: "tls", tls: { rejectUnauthorized: false } }, "tls.rejectUnauthorized"],
    [{ security: "opportunistic", tls: { rejectUnauthorized: false } }, "tls.rejectUnauthorized"],
  ])("%j with auth is refused at construction, unless the caller wrote allowInsecure", (options, option) => {
    const error = refusal({ host: HOST, auth: USER, ...options });
    expect(error.option).toBe(option);
    expect(error.hint).toContain("allowInsecure");
    const auth = { ...USER, allowInsecure: true };
    expect(resolve({ host: HOST, ...options, auth }).settings.insecureAllowed).toBe(true);
    expect(resolve({ host: HOST, ...options }).settings.opening.login?.credentials).toBeUndefined();
  });

  test("a loopback host may hear them", () => {
    expect(resolve({ host: "127.0.0.1", security: "none", auth: USER }).settings.insecureAllowed).toBe(true);
  });

  test("EXTERNAL needs a certificate, unless the server may know us otherwise", () => {
    const auth = { mechanism: "EXTERNAL" } as const;
    expect(refusal({ host: HOST, auth }).option).toBe("tls.cert");
    expect(refusal({ host: HOST, auth, tls: { ca: "a" } }).option).toBe("tls.cert");
    for (const options of [{ tls: { cert: "a", key: "b" } }, { tls: { pfx: "a" } }, { connect: CONNECT }]) {
      expect(resolve({ host: HOST, auth, ...options }).settings.opening.login).toBeDefined();
    }
    expect(resolve({ host: "localhost", path: "/run/smtp", auth }).settings.opening.login).toBeDefined();
  });

  test("a mechanism that the credentials cannot feed is refused", () => {
    expect(refusal({ host: HOST, auth: { user: "a", accessToken: "t", mechanism: "PLAIN" } }).option).toBe(
      "auth.mechanism",
    );
    expect(refusal({ host: HOST, auth: { ...USER, mechanism: "XOAUTH2" } }).option).toBe("auth.mechanism");
  });
});

describe("URLs", () => {
  test.each([
    ["smtp://mail.example", "mail.example 587 starttls"],
    ["smtps://mail.example", "mail.example 465 tls implicit"],
    ["smtps://mail.example:2465", "mail.example 2465 tls implicit"],
    ["smtp://mail.example:465", "mail.example 465 tls implicit"],
    ["smtp://mail.example:2525/", "mail.example 2525 starttls"],
    ["smtp://localhost:1025", "localhost 1025 opportunistic"],
    ["smtp://[::1]:25", "::1 25 opportunistic"],
    ["smtp://[2001:db8::1]", "2001:db8::1 587 starttls"],
    ["smtp://mail.example?security=none", "mail.example 587 none"],
    ["SMTP://mail.example", "mail.example 587 starttls"],
  ])("%s leads to %s", (url, expected) => {
    expect(course(url)).toBe(expected);
    expect(course(new URL(url))).toBe(expected);
    expect(course({ url })).toBe(expected);
  });

  test.each([
    ["alice", "s3cret", "alice", "s3cret"],
    ["alice%40example.com", "p%3A%2F%3F%23%5B%5D%40", "alice@example.com", "p:/?#[]@"],
    ["%E4%BD%A0", "%F0%9F%94%91", "你", "🔑"],
    ["a+b", "c+d", "a+b", "c+d"],
    ["a%2520", "%2525", "a%20", "%25"],
  ])("%s:%s is percent-decoded once", (user, pass, ...expected) => {
    const { login } = resolve(`smtps://${user}:${pass}@mail.example`).settings.opening;
    expect(login?.credentials).toMatchObject({ user: expected[0], pass: expected[1] });
  });

  test("parameters say what a URL has no place for", () => {
    const { settings } = resolve("smtp://a:b@mail.example?name=me.example&mechanism=LOGIN&security=tls");
    expect(settings.name).toBe("me.example");
    expect(settings.opening).toMatchObject({ security: "tls", login: { mechanisms: [{ name: "LOGIN" }] } });
  });

  test("other options stand above what the URL says", () => {
    const url = "smtps://a:b@mail.example:2465";
    expect(course({ url, port: 25, security: "starttls" })).toBe("mail.example 25 starttls");
    expect(course({ url, host: "other.example" })).toBe("other.example 2465 tls implicit");
    expect(resolve({ url, auth: USER }).settings.opening.login?.credentials).toMatchObject(USER);
  });

  test.each([
    "smtp://mail.example?sekurity=tls",
    "smtp://mail.example?security=ssl",
    "smtp://mail.example?security=tls&security=none",
    "smtp://mail.example?tls=%7B%7D",
    "smtp://mail.example?__proto__=x",
    "smtp://mail.example?name=a%0d%0ab",
    "smtp://mail.example?mechanism=LOGIN",
    "smtp://mail.example/inbox",
    "smtp://mail.example#x",
    "smtp://mail.example:0",
    "smtp://mail.example:65536",
    "smtp://mail.example:",
    "smtp://a\tb@mail.example",
    "smtp://mail.exa\nmple",
    "smtp://mail.exa%0ample",
    "smtp://a%0d%0aRSET:b@mail.example",
    "smtp://a:b%00@mail.example",
    "smtp://a:%ff@mail.example",
    "smtp://a:%zz@mail.example",
    "smtp://mail%20er.example",
    "smtp://[::1",
    "//mail.example",
    "mail.example",
    "mail.example:25",
    " smtp://mail.example",
  ])("%j is refused", (url) => {
    // A colon without a port is what the URL standard takes for the default port.
    if (url === "smtp://mail.example:") expect(course(url)).toBe("mail.example 587 starttls");
    else if (url.startsWith(" ")) expect(() => course(url)).not.toThrow(TypeError);
    else refusal(url);
  });

  test("a user without a password is asked for one, for nobody logs in with an empty one by intent", () => {
    expect(refusal("smtp://alice@mail.example").option).toMatch(/^(?:url|auth)/);
  });

  test("security none in the URL does not let its password travel", () => {
    expect(refusal("smtp://a:b@mail.example?security=none").option).toBe("security");
  });
});
