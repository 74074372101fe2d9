// Mail through Gmail, SendGrid and Aliyun DirectMail as a connector's config has them: over the ports that they document,
// over real TLS, to servers that say what test/transcripts/connector has of them. The wording is that of their public
// descriptions; names, passwords and queue numbers are made up.

import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { Connector, type ConnectorConfig } from "../../src/connector.ts";
import { ConfigError, ReplyError, type SmtpError } from "../../src/errors.ts";
import type { Receipt } from "../../src/receipt.ts";
import { sendGrid } from "../../src/services.ts";
import { internet, recite } from "../support/internet.ts";

const TEMPLATES = ["Register", "SignIn", "ForgotPassword", "Generic"].map((usageType) => ({
  usageType,
  contentType: "text/html" as const,
  subject: "{{code}} is your code",
  content: "<p>Your code is <b>{{code}}</b>.</p>",
}));

const GMAIL: ConnectorConfig = {
  host: "smtp.gmail.com",
  port: 465,
  secure: true,
  auth: { type: "login", user: "login@example.com", pass: "abcdefghijklmnop" },
  fromEmail: "Example <login@example.com>",
  templates: TEMPLATES,
};
const GMAIL_TOKEN: ConnectorConfig = {
  ...GMAIL,
  auth: { type: "OAuth2", user: "login@example.com", accessToken: "ya29.fresh-as-paint" },
  authMethod: "XOAUTH2",
};
const SENDGRID: ConnectorConfig = {
  host: "smtp.sendgrid.net",
  port: "587",
  auth: { user: "apikey", pass: "SG.abcdefgh.ijklmnop" },
  fromEmail: "login@example.com",
  templates: TEMPLATES,
};
const ALIYUN: ConnectorConfig = {
  service: "aliyun",
  auth: { user: "login@mail.example.com", pass: "DM1mail1234" },
  fromEmail: "Example <login@mail.example.com>",
  templates: TEMPLATES,
};
const FROM_ANOTHER: ConnectorConfig = {
  ...ALIYUN,
  templates: TEMPLATES.map((template) => ({ ...template, sendFrom: "{{from}}" })),
};

const SECRETS = [
  ...[
    "abcdefghijklmnop",
    "my-google-password",
    "ya29.fresh",
    "SG.abcdefgh",
    "the-account-password",
    "DM1mail1234",
  ],
].flatMap((secret) => [secret, btoa(secret).replace(/=+$/, "")]);

interface Sent {
  readonly receipt: Receipt | undefined;
  readonly error: SmtpError | undefined;
  /** What the server heard, and the message that it got. */
  readonly heard: string;
  readonly message: string | undefined;
  readonly servername: string | undefined;
}

const TRANSCRIPTS = new URL("../transcripts/connector/", import.meta.url);
const played = new Set<string>();

/** Sends a sign-in code by a config to the server at `place`, which plays `transcript`. */
async function send(config: ConnectorConfig, place: string, transcript: string): Promise<Sent> {
  const path = new URL(`${transcript}.txt`, TRANSCRIPTS);
  played.add(transcript);
  const { connect, servers } = await internet({
    [place]: (identity) => recite(readFileSync(path, "utf8"), identity),
  });
  const connector = new Connector(config, { connect });
  onTestFinished(() => connector.close({ force: true }));
  const outcome: { receipt?: Receipt; error?: SmtpError } = {};
  const payload = { code: "042137", from: "news@mail.example.com" };
  try {
    outcome.receipt = await connector.send({ to: "bob@example.org", type: "SignIn", payload });
  } catch (error) {
    outcome.error = error as SmtpError;
  }
  await connector.close();
  const server = servers[place];
  await Promise.all(server?.peers.map((peer) => peer.closed) ?? []);
  return {
    receipt: outcome.receipt,
    error: outcome.error,
    heard: server?.heard ?? "",
    message: server?.messages[0],
    servername: server?.peers[0]?.servername,
  };
}

function decoded(message = ""): string {
  return message.replace(/=\r\n/g, "").replaceAll("=3D", "=");
}

describe("a code reaches its reader", () => {
  test.each<[string, ConnectorConfig, string, string, string]>([
    ["Gmail, TLS at once", GMAIL, "smtp.gmail.com:465", "gmail-465", "250 2.0.0 OK"],
    [
      "Gmail, STARTTLS",
      { ...GMAIL, port: "587", secure: false },
      "smtp.gmail.com:587",
      "gmail-587",
      "250 2.0.0 OK",
    ],
    ["Gmail, an access token", GMAIL_TOKEN, "smtp.gmail.com:465", "gmail-token", "250 2.0.0 OK"],
    ["SendGrid", SENDGRID, "smtp.sendgrid.net:587", "sendgrid", "250 Ok: queued as"],
    [
      "SendGrid, port 2525",
      { ...SENDGRID, port: 2525 },
      "smtp.sendgrid.net:2525",
      "sendgrid",
      "250 Ok: queued as",
    ],
    [
      "SendGrid, TLS at once",
      { ...SENDGRID, port: 465, secure: true },
      "smtp.sendgrid.net:465",
      "sendgrid-465",
      "250 Ok: queued as",
    ],
    ["Aliyun DirectMail, Hangzhou", ALIYUN, "smtpdm.aliyun.com:465", "aliyun", "250 Data Ok"],
    [
      "Aliyun DirectMail, Singapore",
      { ...ALIYUN, service: "aliyun-ap-southeast-1" },
      "smtpdm-ap-southeast-1.aliyuncs.com:465",
      "aliyun",
      "250 Data Ok",
    ],
  ])("through %s", async (_name, config, place, transcript, reply) => {
    const { receipt, error, message, servername } = await send(config, place, transcript);
    expect(error).toBeUndefined();
    expect(`${receipt?.reply.code} ${receipt?.reply.lines.join(" ")}`).toContain(reply);
    expect(receipt?.accepted).toEqual(["bob@example.org"]);
    expect(message).toMatch(/^Subject: 042137 is your code\r$/m);
    expect(message).toMatch(/^Content-Type: multipart\/alternative/m);
    expect(decoded(message)).toContain("<p>Your code is <b>042137</b>.</p>");
    expect(decoded(message)).toMatch(/^Your code is 042137\.\r$/m);
    expect(servername).toBe(place.split(":")[0]);
  });

  test.each<[string, ConnectorConfig["auth"], string]>([
    [
      "a refresh token",
      { clientId: "1234.apps.example", clientSecret: "GOCSPX-abcdefgh", refreshToken: "1//0abcdefgh" },
      "refresh_token",
    ],
    [
      "a service account",
      { serviceClient: "mailer@project.example", privateKey: makeKey() },
      "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ],
  ])("through Gmail, with an access token that is got by %s", async (_name, auth, grant) => {
    const { url, asked } = await tokens("ya29.fresh-as-paint");
    const config = { ...GMAIL_TOKEN, auth: { user: "login@example.com", accessUrl: url, ...auth } };
    const { error, receipt } = await send(config, "smtp.gmail.com:465", "gmail-token");
    expect(error).toBeUndefined();
    expect(receipt?.accepted).toEqual(["bob@example.org"]);
    expect(asked.map((form) => form.get("grant_type"))).toEqual([grant]);
  });

  test("with what SendGrid is told in X-SMTPAPI, in lines that are not too long", async () => {
    const { name, value } = sendGrid.smtpApi({
      categories: ["verification", "sign-in"],
      uniqueArguments: Object.fromEntries(
        Array.from({ length: 40 }, (_, at) => [
          `argument-${at}`,
          `the value of argument number ${at}, 验证码`,
        ]),
      ),
    });
    const config = { ...SENDGRID, customHeaders: { [name]: value } };
    const { error, message = "" } = await send(config, "smtp.sendgrid.net:587", "sendgrid");
    expect(error).toBeUndefined();
    const [head = ""] = message.split("\r\n\r\n");
    for (const line of head.split("\r\n")) expect(line.length).toBeLessThanOrEqual(998);
    const [, field = ""] = /^X-SMTPAPI: (.*(?:\r\n[ \t].*)*)/m.exec(head) ?? [];
    expect(JSON.parse(field.replace(/\r\n/g, ""))).toEqual(JSON.parse(value));
  });
});

function makeKey(): string {
  return generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  }).privateKey;
}

/** An endpoint that gives one access token to whoever asks, and writes down how it was asked. */
async function tokens(
  token: string,
): Promise<{ readonly url: string; readonly asked: readonly URLSearchParams[] }> {
  const asked: URLSearchParams[] = [];
  const server = createServer(async (request, response) => {
    let form = "";
    for await (const piece of request) form += piece;
    asked.push(new URLSearchParams(form));
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ access_token: token, token_type: "Bearer", expires_in: 3599 }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`, asked };
}

interface Failure {
  readonly code: string;
  readonly delivery: "not-sent" | "rejected";
  readonly retryable: boolean;
  /** What the server said, as the error has it. */
  readonly reply?: RegExp;
  readonly hint?: RegExp;
}

const refusedLogin = { code: "authentication_refused", delivery: "not-sent", retryable: false } as const;

describe("a refusal is told for what it is, and nothing secret with it", () => {
  test.each<[string, ConnectorConfig, string, string, Failure]>([
    [
      "the password of a Google account",
      { ...GMAIL, auth: { user: "login@example.com", pass: "my-google-password" } },
      "smtp.gmail.com:465",
      "gmail-account-password",
      { ...refusedLogin, reply: /^534 5\.7\.9 Application-specific password required/, hint: /app password/ },
    ],
    [
      "an app password that was revoked",
      GMAIL,
      "smtp.gmail.com:465",
      "gmail-revoked",
      { ...refusedLogin, reply: /^535 5\.7\.8 Username and Password not accepted/, hint: /app password/ },
    ],
    [
      "an access token that has expired",
      GMAIL_TOKEN,
      "smtp.gmail.com:465",
      "gmail-token-expired",
      { ...refusedLogin, reply: /^535 5\.7\.8/, hint: /token must be fresh/ },
    ],
    [
      "Gmail's messages of a day",
      GMAIL,
      "smtp.gmail.com:465",
      "gmail-limit",
      { code: "content_refused", delivery: "rejected", retryable: false, reply: /^550 5\.4\.5 Daily user/ },
    ],
    [
      "the account's name in place of apikey",
      { ...SENDGRID, auth: { user: "example-inc", pass: "the-account-password" } },
      "smtp.sendgrid.net:587",
      "sendgrid-account-name",
      { ...refusedLogin, reply: /^535 Authentication failed: Bad username/, hint: /"apikey"/ },
    ],
    [
      "an API key that is none any more",
      SENDGRID,
      "smtp.sendgrid.net:587",
      "sendgrid-key",
      { ...refusedLogin, reply: /^535 .* invalid, expired, or revoked/, hint: /API key that may send mail/ },
    ],
    [
      "a SendGrid plan that is used up",
      SENDGRID,
      "smtp.sendgrid.net:587",
      "sendgrid-credits",
      { ...refusedLogin, retryable: true, reply: /^451 .*Maximum credits exceeded/ },
    ],
    [
      "a sender that SendGrid has not verified",
      SENDGRID,
      "smtp.sendgrid.net:587",
      "sendgrid-sender-identity",
      {
        code: "content_refused",
        delivery: "rejected",
        retryable: false,
        reply: /^550 The from address/,
        hint: /Sender Authentication/,
      },
    ],
    [
      "an SMTP password of another DirectMail region",
      ALIYUN,
      "smtpdm.aliyun.com:465",
      "aliyun-region",
      { ...refusedLogin, reply: /^535 Authentication failure/, hint: /SMTP password, host its region/ },
    ],
    [
      "a template's sender that is not the one who logs in",
      FROM_ANOTHER,
      "smtpdm.aliyun.com:465",
      "aliyun-sender",
      {
        code: "sender_refused",
        delivery: "rejected",
        retryable: true,
        reply: /^436 "MAIL FROM" doesn't conform/,
        hint: /wants auth\.user for a sender/,
      },
    ],
    [
      "DirectMail's messages of a day",
      ALIYUN,
      "smtpdm.aliyun.com:465",
      "aliyun-quota",
      { code: "content_refused", delivery: "rejected", retryable: false, reply: /^552 Daily sending quota/ },
    ],
    [
      "a port without STARTTLS, before anything secret was said",
      { ...ALIYUN, port: 80 },
      "smtpdm.aliyun.com:80",
      "aliyun-80",
      { code: "tls_required", delivery: "not-sent", retryable: false },
    ],
  ])("%s", async (_name, config, place, transcript, { reply, hint, ...failure }) => {
    const { error, receipt } = await send(config, place, transcript);
    expect(receipt).toBeUndefined();
    expect(error).toMatchObject(failure);
    if (hint !== undefined) expect(error?.hint).toMatch(hint);
    if (reply !== undefined) {
      expect(error).toBeInstanceOf(ReplyError);
      const { code, lines } = (error as ReplyError).reply;
      expect(`${code} ${lines.join(" ")}`.replaceAll(/ +/g, " ")).toMatch(reply);
    }
    const told = `${inspect(error, { depth: 9 })}${JSON.stringify(error)}`;
    for (const secret of SECRETS) expect(told).not.toContain(secret);
  });
});

describe("what would be refused is told before anything is connected", () => {
  const refusal = (config: ConnectorConfig): ConfigError => {
    try {
      new Connector(config, { connect: () => Promise.reject(new Error("nothing is to be connected")) });
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      return error as ConfigError;
    }
    throw new Error("the config was taken");
  };

  test("TLS at once on Gmail's port for STARTTLS, and the other way round", () => {
    expect(refusal({ ...GMAIL, port: 587 }).message).toMatch(
      /^port: 587 .*set secure to false, or port to 465/,
    );
    expect(refusal({ ...GMAIL, secure: false }).message).toMatch(
      /^port: 465 .*set secure to true, or port to 587/,
    );
  });

  test("a name for EHLO that is not ASCII, which Gmail refuses", () => {
    expect(refusal({ ...GMAIL, name: "邮件.example" }).problems?.map(({ path }) => path)).toEqual(["name"]);
  });

  test("a sender that Aliyun DirectMail does not take", () => {
    const { problems, hint } = refusal({ ...ALIYUN, fromEmail: "news@mail.example.com" });
    expect(problems?.map(({ path }) => path)).toEqual(["fromEmail"]);
    expect(hint).toMatch(/auth\.user and the sender are the same address/);
  });
});

test("every transcript is played, and each says who spoke, and when", () => {
  const files = readdirSync(TRANSCRIPTS);
  expect(files.sort()).toEqual([...played].map((name) => `${name}.txt`).sort());
  for (const file of files)
    expect(readFileSync(new URL(file, TRANSCRIPTS), "utf8")).toMatch(/^# [^:]+: .+\.\n/);
});
