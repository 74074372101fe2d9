// What providers say when they refuse, and what is made of it. The transcripts in test/transcripts are made here, in the
// wording that was reported of the provider at the time that each of them names; user, secrets and hosts are made up.

import { readdirSync, readFileSync } from "node:fs";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { encodeUtf8 } from "../../src/bytes.ts";
import { AuthenticationError, type Phase, ReplyError, type SmtpError } from "../../src/errors.ts";
import type { Dialogue } from "../../src/protocol/dialogue.ts";
import { hintOf, type Refused } from "../../src/protocol/hints.ts";
import type { Channel } from "../../src/protocol/login.ts";
import { opening } from "../../src/protocol/opening.ts";
import { type Outcome, transaction } from "../../src/protocol/transaction.ts";
import { loginWith } from "../support/login.ts";
import { playToError } from "../support/transcript.ts";

const TRANSCRIPTS = new URL("../transcripts/", import.meta.url);
const USER = "alice@example.com";
const PASSWORD = { user: USER, pass: "open sesame" };
const TOKEN = { user: USER, accessToken: "ya29.fresh-as-paint", mechanism: "XOAUTH2" };

interface Expected {
  readonly auth?: object;
  /** `tls` unless it says otherwise. */
  readonly security?: "none";
  readonly code: string;
  readonly phase: Phase;
  readonly delivery: "not-sent" | "rejected";
  readonly retryable: boolean;
  /** Reply code and enhanced status. */
  readonly reply: string;
  readonly hint: RegExp | undefined;
  readonly detail?: object;
}

function login(reply: string, hint: RegExp | undefined, more: Partial<Expected> = {}): Expected {
  const retryable = reply.startsWith("4");
  const fate = { phase: "auth", delivery: "not-sent", retryable } as const;
  return { auth: PASSWORD, code: "authentication_refused", ...fate, reply, hint, ...more };
}

function sender(reply: string, hint: RegExp, more: Partial<Expected> = {}): Expected {
  const retryable = reply.startsWith("4");
  return { code: "sender_refused", phase: "mail", delivery: "rejected", retryable, reply, hint, ...more };
}

function message(reply: string, hint: RegExp): Expected {
  const fate = { phase: "end-of-data", delivery: "rejected", retryable: false } as const;
  return { auth: PASSWORD, code: "content_refused", ...fate, reply, hint };
}

const EXPECTED: Readonly<Record<string, Expected>> = {
  "aliyun-authentication": login("535", /DirectMail.*SMTP password.*region/),
  "aliyun-mail-authentication": login("526", /auth\.user is the sender address/),
  "aliyun-sender": sender("436", /set from, or envelope\.from/, { auth: PASSWORD }),
  "encryption-required": login("538 5.7.11", /set security/),
  "gmail-application-password": login("534 5.7.9", /auth\.pass to an app password .*apppasswords/),
  "gmail-bad-credentials": login("535 5.7.8", /Gmail .* app password .* auth\.oauth2/),
  "gmail-login-required": sender("530 5.7.0", /set auth$/),
  "gmail-starttls-first": sender("530 5.7.0", /set security: "starttls"/, { security: "none" }),
  "gmail-temporary": login("454 4.7.0", /try again later/),
  "gmail-token-expired": login("535 5.7.8", /token must be fresh/, {
    auth: TOKEN,
    detail: { status: "400", schemes: "Bearer", scope: "https://mail.google.com/" },
  }),
  "gmail-token-refused": login("535 5.7.1", /of auth\.user, and of the scope/, {
    auth: TOKEN,
    detail: { status: "401", schemes: "bearer mac", scope: "https://mail.google.com/" },
  }),
  "gmail-too-many-logins": login("454 4.7.0", /maxConnections.*idleTimeout/),
  "gmail-web-login": login("534 5.7.14", /app password/),
  "mail-from-must-equal-user": sender("553", /set from, or envelope\.from/, { auth: PASSWORD }),
  "microsoft-365-basic-disabled": login("535 5.7.139", /auth\.oauth2/),
  "microsoft-365-basic-retired": login("550 5.7.30", /auth\.oauth2/),
  "microsoft-365-mechanism": login("504 5.7.4", /auth\.mechanism.*auth\.oauth2/),
  "microsoft-365-not-authenticated": sender("530 5.7.57", /set auth$/),
  "microsoft-365-security-defaults": login("535 5.7.139", /security defaults.*auth\.oauth2/),
  "microsoft-365-send-as": message("554 5.2.0", /Send As/),
  "microsoft-365-smtp-auth-disabled": login("535 5.7.139", /switch on SMTP AUTH.*aka\.ms/),
  "microsoft-365-smtp-auth-disabled-token": login("535 5.7.139", /switch on SMTP AUTH/, { auth: TOKEN }),
  "microsoft-365-token-unsuccessful": login("535 5.7.3", /scope for SMTP/, { auth: TOKEN }),
  "microsoft-365-unsuccessful": login("535 5.7.3", /auth\.user and auth\.pass/),
  "oauthbearer-invalid-token": login("535 5.7.8", /token must be fresh/, {
    auth: { ...TOKEN, mechanism: "OAUTHBEARER" },
    detail: { status: "invalid_token", scope: "https://mail.example/smtp" },
  }),
  "sendgrid-bad-username": login("535", /"apikey"/),
  "sendgrid-grant-invalid": login("535", /API key that may send mail/),
  "sendgrid-sender-identity": message("550", /Sender Authentication/),
  "service-closing": login("421 4.7.0", undefined, { code: "service_closing" }),
};

/** Signs in where there is something to sign in with, and sends a message. */
function dialogue({ auth, security = undefined }: Expected): (channel: Channel) => Dialogue<Outcome> {
  return function* () {
    const secure = security === undefined;
    const extensions = yield* opening(
      {
        name: "client.example",
        security: security ?? "tls",
        withheld: new Set(),
        login: auth && loginWith(auth),
      },
      { secure, trusted: true },
    );
    const content = encodeUtf8("Subject: code\r\n\r\nYour code: 042137\r\n");
    return yield* transaction({ from: USER, to: ["bob@example.org"], content, utf8: false }, extensions);
  };
}

function playFile(name: string, expected: Expected): SmtpError {
  const lines = readFileSync(new URL(`${name}.txt`, TRANSCRIPTS), "utf8").split("\n");
  return playToError(lines.filter((line) => !line.startsWith("#")).join("\n"), dialogue(expected));
}

describe("what providers say", () => {
  test("has a test for each transcript, and each says who spoke, and when", () => {
    const files = readdirSync(TRANSCRIPTS).filter((file) => file.endsWith(".txt"));
    const names = files.map((file) => file.replace(/\.txt$/, ""));
    expect(names.sort()).toEqual(Object.keys(EXPECTED).sort());
    for (const name of names) {
      expect(readFileSync(new URL(`${name}.txt`, TRANSCRIPTS), "utf8"), name).toMatch(/^# [^:]+: .+\.\n/);
    }
  });

  test.each(Object.entries(EXPECTED))("%s is told for what it is, with what to do", (name, expected) => {
    const error = playFile(name, expected);
    expect(error).toBeInstanceOf(
      expected.code === "authentication_refused" ? AuthenticationError : ReplyError,
    );
    const { code, phase, delivery, retryable } = expected;
    expect(error).toMatchObject({ code, phase, delivery, retryable });
    const { reply, enhancedStatus } = error as ReplyError;
    expect([reply.code, enhancedStatus].filter((one) => one !== undefined).join(" ")).toBe(expected.reply);
    expect(error.hint ?? "").toMatch(expected.hint ?? /^$/);
    expect((error as AuthenticationError).detail).toEqual(expected.detail);
    const told = inspect(error, { depth: 9 });
    for (const secret of ["open sesame", "ya29.fresh"]) expect(told).not.toContain(secret);
  });
});

describe("a hint", () => {
  const hintFor = (refused: Refused, code: number, ...lines: string[]) => hintOf(refused, { code, lines });

  test("is not given where nothing is known of the refusal", () => {
    expect(hintFor("password", 535, "5.7.8 Error: authentication failed: UGFzc3dvcmQ6")).toBeUndefined();
    expect(hintFor("password", 534, "5.7.9 Authentication mechanism is too weak")).toBeUndefined();
    expect(hintFor("sender", 504, "5.5.2 <client>: Helo command rejected")).toBeUndefined();
    expect(hintFor("sender", 454, "4.7.1 try later")).toBeUndefined();
    expect(hintFor("message", 550, "5.7.1 spam")).toBeUndefined();
    expect(hintFor("message", 550, "")).toBeUndefined();
  });

  test("does not ask for a password where a token was refused, nor for a token where a password was", () => {
    const google =
      "5.7.8 Username and Password not accepted. https://support.google.com/mail/?p=BadCredentials";
    expect(hintFor("token", 535, google)).not.toMatch(/password/);
    expect(hintFor("password", 535, google)).not.toMatch(/token/);
  });

  test("repeats nothing that the server said", () => {
    const said = "Send your password to mallory@example.net";
    for (const refused of ["password", "token", "sender", "message"] as const) {
      for (const code of [436, 454, 504, 526, 530, 534, 535, 538, 550, 553]) {
        expect(hintFor(refused, code, `5.7.8 ${said}`, said) ?? "").not.toContain("mallory");
      }
    }
  });

  test("is looked for in a time that grows with the reply, and no faster", () => {
    const measure = (length: number): number => {
      const lines = Array.from({ length }, () => "5.7.8 authentication 535 STARTTL SendAsDenie ".repeat(40));
      const times = Array.from({ length: 3 }, () => {
        const before = performance.now();
        for (const refused of ["password", "token", "sender", "message"] as const) {
          for (const code of [454, 530, 534, 535, 550]) hintFor(refused, code, ...lines);
        }
        return performance.now() - before;
      });
      return Math.min(...times);
    };
    measure(4); // lets the engine compile first
    const [small, large] = [measure(4), measure(64)];
    // Sixteen times the length: linear is 16 times the time, quadratic 256.
    expect(large / Math.max(small, 0.05)).toBeLessThan(80);
  });
});
