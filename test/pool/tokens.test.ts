import { describe, expect, test, vi } from "vitest";
import type { AccessToken, TokenRequest, TokenSource } from "../../src/auth/token-source.ts";
import { ConfigError, TokenError, TransportError } from "../../src/errors.ts";
import { resolveOptions } from "../../src/options.ts";
import { Tokens, tokensOf } from "../../src/pool/tokens.ts";
import { gather } from "../../src/trace.ts";
import { movedClocks } from "../support/clock.ts";
import { errorOf, watchProcess } from "../support/watch.ts";

watchProcess();

const MINUTE = 60_000;

interface Asked extends TokenRequest {
  answer(token: unknown): void;
  fail(error: unknown): void;
}

/** Tokens whose source answers when the test says so. */
function heldTokens(timeout = 4_000): { tokens: Tokens; asked: Asked[]; next: () => Promise<Asked> } {
  const asked: Asked[] = [];
  const awaited: (() => void)[] = [];
  const source = (request: TokenRequest): Promise<string> =>
    new Promise((resolve, fail) => {
      asked.push({ ...request, answer: (token) => resolve(token as string), fail });
      for (const notify of awaited.splice(0)) notify();
    });
  let taken = 0;
  return {
    tokens: new Tokens(source, { user: "alice@example.com", timeout }),
    asked,
    next: async () => {
      const at = taken++;
      while (asked[at] === undefined) await new Promise<void>((resolve) => awaited.push(resolve));
      return asked[at];
    },
  };
}

/** Tokens named in turn, which live as long as `lifetime` says. */
function numbered(lifetime: Omit<AccessToken, "accessToken"> = {}): { tokens: Tokens; reasons: string[] } {
  const reasons: string[] = [];
  const source = ({ reason }: TokenRequest): AccessToken => {
    reasons.push(reason);
    return { accessToken: `token-${reasons.length}`, ...lifetime };
  };
  return { tokens: new Tokens(source, { user: "alice@example.com", timeout: 4_000 }), reasons };
}

function answering(answer: unknown): Tokens {
  return new Tokens(() => answer as string, { user: "alice@example.com", timeout: 4_000 });
}

describe("a token", () => {
  test("is asked for once, however many wait, and kept", async () => {
    const { tokens, asked, next } = heldTokens();
    const waiting = Array.from({ length: 100 }, () => tokens.get());
    (await next()).answer({ accessToken: "token", expiresIn: 3600 });
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["token"]));
    expect(await tokens.get()).toBe("token");
    expect(asked).toMatchObject([{ user: "alice@example.com", reason: "first" }]);
    expect(asked[0]?.signal.aborted).toBe(false);
  });

  test.each([
    ["that lives an hour, a minute before it ends", { expiresIn: 3600 }, 59 * MINUTE],
    ["that lives two minutes, after the first", { expiresIn: 120 }, MINUTE],
    ["that lives a minute, after half of it", { expiresIn: 60 }, MINUTE / 2],
    ["that does not say, after four minutes of five", {}, 4 * MINUTE],
    ["that lives for ever, once a day", { expiresIn: 1e12 }, 1440 * MINUTE - MINUTE],
  ])("%s, is asked for again", async (_, lifetime, usableFor) => {
    const clocks = movedClocks();
    const { tokens, reasons } = numbered(lifetime);
    expect(await tokens.get()).toBe("token-1");
    clocks.monotonic = clocks.wall = usableFor - 2_000;
    expect(await tokens.get()).toBe("token-1");
    clocks.monotonic = clocks.wall = usableFor + 1;
    expect(await tokens.get()).toBe("token-2");
    expect(reasons).toEqual(["first", "expired"]);
  });

  test.each([
    ["a Date", (at: number) => new Date(at)],
    ["milliseconds since 1970", (at: number) => at],
  ])("ends at the moment that is given as %s", async (_, moment) => {
    const clocks = movedClocks();
    const { tokens } = numbered({ expiresAt: moment(Date.now() + 10 * MINUTE) });
    await tokens.get();
    clocks.monotonic = 8.9 * MINUTE;
    expect(await tokens.get()).toBe("token-1");
    clocks.monotonic = 9 * MINUTE;
    expect(await tokens.get()).toBe("token-2");
  });

  test.each<"monotonic" | "wall">(["monotonic", "wall"])(
    "ages by the clock that went on while the other stood still: %s",
    async (clock) => {
      const clocks = movedClocks();
      const { tokens } = numbered({ expiresIn: 3600 });
      await tokens.get();
      clocks[clock] = 60 * MINUTE;
      expect(await tokens.get()).toBe("token-2");
    },
  );

  test("lives no longer because somebody set the clock back", async () => {
    const clocks = movedClocks();
    const { tokens } = numbered({ expiresIn: 3600 });
    await tokens.get();
    clocks.wall = -120 * MINUTE;
    clocks.monotonic = 60 * MINUTE;
    expect(await tokens.get()).toBe("token-2");
  });

  test.each([0, -1])("whose lifetime is %d serves those who wait, and is not kept", async (expiresIn) => {
    const { tokens, reasons } = numbered({ expiresIn });
    const both = [tokens.get(), tokens.get()];
    expect(await Promise.all(both)).toEqual(["token-1", "token-1"]);
    expect(await tokens.get()).toBe("token-2");
    expect(reasons).toEqual(["first", "expired"]);
  });
});

describe("an answer that is no token is the source's fault:", () => {
  test.each<[what: string, answer: unknown, message: string]>([
    ["nothing", undefined, "is missing, not an object"],
    ["an empty string", "", "answered with what is no token"],
    ["a number", { accessToken: 123 }, "answered with a number for a token"],
    ["a line end in it", "secret-token\r\n", "answered with what is no token"],
    ["a separator of XOAUTH2 in it", "secret-token\x01", "answered with what is no token"],
    ["a space in it", "Bearer secret-token", "answered with what is no token"],
    ["a token beyond all measure", "secret-token".repeat(2_000), "more than 16384 characters"],
    ["NaN seconds", { accessToken: "secret-token", expiresIn: Number.NaN }, "no number of seconds"],
    ["seconds as text", { accessToken: "secret-token", expiresIn: "3600" }, "no number of seconds"],
    ["no date", { accessToken: "secret-token", expiresAt: new Date("no") }, "neither a Date nor a number"],
    ["seconds since 1970", { accessToken: "secret-token", expiresAt: 1_900_000_000 }, "expiresAt long ago"],
    ["both", { accessToken: "secret-token", expiresIn: 1, expiresAt: 2e12 }, "both expiresIn and expiresAt"],
    [
      "other names",
      { access_token: "secret-token" },
      'has no property "access_token"; is "accessToken" meant?',
    ],
  ])("%s", async (_, answer, message) => {
    const error = await errorOf(answering(answer).get());
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({
      option: "auth.oauth2",
      phase: "auth",
      delivery: "not-sent",
      retryable: false,
    });
    expect(error.message).toContain(message);
    expect(`${error.stack}`).not.toContain("secret-token");
  });
});

describe("a source that fails", () => {
  test("fails all who wait once, each with an error of their own, and the next who comes asks again", async () => {
    const { tokens, asked, next } = heldTokens();
    const waiting = Array.from({ length: 3 }, () => errorOf(tokens.get()));
    const cause = new Error("no vault");
    (await next()).fail(cause);
    const errors = await Promise.all(waiting);
    expect(new Set(errors).size).toBe(3);
    for (const error of errors) {
      expect(error).toBeInstanceOf(TokenError);
      expect(error).toMatchObject({
        code: "token_unavailable",
        reason: "temporary",
        phase: "auth",
        retryable: true,
      });
      expect(error.cause).toBe(cause);
    }
    const again = tokens.get();
    (await next()).answer("token");
    expect(await again).toBe("token");
    expect(asked.map(({ reason }) => reason)).toEqual(["first", "first"]);
  });

  test("at once, or with what is no error, fails alike", async () => {
    const throwing = (thrown: unknown): Tokens =>
      new Tokens(
        () => {
          throw thrown;
        },
        { user: "alice", timeout: 4_000 },
      );
    expect((await errorOf(throwing(undefined).get())).code).toBe("token_unavailable");
    expect((await errorOf(throwing("no").get())).cause).toBe("no");
  });

  test("with an error of ours says it to all who wait", async () => {
    const { tokens, next } = heldTokens();
    const waiting = [errorOf(tokens.get()), errorOf(tokens.get())];
    (await next()).fail(
      new TokenError("consent was withdrawn", {
        reason: "reauthorise",
        oauthError: "invalid_grant",
        hint: "ask",
      }),
    );
    for (const error of await Promise.all(waiting)) {
      expect(error).toMatchObject({
        message: "consent was withdrawn",
        code: "token_refused",
        oauthError: "invalid_grant",
        hint: "ask",
        retryable: false,
      });
      expect(error).not.toHaveProperty("cause");
    }
    const configured = errorOf(tokens.get());
    (await next()).fail(new ConfigError("privateKey", "is damaged"));
    expect(await configured).toMatchObject({
      message: "privateKey: is damaged",
      option: "privateKey",
      phase: "auth",
    });
  });

  test("and wants to be left alone is: the same error at once, until the time has passed", async () => {
    const clocks = movedClocks();
    const { tokens, asked, next } = heldTokens();
    const failure = errorOf(tokens.get());
    (await next()).fail(new TokenError("too many", { reason: "temporary", retryAfter: 30_000 }));
    await failure;
    clocks.monotonic = 20_000;
    const error = await errorOf(tokens.get());
    expect(error).toMatchObject({ message: "too many", reason: "temporary" });
    expect((error as TokenError).retryAfter).toBeLessThanOrEqual(10_000);
    expect(await errorOf(tokens.renew("old"))).toMatchObject({ message: "too many" });
    expect(asked.length).toBe(1);
    clocks.monotonic = 30_000;
    const again = tokens.get();
    (await next()).answer("token");
    expect(await again).toBe("token");
  });

  test("and wants to be left alone for a year is asked again after an hour", async () => {
    const clocks = movedClocks();
    const { tokens, next } = heldTokens();
    const failure = errorOf(tokens.get());
    (await next()).fail(new TokenError("too many", { reason: "temporary", retryAfter: 3e10 }));
    await failure;
    clocks.monotonic = 60 * MINUTE + 1;
    const again = tokens.get();
    (await next()).answer("token");
    expect(await again).toBe("token");
  });
});

describe("a source that takes too long", () => {
  test("is told to stop, and given up even if it does not listen", async () => {
    const { tokens, next } = heldTokens(20);
    const waiting = [errorOf(tokens.get()), errorOf(tokens.get())];
    const { signal, answer } = await next();
    for (const error of await Promise.all(waiting)) {
      expect(error).toMatchObject({
        message: "no access token within 20 ms",
        code: "token_unavailable",
        hint: "timeouts.token sets this limit",
        retryable: true,
      });
    }
    expect(signal.aborted).toBe(true);
    answer("late");
    const again = tokens.get();
    (await next()).answer("token");
    expect(await again).toBe("token");
  });

  test("may fail later, which nobody hears", async () => {
    const { tokens, next } = heldTokens(10);
    const error = errorOf(tokens.get());
    const { fail } = await next();
    await error;
    fail(new Error("late"));
  });
});

describe("who waits for a token", () => {
  test("may give up, and the request goes on for the others", async () => {
    const { tokens, asked, next } = heldTokens();
    const one = new AbortController();
    const [gone, other] = [errorOf(tokens.get(one.signal)), tokens.get()];
    const { signal, answer } = await next();
    one.abort();
    const error = await gone;
    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({ code: "aborted", phase: "auth", delivery: "not-sent" });
    expect(signal.aborted).toBe(false);
    answer("token");
    expect(await other).toBe("token");
    expect(asked.length).toBe(1);
  });

  test("last gives the request up with them, and leaves no timer behind", async () => {
    const { tokens, next } = heldTokens();
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    const one = new AbortController();
    const two = new AbortController();
    const both = [errorOf(tokens.get(one.signal)), errorOf(tokens.get(two.signal))];
    const { signal, answer } = await next();
    one.abort();
    expect(signal.aborted).toBe(false);
    two.abort(new Error("enough"));
    expect(signal.aborted).toBe(true);
    expect((await Promise.all(both)).map(({ code }) => code)).toEqual(["aborted", "aborted"]);
    expect(timers()).toBe(before);
    answer("late");
    const again = tokens.get();
    (await next()).answer("token");
    expect(await again).toBe("token");
  });

  test("and gives up before it is asked for leaves the source alone", async () => {
    const { tokens, asked, next } = heldTokens();
    const controller = new AbortController();
    const gone = errorOf(tokens.get(controller.signal));
    controller.abort();
    expect(await gone).toMatchObject({ code: "aborted" });
    const other = tokens.get();
    (await next()).answer("token");
    expect(await other).toBe("token");
    expect(asked.length).toBe(1);
  });

  test("with a signal that is aborted already asks for nothing", async () => {
    const { tokens, asked } = heldTokens();
    expect(await errorOf(tokens.get(AbortSignal.abort()))).toMatchObject({ code: "aborted" });
    expect(asked.length).toBe(0);
  });
});

describe("a token that the server refused", () => {
  test("is renewed once for all whose login it was", async () => {
    const { tokens, asked, next } = heldTokens();
    const old = tokens.get();
    (await next()).answer("old");
    expect(await old).toBe("old");
    const both = [tokens.renew("old"), tokens.renew("old")];
    const { reason, answer } = await next();
    expect(reason).toBe("rejected");
    answer("new");
    expect(await Promise.all(both)).toEqual(["new", "new"]);
    expect(await tokens.renew("old")).toBe("new");
    expect(await tokens.get()).toBe("new");
    expect(asked.length).toBe(2);
  });

  test("is not renewed where it was itself a renewal, until the server takes one", async () => {
    const { tokens, reasons } = numbered();
    await tokens.get();
    expect(await tokens.renew("token-1")).toBe("token-2");
    expect(await tokens.renew("token-2")).toBeUndefined();
    expect(await tokens.renew("token-2")).toBeUndefined();
    expect(await tokens.get()).toBe("token-3");
    expect(await tokens.renew("token-3")).toBeUndefined();
    expect(await tokens.get()).toBe("token-4");
    expect(tokens.proved("value")).toBe("value");
    expect(await tokens.renew("token-4")).toBe("token-5");
    expect(reasons).toEqual(["first", "rejected", "rejected", "rejected", "rejected"]);
  });

  test("is not tried again where the source has no other", async () => {
    const source = vi.fn(() => "same");
    const tokens = new Tokens(source, { user: "alice", timeout: 4_000 });
    await tokens.get();
    expect(await tokens.renew("same")).toBeUndefined();
    expect(await tokens.renew("same")).toBeUndefined();
    expect(source).toHaveBeenCalledTimes(2);
  });

  test("is renewed where it lived too short to be kept", async () => {
    const { tokens, reasons } = numbered({ expiresIn: 0 });
    await tokens.get();
    expect(await tokens.renew("token-1")).toBe("token-2");
    expect(await tokens.renew("token-2")).toBeUndefined();
    expect(reasons).toEqual(["first", "rejected"]);
  });
});

describe("the tokens of a client", () => {
  /** As a Worker has it: a desk for each invocation, with settings of its own. */
  function clientOf(user: string, oauth2: TokenSource): () => Tokens | undefined {
    const { settings } = resolveOptions(
      { host: "smtp.example.com", auth: { user, oauth2 } },
      { connect: () => Promise.reject(new Error("nothing is connected here")) },
    );
    return () => tokensOf({ ...settings, trace: gather(undefined, undefined, undefined) });
  }

  test("are kept for all of its invocations, and are nobody else's who has the same source", async () => {
    const asked: string[] = [];
    const source: TokenSource = ({ user, reason }) => {
      asked.push(`${user} ${reason}`);
      return { accessToken: `token-${asked.length}-of-${user}`, expiresIn: 3600 };
    };
    const alice = clientOf("alice", source);
    const bob = clientOf("bob", source);
    expect(await alice()?.get()).toBe("token-1-of-alice");
    expect(await bob()?.get()).toBe("token-2-of-bob");
    expect(await alice()?.get()).toBe("token-1-of-alice");
    expect(await alice()?.renew("token-1-of-alice")).toBe("token-3-of-alice");
    expect(await alice()?.get()).toBe("token-3-of-alice");
    // What came in its place is as bad: the next invocation knows that, too.
    expect(await alice()?.renew("token-3-of-alice")).toBeUndefined();
    expect(asked).toEqual(["alice first", "bob first", "alice rejected"]);
  });
});
