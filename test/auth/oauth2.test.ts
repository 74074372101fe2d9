// The grants, one request at a time: what is asked, and what is made of the answer.

import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { inspect } from "node:util";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { AccessToken, TokenRequest, TokenSource } from "../../src/auth/token-source.ts";
import { ConfigError, TokenError } from "../../src/errors.ts";
import {
  clientCredentialsGrant,
  type RefreshTokenOptions,
  refreshTokenGrant,
  type ServiceAccountOptions,
  serviceAccountGrant,
} from "../../src/oauth2-door.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { movedClocks } from "../support/clock.ts";
import { issued, serveTokens, type TokenAnswer } from "../support/token-server.ts";
import { errorOf, until, watchProcess } from "../support/watch.ts";

watchProcess();

const CLIENT = {
  clientId: "client-42",
  clientSecret: "s3cret/of+the client~äö",
  refreshToken: "1//refresh-token_of.alice+and/more",
};

function ask(source: TokenSource, request: Partial<TokenRequest> = {}): Promise<AccessToken> {
  const { signal } = new AbortController();
  return Promise.resolve(
    source({ user: "alice@example.com", reason: "first", signal, ...request }),
  ) as Promise<AccessToken>;
}

function refusedBy(work: () => unknown): ConfigError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error("the options were taken");
}

/** A fetch that answers without a network, and remembers what it was asked. */
function answering(answer: () => Response): {
  fetch: typeof globalThis.fetch;
  asked: [string, RequestInit][];
} {
  const asked: [string, RequestInit][] = [];
  return {
    asked,
    fetch: async (url, init) => {
      asked.push([String(url), init ?? {}]);
      return answer();
    },
  };
}

const okay = (): Response => Response.json({ access_token: "token", token_type: "Bearer", expires_in: 3599 });

describe("a refresh token", () => {
  test("is exchanged by one POST, in a form (RFC 6749 §6)", async () => {
    const server = await serveTokens(issued("access-1"));
    const source = refreshTokenGrant({
      ...CLIENT,
      tokenUrl: `${server.url}?tenant=1`,
      scope: "mail.send offline",
      headers: { "X-Trace": "1" },
      parameters: { resource: "smtp" },
    });
    expect(await ask(source)).toEqual({ accessToken: "access-1", expiresIn: 3600 });
    expect(server.heard).toMatchObject([
      {
        method: "POST",
        url: "/token?tenant=1",
        headers: {
          accept: "application/json",
          "content-type": "application/x-www-form-urlencoded",
          "x-trace": "1",
        },
        form: {
          grant_type: "refresh_token",
          client_id: "client-42",
          client_secret: CLIENT.clientSecret,
          refresh_token: CLIENT.refreshToken,
          scope: "mail.send offline",
          resource: "smtp",
        },
      },
    ]);
  });

  test.each<[name: string, options: Partial<RefreshTokenOptions>, url: string, scope: string | null]>([
    ["Google", { provider: "google" }, "https://oauth2.googleapis.com/token", null],
    [
      "Microsoft",
      { provider: "microsoft" },
      "https://login.microsoftonline.com/common/oauth2/v2.0/token",
      "https://outlook.office.com/SMTP.Send offline_access",
    ],
    [
      "a tenant of Microsoft",
      { provider: "microsoft", tenant: "example.com", scope: "mine" },
      "https://login.microsoftonline.com/example.com/oauth2/v2.0/token",
      "mine",
    ],
  ])("goes to %s without being told where", async (_, options, url, scope) => {
    const { fetch, asked } = answering(okay);
    const { clientSecret: _none, ...publicClient } = CLIENT;
    await ask(refreshTokenGrant({ ...publicClient, ...options, fetch }));
    const form = new URLSearchParams(String(asked[0]?.[1].body));
    expect([asked[0]?.[0], form.get("scope"), form.get("client_secret")]).toEqual([url, scope, null]);
    expect(asked[0]?.[1]).toMatchObject({
      method: "POST",
      redirect: "manual",
      signal: expect.any(AbortSignal),
    });
  });

  test("that is replaced is used no more, and the new one is told before the token is given out", async () => {
    const server = await serveTokens(({ form }) => {
      const turn = Number(form.refresh_token?.split("-").at(-1)) + 1;
      return issued(`access-${turn}`, turn === 3 ? {} : { refresh_token: `refresh-${turn}` });
    });
    const told: string[] = [];
    const source = refreshTokenGrant({
      ...CLIENT,
      refreshToken: "refresh-0",
      tokenUrl: server.url,
      onRefreshToken: async (token) => {
        await new Promise((resolve) => setImmediate(resolve));
        told.push(token);
      },
    });
    for (const turn of [1, 2, 3, 3]) {
      expect(await ask(source)).toMatchObject({ accessToken: `access-${turn}` });
      expect(told).toEqual(["refresh-1", "refresh-2"].slice(0, turn));
    }
    expect(server.heard.map(({ form }) => form.refresh_token)).toEqual([
      "refresh-0",
      "refresh-1",
      "refresh-2",
      "refresh-2",
    ]);
  });

  test("that is the same as before, or none, is told to nobody", async () => {
    for (const refresh_token of [CLIENT.refreshToken, null, ""]) {
      const server = await serveTokens(issued("access", { refresh_token }));
      const onRefreshToken = vi.fn();
      await ask(refreshTokenGrant({ ...CLIENT, tokenUrl: server.url, onRefreshToken }));
      expect(onRefreshToken).not.toHaveBeenCalled();
    }
  });

  test("that could not be kept is told again, before anything is asked for", async () => {
    const events: string[] = [];
    const server = await serveTokens(({ form }) => {
      events.push(`asked with ${form.refresh_token}`);
      return issued("access", { refresh_token: "refresh-1" });
    });
    let isDown = true;
    const source = refreshTokenGrant({
      ...CLIENT,
      refreshToken: "refresh-0",
      tokenUrl: server.url,
      onRefreshToken: (token) => {
        events.push(`told of ${token}`);
        if (isDown) throw new Error("the database is down");
      },
    });
    for (let attempt = 0; attempt < 2; attempt++) {
      const error = await errorOf(ask(source));
      expect(error).toMatchObject({ code: "token_unavailable", reason: "temporary", retryable: true });
      expect(error.cause).toMatchObject({ message: "the database is down" });
    }
    isDown = false;
    expect(await ask(source)).toMatchObject({ accessToken: "access" });
    expect(events).toEqual([
      "asked with refresh-0",
      "told of refresh-1",
      "told of refresh-1",
      "told of refresh-1",
      "asked with refresh-1",
    ]);
  });

  test("that could not be kept is told again, also where the one before is told late", async () => {
    const told: string[] = [];
    let count = 0;
    let keepLate: () => void = () => {};
    const source = refreshTokenGrant({
      ...CLIENT,
      refreshToken: "refresh-0",
      tokenUrl: "https://tokens.example/",
      fetch: async () => Response.json({ access_token: "access", refresh_token: `refresh-${++count}` }),
      onRefreshToken: (token) => {
        told.push(token);
        if (told.length === 3) throw new Error("the database is down");
        if (told.length > 1) return;
        return new Promise<void>((resolve) => {
          keepLate = resolve;
        });
      },
    });
    const hasty = new AbortController();
    const late = ask(source, { signal: hasty.signal });
    await until(() => told.length === 1);
    hasty.abort();
    expect((await errorOf(ask(source))).code).toBe("token_unavailable");
    keepLate();
    await late;
    await ask(source);
    expect(told).toEqual(["refresh-1", "refresh-1", "refresh-2", "refresh-2", "refresh-3"]);
  });

  test("is used by one request at a time, whoever asks, and each uses the newest", async () => {
    let underWay = 0;
    let most = 0;
    const server = await serveTokens(async ({ form }) => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
      return issued("access", { refresh_token: `${form.refresh_token}+` });
    });
    const source = refreshTokenGrant({ ...CLIENT, refreshToken: "r", tokenUrl: server.url });
    await Promise.all([ask(source), ask(source), ask(source)]);
    expect(most).toBe(1);
    expect(server.heard.map(({ form }) => form.refresh_token)).toEqual(["r", "r+", "r++"]);
  });

  test("does not wait for a request that was given up and does not heed it, nor is begun for one that was", async () => {
    const first = new AbortController();
    const second = new AbortController();
    let asked = 0;
    const begun = new Promise<void>((resolve) => {
      vi.stubGlobal("fetch", () => {
        resolve();
        return ++asked === 1 ? new Promise(() => {}) : Promise.resolve(okay());
      });
    });
    const source = refreshTokenGrant({ ...CLIENT, provider: "google" });
    void ask(source, { signal: first.signal });
    const [gone, other] = [errorOf(ask(source, { signal: second.signal })), ask(source)];
    await begun;
    second.abort();
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toBe(1);
    first.abort();
    expect(await gone).toMatchObject({ code: "aborted", phase: "auth" });
    expect(await other).toMatchObject({ accessToken: "token" });
    expect(asked).toBe(2);
    vi.unstubAllGlobals();
  });
});

describe("a first access token", () => {
  const start = async (options: Partial<RefreshTokenOptions>) => {
    const server = await serveTokens(issued("second"));
    return { server, source: refreshTokenGrant({ ...CLIENT, tokenUrl: server.url, ...options }) };
  };

  test("is used before any is asked for, until it ends or is refused", async () => {
    for (const reason of ["expired", "rejected"] as const) {
      const expiresAt = new Date(Date.now() + 600_000);
      const { server, source } = await start({ accessToken: "first", expiresAt });
      expect(await ask(source)).toEqual({ accessToken: "first", expiresAt: expiresAt.getTime() });
      expect(await ask(source)).toMatchObject({ accessToken: "first" });
      expect(server.heard.length).toBe(0);
      expect(await ask(source, { reason })).toMatchObject({ accessToken: "second" });
      expect(await ask(source)).toMatchObject({ accessToken: "second" });
    }
  });

  test("that has ended, or is about to, is not", async () => {
    const { source } = await start({ accessToken: "first", expiresAt: Date.now() + 59_000 });
    expect(await ask(source)).toMatchObject({ accessToken: "second" });
  });
});

describe("an application with a secret", () => {
  test("gets a token for itself (RFC 6749 §4.4)", async () => {
    const server = await serveTokens(issued("access-1"));
    const { clientId, clientSecret } = CLIENT;
    const source = clientCredentialsGrant({ clientId, clientSecret, tokenUrl: server.url, scope: "mail" });
    expect(await ask(source)).toEqual({ accessToken: "access-1", expiresIn: 3600 });
    expect(server.heard[0]?.form).toEqual({
      grant_type: "client_credentials",
      client_id: clientId,
      client_secret: clientSecret,
      scope: "mail",
    });
  });

  test("gets it from Microsoft for one tenant", async () => {
    const { fetch, asked } = answering(okay);
    const { clientId, clientSecret } = CLIENT;
    const options = { provider: "microsoft", clientId, clientSecret, fetch } as const;
    await ask(clientCredentialsGrant({ ...options, tenant: "5f3c9b1e-8d2a-4c6f-9e0b-1a7d4e2f6c80" }));
    const [url, { body } = {}] = asked[0] ?? [];
    expect(url).toBe(
      "https://login.microsoftonline.com/5f3c9b1e-8d2a-4c6f-9e0b-1a7d4e2f6c80/oauth2/v2.0/token",
    );
    expect(new URLSearchParams(String(body)).get("scope")).toBe("https://outlook.office365.com/.default");
    expect(refusedBy(() => clientCredentialsGrant(options)).message).toBe("tenant: is missing");
    for (const tenant of ["common", "Organizations", "consumers"]) {
      expect(refusedBy(() => clientCredentialsGrant({ ...options, tenant })).message).toContain(
        "tenant: names no one tenant",
      );
    }
  });
});

describe("a service account", () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const ACCOUNT = { clientEmail: "mailer@project.example", privateKey: pem };

  test("signs who it is, for whom, to whom, and for how long (RFC 7523 §3)", async () => {
    const server = await serveTokens(issued("access-1"));
    const source = serviceAccountGrant({ ...ACCOUNT, tokenUrl: server.url, keyId: "key-1" });
    const before = Math.floor(Date.now() / 1000);
    expect(await ask(source)).toEqual({ accessToken: "access-1", expiresIn: 3600 });
    const { grant_type, assertion = "", ...others } = server.heard[0]?.form ?? {};
    expect(grant_type).toBe("urn:ietf:params:oauth:grant-type:jwt-bearer");
    expect(others).toEqual({});
    const [header = "", claims = "", signature = ""] = assertion.split(".");
    const decoded = [header, claims].map((part) => JSON.parse(String(Buffer.from(part, "base64url"))));
    expect(decoded).toEqual([
      { alg: "RS256", typ: "JWT", kid: "key-1" },
      {
        iss: "mailer@project.example",
        sub: "alice@example.com",
        aud: server.url,
        scope: "https://mail.google.com/",
        iat: expect.any(Number),
        exp: expect.any(Number),
      },
    ]);
    const { iat, exp } = decoded[1];
    expect(iat).toBeGreaterThanOrEqual(before);
    expect(exp - iat).toBe(3600);
    const key = createPublicKey(publicKey.export({ type: "spki", format: "pem" }));
    const signed = Buffer.from(`${header}.${claims}`);
    expect(verify("sha256", signed, key, Buffer.from(signature, "base64url"))).toBe(true);
  });

  test("acts for the subject that is named, with its scope, at Google's endpoint", async () => {
    const { fetch, asked } = answering(okay);
    const options = { ...ACCOUNT, subject: "bob@example.com", scope: "other", fetch };
    await ask(serviceAccountGrant(options));
    const [url, { body } = {}] = asked[0] ?? [];
    expect(url).toBe("https://oauth2.googleapis.com/token");
    const [header = "", claims = ""] = new URLSearchParams(String(body)).get("assertion")?.split(".") ?? [];
    expect(JSON.parse(String(Buffer.from(header, "base64url")))).toEqual({ alg: "RS256", typ: "JWT" });
    expect(JSON.parse(String(Buffer.from(claims, "base64url")))).toMatchObject({
      sub: "bob@example.com",
      scope: "other",
      aud: "https://oauth2.googleapis.com/token",
    });
  });

  test("keeps its key as a JWK, as a CryptoKey, or under a passphrase", async () => {
    const der = privateKey.export({ type: "pkcs8", format: "der" });
    const rsa = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
    const locked = { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "opens it" } as const;
    const keys: ServiceAccountOptions["privateKey"][] = [
      privateKey.export({ format: "jwk" }) as ServiceAccountOptions["privateKey"],
      await crypto.subtle.importKey("pkcs8", der, rsa, false, ["sign"]),
      { key: String(privateKey.export(locked)), passphrase: "opens it" },
    ];
    for (const one of keys) {
      const { fetch } = answering(okay);
      expect(await ask(serviceAccountGrant({ ...ACCOUNT, privateKey: one, fetch }))).toMatchObject({
        accessToken: "token",
      });
    }
  });

  test("with a passphrase that is wrong asks for nothing", async () => {
    const locked = { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "opens it" } as const;
    const { fetch, asked } = answering(okay);
    const key = { key: String(privateKey.export(locked)), passphrase: "does not open" };
    const error = await errorOf(ask(serviceAccountGrant({ ...ACCOUNT, privateKey: key, fetch })));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toBe("privateKey.passphrase: does not unlock the key");
    expect(asked.length).toBe(0);
  });

  test.each<[what: string, key: unknown, message: string]>([
    [
      "an Ed25519 key",
      generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }),
      "is an Ed25519 key",
    ],
    [
      "an elliptic-curve key",
      generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }),
      "is an elliptic-curve key",
    ],
    [
      "a short key",
      generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({ type: "pkcs8", format: "pem" }),
      "is an RSA key of 1024 bits; RS256 takes 2048 at least (RFC 7518 §3.3)",
    ],
    ["a key with \\n for its line ends", pem.replaceAll("\n", "\\n"), "is not base64"],
    ["nothing", undefined, "is missing, not a key"],
  ])("is refused at once with %s", (_, key, message) => {
    const error = refusedBy(() => serviceAccountGrant({ ...ACCOUNT, privateKey: key as string }));
    expect(error).toMatchObject({ option: "privateKey", hint: expect.any(String) });
    expect(error.message).toContain(message);
  });

  test("that may not act for the user is told of the delegation, which is what Google means", async () => {
    const server = await serveTokens({ status: 401, body: { error: "unauthorized_client" } });
    const error = await errorOf(ask(serviceAccountGrant({ ...ACCOUNT, tokenUrl: server.url })));
    expect(error.hint).toContain("domain-wide delegation");
  });

  test.each([
    ["ahead of", 600_000, 600],
    ["behind", -90_000, 90],
  ])(
    "that is refused is told that the clock is %s the endpoint's, where it is",
    async (direction, ahead, off) => {
      const clocks = movedClocks();
      const answer = { status: 400, body: { error: "invalid_grant", error_description: "Invalid JWT: iat" } };
      const server = await serveTokens(answer);
      const source = serviceAccountGrant({ ...ACCOUNT, tokenUrl: server.url });
      expect((await errorOf(ask(source))).hint).toMatch(/^check clientEmail/);
      clocks.wall = ahead;
      const { hint = "" } = await errorOf(ask(source));
      expect(hint).toMatch(new RegExp(`^this machine's clock is \\d+ s ${direction} the endpoint's`));
      expect(Math.abs(Number(/\d+/.exec(hint)?.[0]) - off)).toBeLessThanOrEqual(2);
    },
  );
});

describe("options that cannot be used are refused when the grant is made:", () => {
  const base = { ...CLIENT, tokenUrl: "https://login.example.com/token" };

  test.each<[what: string, options: object, message: string]>([
    ["an endpoint in the clear", { tokenUrl: "http://login.example.com/token" }, "tokenUrl: is http:"],
    ["one that looks like this host", { tokenUrl: "http://127.0.0.1.example.com/" }, "tokenUrl: is http:"],
    ["one that is named like it", { tokenUrl: "http://notlocalhost/" }, "tokenUrl: is http:"],
    ["one that DNS is asked for", { tokenUrl: "http://token.localhost/" }, "tokenUrl: is http:"],
    ["one that DNS is asked for by its whole name", { tokenUrl: "http://localhost./" }, "tokenUrl: is http:"],
    ["a file", { tokenUrl: "file:///etc/passwd" }, "tokenUrl: is file:"],
    [
      "credentials in it",
      { tokenUrl: "https://me:hidden-pass@login.example.com/" },
      "tokenUrl: holds credentials",
    ],
    ["a fragment in it", { tokenUrl: "https://login.example.com/token#" }, "tokenUrl: holds a fragment"],
    ["no URL", { tokenUrl: "hidden-pass" }, "tokenUrl: is not a URL"],
    ["none, and no provider", { tokenUrl: undefined }, "tokenUrl: is missing"],
    ["a provider nobody knows", { provider: "yahoo" }, 'provider: is none of "google", "microsoft"'],
    ["a tenant of nobody", { tenant: "example.com" }, 'tenant: goes with provider: "microsoft" alone'],
    [
      "a tenant that is a path",
      { tokenUrl: undefined, provider: "microsoft", tenant: "../x" },
      "tenant: is not the name or id",
    ],
    ["no client", { clientId: undefined }, "clientId: is not the id of a client"],
    ["a secret that is not set", { clientSecret: "" }, "clientSecret: is empty"],
    ["a refresh token with a line end", { refreshToken: "hidden-pass\n" }, "refreshToken: is not a token"],
    ["no refresh token", { refreshToken: undefined }, "refreshToken: is not a token"],
    ["two spaces in a scope", { scope: "a  b" }, "scope: is not a scope"],
    ["an end without a token", { expiresAt: 1 }, "expiresAt: is given without an accessToken"],
    [
      "an end in seconds",
      { accessToken: "a", expiresAt: 1_900_000_000 },
      "expiresAt: is neither a Date nor a number of milliseconds",
    ],
    ["a listener that is none", { onRefreshToken: "x" }, "onRefreshToken: is a string, not a function"],
    ["a fetch that is none", { fetch: {} }, "fetch: is an object, not a function"],
    ["fields in an array", { headers: [["a", "b"]] }, "headers: is an array, not an object"],
    [
      "a field that we say",
      { headers: { "Content-Type": "x" } },
      "headers.Content-Type: is not the caller's",
    ],
    ["a field with a line end", { headers: { "X-A": "hidden-pass\r\nX-B: 1" } }, "headers.X-A: holds more"],
    [
      "a field without a name",
      { headers: { "X A": "hidden-pass" } },
      "headers: has a key that names no field",
    ],
    ["a parameter that we say", { parameters: { grant_type: "x" } }, "parameters.grant_type: is said by"],
    ["a parameter that is no text", { parameters: { a: 1 } }, "parameters.a: is a number, not a string"],
    ["a slip of the pen", { clientsecret: "x" }, 'has no property "clientsecret"; is "clientSecret" meant?'],
  ])("%s", (_, options, message) => {
    const error = refusedBy(() => refreshTokenGrant({ ...base, ...options } as RefreshTokenOptions));
    expect(error.message).toContain(message);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("hidden-pass");
  });

  test.each([
    "http://localhost/",
    "http://LocalHost:8080/",
    "http://127.1/",
    "http://127.8.9.1/",
    "http://[::1]:80/",
  ])("but not %s, which nobody else can read", (tokenUrl) => {
    expect(refreshTokenGrant({ ...base, tokenUrl })).toBeTypeOf("function");
    expect(refreshTokenGrant({ ...base, tokenUrl: new URL(tokenUrl) })).toBeTypeOf("function");
  });
});

/** What comes of a refresh token where the endpoint gives this answer. */
async function outcome(answer: TokenAnswer): Promise<TokenError> {
  const server = await serveTokens(answer);
  const error = await errorOf(ask(refreshTokenGrant({ ...CLIENT, tokenUrl: server.url })));
  expect(error).toBeInstanceOf(TokenError);
  expect(error).toMatchObject({ phase: "auth", delivery: "not-sent" });
  expect(error).not.toHaveProperty("cause");
  expect(server.heard.length).toBe(1);
  return error as TokenError;
}

describe("an answer that is no token", () => {
  const big = JSON.stringify({ access_token: "a", padding: "x".repeat(70_000) });

  test.each<[what: string, body: unknown, message: RegExp]>([
    ["a page", "<html>sign in to the network</html>", /no JSON object/],
    ["nothing", "", /no JSON object/],
    ["half an object", '{"access_token":"tok', /no JSON object/],
    ["a list", "[]", /no JSON object/],
    ["null", "null", /no JSON object/],
    ["more than anybody needs", big, /sent more than 65536 octets/],
  ])("nor the endpoint's own may be gone the next time: %s", async (_, body, message) => {
    const error = await outcome({ body });
    expect(error).toMatchObject({ reason: "temporary", code: "token_unavailable", retryable: true });
    expect(error.message).toMatch(message);
  });

  test.each<[what: string, body: object]>([
    ["a number for a token", { access_token: 123 }],
    ["no token", { token_type: "Bearer" }],
    ["an empty token", { access_token: "" }],
    ["a token with a line end", { access_token: "secret-token\r\nMAIL FROM:<>" }],
    ["a token with a separator of XOAUTH2", { access_token: "secret-token\x01" }],
    ["a token with a space", { access_token: "secret token" }],
    ["a token as long as a book", { access_token: "a".repeat(20_000) }],
    ["another type of token", { access_token: "secret-token", token_type: "mac" }],
    ["a type that is none", { access_token: "secret-token", token_type: 1 }],
    ["a refresh token that is none", { access_token: "secret-token", refresh_token: "a\nb" }],
  ])("but the endpoint's own would be the same again: %s", async (_, body) => {
    const error = await outcome({ body });
    expect(error).toMatchObject({ reason: "reauthorise", code: "token_refused", retryable: false });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("secret-token");
  });

  test("is read from the object itself, and not from a prototype that somebody polluted", async () => {
    const prototype = Object.prototype as { access_token?: string };
    prototype.access_token = "polluted";
    try {
      expect((await outcome({ body: {} })).message).toContain("no access_token");
    } finally {
      delete prototype.access_token;
    }
  });

  test("of 50 MB is cut off, and the rest is not fetched", async () => {
    let left = Promise.resolve();
    const server = await serveTokens((request, response) => {
      left = request.left;
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(16_384, 0x20))) {}
      };
      response.on("drain", more);
      more();
      return undefined;
    });
    const error = await errorOf(ask(refreshTokenGrant({ ...CLIENT, tokenUrl: server.url })));
    expect(error.message).toContain("sent more than 65536 octets");
    await left;
  });

  test.each<[type: unknown]>([["bearer"], ["BEARER"], [undefined]])(
    "does not include one whose type is %s",
    async (token_type) => {
      const server = await serveTokens({ body: { access_token: "a", token_type } });
      expect(await ask(refreshTokenGrant({ ...CLIENT, tokenUrl: server.url }))).toMatchObject({
        accessToken: "a",
      });
    },
  );

  test.each<[said: unknown, understood: number | undefined]>([
    [3599, 3599],
    ["3599", 3599],
    [-1, -1],
    [0, 0],
    [1e12, 1e12],
    [undefined, undefined],
    [null, undefined],
    ["soon", undefined],
    ["-1", undefined],
    [{}, undefined],
  ])("nor has a lifetime of %s any other", async (expires_in, understood) => {
    const server = await serveTokens({ body: { access_token: "a", expires_in } });
    const token = await ask(refreshTokenGrant({ ...CLIENT, tokenUrl: server.url }));
    expect(token.expiresIn).toBe(understood);
  });

  test("and a lifetime beyond all numbers is none", async () => {
    const server = await serveTokens({ body: '{"access_token":"a","expires_in":1e999}' });
    expect((await ask(refreshTokenGrant({ ...CLIENT, tokenUrl: server.url }))).expiresIn).toBeUndefined();
  });
});

describe("a refusal", () => {
  test.each<[status: number, error: string, hint: RegExp]>([
    [400, "invalid_grant", /consent again/],
    [401, "invalid_client", /clientId and clientSecret/],
    [400, "invalid_scope", /check scope/],
    [403, "unauthorized_client", /does not let this client/],
    [200, "invalid_grant", /consent again/],
  ])("by %d and %s asks for somebody to act", async (status, name, hint) => {
    const body = { error: name, error_description: "Token has been\u202e revoked.\n" };
    const error = await outcome({ status, body });
    expect(error).toMatchObject({ reason: "reauthorise", oauthError: name, retryable: false });
    expect(error.message).toMatch(
      new RegExp(
        `refused with status ${status}, ${name}: Token has been\\\\u\\{202e\\} revoked.\\\\u\\{a\\}$`,
      ),
    );
    expect(error.hint).toMatch(hint);
  });

  test.each([
    [404, "<html>no such page</html>"],
    [401, ""],
    [403, "<html>not for you</html>"],
    [201, '{"access_token":"a"}'],
    [400, '{"error":{"code":400}}'],
    [400, '{"error":"with \\"quotes\\""}'],
    [400, `{"error":"${"long".repeat(20)}"}`],
  ])("by %d without an error that has a name is one all the same: %s", async (status, body) => {
    const error = await outcome({ status, body });
    expect(error).toMatchObject({
      reason: "reauthorise",
      message: expect.stringContaining(`status ${status}`),
    });
    expect(error).not.toHaveProperty("oauthError");
  });

  test.each([
    [500, ""],
    [502, "<html>bad gateway</html>"],
    [503, '{"error":"temporarily_unavailable"}'],
    [408, ""],
    [425, ""],
    [429, '{"error":"invalid_request"}'],
    [400, '{"error":"temporarily_unavailable"}'],
    [400, '{"error":"slow_down"}'],
    [400, '{"error":"server_error"}'],
  ])("by %d with %s may be over the next time", async (status, body) => {
    expect(await outcome({ status, body })).toMatchObject({ reason: "temporary", retryable: true });
  });

  test("says for how long it holds, in seconds or as a date by the endpoint's own clock", async () => {
    const answered = (fields: Readonly<Record<string, string>>, status = 429) =>
      outcome({ status, headers: fields });
    expect(await answered({ "retry-after": "120" })).toMatchObject({ retryAfter: 120_000 });
    expect(await answered({ "retry-after": "999999" }, 503)).toMatchObject({ retryAfter: 3_600_000 });
    const date = "Wed, 21 Oct 2015 07:28:00 GMT";
    expect(await answered({ date, "retry-after": "Wed, 21 Oct 2015 07:28:30 GMT" })).toMatchObject({
      retryAfter: 30_000,
    });
    for (const nonsense of ["0", "-5", "soon", "1.5", "2015-10-21", date]) {
      expect(await answered({ date, "retry-after": nonsense })).not.toHaveProperty("retryAfter");
    }
    expect(await answered({ "retry-after": "120" }, 400)).not.toHaveProperty("retryAfter");
  });

  test("repeats nothing of the request, in whatever form the endpoint did", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const header = "Basic aGlkZGVuLXVzZXI6aGlkZGVuLXBhc3M=";
    const forms = (secret: string): readonly string[] => [
      secret,
      encodeURIComponent(secret),
      new URLSearchParams({ a: secret }).toString().slice(2),
      Buffer.from(secret).toString("base64"),
      Buffer.from(`client:${secret}`).toString("base64"),
      Buffer.from(secret).toString("base64url"),
      secret.slice(0, 20),
    ];
    const server = await serveTokens(({ form, headers }) => {
      const { client_secret, refresh_token, assertion } = form;
      const said = [client_secret, refresh_token, assertion, String(headers.authorization)];
      const echo = said.flatMap((secret) => (secret === undefined ? [] : forms(secret))).join(" | ");
      return {
        status: 400,
        body: { error: client_secret ?? assertion?.slice(0, 60), error_description: echo },
      };
    });
    const tokenUrl = server.url;
    const headers = { Authorization: header };
    const errors = [
      await errorOf(ask(refreshTokenGrant({ ...CLIENT, tokenUrl, headers }))),
      await errorOf(
        ask(serviceAccountGrant({ clientEmail: "m@p.example", privateKey: pem, tokenUrl, headers })),
      ),
    ];
    const assertion = server.heard[1]?.form.assertion ?? "";
    const secrets = [
      CLIENT.clientSecret,
      CLIENT.refreshToken,
      assertion,
      assertion.split(".")[2] ?? "",
      header,
    ];
    for (const error of errors) {
      expect(error).not.toHaveProperty("oauthError");
      expect(error.message).toContain("********");
      const shown = inspect(error, { depth: 9, showHidden: true });
      for (const form of secrets.flatMap(forms)) expect(shown).not.toContain(form);
    }
  });
});

describe("an endpoint that leads elsewhere", () => {
  test.each([301, 302, 303, 307, 308])(
    "by %d is not followed, and nobody else hears the secrets",
    async (status) => {
      const other = await serveTokens(issued("stolen"));
      const error = await outcome({ status, headers: { location: other.url } });
      expect(error).toMatchObject({ reason: "reauthorise", hint: "tokenUrl must be the endpoint itself" });
      expect(error.message).toContain("redirects are not followed");
      expect(other.heard.length).toBe(0);
    },
  );

  test("is told from where a fetch of the caller's followed it, or hides what it was", async () => {
    const followed = Object.defineProperty(okay(), "redirected", { value: true });
    const opaque = Object.defineProperties(new Response(null), {
      type: { value: "opaqueredirect" },
      status: { value: 0 },
    });
    for (const response of [followed, opaque]) {
      const { fetch } = answering(() => response as Response);
      const error = await errorOf(ask(refreshTokenGrant({ ...CLIENT, provider: "google", fetch })));
      expect(error.message).toBe(
        "the token endpoint oauth2.googleapis.com leads elsewhere, and redirects are not followed",
      );
    }
  });
});

describe("an endpoint that is not reached", () => {
  let certificates: Certificates;
  beforeAll(async () => {
    certificates = await makeCertificates();
  });
  afterEach(() => void vi.restoreAllMocks());

  test.each<[what: keyof Certificates, code: string]>([
    ["selfSigned", "DEPTH_ZERO_SELF_SIGNED_CERT"],
    ["unknownAuthority", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
  ])("because nobody trusts its certificate (%s) hears no secret", async (what, code) => {
    const server = await serveTokens(issued("stolen"), { tls: certificates[what] as never });
    const error = await errorOf(ask(refreshTokenGrant({ ...CLIENT, tokenUrl: server.url })));
    expect(error).toMatchObject({
      message: `the token endpoint ${server.host} could not be reached (${code})`,
      reason: "temporary",
      hint: expect.stringContaining("NODE_EXTRA_CA_CERTS"),
    });
    expect(error).not.toHaveProperty("cause");
    expect(server.heard.length).toBe(0);
  });

  test("because nobody is there may be the next time", async () => {
    const server = await serveTokens((_, response) => void response.destroy());
    const error = await errorOf(ask(refreshTokenGrant({ ...CLIENT, tokenUrl: server.url })));
    expect(error).toMatchObject({ reason: "temporary", retryable: true });
    expect(error.message).toMatch(/could not be reached \([A-Z_]+\)$/);
  });

  test("shows of what fetch throws no more than the system's name for it", async () => {
    const thrown: readonly (readonly [unknown, string])[] = [
      [Object.assign(new Error(CLIENT.refreshToken), { code: "ECONNRESET" }), " (ECONNRESET)"],
      [
        new TypeError("fetch failed", { cause: new AggregateError([{ code: "EHOSTUNREACH" }]) }),
        " (EHOSTUNREACH)",
      ],
      [Object.assign(new Error("no"), { code: CLIENT.refreshToken }), ""],
      [CLIENT.refreshToken, ""],
      [undefined, ""],
    ];
    for (const [value, code] of thrown) {
      const fetch = () => Promise.reject(value);
      const error = await errorOf(ask(refreshTokenGrant({ ...CLIENT, provider: "google", fetch })));
      expect(error.message).toBe(`the token endpoint oauth2.googleapis.com could not be reached${code}`);
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(CLIENT.refreshToken);
    }
  });

  test("is given up with its request, also while it answers", async () => {
    const controller = new AbortController();
    const server = await serveTokens((_, response) => {
      response.writeHead(200).write('{"access_token":');
      controller.abort();
      return undefined;
    });
    const source = refreshTokenGrant({ ...CLIENT, tokenUrl: server.url });
    const error = await errorOf(ask(source, { signal: controller.signal }));
    expect(error).toMatchObject({
      reason: "temporary",
      message: expect.stringContaining("did not answer in time"),
    });
    await server.heard[0]?.left;
  });

  test.each(["when it answers", "while it answers"])(
    "is given up %s, though the caller's fetch heeds no signal",
    async (when) => {
      const controller = new AbortController();
      const cancel = vi.fn();
      const fetch = async (): Promise<Response> => {
        if (when === "when it answers") controller.abort();
        else setImmediate(() => controller.abort());
        return new Response(new ReadableStream({ cancel }));
      };
      const source = refreshTokenGrant({ ...CLIENT, provider: "google", fetch });
      const error = await errorOf(ask(source, { signal: controller.signal }));
      expect(error.message).toContain("did not answer in time");
      expect(cancel).toHaveBeenCalled();
    },
  );

  test("is asked by the fetch there is at the time, and a runtime without one says so", async () => {
    const source = refreshTokenGrant({ ...CLIENT, provider: "google" });
    vi.spyOn(globalThis, "fetch").mockResolvedValueOnce(okay());
    expect(await ask(source)).toMatchObject({ accessToken: "token" });
    vi.stubGlobal("fetch", undefined);
    expect((await errorOf(ask(source))).message).toBe("fetch: is missing, and this runtime has none");
    vi.unstubAllGlobals();
    const { fetch } = answering(() => ({ status: 200, headers: new Headers(), body: {} }) as Response);
    const error = await errorOf(ask(refreshTokenGrant({ ...CLIENT, provider: "google", fetch })));
    expect(error.message).toBe("fetch: gave an answer whose body is no ReadableStream");
  });
});

test("a source shows nothing of what it was made of", () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const { refreshToken: _none, ...client } = CLIENT;
  for (const source of [
    refreshTokenGrant({ ...CLIENT, provider: "google", accessToken: "first-access-token" }),
    clientCredentialsGrant({ ...client, tokenUrl: "https://login.example.com/" }),
    serviceAccountGrant({ clientEmail: "m@p.example", privateKey: pem }),
  ]) {
    const shown = `${inspect(source, { depth: 9, showHidden: true })}${JSON.stringify({ source })}${source}`;
    for (const secret of [...Object.values(CLIENT), "first-access-token", pem.slice(30, 60)])
      expect(shown).not.toContain(secret);
  }
});
