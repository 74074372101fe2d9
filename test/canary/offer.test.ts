// What a server says before the login, when it knows the credentials from another session; and clients that hold them.

import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { type AuthOptions, SmtpClient } from "../../src/index.ts";
import { clientCredentialsGrant, refreshTokenGrant } from "../../src/oauth2-door.ts";
import type { Channel } from "../../src/protocol/login.ts";
import { opening } from "../../src/protocol/opening.ts";
import { CanaryWatch } from "../support/canary-watch.ts";
import { loginWith } from "../support/login.ts";
import { play, playToError } from "../support/transcript.ts";

const PASS = `p-${randomBytes(15).toString("hex")}`;
const PLAIN = Buffer.from(`\0alice\0${PASS}`).toString("base64");

function signIn(pass: string, { trusted = true } = {}) {
  return () =>
    opening(
      {
        ...{ name: "client.example", security: "tls", withheld: new Set() },
        login: loginWith({ user: "alice", pass, mechanism: "PLAIN" }),
      },
      { secure: true, trusted } as Channel,
    );
}

function lookAt(value: unknown, ...secrets: readonly string[]): readonly unknown[] {
  const watch = new CanaryWatch();
  watch.learn(...secrets);
  watch.examine("it", value);
  return watch.take();
}

describe("an offer that repeats the credentials", () => {
  test("is masked where no mechanism is common", () => {
    const error = playToError(
      `S: 220 hello ${PASS}
       C: EHLO client.example
       S: 250-hello ${PASS}
       S: 250-${PLAIN}
       S: 250 AUTH LOGIN ${PASS} ${PLAIN}`,
      signIn(PASS),
    );
    expect(error).toMatchObject({ code: "authentication_unavailable" });
    expect(error.message).toContain("the server offers LOGIN, ********");
    expect(lookAt(error, PASS)).toEqual([]);
  });

  test("is masked where the credentials may not be said", () => {
    const error = playToError(
      `S: 220 hello
       C: EHLO client.example
       S: 250-hello ${PASS}
       S: 250 AUTH PLAIN`,
      signIn(PASS, { trusted: false }),
    );
    expect(error).toMatchObject({ code: "authentication_insecure" });
    expect(lookAt(error, PASS)).toEqual([]);
  });

  test("is read as it is: a password that is also an extension switches none off", () => {
    const { value, state, replies } = play(
      `S: 220 hello
       C: EHLO client.example
       S: 250-test.example
       S: 250-PIPELINING
       S: 250 AUTH PLAIN
       C: AUTH PLAIN ${Buffer.from("\0alice\0PIPELINING").toString("base64")}
       S: 235 ok`,
      signIn("PIPELINING"),
    );
    expect(state).toBe("ready");
    expect(value?.has("PIPELINING")).toBe(true);
    expect(replies[1]).toBe("250 test.example ******** AUTH PLAIN");
  });
});

describe("whoever looks at what holds credentials sees none:", () => {
  const TOKEN = `t-${randomBytes(60).toString("base64url")}`;
  const SECRET = randomBytes(20).toString("base64url");
  const source = refreshTokenGrant({
    ...{ provider: "google", clientId: "it", clientSecret: SECRET },
    refreshToken: TOKEN,
  });
  const others = clientCredentialsGrant({
    ...{ provider: "microsoft", tenant: "example.com", clientId: "it" },
    clientSecret: SECRET,
  });

  test.each<[string, AuthOptions]>([
    ["a password", { user: "alice", pass: PASS }],
    ["a token", { user: "alice", accessToken: TOKEN }],
    ["a refresh token", { user: "alice", oauth2: source }],
    ["an application's secret", { user: "alice", oauth2: others }],
    ["a mechanism of one's own", { pass: PASS, custom: { name: "X-OWN", *exchange() {} } }],
  ])("a client with %s", (_, auth) => {
    const client = new SmtpClient({ host: "mail.example", auth });
    expect(lookAt(client, PASS, TOKEN, SECRET)).toEqual([]);
    expect(lookAt(client.stats, PASS, TOKEN, SECRET)).toEqual([]);
    expect(JSON.stringify({ client })).not.toContain("alice");
    expect(inspect(client, { depth: 12, showHidden: true })).not.toContain("alice");
  });

  test("a way to get tokens", () => {
    expect(lookAt(source, TOKEN, SECRET)).toEqual([]);
    expect(lookAt(others, TOKEN, SECRET)).toEqual([]);
  });
});
