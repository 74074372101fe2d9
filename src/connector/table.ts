// The table of a config: every field, what it may say, and how that is read. The validator walks it, and so does the
// schema. It is made when it is asked for, so that an import costs nothing.

import { type ParsedMailbox, resolveMailbox } from "../address.ts";
import { ConfigError } from "../errors.ts";
import { describe } from "../input.ts";
import type { Logger } from "../logger.ts";
import { readEhloName, readHost, readInteger, readIpAddress } from "../options/checks.ts";
import { readProxy } from "../options/proxy.ts";
import { readService, type Service } from "../services.ts";
import { authField, type ReadAuth } from "./auth-table.ts";
import {
  checked,
  choice,
  type Field,
  flag,
  list,
  object,
  PLACEHOLDER,
  PORT_OF_URL,
  refuseExample,
  text,
  textSchema,
  whole,
} from "./field.ts";
import { headersField } from "./headers.ts";
import { tlsField } from "./tls-table.ts";
import type { ConnectorConfig, ConnectorTemplate } from "./types.ts";

/** A config in which every field is as it should be, by itself. */
export interface ReadConfig
  extends Partial<
    Omit<ConnectorConfig, "service" | "port" | "fromEmail" | "replyTo" | "auth" | "templates">
  > {
  readonly service?: Service;
  readonly port?: number;
  readonly fromEmail?: ParsedMailbox;
  readonly replyTo?: ParsedMailbox;
  readonly auth?: ReadAuth;
  readonly templates?: readonly (Partial<ConnectorTemplate> | undefined)[];
}

/** More than any program has kinds of mail, in all its languages. */
const MAX_TEMPLATES = 1000;
const MAX_MILLISECONDS = 2_147_483_647;
const MAX_CONNECTIONS = 1000;
const MAX_MESSAGES = 1_000_000;
/** What failed ten times is not going to succeed. */
const MAX_REQUEUES = 9;

export function configField(): Field<ReadConfig> {
  const milliseconds = whole(1, MAX_MILLISECONDS);
  return object<ReadConfig>(
    {
      $schema: text(),
      service: checked({ type: "string", minLength: 1, not: { pattern: PLACEHOLDER.source } }, service),
      host: host(),
      port: port(),
      fromEmail: mailbox(),
      replyTo: mailbox(),
      templates: list(template(), MAX_TEMPLATES),
      auth: authField(),
      customHeaders: headersField(),
      missing: choice(["error", "keep", "empty"]),
      secure: flag(),
      requireTLS: flag(),
      ignoreTLS: flag(),
      opportunisticTLS: flag(),
      tls: tlsField(host()),
      servername: host(),
      name: text(EHLO_NAME, readEhloName),
      localAddress: text(IP_ADDRESS, readIpAddress),
      proxy: text(PROXY, (value, path) => {
        readProxy(value, path);
        return String(value);
      }),
      authMethod: choice(["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"]),
      lmtp: flag(),
      connectionTimeout: milliseconds,
      greetingTimeout: milliseconds,
      socketTimeout: milliseconds,
      dnsTimeout: milliseconds,
      pool: flag(),
      maxConnections: whole(1, MAX_CONNECTIONS),
      maxMessages: whole(1, MAX_MESSAGES),
      idleTimeout: milliseconds,
      rateLimit: whole(0, MAX_MESSAGES),
      rateDelta: milliseconds,
      maxRequeues: whole(0, MAX_REQUEUES),
      logger: checked({ type: "boolean" }, logger),
      debug: flag(),
      disableFileAccess: flag(),
      disableUrlAccess: flag(),
    },
    { required: ["fromEmail", "templates"], meaningless: MEANINGLESS },
  );
}

// What the readers of each take, as the schema has it.
const IPV4 = String.raw`(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}`;
const IPV6 = String.raw`(?=[^:]*:[^:]*:)[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._\-]+)?`;
const IP_ADDRESS = `^(?:${IPV4}|${IPV6})$`;
const HOST = String.raw`^(?:[A-Za-z0-9_](?:[A-Za-z0-9._\-]*[A-Za-z0-9_])?\.?|${IPV6})$`;
const LABEL = String.raw`[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?`;
const LITERAL = String.raw`\[(?:\d{1,3}(?:\.\d{1,3}){3}|IPv6:[0-9A-Fa-f:.]{2,45})\]`;
const EHLO_NAME = String.raw`^(?:(?=.{1,255}$)${LABEL}(?:\.${LABEL})*|${LITERAL})$`;
const CREDENTIALS = String.raw`[^\x00-\x20\x7f/?#:]+:[^\x00-\x20\x7f/?#]+@`;
const PROXY = String.raw`^(?:https?|socks5h?)://(?:${CREDENTIALS})?(?:[^\x00-\x20\x7f/?#:@\[\]]+|\[[0-9A-Fa-f:.]+\])${PORT_OF_URL}/?$`;
// A mailbox by its outline; whether it is an address in full is for resolveMailbox to say.
const ATOM = String.raw`[^\x00-\x20"(),:;<>@\[\\\]\x7f]+`;
const ADDRESS = String.raw`(?:${ATOM}|"(?:[^"\\\x00-\x1f\x7f]|\\.)+")@(?:${ATOM}|\[[^\x00-\x20\[\]]+\])`;
const NAME = String.raw`[^\x00-\x1f"(),:;<>@\[\\\]\x7f]*|"(?:[^"\\\x00-\x1f\x7f]|\\.)*" *`;
const MAILBOX = `^(?:${ADDRESS}|(?:${NAME})<${ADDRESS}>)$`;
const PORT = String.raw`^(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])$`;
// RFC 4647 §2.1: what is looked up by its subtags need not be a tag that anybody has registered.
export const LANGUAGE_RANGE = "^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,20}$";

function service(value: unknown, path: string): Service {
  refuseExample(value, path);
  return readService(value, path);
}

function host(): Field<string> {
  return text(HOST, readHost);
}

/** Forms and environments have nothing but text. */
function port(): Field<number> {
  const schema = {
    anyOf: [
      { type: "integer", minimum: 1, maximum: 65_535 },
      { type: "string", pattern: PORT },
    ],
  };
  return checked(schema, (value, path) => {
    refuseExample(value, path);
    const isText = typeof value === "string" && new RegExp(PORT).test(value);
    return readInteger(isText ? Number(value) : value, path, 1, 65_535);
  });
}

function mailbox(): Field<ParsedMailbox> {
  const schema = textSchema(MAILBOX);
  return checked(schema, (value, path) => {
    refuseExample(value, path);
    if (typeof value !== "string") throw new ConfigError(path, `is ${describe(value)}, not a string`);
    return resolveMailbox(value, path);
  });
}

function template(): Field<Partial<ConnectorTemplate>> {
  // What is in them is for the templates to say.
  const written = checked({ type: "string", minLength: 1 }, nonEmpty);
  const line = text();
  return object<ConnectorTemplate>(
    {
      usageType: text(),
      contentType: choice(["text/plain", "text/html"]),
      subject: line,
      content: written,
      text: written,
      locale: text(LANGUAGE_RANGE, languageTag),
      sendFrom: line,
      replyTo: line,
    },
    { required: ["usageType", "contentType", "subject", "content"] },
  );
}

function nonEmpty(value: unknown, path: string): string {
  if (typeof value !== "string") throw new ConfigError(path, `is ${describe(value)}, not a string`);
  if (value === "") throw new ConfigError(path, "is empty");
  return value;
}

function languageTag(value: unknown, path: string): string {
  if (typeof value === "string" && new RegExp(LANGUAGE_RANGE).test(value)) return value;
  throw new ConfigError(path, "is no language tag", { hint: "write en, pt-BR or zh-Hant" });
}

function logger(value: unknown, path: string): boolean | Logger {
  const isLogger =
    (typeof value === "object" && value !== null && !Array.isArray(value)) || typeof value === "function";
  if (typeof value === "boolean" || isLogger) return value as boolean | Logger;
  throw new ConfigError(path, `is ${describe(value)}, neither true or false nor a logger`);
}

/** Options of nodemailer that have no counterpart, and what to do instead. */
const MEANINGLESS: Readonly<Record<string, string>> = {
  url: "say host, port and auth",
  transactionLog: "debug: true does the same",
  component: "a logger of your own can say whose it is",
  socketCloseTimeout: "a connection is given two seconds to say goodbye",
  maxResponseSize: "replies are bounded already",
  allowInternalNetworkInterfaces: "every address that the host has is tried",
  forceAuth: "a login is only sent to a server that offers one",
  customAuth: "SmtpClient takes mechanisms of your own in auth.custom",
  socket: "SmtpClient takes ways of your own to connect in connect",
  connection: "SmtpClient takes ways of your own to connect in connect",
  getSocket: "SmtpClient takes ways of your own to connect in connect",
  secured: "SmtpClient takes ways of your own to connect in connect",
  dkim: "SmtpClient takes signers in dkim",
  attachDataUrls: "templates are sent as they are",
  normalizeHeaderKey: "customHeaders are written as they are",
  maxRecipients: "each message has one recipient",
};
