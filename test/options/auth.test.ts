// Credentials as users write them: which go together, and which mechanisms they leave.

import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import type { Mechanism } from "../../src/auth/mechanism.ts";
import { mechanismOf } from "../../src/auth/mechanisms.ts";
import { ConfigError } from "../../src/errors.ts";
import { type ResolvedAuth, readAuth } from "../../src/options/auth.ts";

const USER = { user: "alice", pass: "open sesame" };
const TOKEN = { user: "alice", accessToken: "ya29.token" };

function names(auth: object): readonly string[] {
  return read(auth).mechanisms.map(({ name }) => name);
}

function read(auth: object): ResolvedAuth {
  return readAuth(auth, "auth");
}

function refusal(auth: unknown): ConfigError {
  try {
    readAuth(auth, "auth");
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error(`it should be refused: ${inspect(auth)}`);
}

const echo: Mechanism = {
  name: "X-ECHO",
  *exchange() {
    yield undefined;
  },
};

describe("the mechanisms that credentials leave", () => {
  test("are for a password all that take one, the strongest first, but none that must be named", () => {
    expect(names(USER)).toEqual([
      "SCRAM-SHA-256-PLUS",
      "SCRAM-SHA-1-PLUS",
      "SCRAM-SHA-256",
      "SCRAM-SHA-1",
      "PLAIN",
      "LOGIN",
    ]);
  });

  test("are for a token those that take one", () => {
    expect(names(TOKEN)).toEqual(["OAUTHBEARER", "XOAUTH2"]);
    expect(names({ user: "alice", oauth2: () => "token" })).toEqual(["OAUTHBEARER", "XOAUTH2"]);
  });

  test.each(["CRAM-MD5", "LOGIN", "SCRAM-SHA-256"])("are %s alone where that is named", (mechanism) => {
    expect(names({ ...USER, mechanism })).toEqual([mechanism]);
  });

  test("are those that are allowed, in the order of their strength", () => {
    expect(names({ ...USER, allow: ["CRAM-MD5", "LOGIN", "SCRAM-SHA-256"] })).toEqual([
      "SCRAM-SHA-256",
      "LOGIN",
      "CRAM-MD5",
    ]);
  });

  test("are none that is tied to the TLS, where the user does not want that", () => {
    expect(names({ ...USER, channelBinding: false })).toEqual([
      "SCRAM-SHA-256",
      "SCRAM-SHA-1",
      "PLAIN",
      "LOGIN",
    ]);
  });

  test("are those that can say on whose behalf, where they are to", () => {
    expect(names({ ...USER, authorizationId: "bob" })).not.toContain("LOGIN");
    expect(names({ ...TOKEN, authorizationId: "bob" })).toEqual(["OAUTHBEARER"]);
  });

  test("are without any credentials those that need none", () => {
    expect(names({ mechanism: "EXTERNAL" })).toEqual(["EXTERNAL"]);
    expect(names({ mechanism: "ANONYMOUS", user: "a trace" })).toEqual(["ANONYMOUS"]);
    expect(read({ mechanism: "EXTERNAL" }).credentials.user).toBe("");
  });

  test("are the caller's own, which takes whatever is given", () => {
    expect(names({ custom: echo })).toEqual(["X-ECHO"]);
    expect(read({ ...USER, custom: echo }).credentials).toMatchObject(USER);
  });
});

describe("refused is", () => {
  test.each<[string, unknown, string]>([
    ["no credentials at all", {}, "auth.user"],
    ["a user alone", { user: "alice" }, "auth"],
    ["a password and a token", { ...USER, accessToken: "token" }, "auth"],
    ["a token and a way to get one", { ...TOKEN, oauth2: () => "token" }, "auth"],
    ["a password with EXTERNAL", { ...USER, mechanism: "EXTERNAL" }, "auth"],
    ["a token with ANONYMOUS", { ...TOKEN, mechanism: "ANONYMOUS" }, "auth"],
    ["a mechanism nobody knows", { ...USER, mechanism: "NTLM" }, "auth.mechanism"],
    ["a mechanism in small letters", { ...USER, mechanism: "plain" }, "auth.mechanism"],
    ["PLAIN with a token", { ...TOKEN, mechanism: "PLAIN" }, "auth.mechanism"],
    ["XOAUTH2 with a password", { ...USER, mechanism: "XOAUTH2" }, "auth.mechanism"],
    ["a mechanism that is not allowed", { ...USER, mechanism: "PLAIN", allow: ["LOGIN"] }, "auth.mechanism"],
    ["an allowance that is no array", { ...USER, allow: "PLAIN" }, "auth.allow"],
    ["an allowance of nothing", { ...USER, allow: [] }, "auth.allow"],
    ["an allowance of what does not exist", { ...USER, allow: ["PLAIN", "X"] }, "auth.allow[1]"],
    ["an allowance that fits no password", { ...USER, allow: ["XOAUTH2"] }, "auth.allow"],
    ["a source of tokens that is none", { user: "alice", oauth2: "token" }, "auth.oauth2"],
    ["a binding that does not exist", { ...USER, channelBinding: "tls-unique" }, "auth.channelBinding"],
    [
      "no binding where one is named",
      { ...USER, mechanism: "SCRAM-SHA-1-PLUS", channelBinding: false },
      "auth.channelBinding",
    ],
    [
      "another's behalf with LOGIN",
      { ...USER, mechanism: "LOGIN", authorizationId: "bob" },
      "auth.authorizationId",
    ],
    ["a mechanism of one's own without a name", { custom: { exchange: echo.exchange } }, "auth.custom.name"],
    ["one whose name holds a blank", { custom: { ...echo, name: "X ECHO" } }, "auth.custom.name"],
    ["one whose name would be two lines", { custom: { ...echo, name: "X\r\nRSET" } }, "auth.custom.name"],
    ["one that does nothing", { custom: { name: "X-ECHO" } }, "auth.custom.exchange"],
    ["one that is not an object", { custom: () => {} }, "auth.custom"],
    ["one beside a named mechanism", { ...USER, custom: echo, mechanism: "PLAIN" }, "auth.mechanism"],
    ["one beside a source of tokens", { user: "alice", oauth2: () => "t", custom: echo }, "auth.oauth2"],
    ["a behalf of nobody", { ...USER, authorizationId: "" }, "auth.authorizationId"],
    ["a NUL in the behalf", { ...USER, authorizationId: "bob\0" }, "auth.authorizationId"],
    ["a word that is no option", { ...USER, type: "login" }, "auth"],
  ])("%s", (_, auth, option) => {
    const error = refusal(auth);
    expect(error.option).toBe(option);
    expect(inspect(error, { depth: 9 })).not.toContain(USER.pass);
  });

  test.each([
    ["a NUL", "a\0b"],
    ["a CR", "a\rb"],
    ["a line end", "a\n"],
    ["U+0001, which parts the fields of XOAUTH2", "a\x01b"],
    ["half of a surrogate pair", "a\ud800"],
    ["nothing", ""],
    ["no string", 12345678],
  ])("%s in a user name, a password or a token", (_, value) => {
    expect(refusal({ user: value, pass: "x" }).option).toBe("auth.user");
    expect(refusal({ user: "alice", pass: value }).option).toBe("auth.pass");
    expect(refusal({ user: "alice", accessToken: value }).option).toBe("auth.accessToken");
  });
});

test("a mechanism of the caller's own keeps its `this`", () => {
  class Counting {
    readonly name = "X-COUNT";
    count = 0;
    *exchange() {
      this.count++;
      yield undefined;
    }
  }
  const counting = new Counting();
  const [mechanism] = read({
    custom: { name: counting.name, exchange: counting.exchange.bind(counting) },
  }).mechanisms;
  if (mechanism !== undefined)
    mechanismOf(mechanism)
      .exchange({ user: "" }, {} as never)
      .next();
  const [whole] = read({ custom: counting }).mechanisms;
  if (whole !== undefined)
    mechanismOf(whole)
      .exchange({ user: "" }, {} as never)
      .next();
  expect(counting.count).toBe(2);
});
