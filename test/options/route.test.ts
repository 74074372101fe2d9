import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { ConfigError, SmtpClient, type SmtpClientOptions } from "../../src/index.ts";
import { readProxy } from "../../src/options/proxy.ts";
import { type ResolvedOptions, resolveOptions } from "../../src/options.ts";
import type { Connect } from "../../src/transport/wire.ts";

const CONNECT: Connect = () => Promise.reject(new Error("nothing is connected here"));
const HOST = "mail.example";
const USER = { user: "alice", pass: "open sesame" };

function resolve(options: unknown): ResolvedOptions {
  return resolveOptions(options as SmtpClientOptions, { connect: CONNECT });
}

function refusal(of: () => unknown): ConfigError {
  try {
    of();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error("it should be refused");
}

describe("a proxy", () => {
  test.each([
    ["http://proxy.example:3128", { kind: "http", host: "proxy.example", port: 3128, tls: undefined }],
    ["http://proxy.example", { kind: "http", port: 80, tls: undefined }],
    ["https://proxy.example/", { kind: "http", port: 443, tls: {} }],
    ["socks5://proxy.example", { kind: "socks5", host: "proxy.example", port: 1080, tls: undefined }],
    ["socks5h://[2001:db8::1]:9050", { kind: "socks5", host: "2001:db8::1", port: 9050 }],
    ["http://[::1]:1", { host: "::1", port: 1 }],
    [new URL("socks5://192.0.2.1"), { kind: "socks5", host: "192.0.2.1" }],
    ["http://u:p@proxy.example", { credentials: { user: "u", pass: "p" } }],
    ["socks5://us%C3%A9r:p%3A%2F%40@proxy.example", { credentials: { user: "usér", pass: "p:/@" } }],
    [
      { url: "https://u:p@proxy.example", tls: { ca: "PEM" } },
      { kind: "http", tls: { ca: "PEM" } },
    ],
    [{ url: "https://proxy.example", tls: { rejectUnauthorized: false } }, { credentials: undefined }],
  ])("%j is understood", (proxy, expected) => {
    expect(readProxy(proxy, "proxy")).toMatchObject(expected);
  });

  test.each([
    ["nothing", null, "is null, not an object"],
    ["a number", 3128, "is a number, not an object"],
    ["empty", "", "is no URL"],
    ["no URL", "proxy.example canary", "is no URL"],
    ["a host and a port", "canary:3128", "another scheme"],
    ["of another scheme", "ftp://canary@proxy.example", "another scheme"],
    ["of a scheme that objects have", "constructor://proxy.example", "another scheme"],
    ["SOCKS 4", "socks4://proxy.example", "another scheme"],
    ["with a port that there is not", "socks5://proxy.example:0", "not a whole number"],
    ["with a path", "http://proxy.example/canary", "has a path"],
    ["with a query", "http://proxy.example?canary", "has a path, a query"],
    ["with a fragment", "socks5://proxy.example#canary", "has a path, a query or a fragment"],
    ["without a host", "socks5://", "is "],
    ["with a line end", "http://proxy.example\r\ncanary", "holds a control character"],
    ["with a tab", "http://canary\tproxy.example", "holds a control character"],
    ["with a line end in the password", "http://u:canary%0d%0aX:y@proxy.example", "control character"],
    ["with a NUL in the user", "socks5://canary%00:p@proxy.example", "control character"],
    ["with a line end in the host", "socks5://proxy%0d%0acanary", "control character"],
    ["with a blank in the host", "socks5://proxy%20canary", "neither a host name"],
    ["with a user alone", "http://canary@proxy.example", "a user without a password"],
    ["with a password alone", "http://:canary@proxy.example", "a password without a user"],
    ["with a colon in the user", "http://u%3Acanary:p@proxy.example", "a colon in it"],
    ["with a password that is not UTF-8", "http://u:canary%FF@proxy.example", "percent-encoded UTF-8"],
    [
      "with a password that SOCKS cannot say",
      `socks5://u:canary${"x".repeat(250)}@proxy.example`,
      "255 octets",
    ],
    [
      "with a user that SOCKS cannot say",
      `socks5://${"%C3%A9".repeat(128)}canary:p@proxy.example`,
      "255 octets",
    ],
  ])("that is %s is refused, and not shown", (_, proxy, fault) => {
    const error = refusal(() => resolve({ host: HOST, proxy }));
    expect(error.option).toBe("proxy");
    expect(error.message).toContain(fault);
    expect(inspect(error)).not.toContain("canary");
  });

  test.each([
    ["proxy", { uri: "http://proxy.example" }, 'has no property "uri"'],
    ["proxy.url", {}, "is missing, not a URL"],
    ["proxy.url", { url: "canary" }, "is no URL"],
    ["proxy.tls", { url: "http://proxy.example", tls: {} }, "means nothing for a proxy that is not https://"],
    ["proxy.tls", { url: "socks5://proxy.example", tls: {} }, "means nothing"],
    ["proxy.tls", { url: "https://proxy.example", tls: { sa: "" } }, 'has no property "sa"'],
  ])("names %s where that is at fault: %j", (option, proxy, fault) => {
    const error = refusal(() => resolve({ host: HOST, proxy }));
    expect(error.option).toBe(option);
    expect(error.message).toContain(fault);
  });

  test("is named in what leads there, without its credentials", () => {
    const options = { host: HOST, proxy: "http://canary-user:canary-pass@proxy.example:3128" };
    const { target } = resolve(options).settings;
    expect(target).toMatchObject({ host: HOST, port: 587, via: "proxy.example on port 3128" });
    expect(inspect(new SmtpClient(options), { depth: 9, showHidden: true })).not.toContain("canary");
  });

  test("makes localhost another host than this, to which nothing is sent in the clear", () => {
    const proxy = "socks5://127.0.0.1";
    expect(resolve({ host: "localhost", proxy }).settings.opening.security).toBe("starttls");
    expect(resolve({ host: "localhost", proxy, auth: USER }).settings.insecureAllowed).toBe(false);
    const error = refusal(() => resolve({ host: "localhost", proxy, auth: USER, security: "none" }));
    expect(error.option).toBe("security");
  });

  test.each([
    ["fe80::1%eth0", "nothing that a proxy can be told"],
    ["1:2:3", "nothing that a proxy can be told"],
    ["x".repeat(256), "nothing that a proxy can be told"],
  ])("is not asked for %s", (host, fault) => {
    const error = refusal(() => resolve({ host, proxy: "socks5://proxy.example" }));
    expect(error).toMatchObject({ option: "host", message: expect.stringContaining(fault) });
  });

  test("does not stand beside a connect of the caller's own", () => {
    const error = refusal(() => resolve({ host: HOST, proxy: "socks5://proxy.example", connect: CONNECT }));
    expect(error.option).toBe("proxy");
  });
});

describe("a path", () => {
  test("leads to a server on this machine: no host, no port, no TLS unless it is asked for", () => {
    const { target, opening, insecureAllowed } = resolve({ path: "/run/lmtp", auth: USER }).settings;
    expect(target).toMatchObject({ host: "localhost", port: 0, path: "/run/lmtp", implicitTls: false });
    expect(opening.security).toBe("none");
    expect(insecureAllowed).toBe(true);
  });

  test("may have the server's name beside it, for its certificate", () => {
    const { target, opening } = resolve({ path: "lmtp", host: HOST, security: "starttls" }).settings;
    expect(target).toMatchObject({ host: HOST, servername: HOST, path: "lmtp" });
    expect(opening.security).toBe("starttls");
  });

  test.each([
    [{ path: "" }, "path", "is empty"],
    [{ path: 7 }, "path", "is a number, not a string"],
    [{ path: "\0abstract" }, "path", "holds a control character"],
    [{ path: "/run/a\nb" }, "path", "holds a control character"],
    [{ path: "/run/\ud800" }, "path", "holds half of a surrogate pair"],
    [{ path: `/${"é".repeat(52)}` }, "path", "is longer than 103 octets"],
    [{ path: "/run/lmtp", port: 25 }, "port", "means nothing where path leads"],
    [{ path: "/run/lmtp", url: "smtp://mail.example:25" }, "port", "means nothing where path leads"],
    [{ path: "/run/lmtp", proxy: "socks5://proxy.example" }, "proxy", "means nothing"],
    [{ path: "/run/lmtp", localAddress: "127.0.0.1" }, "localAddress", "means nothing"],
    [{ path: "/run/lmtp", lookup: () => {} }, "lookup", "means nothing"],
    [{ path: "/run/lmtp", family: 4 }, "family", "means nothing"],
  ])("%j is refused", (options, option, fault) => {
    const error = refusal(() => resolve(options));
    expect(error).toMatchObject({ option, message: expect.stringContaining(fault) });
  });
});

describe("a family", () => {
  test.each([
    [{ host: HOST, family: 4 }, 4],
    [{ host: "192.0.2.1", family: 4 }, 4],
    [{ host: "::1", family: 6 }, 6],
    [{ host: "::1", family: 4, proxy: "http://192.0.2.1" }, 4],
    [{ host: HOST }, undefined],
  ])("%j is passed on", (options, family) => {
    expect(resolve(options).settings.target.family).toBe(family);
  });

  test.each([
    [{ host: HOST, family: 0 }, "is neither 4 nor 6"],
    [{ host: HOST, family: "IPv4" }, "is neither 4 nor 6"],
    [{ host: "::1", family: 4 }, "is 4, and the host is an address of the other"],
    [{ host: "192.0.2.1", family: 6 }, "is 6, and the host is an address of the other"],
    [{ host: "::1", family: 6, proxy: "http://192.0.2.1" }, "is an address of the other"],
  ])("%j is refused", (options, fault) => {
    const error = refusal(() => resolve(options));
    expect(error).toMatchObject({ option: "family", message: expect.stringContaining(fault) });
  });
});

test("each client has TLS sessions of its own", () => {
  const [one, other] = [resolve({ host: HOST }), resolve({ host: HOST })].map(
    ({ settings }) => settings.target.sessions,
  );
  expect(one).toBeDefined();
  expect(one).not.toBe(other);
});
