// The config of a connector as people write it: in JSON, and by the names that nodemailer has made known.

import type { Logger } from "../logger.ts";
import type { TlsOptions } from "../transport/wire.ts";

/** Is the config of a connector: an SMTP account, and what is sent from it. All of it but `logger` and `tls` is JSON. */
export interface ConnectorConfig {
  /** Where editors find the JSON Schema of this: `./node_modules/pennypost/dist/connector.schema.json`. */
  readonly $schema?: string;
  /** A provider known by name, such as `gmail`, `sendgrid` or `aliyun`; what else is said stands above it. */
  readonly service?: string;
  /** The server's name or IP address; needed where there is no `service`. */
  readonly host?: string;
  /** A number, or one in a string. @default 465 with `secure: true`, else 587 */
  readonly port?: number | string;
  /** Who writes: one mailbox, such as `Example <login@example.com>`. */
  readonly fromEmail: string;
  /** Where answers go, where that is not `fromEmail`. */
  readonly replyTo?: string;
  /** What is sent: one for each of `Register`, `SignIn`, `ForgotPassword` and `Generic`, and any others. */
  readonly templates: readonly ConnectorTemplate[];
  /** How to log in. A relay that knows its clients by their addresses needs none. */
  readonly auth?: ConnectorAuth;
  /**
   * Header fields of every message, with one value or several. They are sent as they stand, placeholders too: a value put
   * into a header such as X-SMTPAPI could say to whom the message goes.
   */
  readonly customHeaders?: Readonly<Record<string, string | readonly string[]>>;
  /** Where a template names a value that `payload` lacks: see `RenderOptions`. @default "error" */
  readonly missing?: "error" | "keep" | "empty";
  /** TLS from the first octet. @default true on port 465; else STARTTLS is required, on a loopback host used if offered */
  readonly secure?: boolean;
  /** Sends nothing without STARTTLS, which is so wherever nothing else is said. */
  readonly requireTLS?: boolean;
  /** Does without TLS. Credentials then go to a loopback host only, or by `auth.allowInsecure`. */
  readonly ignoreTLS?: boolean;
  /** Uses STARTTLS where it is offered, with any certificate. */
  readonly opportunisticTLS?: boolean;
  /** Options of `node:tls`. */
  readonly tls?: TlsOptions & { readonly servername?: string };
  /** The name in the server's certificate. @default host */
  readonly servername?: string;
  /** What EHLO calls us: a domain name or an address literal. */
  readonly name?: string;
  /** The local IP address to connect from. */
  readonly localAddress?: string;
  /** `http://`, `https://` or `socks5://`, with user and password if it needs them. */
  readonly proxy?: string;
  /** The only mechanism to log in with. @default the strongest that is offered */
  readonly authMethod?: "PLAIN" | "LOGIN" | "CRAM-MD5" | "XOAUTH2";
  /** Speaks LMTP (RFC 2033). @default false */
  readonly lmtp?: boolean;
  /** Milliseconds until the connection is up. @default 120000 */
  readonly connectionTimeout?: number;
  /** Milliseconds until the server has greeted, and for TLS after STARTTLS. @default 30000 */
  readonly greetingTimeout?: number;
  /** Milliseconds that the server may take over each reply, or a part of the message. @default 600000 */
  readonly socketTimeout?: number;
  /** Milliseconds until the addresses of the host are known. @default 30000 */
  readonly dnsTimeout?: number;
  /** Keeps connections for the next message; `false` opens one for each. @default true */
  readonly pool?: boolean;
  /** At the same time. @default 5 */
  readonly maxConnections?: number;
  /** Then a connection is replaced. @default 100 */
  readonly maxMessages?: number;
  /** Milliseconds after which an unused connection is closed. @default 30000 */
  readonly idleTimeout?: number;
  /** Messages that may begin in any `rateDelta` milliseconds; 0 for any number. @default 0 */
  readonly rateLimit?: number;
  /** @default 1000 */
  readonly rateDelta?: number;
  /** How often a message begins anew whose connection broke before it was sent. @default 1 */
  readonly maxRequeues?: number;
  /** Tells what happens: `true` on the console, or to methods by level. @default false */
  readonly logger?: boolean | Logger;
  /** Tells `logger` each command and reply, too. @default false */
  readonly debug?: boolean;
  /** Is so whatever it says: no file is read because a message says so. */
  readonly disableFileAccess?: boolean;
  /** Is so whatever it says: no URL is fetched because a message says so. */
  readonly disableUrlAccess?: boolean;
}

/** Holds what a message of one kind says. All but `usageType`, `contentType` and `locale` may name values of the payload. */
export interface ConnectorTemplate {
  /** What it is for: `Register`, `SignIn`, `ForgotPassword`, `Generic`, or another name; `Generic` stands in for all. */
  readonly usageType: string;
  /** What `content` is. In `text/html` values are escaped where they stand. */
  readonly contentType: "text/plain" | "text/html";
  readonly subject: string;
  readonly content: string;
  /** The plain text beside a `content` that is HTML. @default made of `content` */
  readonly text?: string;
  /** The language tag of the template (RFC 5646). One without stands in for all languages. */
  readonly locale?: string;
  /** Who writes, instead of `fromEmail`. */
  readonly sendFrom?: string;
  /** Where answers go, instead of `replyTo` of the config. */
  readonly replyTo?: string;
}

/**
 * Holds credentials in one of three forms: `user` and `pass`; OAuth2 with a `refreshToken`, an `accessToken`, or both; or
 * OAuth2 as a service account. None of it is there where the server asks for none.
 */
export interface ConnectorAuth {
  /** `login` or `OAuth2`, in any case. @default what the other properties are of */
  readonly type?: string;
  readonly user?: string;
  readonly pass?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
  readonly refreshToken?: string;
  readonly accessToken?: string;
  /** When `accessToken` ends, in milliseconds since 1970. */
  readonly expires?: number;
  /** Where tokens are got. @default Google's */
  readonly accessUrl?: string;
  /** @default that of Google for mail */
  readonly scope?: string;
  /** The service account. */
  readonly serviceClient?: string;
  /** Its key in PEM, or with the passphrase it is encrypted by. */
  readonly privateKey?: string | { readonly key: string; readonly passphrase: string };
  /** Lets the credentials travel over a connection that is not verified TLS. @default true on a loopback host */
  readonly allowInsecure?: boolean;
}
