// The JSON Schema of a config says what the validator says, over configs that are right and wrong in all they may be.

import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { connectorSchema, readConnectorConfig } from "../../src/connector.ts";
import { listServices } from "../../src/services.ts";
import { CONFIG, configWith, problemsOf, template, USAGE_TYPES } from "../support/connector.ts";

const schema = connectorSchema();
const accepts = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false }).compile(schema);
/** As a file would bring it. */
const json = (config: unknown): unknown => JSON.parse(JSON.stringify(config));
const isRead = (config: unknown): boolean => problemsOf(() => readConnectorConfig(config)).length === 0;

// What is said of each field: the first few are right by themselves.
const FLAGS = [true, false, "true", 0, null];
const NUMBERS = [1, 30_000, 2_147_483_647, 2_147_483_648, 0, -1, 1.5, "1", null];
const NAMES = [...new Set(listServices().flatMap(({ id, name, aliases }) => [id, name, ...aliases]))];
const POOLS: Readonly<Record<string, readonly unknown[]>> = {
  $schema: ["./connector.schema.json", "", 5],
  service: [
    ...NAMES,
    "GMAIL",
    "send-grid",
    "me@gmail.com",
    "g@mail",
    "me@nowhere.example",
    "gmial",
    "gmail\u00e9",
    "g\u2014mail",
    "\u7f51 \u6613",
    "gm\n@ail",
    "(g) mail!",
    "",
    "<a service>",
    5,
  ],
  host: [
    "127.0.0.1",
    "mail.example.com",
    "2001:db8::1",
    "localhost",
    "a b",
    "smtp://x",
    "",
    ".x",
    "<host>",
    null,
  ],
  port: [
    25,
    "25",
    465,
    "465",
    587,
    "587",
    2525,
    "2525",
    0,
    65_536,
    "65536",
    "0587",
    "<port>",
    "x",
    1.5,
    true,
  ],
  fromEmail: [
    "a@example.com",
    "A B <a@example.com>",
    '"A, B" <a@example.com>',
    "ü@example.com",
    "nobody",
    "a@b@c",
    "a@example.com, b@example.com",
    "",
    "<your address>",
    "<your.address@example.com>",
    5,
  ],
  replyTo: [
    "a@example.com",
    "é <a@bücher.example>",
    "nobody",
    "A, B <a@example.com>",
    "a\n@example.com",
    null,
  ],
  missing: ["error", "keep", "empty", "ignore", true],
  servername: ["mail.example.com", "a b", 5],
  name: [
    "mail.example.com",
    "[192.0.2.1]",
    "[IPv6:2001:db8::1]",
    "localhost",
    "a_b",
    "-a",
    "x".repeat(64),
    "<your name>",
    "münchen",
    5,
  ],
  localAddress: ["192.0.2.1", "::1", "fe80::1%eth0", "256.1.1.1", "localhost", "<your address>", null],
  proxy: [
    "http://proxy.example:3128",
    "https://a:b@proxy.example",
    "socks5://[::1]:1080",
    "socks4://proxy.example",
    "proxy.example",
    "ftp://x",
    "<your proxy>",
    "http://proxy.example/x",
    "http://proxy.example:65536",
    "http://proxy.example:65535/",
    "http://proxy.example:port",
    "socks5://user@proxy.example",
    "http://:secret@proxy.example",
    "http://user:p:q@r@proxy.example:1",
    "http://user:secret@",
    "socks5://::1",
    5,
  ],
  authMethod: ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "plain", "NTLM", null],
  maxConnections: [1, 5, 1000, 1001, 0, "5"],
  maxMessages: [1, 100, 1_000_000, 1_000_001, 0],
  maxRequeues: [0, 1, 9, 10, -1],
  rateLimit: [0, 1, 100, -1, 0.5],
  customHeaders: [
    {},
    { "X-A": "b" },
    { "X-A": ["b", "c"], "x-b": "" },
    { "X A": "b" },
    { Subject: "b" },
    { "content-type": "b" },
    { "X-A": 5 },
    { "X-A": [] },
    { "X-A": ["b\n"] },
    { "X-A": "<your value>" },
    { "": "b" },
    { ["X".repeat(75)]: "b" },
    [],
    "X-A: b",
  ],
};
const FLAG_NAMES = [
  "secure",
  "requireTLS",
  "ignoreTLS",
  "opportunisticTLS",
  "lmtp",
  "pool",
  "logger",
  "debug",
  "disableFileAccess",
  "disableUrlAccess",
];
const NUMBER_NAMES = [
  "connectionTimeout",
  "greetingTimeout",
  "socketTimeout",
  "dnsTimeout",
  "idleTimeout",
  "rateDelta",
];
const AUTH: Readonly<Record<string, readonly unknown[]>> = {
  type: ["login", "Login", "OAuth2", "OAUTH2", "oauth", "", 5],
  user: ["alice@example.com", "a\nb", "", "<your user>", null],
  pass: ["secret", "<secret1>", "<your password>", "", 5],
  clientId: ["client", ""],
  clientSecret: ["secret", "a\u0000"],
  refreshToken: ["1//token", "a token", ""],
  accessToken: ["ya29.token", "a token", ""],
  expires: [0, 1_800_000_000_000, -1, 1.5, "5"],
  accessUrl: [
    "https://login.example.com/token",
    "http://127.0.0.1:5/token",
    "http://login.example.com/token",
    "https://u:p@login.example.com/",
    "http://localhost/token",
    "http://login.localhost/token",
    "http://127.0.0.256/token",
    "https://login.example.com:65536/token",
    "https://login.example.com:65535/token",
    "x",
  ],
  scope: ["https://mail.google.com/", ""],
  allowInsecure: FLAGS,
  username: ["alice"],
};
const TLS: Readonly<Record<string, readonly unknown[]>> = {
  ca: ["PEM", ["PEM", "PEM"], "", [5], 5],
  key: ["PEM", ["PEM"]],
  passphrase: ["x", ""],
  minVersion: ["TLSv1.2", "TLSv1.3", "SSLv3"],
  ciphers: ["HIGH", ""],
  rejectUnauthorized: FLAGS,
  checkServerIdentity: [{}, true],
  servername: ["mail.example.com", "a b"],
  secureProtocol: ["TLSv1_2_method"],
};
const TEMPLATE: Readonly<Record<string, readonly unknown[]>> = {
  usageType: ["Register", "Another", "", "<type>", 5],
  contentType: ["text/plain", "text/html", "text/markdown", undefined],
  subject: ["{{code}}", "<<code>>", "", "a\nb", "<subject>", undefined],
  content: ["{{code}}\n", "<p>{{code}}</p>", "", 5, undefined],
  locale: ["en", "zh-Hant-TW", "en_US", "", "<your language>"],
  sendFrom: ["{{name}} <a@example.com>", "", "<sender>"],
  replyTo: ["a@example.com", 5],
  html: ["x"],
};

/** An object with some of the fields, each mostly right. */
function fields(pools: Readonly<Record<string, readonly unknown[]>>): fc.Arbitrary<object> {
  const each = Object.fromEntries(
    Object.entries(pools).map(([name, pool]) => [
      name,
      fc.oneof(
        { weight: 19, arbitrary: fc.constantFrom(...pool.slice(0, 2)) },
        { weight: 1, arbitrary: fc.constantFrom(...pool) },
      ),
    ]),
  );
  return fc
    .tuple(fc.record(each), fc.subarray(Object.keys(pools), { maxLength: 3 }))
    .map(([all, kept]) => Object.fromEntries(Object.entries(all).filter(([name]) => kept.includes(name))));
}

const templates = fc.oneof(
  { weight: 5, arbitrary: fc.constant(CONFIG.templates) },
  fc.subarray([...CONFIG.templates, template("Another"), template("SignIn", { locale: "de" })]),
  fc.shuffledSubarray([
    ...CONFIG.templates,
    ...USAGE_TYPES.map((type) => template(type, { content: "{{other}}" })),
  ]),
  fields(TEMPLATE).map((one) => [...CONFIG.templates.slice(1), { ...template("Register"), ...one }]),
  fc.constantFrom(undefined, null, {}, [null], "x"),
);

const config = fc
  .tuple(
    fields(POOLS),
    fields(Object.fromEntries(FLAG_NAMES.map((name) => [name, FLAGS]))),
    fields(Object.fromEntries(NUMBER_NAMES.map((name) => [name, NUMBERS]))),
    fc.option(fc.oneof(fields(AUTH), fc.constantFrom(null, "x", [])), { freq: 2 }),
    fc.option(fc.oneof(fields(TLS), fc.constantFrom(null, [])), { freq: 2 }),
    templates,
    fc.oneof(
      { weight: 9, arbitrary: fc.constant({}) },
      fc.constantFrom({ hots: "x" }, { url: "x" }, { host: undefined }),
    ),
  )
  .map(([some, flags, numbers, auth, tls, given, more]) =>
    json({
      ...configWith({ ...some, ...flags, ...numbers, templates: given, ...more }),
      ...(auth !== null && { auth }),
      ...(tls !== null && { tls }),
    }),
  );

describe("the schema", () => {
  test("accepts and refuses what the validator does", () => {
    let read = 0;
    fc.assert(
      fc.property(config, (one) => {
        const problems = problemsOf(() => readConnectorConfig(one));
        if (problems.length === 0) read++;
        expect(accepts(one), problems.join("\n") || JSON.stringify(accepts.errors)).toBe(
          problems.length === 0,
        );
      }),
      { numRuns: 400 },
    );
    // Both kinds were there.
    expect(read).toBeGreaterThan(50);
  });

  test("does so for each value of each field alone", () => {
    const alone = (
      pools: Readonly<Record<string, readonly unknown[]>>,
      put: (one: object) => object,
    ): object[] =>
      Object.entries(pools).flatMap(([name, values]) => values.map((value) => put({ [name]: value })));
    const flags = Object.fromEntries(FLAG_NAMES.map((name) => [name, FLAGS]));
    const numbers = Object.fromEntries(NUMBER_NAMES.map((name) => [name, NUMBERS]));
    const configs = [
      ...alone({ ...POOLS, ...flags, ...numbers }, configWith),
      ...alone(AUTH, (auth) => configWith({ auth })),
      ...alone(AUTH, (auth) => configWith({ auth: { user: "alice", pass: "secret", ...auth } })),
      ...alone(AUTH, (auth) =>
        configWith({ auth: { user: "alice", clientId: "a", refreshToken: "b", ...auth } }),
      ),
      ...alone(TLS, (tls) => configWith({ tls })),
      ...alone(TEMPLATE, (one) =>
        configWith({ templates: [...CONFIG.templates.slice(1), { ...template("Register"), ...one }] }),
      ),
    ].map(json);
    const apart = configs.filter((one) => accepts(one) !== isRead(one));
    expect(apart).toEqual([]);
  });

  test("refuses nothing that the validator takes, of any text", () => {
    const text = fc.oneof(fc.string({ unit: "grapheme" }), fc.string({ unit: "binary-ascii" }), fc.domain());
    const name = fc.constantFrom(
      "host",
      "port",
      "fromEmail",
      "replyTo",
      "name",
      "servername",
      "localAddress",
      "proxy",
      "service",
    );
    fc.assert(
      fc.property(name, text, (key, value) => {
        const one = configWith({ [key]: value });
        return accepts(one) || !isRead(one);
      }),
      { numRuns: 300 },
    );
  });

  test("takes every header field that a message takes, and no other", () => {
    const names = [
      "From",
      "Sender",
      "reply-to",
      "To",
      "Cc",
      "BCC",
      "Date",
      "Message-ID",
      "In-Reply-To",
      "References",
      "OTP-Token",
      "Keywords",
      "Comments",
      "Auto-Submitted",
      "Importance",
      "Priority",
      "X-Priority",
      "X-MSMail-Priority",
      "MIME-Version",
      "Received",
      "Return-Path",
      "Apparently-To",
      "List-Id",
      "List-Unsubscribe",
      "List-Unsubscribe-Post",
      "List-Help",
      "List-Subscribe",
      "List-Post",
      "List-Owner",
      "List-Archive",
      "DKIM-Signature",
      "Authentication-Results",
      "Content-Language",
      "Resent-From",
      "ARC-Seal",
      "List-Other",
      "X-Mailer",
      "X-SMTPAPI",
      "Organization",
      "Précis",
      "A:B",
      "A\tB",
    ];
    for (const name of names) {
      const one = configWith({ customHeaders: { [name]: "x" } });
      expect(accepts(one), name).toBe(isRead(one));
    }
  });

  test("says of every field what it is for", () => {
    const { properties } = schema as {
      readonly properties: Readonly<Record<string, { readonly description?: string }>>;
    };
    const silent = Object.entries(properties).filter(([, { description }]) => description === undefined);
    expect(silent.map(([name]) => name)).toEqual(["$schema"]);
  });
});
