// How an exchange is driven, whatever its mechanism: what it waits for, what breaks it off, and who may say what when.

import { describe, expect, test } from "vitest";
import { later, type Mechanism } from "../../src/auth/mechanism.ts";
import { decodeText, encodeBase64, encodeUtf8 } from "../../src/bytes.ts";
import { ConfigError, ProtocolError, ReplyError, TransportError } from "../../src/errors.ts";
import { opening } from "../../src/protocol/opening.ts";
import { Session } from "../../src/protocol/session.ts";
import { loginWith } from "../support/login.ts";
import { play, playToError } from "../support/transcript.ts";

const EHLO = `S: 220 mx.example
  C: EHLO client.example
  S: 250-mx.example
  S: 250 AUTH PLAIN LOGIN X-ECHO`;

function signIn(auth: object) {
  const login = loginWith(auth);
  return () =>
    opening(
      { name: "client.example", security: "tls", withheld: new Set(), login },
      { secure: true, trusted: true },
    );
}

/** Says each challenge back, once what it waits for is there. */
const echo: Mechanism = {
  name: "X-ECHO",
  *exchange({ user }) {
    const challenge = yield encodeUtf8(user);
    const said = yield* later(() => `${decodeText(challenge ?? new Uint8Array())}!`);
    yield encodeUtf8(said);
  },
};

function custom(exchange: Mechanism["exchange"]) {
  return signIn({ user: "alice", custom: { name: "X-ECHO", exchange } });
}

describe("an exchange that waits for something of its own", () => {
  test("says what came of it", () => {
    const { state, shown } = play(
      `${EHLO}
       C: AUTH X-ECHO YWxpY2U=
       S: 334 aGVsbG8=
       C: aGVsbG8h
       S: 235 2.7.0 welcome`,
      signIn({ user: "alice", custom: echo }),
    );
    expect(state).toBe("ready");
    expect(shown).toEqual(["EHLO client.example", "AUTH X-ECHO ********", "********"]);
  });

  test("may wait before it says anything, and more than once", () => {
    const { state } = play(
      `${EHLO}
       C: AUTH X-ECHO YWI=
       S: 235 welcome`,
      custom(function* () {
        const first = yield* later(() => "a");
        const second = yield* later(() => "b");
        yield encodeUtf8(first + second);
      }),
    );
    expect(state).toBe("ready");
  });

  test("is told where that fails, and may go on", () => {
    const { state } = play(
      `${EHLO}
       C: AUTH X-ECHO bm9uZQ==
       S: 235 welcome`,
      custom(function* () {
        let word = "some";
        try {
          yield* later(() => {
            throw new Error("no ticket");
          });
        } catch {
          word = "none";
        }
        yield encodeUtf8(word);
      }),
    );
    expect(state).toBe("ready");
  });

  test("fails with it where it does not go on, before AUTH is said", () => {
    const error = playToError(
      EHLO,
      custom(function* () {
        yield* later(() => {
          throw new Error("no ticket");
        });
      }),
    );
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ phase: "auth", delivery: "not-sent", option: "auth.custom" });
    expect((error.cause as Error).message).toBe("no ticket");
  });

  test("breaks off where that fails between two responses", () => {
    const error = playToError(
      `${EHLO}
       C: AUTH X-ECHO YWxpY2U=
       S: 334 aGVsbG8=
       C: *
       S: 501 5.0.0 broken off`,
      custom(function* () {
        yield encodeUtf8("alice");
        yield* later(() => {
          throw new Error("no ticket");
        });
      }),
    );
    expect(error).toMatchObject({ option: "auth.custom", phase: "auth" });
  });
});

describe("an exchange that is none", () => {
  const text = "text" as unknown as Uint8Array;

  test.each<[string, () => unknown]>([
    [
      "throws before it begins",
      () => {
        throw new Error("no");
      },
    ],
    ["is nothing", () => undefined],
    [
      "is asynchronous",
      async function* () {
        yield undefined;
        throw new Error("unheard");
      },
    ],
    [
      "says text",
      function* () {
        yield text;
      },
    ],
    [
      "says what only looks like octets",
      function* () {
        yield new ArrayBuffer(3);
      },
    ],
  ])("fails with the option it came from, before AUTH is said (%s)", (_, exchange) => {
    const error = playToError(EHLO, custom(exchange as Mechanism["exchange"]));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ phase: "auth", delivery: "not-sent", option: "auth.custom" });
    expect(error.cause).toBeInstanceOf(Error);
  });

  test("is broken off where that turns out later", () => {
    const error = playToError(
      `${EHLO}
       C: AUTH X-ECHO
       S: 334 aGVsbG8=
       C: *
       S: 501 5.0.0 broken off`,
      custom(function* () {
        yield undefined;
        yield text;
      }),
    );
    expect(error).toMatchObject({ option: "auth.custom", phase: "auth", delivery: "not-sent" });
  });
});

describe("while an exchange waits, the server", () => {
  /** A session whose login waits for its proof, what `words` say then, and what comes of it. */
  function meanwhile(words: string, { hangsUp = false } = {}) {
    const login = loginWith({ user: "alice", custom: echo });
    const options = { name: "client.example", security: "tls", withheld: new Set<string>(), login } as const;
    const session = new Session();
    const effects = [...session.begin(opening(options, { secure: true, trusted: true }))];
    const hear = (said: string): void => void effects.push(...session.receive(encodeUtf8(said)));
    hear("220 mx.example\r\n");
    hear("250-mx.example\r\n250 AUTH X-ECHO\r\n");
    hear("334 aGVsbG8=\r\n");
    const work = effects.find((effect) => effect.do === "work");
    if (work?.do !== "work") throw new Error("nothing is waited for");
    expect(session.phase).toBe("auth");
    if (words !== "") hear(words);
    if (hangsUp) effects.push(...session.ended());
    const before = effects.length;
    effects.push(...session.worked(work.dialogue, { value: "proof" }));
    const settled = effects.find((effect) => effect.do === "reject");
    const said = effects.slice(before).filter((effect) => effect.do === "write");
    return { error: settled?.do === "reject" ? settled.error : undefined, said, session };
  }

  test("is heard by nobody until what is waited for is there", () => {
    const { error, said } = meanwhile("");
    expect(error).toBeUndefined();
    expect(said).toMatchObject([{ commands: [{ line: "cHJvb2Y=" }] }]);
  });

  test.each(["235 2.7.0 welcome\r\n", "2", "334 aGVsbG8=\r\n", "535 5.7.8 no\r\n"])(
    "that says %j unasked is out of step, and is told nothing more",
    (words) => {
      const { error, said, session } = meanwhile(words);
      expect(error).toBeInstanceOf(ProtocolError);
      expect(error).toMatchObject({ code: "unsolicited_reply", phase: "auth", delivery: "not-sent" });
      expect(said).toEqual([]);
      expect(session.state).toBe("closed");
    },
  );

  test("that takes its leave is heard", () => {
    const { error, session } = meanwhile("421 4.3.2 going down\r\n");
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ code: "service_closing", phase: "auth", delivery: "not-sent" });
    expect(session.state).toBe("closed");
  });

  test.each(["421 4.3.2 going down\r\n", "421-4.3.2 going\r\n421 4.3.2 down\r\n"])(
    "that takes its leave (%j) and hangs up at once is heard too",
    (words) => {
      const { error, said } = meanwhile(words, { hangsUp: true });
      expect(error).toMatchObject({ code: "service_closing", phase: "auth", delivery: "not-sent" });
      expect(said).toEqual([]);
    },
  );

  test("that hangs up in the middle of a word has hung up", () => {
    const { error } = meanwhile("421 4.3.2 goi", { hangsUp: true });
    expect(error).toMatchObject({ code: "connection_lost", phase: "auth", delivery: "not-sent" });
  });

  test("that hangs up has ended the session, and what comes of the work is of no use", () => {
    const { error, said } = meanwhile("", { hangsUp: true });
    expect(error).toMatchObject({ code: "connection_lost", phase: "auth", delivery: "not-sent" });
    expect(said).toEqual([]);
  });
});

describe("the server that", () => {
  test("accepts before all has been said is not believed", () => {
    for (const said of ["S: 235 2.7.0 welcome", "S: 334 VXNlcm5hbWU6\n C: YWxpY2U=\n S: 235 2.7.0 welcome"]) {
      const error = playToError(
        `${EHLO}
         C: AUTH LOGIN
         ${said}`,
        signIn({ user: "alice", pass: "s3cret pass", mechanism: "LOGIN" }),
      );
      expect(error).toBeInstanceOf(ProtocolError);
      expect(error).toMatchObject({ code: "unexpected_reply", phase: "auth" });
    }
  });

  test("accepts a long login before it has been said is not believed either", () => {
    const error = playToError(
      `${EHLO}
       C: AUTH PLAIN
       S: 235 2.7.0 welcome`,
      signIn({ user: "alice", pass: "x".repeat(600), mechanism: "PLAIN" }),
    );
    expect(error).toMatchObject({ code: "unexpected_reply", phase: "auth" });
  });

  test("hangs up within the exchange has not accepted it", () => {
    const error = playToError(
      `${EHLO}
       C: AUTH X-ECHO YWxpY2U=
       S: 334 aGVsbG8=
       C: aGVsbG8h
       FIN`,
      signIn({ user: "alice", custom: echo }),
    );
    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({ code: "connection_lost", phase: "auth", delivery: "not-sent" });
  });

  test("hangs up when the exchange is broken off leaves us with why it was", () => {
    const error = playToError(
      `${EHLO}
       C: AUTH X-ECHO YWxpY2U=
       S: 334 aGVsbG8=
       C: *
       FIN`,
      custom(function* () {
        yield encodeUtf8("alice");
      }),
    );
    expect(error).toMatchObject({ code: "invalid_challenge", phase: "auth" });
  });
});

describe("on whose behalf", () => {
  test("PLAIN says it before the user, who signs in", () => {
    const { state } = play(
      `${EHLO}
       C: AUTH PLAIN Ym9iAGFsaWNlAHMzY3JldCBwYXNz
       S: 235 welcome`,
      signIn({ user: "alice", pass: "s3cret pass", authorizationId: "bob" }),
    );
    expect(state).toBe("ready");
  });

  test("a mechanism that cannot say it is not used", () => {
    const error = playToError(
      EHLO.replace("PLAIN LOGIN", "LOGIN"),
      signIn({ user: "alice", pass: "s3cret pass", authorizationId: "bob" }),
    );
    expect(error.code).toBe("authentication_unavailable");
  });
});

describe("a response", () => {
  test.each([
    [9_213, "goes"],
    [9_214, "is not begun, and the login is broken off"],
  ])("of %i octets %s", (octets, outcome) => {
    const isSaid = outcome === "goes";
    const encoded = isSaid ? encodeBase64(encodeUtf8(`\0alice\0${"x".repeat(octets - 7)}`)) : "*";
    const script = `${EHLO}
       C: AUTH PLAIN
       S: 334
       C: ${encoded}
       S: ${isSaid ? "235 welcome" : "501 5.0.0 broken off"}`;
    const signing = signIn({ user: "alice", pass: "x".repeat(octets - 7), mechanism: "PLAIN" });
    if (isSaid) expect(play(script, signing).state).toBe("ready");
    else {
      const error = playToError(script, signing);
      expect(error).toBeInstanceOf(ConfigError);
      expect(error).toMatchObject({ option: "auth", phase: "auth", delivery: "not-sent" });
      expect(error.message).not.toContain("xx");
    }
  });
});

test("a login without a password that is refused is not told to mend its password", () => {
  const error = playToError(
    `${EHLO.replace("PLAIN", "EXTERNAL")}
     C: AUTH EXTERNAL =
     S: 535 5.7.3 Authentication unsuccessful`,
    signIn({ mechanism: "EXTERNAL" }),
  );
  expect(error.code).toBe("authentication_refused");
  expect(error.hint).toBeUndefined();
});
