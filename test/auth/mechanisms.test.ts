import { createHmac } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { AuthenticationError, ConfigError, ProtocolError } from "../../src/errors.ts";
import { loginWith } from "../support/login.ts";
import { base64 } from "../support/scram.ts";
import { greeted, signIn } from "../support/sign-in.ts";
import { play, playToError } from "../support/transcript.ts";

const USER = { user: "alice", pass: "s3cret pass" };
const TOKEN = { user: "alice", accessToken: "t0ken-canary" };

describe("PLAIN", () => {
  test.each([
    // RFC 4616 §4.
    [{ user: "tim", pass: "tanstaaftanstaaf" }, "\0tim\0tanstaaftanstaaf"],
    [{ user: "Kurt", pass: "xipj3plmq", authorizationId: "Ursel" }, "Ursel\0Kurt\0xipj3plmq"],
  ])("%j says on whose behalf only where that was asked for", (auth, said) => {
    const { state } = play(
      `${greeted("PLAIN")}
       C: AUTH PLAIN ${base64(said)}
       S: 235 2.7.0 ok`,
      signIn(auth),
    );
    expect(state).toBe("ready");
  });
});

describe("CRAM-MD5", () => {
  const CHALLENGE = "<1896.697170952@postoffice.reston.mci.net>";

  test("answers as RFC 2195 §2 has it", () => {
    const { state, shown } = play(
      `${greeted("CRAM-MD5")}
       C: AUTH CRAM-MD5
       S: 334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+
       C: dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw
       S: 235 ok`,
      signIn({ user: "tim", pass: "tanstaaftanstaaf", mechanism: "CRAM-MD5" }),
    );
    expect(state).toBe("ready");
    expect(shown.slice(1)).toEqual(["AUTH CRAM-MD5", "********"]);
  });

  test("is not used unless the user names it, whatever else there is", () => {
    for (const offered of ["CRAM-MD5", "CRAM-MD5 DIGEST-MD5 NTLM"]) {
      const error = playToError(greeted(offered), signIn(USER));
      expect(error).toMatchObject({ code: "authentication_unavailable", delivery: "not-sent" });
      expect(error.message).toContain(offered.replaceAll(" ", ", "));
      expect(error.message).not.toMatch(/for .*CRAM-MD5/);
    }
  });

  test("is named in auth.allow, and comes after all that are stronger", () => {
    const auth = { ...USER, allow: ["CRAM-MD5", "LOGIN"] };
    expect(play(`${greeted("LOGIN CRAM-MD5")}\n${LOGIN}`, signIn(auth)).state).toBe("ready");
    expect(play(`${greeted("CRAM-MD5")}\n${cramMd5("<x>", USER)}`, signIn(auth)).state).toBe("ready");
  });

  test("without MD5 in the runtime is broken off, with the option that asked for it", () => {
    const refusal = new ConfigError("auth.mechanism", "is CRAM-MD5, and there is no MD5", { phase: "auth" });
    const { digests, ...login } = loginWith(USER);
    const hmac = (): never => {
      throw refusal;
    };
    const error = playToError(
      `${greeted("CRAM-MD5")}
       C: AUTH CRAM-MD5
       S: 334 ${base64(CHALLENGE)}
       C: *
       S: 501 cancelled`,
      signIn(
        { ...USER, mechanism: "CRAM-MD5" },
        { login: { digests: { ...digests, hmac }, host: login.host } },
      ),
    );
    expect(error).toBe(refusal);
  });
});

describe("OAUTHBEARER", () => {
  const EXAMPLE = { user: "user@example.com", accessToken: "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==" };
  const PLACE = { login: { host: "server.example.com", port: 587 } };
  // RFC 7628 §4.1.
  const SAID =
    "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9NTg3AWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB";
  // RFC 7628 §4.4.
  const REFUSAL =
    "eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NoZW1lcyI6ImJlYXJlciBtYWMiLCJzY29wZSI6Imh0dHBzOi8vbWFpbC5leGFtcGxlLmNvbS8ifQ==";

  test("says the token, and where to, in one command", () => {
    const { state } = play(
      `${greeted("LOGIN PLAIN OAUTHBEARER XOAUTH2")}
       C: AUTH OAUTHBEARER ${SAID}
       S: 235 Authentication successful.`,
      signIn(EXAMPLE, PLACE),
    );
    expect(state).toBe("ready");
  });

  test("refused gets the response that RFC 7628 asks for, and the refusal's JSON is in the error", () => {
    const error = playToError(
      `${greeted("OAUTHBEARER")}
       C: AUTH OAUTHBEARER ${SAID}
       S: 334 ${REFUSAL}
       C: AQ==
       S: 535-5.7.1 Username and Password not accepted. Learn more at
       S: 535 5.7.1 http://support.example.com/mail/oauth`,
      signIn(EXAMPLE, PLACE),
    );
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error).toMatchObject({
      code: "authentication_refused",
      mechanism: "OAUTHBEARER",
      enhancedStatus: "5.7.1",
      detail: { status: "invalid_token", schemes: "bearer mac", scope: "https://mail.example.com/" },
    });
  });

  test.each(["", "bm90IGpzb24=", "e30=", base64(`{"a":"${"b".repeat(1200)}"}`)])(
    "refused with %s gets that response too",
    (refusal) => {
      const error = playToError(
        `${greeted("OAUTHBEARER")}
         C: AUTH OAUTHBEARER ${SAID}
         S: 334 ${refusal}
         C: AQ==
         S: 535 no`,
        signIn(EXAMPLE, PLACE),
      );
      expect(error).toMatchObject({ code: "authentication_refused", retryable: false });
    },
  );

  test.each(["", "\nC: AQ=="])("a server that hangs up within its refusal is told as that", (answer) => {
    const error = playToError(
      `${greeted("OAUTHBEARER")}
       C: AUTH OAUTHBEARER ${SAID}
       S: 334 ${REFUSAL}${answer === "" ? "" : answer}
       FIN`,
      signIn(EXAMPLE, PLACE),
    );
    expect(error).toMatchObject({ code: "connection_lost", phase: "auth", delivery: "not-sent" });
  });

  test("escapes what would end the name, and says on whose behalf instead of the user", () => {
    for (const auth of [
      { ...TOKEN, user: "a,b=c" },
      { ...TOKEN, authorizationId: "a,b=c" },
    ]) {
      const said = "n,a=a=2Cb=3Dc,\x01host=mail.example\x01port=587\x01auth=Bearer t0ken-canary\x01\x01";
      const { state } = play(
        `${greeted("OAUTHBEARER")}\nC: AUTH OAUTHBEARER ${base64(said)}\nS: 235 ok`,
        signIn(auth),
      );
      expect(state).toBe("ready");
    }
  });

  test("a token that makes the line too long waits for the 334", () => {
    const accessToken = "t".repeat(4000);
    const said = `n,a=alice,\x01host=mail.example\x01port=587\x01auth=Bearer ${accessToken}\x01\x01`;
    const { state } = play(
      `${greeted("OAUTHBEARER")}
       C: AUTH OAUTHBEARER
       S: 334 
       C: ${base64(said)}
       S: 235 ok`,
      signIn({ ...TOKEN, accessToken }),
    );
    expect(state).toBe("ready");
  });
});

describe("EXTERNAL", () => {
  test.each([
    [{}, "="],
    [{ user: "fred@example.com" }, "ZnJlZEBleGFtcGxlLmNvbQ=="],
    [{ user: "jürgen" }, base64("jürgen")],
  ])("%j names at most whom it acts as", (auth, said) => {
    const { state } = play(
      `${greeted("PLAIN EXTERNAL")}
       C: AUTH EXTERNAL ${said}
       S: 235 ok`,
      signIn({ ...auth, mechanism: "EXTERNAL" }),
    );
    expect(state).toBe("ready");
  });
});

describe("ANONYMOUS", () => {
  test.each([
    // RFC 4505 §4.
    [{ user: "sirhc" }, "c2lyaGM="],
    [{}, "="],
    [{ user: "\u{1f600}".repeat(255) }, base64("\u{1f600}".repeat(255))],
  ])("%j leaves a trace", (auth, said) => {
    const isLong = said.length > 400;
    const { state } = play(
      `${greeted("ANONYMOUS")}
       C: AUTH ANONYMOUS${isLong ? `\nS: 334 \nC: ${said}` : ` ${said}`}
       S: 235 ok`,
      signIn({ ...auth, mechanism: "ANONYMOUS" }),
    );
    expect(state).toBe("ready");
  });

  test.each(["x".repeat(256), "\u{1f600}".repeat(256), "a\x85b"])("a trace that is none is told", (user) => {
    const error = playToError(greeted("ANONYMOUS"), signIn({ user, mechanism: "ANONYMOUS" }));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ option: "auth.user", phase: "auth", delivery: "not-sent" });
  });
});

const LOGIN = `C: AUTH LOGIN
  S: 334 VXNlcm5hbWU6
  C: YWxpY2U=
  S: 334 UGFzc3dvcmQ6
  C: czNjcmV0IHBhc3M=
  S: 235 ok`;

function cramMd5(
  challenge: string,
  { user, pass }: { readonly user: string; readonly pass: string },
): string {
  const digest = createHmac("md5", pass).update(challenge).digest("hex");
  return `C: AUTH CRAM-MD5
    S: 334 ${base64(challenge)}
    C: ${base64(`${user} ${digest}`)}
    S: 235 ok`;
}

interface Way {
  readonly name: string;
  readonly auth: object;
  /** What is said until the client has no more to say. */
  readonly lines: string;
}

const BEARER = "n,a=alice,\x01host=mail.example\x01port=587\x01auth=Bearer t0ken-canary\x01\x01";

/** But for SCRAM, which goes on longer: it has a file of its own. */
const WAYS: readonly Way[] = [
  { name: "PLAIN", auth: USER, lines: `C: AUTH PLAIN ${base64("\0alice\0s3cret pass")}` },
  { name: "LOGIN", auth: USER, lines: LOGIN.slice(0, LOGIN.lastIndexOf("\n")) },
  {
    name: "CRAM-MD5",
    auth: { ...USER, mechanism: "CRAM-MD5" },
    lines: cramMd5("<x@y>", USER).replace(/\n.*$/, ""),
  },
  {
    name: "XOAUTH2",
    auth: TOKEN,
    lines: `C: AUTH XOAUTH2 ${base64("user=alice\x01auth=Bearer t0ken-canary\x01\x01")}\nS: 334 e30=\nC: `,
  },
  { name: "OAUTHBEARER", auth: TOKEN, lines: `C: AUTH OAUTHBEARER ${base64(BEARER)}\nS: 334 e30=\nC: AQ==` },
  { name: "EXTERNAL", auth: { mechanism: "EXTERNAL" }, lines: "C: AUTH EXTERNAL =" },
  { name: "ANONYMOUS", auth: { mechanism: "ANONYMOUS" }, lines: "C: AUTH ANONYMOUS =" },
];

const NO_BASE64 = ["!!!", "=", "====", "AQ", "AQ=", "AQ==AQ==", "A Q==", " AQ==", "AQ== ", "AR==", "A_-="];

describe.each(WAYS)("$name", ({ name, auth, lines }) => {
  const first = lines.split("\n")[0] ?? "";

  test("is cancelled at a challenge too many", () => {
    for (const challenge of ["S: 334 ", "S: 334", "S: 334 e30="]) {
      const error = playToError(
        `${greeted(name)}\n${lines}\n${challenge}\nC: *\nS: 501 5.7.0 cancelled`,
        signIn(auth),
      );
      expect(error).toBeInstanceOf(ProtocolError);
      expect(error).toMatchObject({ code: "invalid_challenge", phase: "auth", delivery: "not-sent" });
    }
  });

  test("is cancelled once, whatever the server makes of that", () => {
    for (const reply of ["334 ", "235 welcome", "535 no", "250 ok"]) {
      const error = playToError(`${greeted(name)}\n${lines}\nS: 334 \nC: *\nS: ${reply}`, signIn(auth));
      expect(error).toMatchObject({ code: "invalid_challenge", phase: "auth", delivery: "not-sent" });
    }
  });

  test.each(NO_BASE64)("is cancelled at a challenge that is not base64 (%s)", (challenge) => {
    const error = playToError(
      `${greeted(name)}\n${first}\nS= "334 ${challenge}\\r\\n"\nC: *\nS: 501 cancelled`,
      signIn(auth),
    );
    expect(error).toMatchObject({ code: "invalid_challenge", phase: "auth", delivery: "not-sent" });
  });

  test("is over at a challenge that is longer than a reply may be", () => {
    const error = playToError(`${greeted(name)}\n${first}\nS: 334 ${"QUFB".repeat(3000)}`, signIn(auth));
    expect(error).toMatchObject({ code: "reply_too_long", phase: "auth", delivery: "not-sent" });
  });

  test.each([
    ["503 5.5.1 already authenticated", false],
    ["535 5.7.8 no", false],
    ["534 5.7.9 too weak", false],
    ["504 5.5.4 no such mechanism", false],
    ["538 5.7.11 encryption required", false],
    ["454 4.7.0 not now", true],
  ])("refused with %s is refused, and nothing else is tried", (reply, retryable) => {
    const error = playToError(
      `${greeted(`${name} PLAIN LOGIN XOAUTH2 ANONYMOUS`)}\n${first}\nS: ${reply}`,
      pinned(),
    );
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error).toMatchObject({ code: "authentication_refused", mechanism: name, retryable });
    expect(inspect(error, { depth: 9 })).not.toMatch(/s3cret|t0ken-canary/);
  });

  test.each(["250 2.0.0 ok", "220 hello", "200 yes", "354 go on"])("%s is no welcome", (reply) => {
    const error = playToError(`${greeted(name)}\n${first}\nS: ${reply}`, signIn(auth));
    expect(error).toMatchObject({ code: "unexpected_reply", phase: "auth", delivery: "not-sent" });
  });

  function pinned() {
    return signIn({ ...auth, mechanism: name });
  }
});

describe("a 235 that comes too early is no login", () => {
  const long = { ...USER, pass: "p".repeat(500) };
  test.each<[string, string, object, string]>([
    ["LOGIN", "the user was said", USER, "C: AUTH LOGIN"],
    ["LOGIN", "the password was said", USER, "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: YWxpY2U="],
    ["CRAM-MD5", "anything was asked", { ...USER, mechanism: "CRAM-MD5" }, "C: AUTH CRAM-MD5"],
    ["PLAIN", "its initial response was said", long, "C: AUTH PLAIN"],
    ["SCRAM-SHA-256", "its own was", { ...USER, user: "u".repeat(500) }, "C: AUTH SCRAM-SHA-256"],
    ["OAUTHBEARER", "the token was said", { ...TOKEN, accessToken: "t".repeat(500) }, "C: AUTH OAUTHBEARER"],
  ])("%s, before %s", (name, _, auth, lines) => {
    const error = playToError(`${greeted(name)}\n${lines}\nS: 235 welcome`, signIn(auth));
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error).toMatchObject({ phase: "auth", delivery: "not-sent", retryable: false });
  });
});

describe("names and passwords", () => {
  test.each([
    ["LOGIN", { pass: "sesame" }, `S: 334 \nC: ${base64("backup 2")}\nS: 334 \nC: ${base64("sesame")}`],
    ["EXTERNAL", {}, ""],
    ["ANONYMOUS", {}, ""],
  ])("of several words leave what the server says as it is (%s)", (mechanism, auth, lines) => {
    const error = playToError(
      `${greeted(mechanism)}
       C: AUTH ${mechanism}${lines === "" ? ` ${base64("backup 2")}` : ""}
       ${lines}
       S: 535 5.7.2 no backup in zone 2`,
      signIn({ ...auth, user: "backup 2", mechanism }),
    );
    expect(error.message).toMatch(/535 5\.7\.2 no backup in zone 2$/);
  });

  const ODD = { user: "jürgen%40例え.jp", pass: "pä\u{1f511} ,=%40\u2028" };
  const bearer = `n,a=jürgen%40例え.jp,\x01host=mail.example\x01port=587\x01auth=Bearer t\x01\x01`;
  test.each([
    ["PLAIN", ODD, `C: AUTH PLAIN ${base64(`\0${ODD.user}\0${ODD.pass}`)}\nS: 235 ok`],
    [
      "LOGIN",
      ODD,
      `C: AUTH LOGIN\nS: 334 \nC: ${base64(ODD.user)}\nS: 334 \nC: ${base64(ODD.pass)}\nS: 235 ok`,
    ],
    ["CRAM-MD5", { ...ODD, mechanism: "CRAM-MD5" }, cramMd5("<ü@y>", ODD)],
    [
      "XOAUTH2",
      { user: ODD.user, accessToken: "t" },
      `C: AUTH XOAUTH2 ${base64(`user=${ODD.user}\x01auth=Bearer t\x01\x01`)}\nS: 235 ok`,
    ],
    ["OAUTHBEARER", { user: ODD.user, accessToken: "t" }, `C: AUTH OAUTHBEARER ${base64(bearer)}\nS: 235 ok`],
    [
      "ANONYMOUS",
      { user: ODD.user, mechanism: "ANONYMOUS" },
      `C: AUTH ANONYMOUS ${base64(ODD.user)}\nS: 235 ok`,
    ],
  ])("beyond ASCII go as UTF-8, and as they are (%s)", (name, auth, lines) => {
    expect(play(`${greeted(name)}\n${lines}`, signIn(auth)).state).toBe("ready");
  });

  test("of any length go where the server can take them", () => {
    const long = { user: "u".repeat(300), pass: "\u00fc".repeat(3000) };
    const plain = base64(`\0${long.user}\0${long.pass}`);
    expect(
      play(`${greeted("PLAIN")}\nC: AUTH PLAIN\nS: 334 \nC: ${plain}\nS: 235 ok`, signIn(long)).state,
    ).toBe("ready");
    expect(
      play(`${greeted("CRAM-MD5")}\n${cramMd5("<x>", long)}`, signIn({ ...long, mechanism: "CRAM-MD5" }))
        .state,
    ).toBe("ready");
  });

  test.each(["a\0b", "a\rb", "a\r\nb", "a\nb", "a\x01b", "\x7f", "\ud800", "a\udc00b", "", 5, null])(
    "that hold what no login may hold (%j) are refused before anything is connected",
    (value) => {
      for (const [option, auth] of [
        ["auth.user", { user: value, pass: "s3cret" }],
        ["auth.pass", { user: "alice", pass: value }],
        ["auth.authorizationId", { ...USER, authorizationId: value }],
        ["auth.user", { user: value, mechanism: "EXTERNAL" }],
        ["auth.user", { user: value, mechanism: "ANONYMOUS" }],
        ["auth.user", { user: value, accessToken: "t" }],
        ["auth.accessToken", { user: "alice", accessToken: value }],
      ] as const) {
        expect(() => loginWith(auth)).toThrow(expect.objectContaining({ name: "ConfigError", option }));
      }
    },
  );
});
