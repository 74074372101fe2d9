import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { AuthenticationError, ProtocolError, ReplyError, TransportError } from "../../src/errors.ts";
import type { Channel } from "../../src/protocol/login.ts";
import { type OpeningOptions, opening } from "../../src/protocol/opening.ts";
import { loginWith } from "../support/login.ts";
import { play, playToError } from "../support/transcript.ts";

const USER = { user: "alice", pass: "s3cret pass" };
const LOGIN_PLAIN = "AUTH PLAIN AGFsaWNlAHMzY3JldCBwYXNz";

interface Said extends Partial<OpeningOptions> {
  readonly credentials?: object;
  readonly mechanism?: string;
}

function open({ credentials, mechanism, ...options }: Said = {}) {
  const login = credentials && loginWith({ ...credentials, mechanism });
  return (channel: Channel) =>
    opening({ name: "client.example", security: "none", withheld: new Set(), login, ...options }, channel);
}

/** On a wire that had TLS from the first octet. */
function openSecure(options: Said = {}) {
  return () => open({ security: "tls", ...options })({ secure: true, trusted: true });
}

describe("greeting and EHLO", () => {
  test("a session opens with the greeting and EHLO, and knows what the server listed", () => {
    const { value, state } = play(
      `S: 220 mx.example ESMTP
       C: EHLO client.example
       S: 250-mx.example greets client.example
       S: 250-PIPELINING
       S: 250-SIZE 1048576
       S: 250-8BITMIME
       S: 250 AUTH PLAIN LOGIN`,
      open(),
    );
    expect(state).toBe("ready");
    expect([...(value ?? [])]).toEqual([
      ["PIPELINING", []],
      ["SIZE", ["1048576"]],
      ["8BITMIME", []],
      ["AUTH", ["PLAIN", "LOGIN"]],
    ]);
  });

  test("keywords are read whole and in any case, and the first line is never one", () => {
    const { value } = play(
      `S: 220 hello
       C: EHLO client.example
       S: 250-STARTTLS is a fine word for a greeting
       S: 250-pipelining
       S: 250-XSTARTTLS
       S: 250-we love STARTTLS
       S: 250-AUTH=LOGIN
       S: 250 AUTH PLAIN`,
      open(),
    );
    expect([...(value?.keys() ?? [])]).toEqual(["PIPELINING", "XSTARTTLS", "WE", "AUTH"]);
    expect(value?.get("AUTH")).toEqual(["LOGIN", "PLAIN"]);
  });

  test("a greeting of several lines is one greeting", () => {
    const { state } = play(
      `S: 220-mx.example
       S: 220 no spam please
       C: EHLO client.example
       S: 250 mx.example`,
      open(),
    );
    expect(state).toBe("ready");
  });

  test("a server that turns us away with 554 is heard and left", () => {
    const error = playToError("S: 554 5.3.2 not today", open());
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({
      code: "greeting_refused",
      phase: "greeting",
      delivery: "not-sent",
      retryable: false,
      enhancedStatus: "5.3.2",
    });
  });

  test("a server that does not know EHLO gets HELO", () => {
    const { value, state } = play(
      `S: 220 old.example
       C: EHLO client.example
       S: 502 5.5.1 what?
       C: HELO client.example
       S: 250 old.example`,
      open(),
    );
    expect(value?.size).toBe(0);
    expect(state).toBe("ready");
  });

  test("a server that refuses our name is not asked again with HELO", () => {
    const error = playToError(
      `S: 220 mx.example
       C: EHLO client.example
       S: 501-5.5.4 HELO/EHLO argument "client.example" invalid, closing connection.
       S: 501 5.5.4 see the documentation`,
      open(),
    );
    expect(error).toMatchObject({ code: "ehlo_refused", phase: "ehlo", verb: "EHLO", retryable: false });
  });

  test.each(["500", "502", "504", "550"])("HELO is tried where EHLO is answered with %s", (code) => {
    const { state } = play(
      `S: 220 old.example
       C: EHLO client.example
       S: ${code} what?
       C: HELO client.example
       S: 250 old.example`,
      open(),
    );
    expect(state).toBe("ready");
  });

  test("an extension that the user switched off is not there", () => {
    const { value } = play(
      `S: 220 mx.example
       C: EHLO client.example
       S: 250-mx.example
       S: 250-PIPELINING
       S: 250 SIZE 1000`,
      open({ withheld: new Set(["PIPELINING"]) }),
    );
    expect([...(value?.keys() ?? [])]).toEqual(["SIZE"]);
  });

  test("HELO gives no TLS to who requires it", () => {
    const error = playToError(
      `S: 220 old.example
       C: EHLO client.example
       S: 500 what?
       C: HELO client.example
       S: 250 old.example`,
      open({ security: "starttls" }),
    );
    expect(error).toMatchObject({ code: "tls_required", phase: "starttls", delivery: "not-sent" });
  });

  test("HELO gives no AUTH, so the credentials stay unsaid", () => {
    const error = playToError(
      `S: 220 old.example
       C: EHLO client.example
       S: 500 what?
       C: HELO client.example
       S: 250 old.example`,
      () => open({ credentials: USER })({ secure: true, trusted: true }),
    );
    expect(error).toMatchObject({ code: "authentication_unavailable", phase: "auth" });
  });

  test.each(["354 go on", "221 bye", "235 welcome"])(
    "%s to EHLO is a yes if it is 2yz, and breaks the rules if it is 3yz",
    (reply) => {
      const script = `S: 220 mx.example
      C: EHLO client.example
      S: ${reply}`;
      if (reply.startsWith("2")) expect(play(script, open()).state).toBe("ready");
      else expect(playToError(script, open())).toMatchObject({ code: "unexpected_reply", phase: "ehlo" });
    },
  );
});

describe("STARTTLS", () => {
  test("TLS comes first, then everything is asked anew, and only then AUTH", () => {
    const { value, state, shown } = play(
      `S: 220 mx.example
       C: EHLO client.example
       S: 250-mx.example
       S: 250-STARTTLS
       S: 250 PIPELINING
       C: STARTTLS
       S: 220 2.0.0 ready
       TLS
       C: EHLO client.example
       S: 250-mx.example
       S: 250-PIPELINING
       S: 250 AUTH PLAIN
       C: ${LOGIN_PLAIN}
       S: 235 2.7.0 welcome`,
      open({ security: "starttls", credentials: USER }),
    );
    expect(state).toBe("ready");
    expect([...(value?.keys() ?? [])]).toEqual(["PIPELINING", "AUTH"]);
    expect(shown).toEqual(["EHLO client.example", "STARTTLS", "EHLO client.example", "AUTH PLAIN ********"]);
  });

  test("nothing that was listed in the clear is believed after the handshake", () => {
    const { value } = play(
      `S: 220 mx.example
       C: EHLO client.example
       S: 250-mx.example
       S: 250-STARTTLS
       S: 250-PIPELINING
       S: 250-SIZE 1
       S: 250-SMTPUTF8
       S: 250 CHUNKING
       C: STARTTLS
       S: 220 ready
       TLS
       C: EHLO client.example
       S: 250 mx.example`,
      open({ security: "starttls" }),
    );
    expect(value?.size).toBe(0);
  });

  test("AUTH that was offered in the clear only is not used inside TLS", () => {
    const error = playToError(
      `S: 220 mx.example
       C: EHLO client.example
       S: 250-mx.example
       S: 250-AUTH PLAIN LOGIN
       S: 250 STARTTLS
       C: STARTTLS
       S: 220 ready
       TLS
       C: EHLO client.example
       S: 250 mx.example`,
      open({ security: "starttls", credentials: USER }),
    );
    expect(error).toMatchObject({ code: "authentication_unavailable" });
  });

  test("STARTTLS offered again inside TLS is ignored", () => {
    const { state } = play(
      `S: 220 mx.example
       C: EHLO client.example
       S: 250-mx.example
       S: 250 STARTTLS
       C: STARTTLS
       S: 220 ready
       TLS
       C: EHLO client.example
       S: 250-mx.example
       S: 250 STARTTLS`,
      open({ security: "starttls" }),
    );
    expect(state).toBe("ready");
  });

  test("a server that offers no STARTTLS gets neither credentials nor mail", () => {
    const error = playToError(
      `S: 220 mx.example
       C: EHLO client.example
       S: 250-mx.example
       S: 250 AUTH PLAIN LOGIN`,
      open({ security: "starttls", credentials: USER }),
    );
    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({
      code: "tls_required",
      phase: "starttls",
      delivery: "not-sent",
      retryable: false,
    });
    expect(error.hint).toContain("security");
  });

  test.each(["454 4.7.0 not now", "502 5.5.1 no", "501 5.5.4 no", "530 5.7.0 no", "500 what?"])(
    "STARTTLS refused with %s ends it: no retry, nothing in the clear",
    (reply) => {
      for (const security of ["starttls", "opportunistic"] as const) {
        const error = playToError(
          `S: 220 mx.example
           C: EHLO client.example
           S: 250-mx.example
           S: 250-AUTH PLAIN
           S: 250 STARTTLS
           C: STARTTLS
           S: ${reply}`,
          open({ security, credentials: USER }),
        );
        expect(error).toMatchObject({ code: "starttls_refused", phase: "starttls", delivery: "not-sent" });
        expect(error.retryable).toBe(reply.startsWith("4"));
      }
    },
  );

  test.each(["354 go", "221 bye", "250 fine", "235 ok", "299 ok"])(
    "%s to STARTTLS does not start TLS",
    (reply) => {
      const error = playToError(
        `S: 220 mx.example
       C: EHLO client.example
       S: 250-mx.example
       S: 250 STARTTLS
       C: STARTTLS
       S: ${reply}`,
        open({ security: "starttls" }),
      );
      expect(error).toMatchObject({ code: "unexpected_reply", phase: "starttls", delivery: "not-sent" });
    },
  );

  describe("octets behind the 220 in the clear", () => {
    // Whole and per line they come with the 220, octet by octet right after it: before the handshake either way.
    test.each([
      ["a full reply", "250-evil.example\\r\\n250 AUTH PLAIN\\r\\n"],
      ["half a line", "250-ev"],
      ["one octet", "2"],
      ["a line end", "\\r\\n"],
      ["a 421", "421 bye\\r\\n"],
    ])("%s ends the session before TLS begins", (_, injected) => {
      const error = playToInjection(`S= "220 go ahead\\r\\n${injected}"`);
      expect(error).toBeInstanceOf(ProtocolError);
      expect(error).toMatchObject({ code: "starttls_injection", phase: "starttls", delivery: "not-sent" });
    });

    test("also where the 220 has several lines", () => {
      expect(playToInjection('S= "220-go\\r\\n220 ahead\\r\\n250 OK\\r\\n"').code).toBe("starttls_injection");
    });
  });
});

function playToInjection(reply: string) {
  return playToError(
    `S: 220 mx.example
     C: EHLO client.example
     S: 250-mx.example
     S: 250 STARTTLS
     C: STARTTLS
     ${reply}`,
    open({ security: "starttls", credentials: USER }),
  );
}

describe("AUTH", () => {
  const GREETED = `S: 220 mx.example
    C: EHLO client.example
    S: 250-mx.example
    S: 250 AUTH`;

  test("PLAIN says everything in one command", () => {
    const { state, shown } = play(
      `${GREETED} LOGIN PLAIN\nC: ${LOGIN_PLAIN}\nS: 235 ok`,
      openSecure({ credentials: USER }),
    );
    expect(state).toBe("ready");
    expect(shown.at(-1)).toBe("AUTH PLAIN ********");
  });

  test("LOGIN is asked for the user name, then for the password", () => {
    const { state, shown } = play(
      `${GREETED} LOGIN
       C: AUTH LOGIN
       S: 334 VXNlcm5hbWU6
       C: YWxpY2U=
       S: 334 UGFzc3dvcmQ6
       C: czNjcmV0IHBhc3M=
       S: 235 2.7.0 welcome`,
      openSecure({ credentials: USER }),
    );
    expect(state).toBe("ready");
    expect(shown.slice(1)).toEqual(["AUTH LOGIN", "********", "********"]);
  });

  test("LOGIN does not mind what the questions say", () => {
    const { state } = play(
      `${GREETED} LOGIN
       C: AUTH LOGIN
       S: 334 
       C: YWxpY2U=
       S: 334 
       C: czNjcmV0IHBhc3M=
       S: 235 ok`,
      openSecure({ credentials: USER }),
    );
    expect(state).toBe("ready");
  });

  test("a pinned mechanism is used although a better one is offered", () => {
    const { shown } = play(
      `${GREETED} PLAIN LOGIN
       C: AUTH LOGIN
       S: 334 VXNlcm5hbWU6
       C: YWxpY2U=
       S: 334 UGFzc3dvcmQ6
       C: czNjcmV0IHBhc3M=
       S: 235 ok`,
      openSecure({ credentials: USER, mechanism: "LOGIN" }),
    );
    expect(shown[1]).toBe("AUTH LOGIN");
  });

  test("XOAUTH2 says the token in one command", () => {
    const { state } = play(
      `${GREETED} PLAIN XOAUTH2
       C: AUTH XOAUTH2 dXNlcj1hbGljZQFhdXRoPUJlYXJlciB0MGtlbgEB
       S: 235 ok`,
      openSecure({ credentials: { user: "alice", accessToken: "t0ken" } }),
    );
    expect(state).toBe("ready");
  });

  test("an initial response that makes the line longer than 512 octets waits for the 334", () => {
    const fits = play(
      `${GREETED} XOAUTH2
       C: AUTH XOAUTH2 ${Buffer.from(`user=alice\x01auth=Bearer ${"t".repeat(347)}\x01\x01`).toString("base64")}
       S: 235 ok`,
      openSecure({ credentials: { user: "alice", accessToken: "t".repeat(347) } }),
    );
    expect(fits.state).toBe("ready");
    const { state } = play(
      `${GREETED} XOAUTH2
       C: AUTH XOAUTH2
       S: 334 
       C: ${Buffer.from(`user=alice\x01auth=Bearer ${"t".repeat(348)}\x01\x01`).toString("base64")}
       S: 235 ok`,
      openSecure({ credentials: { user: "alice", accessToken: "t".repeat(348) } }),
    );
    expect(state).toBe("ready");
  });

  test("the JSON of a refused token is in the error, after an empty response was said to it", () => {
    const json = { status: "401", schemes: "bearer", scope: "https://mail.google.com/" };
    const error = playToError(
      `${GREETED} XOAUTH2
       C: AUTH XOAUTH2 dXNlcj1hbGljZQFhdXRoPUJlYXJlciB0MGtlbgEB
       S: 334 ${Buffer.from(JSON.stringify(json)).toString("base64")}
       C: 
       S: 535-5.7.8 Username and Password not accepted.
       S: 535 5.7.8 Learn more`,
      openSecure({ credentials: { user: "alice", accessToken: "t0ken" } }),
    );
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error).toMatchObject({
      code: "authentication_refused",
      phase: "auth",
      mechanism: "XOAUTH2",
      detail: json,
      enhancedStatus: "5.7.8",
      delivery: "not-sent",
      retryable: false,
    });
  });

  test("a refused token is reported also where the server hangs up instead of refusing it", () => {
    const error = playToError(
      `${GREETED} XOAUTH2
       C: AUTH XOAUTH2 dXNlcj1hbGljZQFhdXRoPUJlYXJlciB0MGtlbgEB
       S: 334 e30=
       C: 
       FIN`,
      openSecure({ credentials: { user: "alice", accessToken: "t0ken" } }),
    );
    expect(error).toMatchObject({ code: "connection_lost", phase: "auth", delivery: "not-sent" });
  });

  test.each(["not json at all", "[1", '"text"', "null"])(
    "a last challenge that is %s adds nothing to the error",
    (text) => {
      const error = playToError(
        `${GREETED} XOAUTH2
       C: AUTH XOAUTH2 dXNlcj1hbGljZQFhdXRoPUJlYXJlciB0MGtlbgEB
       S: 334 ${Buffer.from(text).toString("base64")}
       C: 
       S: 535 no`,
        openSecure({ credentials: { user: "alice", accessToken: "t0ken" } }),
      );
      expect(error).toMatchObject({ code: "authentication_refused" });
      expect(error).not.toHaveProperty("detail");
    },
  );

  test("a refused login is an AuthenticationError with the server's words", () => {
    const error = playToError(
      `${GREETED} PLAIN
       C: ${LOGIN_PLAIN}
       S: 535 5.7.8 Error: authentication failed`,
      openSecure({ credentials: USER }),
    );
    expect(error).toMatchObject({ code: "authentication_refused", mechanism: "PLAIN", retryable: false });
    expect(error.message).toContain("535 5.7.8 Error: authentication failed");
  });

  test("a login that cannot be checked now is worth trying again", () => {
    const error = playToError(
      `${GREETED} PLAIN
       C: ${LOGIN_PLAIN}
       S: 454 4.7.0 Temporary authentication failure`,
      openSecure({ credentials: USER }),
    );
    expect(error).toMatchObject({ code: "authentication_refused", retryable: true });
  });

  test("after a refusal no weaker mechanism is tried", () => {
    playToError(`${GREETED} PLAIN LOGIN\nC: ${LOGIN_PLAIN}\nS: 535 no`, openSecure({ credentials: USER }));
  });

  test.each([
    ["PLAIN", `C: ${LOGIN_PLAIN}`],
    ["LOGIN", "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: YWxpY2U=\nS: 334 UGFzc3dvcmQ6\nC: czNjcmV0IHBhc3M="],
  ])("a challenge too many to %s is cancelled, not answered", (name, lines) => {
    const error = playToError(
      `${GREETED} ${name}
       ${lines}
       S: 334 
       C: *
       S: 501 5.7.0 cancelled`,
      openSecure({ credentials: USER }),
    );
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error).toMatchObject({ code: "invalid_challenge", phase: "auth", delivery: "not-sent" });
  });

  test("a server that goes on challenging after the cancellation is not listened to", () => {
    const error = playToError(
      `${GREETED} PLAIN
       C: ${LOGIN_PLAIN}
       S: 334 
       C: *
       S: 334 `,
      openSecure({ credentials: USER }),
    );
    expect(error).toMatchObject({ code: "invalid_challenge" });
  });

  test.each(["!!!", "VXNlcm5hbWU", "VXNl cm5h", "=", "VXNlcm5hbWU6==", "VXNlcm5hbW1="])(
    "a challenge that is not base64 (%s) is cancelled",
    (challenge) => {
      const error = playToError(
        `${GREETED} LOGIN
         C: AUTH LOGIN
         S: 334 ${challenge}
         C: *
         S: 501 cancelled`,
        openSecure({ credentials: USER }),
      );
      expect(error).toMatchObject({ code: "invalid_challenge" });
    },
  );

  test("credentials are not said on a connection that is not verified TLS", () => {
    for (const security of ["none", "opportunistic"] as const) {
      const error = playToError(`${GREETED} PLAIN LOGIN XOAUTH2`, open({ security, credentials: USER }));
      expect(error).toMatchObject({ code: "authentication_insecure", phase: "auth", delivery: "not-sent" });
    }
    const unverified = playToError(`${GREETED} PLAIN`, () =>
      open({ security: "tls", credentials: USER })({ secure: true, trusted: false }),
    );
    expect(unverified).toMatchObject({ code: "authentication_insecure" });
  });

  test("credentials that the server offers no AUTH for are an error, not mail without a login", () => {
    const error = playToError(
      `S: 220 mx.example
       C: EHLO client.example
       S: 250-mx.example
       S: 250 PIPELINING`,
      openSecure({ credentials: USER }),
    );
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error).toMatchObject({ code: "authentication_unavailable", phase: "auth", delivery: "not-sent" });
    expect(error.message).toContain("no AUTH at all");
  });

  test("without credentials an offer of AUTH is not taken up", () => {
    expect(play(`${GREETED} PLAIN`, openSecure()).state).toBe("ready");
  });

  test("credentials that no offered mechanism can use are an error that names the offer", () => {
    const error = playToError(`${GREETED} GSSAPI XOAUTH2`, openSecure({ credentials: USER }));
    expect(error).toMatchObject({ code: "authentication_unavailable" });
    expect(error.message).toContain("GSSAPI, XOAUTH2");
  });

  test.each([
    [
      "as it was encoded",
      { got: Buffer.from("user=alice\x01auth=Bearer t0ken-canary\x01\x01").toString("base64") },
    ],
    ["in the clear", { token: "t0ken-canary" }],
  ])("a last challenge that repeats the token %s is kept out of the error", (_, json) => {
    for (const text of [JSON.stringify(json), JSON.stringify(json).replace("0", "\\u0030")]) {
      const error = playToError(
        `${GREETED} XOAUTH2
         C: AUTH XOAUTH2 ${Buffer.from("user=alice\x01auth=Bearer t0ken-canary\x01\x01").toString("base64")}
         S: 334 ${Buffer.from(text).toString("base64")}
         C: 
         S: 535 no`,
        openSecure({ credentials: { user: "alice", accessToken: "t0ken-canary" } }),
      );
      expect(error).toMatchObject({ code: "authentication_refused" });
      expect(error).not.toHaveProperty("detail");
    }
  });

  test.each([
    ["a bare line feed", `"535 no: ${LOGIN_PLAIN}\\n"`],
    ["a NUL", '"535 you said \\u0000alice\\u0000s3cret pass\\r\\n"'],
    ["no reply code", `"${LOGIN_PLAIN}\\r\\n"`],
    ["two codes", '"535-x\\r\\n550 s3cret pass\\r\\n"'],
    ["the password as LOGIN says it", '"czNjcmV0IHBhc3M=\\r\\n"'],
  ])("a reply that is none, with %s, does not get the login into the error", (_, octets) => {
    const error = playToError(
      `${GREETED} LOGIN
       C: AUTH LOGIN
       S: 334 VXNlcm5hbWU6
       C: YWxpY2U=
       S: 334 UGFzc3dvcmQ6
       C: czNjcmV0IHBhc3M=
       S= ${octets}`.replaceAll(LOGIN_PLAIN, "czNjcmV0IHBhc3M= s3cret pass"),
      openSecure({ credentials: USER }),
    );
    expect(error).toMatchObject({ code: "invalid_reply" });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/s3cret|czNjcmV0/);
    expect((error as ProtocolError).excerpt).toContain("********");
  });

  test("a password that happens to stand in a challenge does not disturb the login", () => {
    for (const pass of ["c", "GF", "UGFzc3dvcmQ6"]) {
      const { state } = play(
        `${GREETED} LOGIN
         C: AUTH LOGIN
         S: 334 VXNlcm5hbWU6
         C: YWxpY2U=
         S: 334 UGFzc3dvcmQ6
         C: ${Buffer.from(pass).toString("base64")}
         S: 235 ok`,
        openSecure({ credentials: { user: "alice", pass } }),
      );
      expect(state).toBe("ready");
    }
  });

  test("a challenge of several lines is none", () => {
    const error = playToError(
      `${GREETED} LOGIN
       C: AUTH LOGIN
       S: 334-VXNl
       S: 334 cm5hbWU6
       C: *
       S: 501 cancelled`,
      openSecure({ credentials: USER }),
    );
    expect(error).toMatchObject({ code: "invalid_challenge" });
  });

  test("a server that repeats the login in its refusal does not get it into the error", () => {
    const error = playToError(
      `${GREETED} PLAIN
       C: ${LOGIN_PLAIN}
       S: 535-5.7.8 I do not like "${LOGIN_PLAIN}"
       S: 535 5.7.8 which is alice with s3cret pass`,
      openSecure({ credentials: USER }),
    );
    expect(JSON.stringify(error) + error.message).not.toMatch(/s3cret|AGFsaWNl/);
    expect(error.message).toContain("********");
  });
});
