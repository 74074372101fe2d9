// What a client in a Worker refuses to promise.

import { describe, expect, test } from "vitest";
import { ConfigError } from "../../src/errors.ts";
import * as index from "../../src/index.ts";
import * as workerd from "../../src/workerd.ts";
import { SmtpClient, type SmtpClientOptions } from "../../src/workerd.ts";

const HOST = "smtp.example.com";
const AUTH = { user: "alice", pass: "canary-limits" };

function refusalOf(options: SmtpClientOptions | string): ConfigError {
  try {
    new SmtpClient(typeof options === "string" ? options : { host: HOST, ...options });
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("it was taken");
}

describe("a client in a Worker", () => {
  test.each<[option: string, options: SmtpClientOptions]>([
    ["tls.ca", { tls: { ca: "PEM" } }],
    ["tls.cert", { tls: { cert: "PEM" } }],
    ["tls.key", { tls: { key: "PEM" } }],
    ["tls.passphrase", { tls: { passphrase: "canary-phrase" } }],
    ["tls.pfx", { tls: { pfx: new Uint8Array(1) } }],
    ["tls.crl", { tls: { crl: "PEM" } }],
    ["tls.minVersion", { tls: { minVersion: "TLSv1.3" } }],
    ["tls.maxVersion", { tls: { maxVersion: "TLSv1.2" } }],
    ["tls.ciphers", { tls: { ciphers: "HIGH" } }],
    ["tls.sigalgs", { tls: { sigalgs: "ed25519" } }],
    ["tls.ecdhCurve", { tls: { ecdhCurve: "X25519" } }],
    ["tls.rejectUnauthorized", { tls: { rejectUnauthorized: false } }],
    ["tls.checkServerIdentity", { tls: { checkServerIdentity: () => undefined } }],
    ["path", { path: "/run/lmtp", protocol: "lmtp" }],
    ["proxy", { proxy: "socks5://proxy.example" }],
    ["localAddress", { localAddress: "192.0.2.1" }],
    ["lookup", { lookup: () => {} }],
    ["family", { family: 4 }],
    ["minConnections", { minConnections: 1 }],
    ["maxConnections", { maxConnections: 7 }],
    ["security", { security: "opportunistic" }],
    ["servername", { servername: "other.example" }],
    ["port", { port: 25 }],
    ["rateLimit", { rateLimit: { messages: 1, per: 1000 } }],
    ["auth.mechanism", { auth: { ...AUTH, mechanism: "CRAM-MD5" } }],
    ["auth.mechanism", { auth: { ...AUTH, mechanism: "SCRAM-SHA-256-PLUS" } }],
    ["auth.mechanism", { auth: { mechanism: "EXTERNAL" } }],
    ["auth.channelBinding", { auth: { ...AUTH, channelBinding: "tls-exporter" } }],
  ])("refuses %s: %o", (option, options) => {
    const error = refusalOf(options);
    expect(error.option).toBe(option);
    expect(error.message).toMatch(/\bWorker|Cloudflare/);
  });

  test("refuses what stands in a URL", () => {
    expect(refusalOf("smtp://smtp.example.com:25").option).toBe("port");
  });

  test("takes no limit for one of the caller's own because every object has been given a method", () => {
    const prototype = Object.prototype as { acquire?: unknown };
    prototype.acquire = () => {};
    try {
      expect(refusalOf({ rateLimit: { messages: 1, per: 1000 } }).option).toBe("rateLimit");
    } finally {
      delete prototype.acquire;
    }
  });

  test.each<SmtpClientOptions>([
    { security: "tls", auth: AUTH },
    { port: 2525, servername: HOST, maxConnections: 6, tls: { rejectUnauthorized: true } },
    { rateLimit: { acquire: () => {} } },
    { auth: { ...AUTH, allow: ["CRAM-MD5", "PLAIN"], channelBinding: false } },
    { host: "localhost" },
    // Another way may lead anywhere, and its TLS is its own.
    { port: 25, tls: { ca: "PEM" }, connect: () => Promise.reject(new Error("nowhere")) },
  ])("takes %o", (options) => {
    expect(() => new SmtpClient({ host: HOST, ...options })).not.toThrow();
  });
});

test("the door for Workers exports what the other does, but for what needs a socket of Node's", () => {
  const names = Object.keys(index).filter((name) => name !== "connectOver");
  expect(Object.keys(workerd).sort()).toEqual(names.sort());
  expect(Object.keys(workerd.attachment).sort()).toEqual(
    Object.keys(index.attachment)
      .filter((name) => name !== "file")
      .sort(),
  );
});
