// Every option there is, and what becomes of it in a Worker: it is honoured, or refused when the client is made. The
// options are read from their declarations, so that a new one has to be decided on.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { ConfigError } from "../../src/errors.ts";
import { SmtpClient, type SmtpClientOptions } from "../../src/workerd.ts";
import { type ConnectorConfig, createConnector } from "../../src/workerd-connector.ts";
import { ROOT } from "../support/examples.ts";

/** The properties that a type declares, or a constant that lists them has. */
function propertiesOf(path: string, name: string): string[] {
  const source = ts.createSourceFile(
    path,
    readFileSync(join(ROOT, path), "utf8"),
    ts.ScriptTarget.Latest,
    true,
  );
  const found: string[] = [];
  const list = (node: ts.Node): void => {
    const isProperty = ts.isPropertySignature(node) || ts.isPropertyAssignment(node);
    if (isProperty && ts.isIdentifier(node.name)) found.push(node.name.text);
  };
  ts.forEachChild(source, (node) => {
    if (ts.isInterfaceDeclaration(node) && node.name.text === name) node.members.forEach(list);
    if (!ts.isVariableStatement(node)) return;
    for (const { name: constant, initializer } of node.declarationList.declarations) {
      if (ts.isIdentifier(constant) && constant.text === name && initializer)
        ts.forEachChild(initializer, list);
    }
  });
  return found;
}

/** What is honoured, by a value that is taken; and what is refused, by a value that is not. */
interface Decision {
  readonly honoured?: unknown;
  readonly refused?: unknown;
  /** What is said along with it. */
  readonly beside?: object;
  /** The option that the refusal names, where it is another. */
  readonly names?: string;
}

const AUTH = { user: "alice", pass: "canary-options" };
const token = { user: "alice", pass: undefined };
const gate = { acquire: () => {} };

const CLIENT: Readonly<Record<string, Decision>> = {
  url: { honoured: "smtp://smtp.example.com", refused: "smtp://smtp.example.com:25", names: "port" },
  host: { honoured: "smtp.example.com" },
  port: { honoured: 2525, refused: 25 },
  security: { honoured: "starttls", refused: "opportunistic" },
  tls: { honoured: {}, refused: { ca: "PEM" }, names: "tls.ca" },
  servername: { honoured: "smtp.example.com", refused: "other.example" },
  name: { honoured: "worker.example" },
  protocol: { honoured: "lmtp" },
  path: { refused: "/run/lmtp" },
  proxy: { refused: "socks5://proxy.example" },
  localAddress: { refused: "192.0.2.1" },
  family: { refused: 4 },
  auth: { honoured: AUTH },
  timeout: { honoured: 1000 },
  timeouts: { honoured: {} },
  maxConnections: { honoured: 6, refused: 7 },
  minConnections: { honoured: 0, refused: 1 },
  maxMessagesPerConnection: { honoured: 1 },
  maxConnectionAge: { honoured: 1000 },
  idleTimeout: { honoured: 1000 },
  rateLimit: { honoured: gate, refused: { messages: 1, per: 1000 } },
  retry: { honoured: { attempts: 3 } },
  onPartial: { honoured: "abort" },
  dkim: { honoured: { sign: async () => "" } },
  extensions: { honoured: { chunking: false } },
  trace: { honoured: () => {} },
  logger: { honoured: console },
  lookup: { refused: () => {} },
  connect: { honoured: () => Promise.reject(new Error("nowhere")) },
};

const OF_AUTH: Readonly<Record<string, Decision>> = {
  user: { honoured: "bob" },
  pass: { honoured: "canary-pass" },
  accessToken: { honoured: "canary-token", beside: token },
  oauth2: { honoured: () => "canary-token", beside: token },
  custom: { honoured: { name: "X-OWN", *exchange() {} } },
  mechanism: { honoured: "PLAIN", refused: "CRAM-MD5" },
  allow: { honoured: ["CRAM-MD5", "PLAIN"], refused: ["CRAM-MD5"], names: "auth.mechanism" },
  authorizationId: { honoured: "carol" },
  channelBinding: { honoured: false, refused: "tls-exporter" },
  allowInsecure: { honoured: true },
};

const OF_TLS: Readonly<Record<string, Decision>> = {
  ca: { refused: "PEM" },
  cert: { refused: "PEM" },
  key: { refused: "PEM" },
  passphrase: { refused: "canary-passphrase" },
  pfx: { refused: new Uint8Array(1) },
  crl: { refused: "PEM" },
  minVersion: { refused: "TLSv1.2" },
  maxVersion: { refused: "TLSv1.3" },
  ciphers: { refused: "HIGH" },
  sigalgs: { refused: "ed25519" },
  ecdhCurve: { refused: "X25519" },
  rejectUnauthorized: { honoured: true, refused: false },
  checkServerIdentity: { refused: () => undefined },
};

const OF_TIMEOUTS: Readonly<Record<string, Decision>> = Object.fromEntries(
  ["token", "connect", "greeting", "tls", "command", "data", "content", "endOfData", "quit"].map((name) => [
    name,
    { honoured: 1000 },
  ]),
);

const CONNECTOR: Readonly<Record<string, Decision>> = {
  $schema: { honoured: "connector.schema.json" },
  service: { honoured: "SendGrid" },
  host: { honoured: "smtp.example.com" },
  port: { honoured: 587, refused: 25 },
  fromEmail: { honoured: "bob@example.com" },
  replyTo: { honoured: "bob@example.com" },
  templates: {
    honoured: ["Register", "SignIn", "ForgotPassword", "Generic"].map((usageType) => ({
      usageType,
      contentType: "text/plain",
      subject: "Your code",
      content: "It is {{code}}.",
    })),
  },
  auth: { honoured: { user: "alice", pass: "canary-connector" } },
  customHeaders: { honoured: { "X-Own": "1" } },
  missing: { honoured: "keep" },
  secure: { honoured: true },
  requireTLS: { honoured: true },
  ignoreTLS: { honoured: true },
  opportunisticTLS: { refused: true, names: "security" },
  tls: { honoured: {}, refused: { minVersion: "TLSv1.2" }, names: "tls.minVersion" },
  servername: { honoured: "smtp.example.com", refused: "other.example" },
  name: { honoured: "worker.example" },
  localAddress: { refused: "192.0.2.1" },
  proxy: { refused: "socks5://proxy.example" },
  authMethod: { honoured: "PLAIN", refused: "CRAM-MD5", beside: { auth: AUTH }, names: "auth.mechanism" },
  lmtp: { honoured: true },
  connectionTimeout: { honoured: 1000 },
  greetingTimeout: { honoured: 1000 },
  socketTimeout: { honoured: 1000 },
  dnsTimeout: { refused: 1000 },
  pool: { honoured: false },
  maxConnections: { honoured: 6, refused: 7 },
  maxMessages: { honoured: 10 },
  idleTimeout: { honoured: 1000 },
  rateLimit: { honoured: 0, refused: 10 },
  rateDelta: { refused: 1000, beside: { rateLimit: 10 }, names: "rateLimit" },
  maxRequeues: { honoured: 2 },
  logger: { honoured: true },
  debug: { honoured: true, beside: { logger: true } },
  disableFileAccess: { honoured: true },
  disableUrlAccess: { honoured: true },
};

const HOST = { host: "smtp.example.com" };

function client(options: object): void {
  new SmtpClient({ ...HOST, ...options } as SmtpClientOptions);
}

function connector(config: object): void {
  const { templates: { honoured: templates } = {} } = CONNECTOR;
  createConnector({ ...HOST, fromEmail: "alice@example.com", templates, ...config } as ConnectorConfig);
}

type Make = (options: object) => void;

describe.each<[what: string, prefix: string, path: string, name: string, table: typeof CLIENT, make: Make]>([
  ["SmtpClient", "", "src/options.ts", "SmtpClientOptions", CLIENT, client],
  ["auth", "auth.", "src/options/auth.ts", "AUTH", OF_AUTH, (auth) => client({ auth: { ...AUTH, ...auth } })],
  ["tls", "tls.", "src/transport/wire.ts", "TlsOptions", OF_TLS, (tls) => client({ tls })],
  ["timeouts", "timeouts.", "src/deadline.ts", "Timeouts", OF_TIMEOUTS, (timeouts) => client({ timeouts })],
  ["a connector", "", "src/connector/types.ts", "ConnectorConfig", CONNECTOR, connector],
])("the options of %s", (_, prefix, path, type, table, make) => {
  test("are decided on, all of them", () => {
    expect(Object.keys(table).sort()).toEqual(propertiesOf(path, type).sort());
    for (const [name, decision] of Object.entries(table)) {
      expect(["honoured" in decision, "refused" in decision], name).toContain(true);
    }
  });

  test("are taken where they can be honoured", () => {
    for (const [name, { honoured, beside }] of Object.entries(table)) {
      if (honoured !== undefined) expect(() => make({ ...beside, [name]: honoured }), name).not.toThrow();
    }
  });

  test("are refused where they cannot, by a sentence that says so", () => {
    for (const [name, { refused, beside, names = `${prefix}${name}` }] of Object.entries(table)) {
      if (refused === undefined) continue;
      let thrown: unknown;
      try {
        make({ ...beside, [name]: refused });
      } catch (error) {
        thrown = error;
      }
      expect(thrown, name).toBeInstanceOf(ConfigError);
      const { option, message } = thrown as ConfigError;
      expect(option, name).toBe(names);
      expect(message, name).toMatch(/\bWorker|Cloudflare|its?elf/);
    }
  });
});
