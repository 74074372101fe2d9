// Tokens as a client uses them: a token endpoint on one side, a mail server on the other.

import { describe, expect, test } from "vitest";
import { MessageError, TokenError } from "../../src/errors.ts";
import type { SmtpClientOptions } from "../../src/index.ts";
import { type RefreshTokenOptions, refreshTokenGrant } from "../../src/oauth2-door.ts";
import { connectTo, MESSAGE, type Watched } from "../support/client.ts";
import { chance, movedClocks } from "../support/clock.ts";
import { type Answer, polite } from "../support/manners.ts";
import { type Server, serve } from "../support/server.ts";
import { issued, serveTokens, type TokenServer } from "../support/token-server.ts";
import { errorOf, until, watchProcess } from "../support/watch.ts";

watchProcess();

const HOUR = 3_600_000;

/** A mail server that takes those tokens, and says no to others: in the JSON of a challenge, or at once. */
function taking(
  isTaken: (token: string) => boolean,
  how: "with a challenge" | "at once" = "at once",
): Answer {
  return async (peer, line) => {
    const [, token = ""] = /auth=Bearer (.*?)\x01/.exec(atob(line.split(" ")[2] ?? "")) ?? [];
    if (isTaken(token)) return "235 2.7.0 welcome";
    if (how === "with a challenge") {
      await peer.say(`334 ${btoa('{"status":"401","schemes":"bearer"}')}`);
      expect(await peer.line()).toBe("");
    }
    await peer.say("535 5.7.8 not this token");
    return undefined;
  };
}

function mailServer(AUTH?: Answer): Promise<Server> {
  return serve(polite({ offers: ["AUTH XOAUTH2"], ...(AUTH !== undefined && { AUTH }) }));
}

function clientOf(
  mail: Server,
  tokens: TokenServer,
  { grant, ...options }: SmtpClientOptions & { readonly grant?: Partial<RefreshTokenOptions> } = {},
): Watched {
  const oauth2 = refreshTokenGrant({
    clientId: "client",
    refreshToken: "1//refresh-token",
    tokenUrl: tokens.url,
    ...grant,
  });
  return connectTo(mail, { auth: { user: "alice@example.com", oauth2 }, ...options });
}

/** An endpoint whose tokens are numbered. */
async function numberedTokens(): Promise<TokenServer> {
  let count = 0;
  return serveTokens(() => issued(`token-${++count}`));
}

function logins(mail: Server): number {
  return mail.heard.split("AUTH XOAUTH2").length - 1;
}

describe("a client with an expired token", () => {
  test("asks for one, once, for a hundred messages at a time", async () => {
    const clocks = movedClocks();
    let isFirst = true;
    const tokens = await serveTokens(() => issued(isFirst ? "old" : "new"));
    const mail = await mailServer(taking((token) => token === (isFirst ? "old" : "new")));
    const { client } = clientOf(mail, tokens, { maxConnections: 5 });
    await client.send(MESSAGE);
    isFirst = false;
    clocks.monotonic = HOUR;
    await Promise.all(Array.from({ length: 100 }, () => client.send(MESSAGE)));
    expect(tokens.heard.length).toBe(2);
    expect(mail.messages.length).toBe(101);
    expect(logins(mail)).toBe(6);
  });
});

describe("a token that the server refuses though it has not expired", () => {
  test.each(["with a challenge", "at once"] as const)(
    "%s, is renewed, and the message goes out",
    async (how) => {
      const tokens = await numberedTokens();
      const mail = await mailServer(taking((token) => token === "token-2", how));
      const { client } = clientOf(mail, tokens);
      const receipt = await client.send(MESSAGE);
      expect(receipt.attempts).toBe(1);
      expect(tokens.heard.length).toBe(2);
      expect(logins(mail)).toBe(2);
      // The one that was refused is not used again.
      await Promise.all([client.send(MESSAGE), client.send(MESSAGE)]);
      expect(tokens.heard.length).toBe(2);
    },
  );

  test.each(["with a challenge", "at once"] as const)(
    "%s, and whose renewal it refuses, fails all who wait, after two logins and no more",
    async (how) => {
      const tokens = await numberedTokens();
      const mail = await mailServer(taking(() => false, how));
      const { client } = clientOf(mail, tokens, { maxConnections: 1, retry: {} });
      const errors = await Promise.all(Array.from({ length: 10 }, () => errorOf(client.send(MESSAGE))));
      for (const error of errors) {
        expect(error).toMatchObject({
          code: "authentication_refused",
          delivery: "not-sent",
          retryable: false,
        });
      }
      expect(errors[0]?.stack).not.toContain("token-");
      expect(tokens.heard.length).toBe(2);
      expect(logins(mail)).toBe(2);
    },
  );

  test("is renewed once for all connections that tried it", async () => {
    const tokens = await numberedTokens();
    const waiting: (() => void)[] = [];
    const takes = taking((token) => token === "token-2");
    const mail = await mailServer(async (peer, line) => {
      if (peer.index < 3) {
        // All have signed in with it before one of them is told.
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
      return typeof takes === "string" ? takes : takes(peer, line);
    });
    const { client } = clientOf(mail, tokens, { maxConnections: 3 });
    const sending = Array.from({ length: 3 }, () => client.send(MESSAGE));
    await until(() => waiting.length === 3);
    for (const tell of waiting) tell();
    await Promise.all(sending);
    expect(tokens.heard.length).toBe(2);
    expect(logins(mail)).toBe(6);
  });

  test("for now is not renewed: it may well be good", async () => {
    const tokens = await numberedTokens();
    const mail = await mailServer("454 4.7.0 later");
    const { client } = clientOf(mail, tokens);
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ reply: { code: 454 } });
    expect(tokens.heard.length).toBe(1);
  });
});

describe("where there is no token to be had", () => {
  test("for good, all who wait are told once, and those who come soon without another request", async () => {
    chance(0.999);
    const tokens = await serveTokens({ status: 400, body: { error: "invalid_grant" } });
    const mail = await mailServer();
    const { client } = clientOf(mail, tokens, { maxConnections: 3 });
    const errors = await Promise.all(Array.from({ length: 10 }, () => errorOf(client.send(MESSAGE))));
    for (const error of [...errors, await errorOf(client.send(MESSAGE))]) {
      expect(error).toBeInstanceOf(TokenError);
      expect(error).toMatchObject({
        code: "token_refused",
        oauthError: "invalid_grant",
        delivery: "not-sent",
      });
    }
    expect(new Set(errors).size).toBe(10);
    expect(tokens.heard.length).toBe(1);
    expect(mail.peers.length).toBe(0);
  });

  test("for now, all who wait are told, and the next message asks again", async () => {
    let isDown = true;
    const tokens = await serveTokens(() => (isDown ? { status: 500 } : issued("token")));
    const mail = await mailServer(taking((token) => token === "token"));
    const { client } = clientOf(mail, tokens, { maxConnections: 2 });
    const errors = await Promise.all(Array.from({ length: 5 }, () => errorOf(client.send(MESSAGE))));
    for (const error of errors) expect(error).toMatchObject({ code: "token_unavailable", retryable: true });
    expect(tokens.heard.length).toBe(1);
    isDown = false;
    await client.send(MESSAGE);
    expect(tokens.heard.length).toBe(2);
  });

  test.each<[what: string, oauth2: () => unknown]>([
    ["because the endpoint is down", () => Promise.reject(new Error("503"))],
    ["because the function answers with something else", () => ({ accessToken: "a", expiresIn: "3600" })],
  ])("%s, it is not asked for again for each of thousands", async (_, oauth2) => {
    chance(0.999);
    let calls = 0;
    const mail = await mailServer();
    const source = (): never => {
      calls++;
      return oauth2() as never;
    };
    const { client } = connectTo(mail, {
      auth: { user: "alice@example.com", oauth2: source },
      maxConnections: 2,
    });
    let failed = 0;
    for await (const { ok } of client.sendMany(Array.from({ length: 1_000 }, () => MESSAGE)))
      failed += ok ? 0 : 1;
    expect(failed).toBe(1_000);
    // Twice, and once for each pause that passed meanwhile: half a second, a second, two.
    expect(calls).toBeLessThanOrEqual(5);
  });

  test("for now, messages are begun again where that was asked for", async () => {
    let failures = 1;
    const tokens = await serveTokens(() => (failures-- > 0 ? { status: 503 } : issued("token")));
    const { client, events } = clientOf(await mailServer(), tokens, { retry: { backoff: () => 1 } });
    expect((await client.send(MESSAGE)).attempts).toBe(2);
    expect(events.filter(({ kind }) => kind === "retry")).toMatchObject([{ code: "token_unavailable" }]);
  });

  test("for good, they are not", async () => {
    const tokens = await serveTokens({ status: 400, body: { error: "invalid_grant" } });
    const { client, events } = clientOf(await mailServer(), tokens, { retry: { backoff: () => 1 } });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ code: "token_refused" });
    expect(events.filter(({ kind }) => kind === "retry")).toEqual([]);
  });

  test("and the endpoint says for how long, it is left alone", async () => {
    const clocks = movedClocks();
    let isBusy = true;
    const tokens = await serveTokens(() =>
      isBusy ? { status: 429, headers: { "retry-after": "60" } } : issued("token"),
    );
    const mail = await mailServer();
    const { client } = clientOf(mail, tokens);
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(await errorOf(client.send(MESSAGE))).toMatchObject({ code: "token_unavailable" });
    }
    expect(tokens.heard.length).toBe(1);
    isBusy = false;
    clocks.monotonic = 60_000;
    await client.send(MESSAGE);
    expect(tokens.heard.length).toBe(2);
  });

  test("in time, the request is given up", async () => {
    const tokens = await serveTokens(() => undefined);
    const mail = await mailServer();
    const { client } = clientOf(mail, tokens, { timeouts: { token: 50 } });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({
      code: "token_unavailable",
      phase: "auth",
      hint: "timeouts.token sets this limit",
    });
    await tokens.heard[0]?.left;
    expect(mail.peers.length).toBe(0);
  });
});

describe("a function of the caller's that gets the token", () => {
  const clientWith = (mail: Server, oauth2: () => unknown): Watched =>
    connectTo(mail, {
      auth: { user: "alice@example.com", oauth2: oauth2 as never },
      timeouts: { token: 50 },
    });

  test.each<[what: string, oauth2: () => unknown, code: string]>([
    [
      "throws",
      () => {
        throw new Error("no vault");
      },
      "token_unavailable",
    ],
    ["rejects", () => Promise.reject(new Error("no vault")), "token_unavailable"],
    ["hangs", () => new Promise(() => {}), "token_unavailable"],
    ["gives something else", () => ({ token: "a" }), "invalid_option"],
  ])("and %s opens no connection, and leaves none", async (_, oauth2, code) => {
    const mail = await mailServer();
    const { client } = clientWith(mail, oauth2);
    const errors = await Promise.all([errorOf(client.send(MESSAGE)), errorOf(client.verify())]);
    for (const error of errors) expect(error).toMatchObject({ code, phase: "auth", delivery: "not-sent" });
    expect(mail.peers.length).toBe(0);
    expect(client.stats).toMatchObject({ opening: 0, idle: 0, busy: 0, waiting: 0 });
  });

  test("is called once for all who wait", async () => {
    let calls = 0;
    const mail = await mailServer();
    const { client } = clientWith(mail, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return `token-${++calls}`;
    });
    await Promise.all(Array.from({ length: 20 }, () => client.send(MESSAGE)));
    expect(calls).toBe(1);
  });
});

describe("a message that is given up while a token is asked for", () => {
  test("ends the request where nobody else waits for it", async () => {
    const tokens = await serveTokens(() => undefined);
    const { client } = clientOf(await mailServer(), tokens);
    const controller = new AbortController();
    const sending = errorOf(client.send(MESSAGE, { signal: controller.signal }));
    await tokens.requests(1);
    controller.abort();
    expect(await sending).toMatchObject({ code: "aborted", delivery: "not-sent" });
    await tokens.heard[0]?.left;
  });

  test("leaves it to the others", async () => {
    let answer: () => void = () => {};
    const tokens = await serveTokens(async () => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return issued("token");
    });
    const { client } = clientOf(await mailServer(), tokens, { maxConnections: 2 });
    const controller = new AbortController();
    const gone = errorOf(client.send(MESSAGE, { signal: controller.signal }));
    const other = client.send(MESSAGE);
    await tokens.requests(1);
    controller.abort();
    await gone;
    answer();
    await other;
    expect(tokens.heard.length).toBe(1);
  });

  test("by closing the client ends the request", async () => {
    const tokens = await serveTokens(() => undefined);
    const { client } = clientOf(await mailServer(), tokens);
    const sending = errorOf(client.send(MESSAGE));
    await tokens.requests(1);
    await client.close({ force: true });
    expect(await sending).toMatchObject({ code: "aborted", message: "the client was closed" });
    await tokens.heard[0]?.left;
  });
});

test("a message says nothing of how to sign in, nor where tokens come from", async () => {
  const tokens = await serveTokens(issued("token"));
  const { client } = clientOf(await mailServer(), tokens);
  const auth = { user: "mallory@example.com", tokenUrl: "https://mallory.example/token" };
  for (const field of ["auth", "oauth2", "accessToken", "tokenUrl"]) {
    const error = await errorOf(client.send({ ...MESSAGE, [field]: auth } as never));
    expect(error).toBeInstanceOf(MessageError);
    expect(error.message).toContain(`has no property "${field}"`);
    const option = await errorOf(client.send(MESSAGE, { [field]: auth } as never));
    expect(option.message).toContain(`has no property "${field}"`);
  }
  expect(tokens.heard.length).toBe(0);
});
