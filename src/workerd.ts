// The door for Cloudflare Workers, and whatever else runs workerd: what the package exports there, and the runtime it is
// for. No module of Node's is reached from here.

import { Client } from "./client.ts";
import { Connector, type ConnectorConfig, type Report, report, type TestOptions } from "./connector.ts";
import type { SmtpClientOptions } from "./options.ts";
import type { Runtime } from "./runtime.ts";
import { dataUrl } from "./sources/data-url.ts";
import { stream } from "./sources/stream.ts";
import { url } from "./sources/url.ts";
import { connectCloudflare } from "./transport/cloudflare.ts";
import { perInvocation } from "./transport/cloudflare-invocations.ts";
import { refuse } from "./transport/cloudflare-limits.ts";

/**
 * Sends messages over SMTP. Connections are opened when they are needed, and reused within one invocation of the Worker,
 * never across: a client may be kept in a global. `stats` and `close` know what is under way in the invocation that asks.
 *
 * @example
 * ```ts
 * const client = new SmtpClient("smtps://user:pass@smtp.example.com");
 * const receipt = await client.send({ from: "login@example.com", to: "bob@example.org", text: "042137" });
 * await client.close();
 * ```
 */
export class SmtpClient extends Client {
  /** @throws ConfigError naming the option that cannot be used */
  constructor(options: string | URL | SmtpClientOptions) {
    super(options, runtime());
  }
}

/**
 * Makes a connector of a config: an SMTP account, and templates by usage type.
 *
 * @throws ConfigError with everything that is wrong in `problems`
 * @example
 * ```ts
 * const template = { contentType: "text/plain", subject: "Your code", content: "Your code is {{code}}." } as const;
 * const connector = createConnector({
 *   host: "smtp.example.com",
 *   port: 587,
 *   auth: { user: "login@example.com", pass: "secret" },
 *   fromEmail: "Example <login@example.com>",
 *   templates: ["Register", "SignIn", "ForgotPassword", "Generic"].map((usageType) => ({ usageType, ...template })),
 * });
 * await connector.send({ to: "bob@example.org", type: "SignIn", payload: { code: "042137" } });
 * await connector.close();
 * ```
 */
export function createConnector(config: ConnectorConfig): Connector {
  return new Connector(config, runtime());
}

/**
 * Sees whether a config works: reads it, connects, logs in, and sends a message made of one of its templates where `to`
 * names somebody. Nothing is thrown for a config or a server that is not right: the report says so, step by step, with
 * what the server said and what to change.
 *
 * @throws ConfigError for `options` that cannot be used
 * @example
 * ```ts
 * const template = { contentType: "text/plain", subject: "Your code", content: "Your code is {{code}}." } as const;
 * const report = await testConnector(
 *   {
 *     host: "smtp.example.com",
 *     port: 587,
 *     auth: { user: "login@example.com", pass: "secret" },
 *     fromEmail: "Example <login@example.com>",
 *     templates: ["Register", "SignIn", "ForgotPassword", "Generic"].map((usageType) => ({ usageType, ...template })),
 *   },
 *   { to: "bob@example.org", onStep: ({ name, status, summary }) => console.log(name, status, summary) },
 * );
 * if (!report.ok) console.log(report.steps.find(({ status }) => status === "failed")?.hint);
 * ```
 */
export function testConnector(config: ConnectorConfig, options: TestOptions = {}): Promise<Report> {
  return report(config, options, runtime());
}

function runtime(): Runtime {
  return { connect: connectCloudflare, perInvocation, refuse };
}

/** Makes attachments of what is not in memory, or comes as a URL. There are no files here. */
export const attachment: {
  readonly url: typeof url;
  readonly dataUrl: typeof dataUrl;
  readonly stream: typeof stream;
} = { url, dataUrl, stream };

export {
  formatMailbox,
  type Mailbox,
  type MailboxInput,
  parseMailbox,
  parseMailboxList,
} from "./address.ts";
export type { Attachment } from "./attachment.ts";
export type { MechanismName } from "./auth/choice.ts";
export {
  type Credentials,
  type Digests,
  type Eventually,
  type Exchange,
  type HashName,
  type Later,
  later,
  type Mechanism,
  type Surroundings,
} from "./auth/mechanism.ts";
export {
  type ClientCredentialsOptions,
  clientCredentialsGrant,
  type EndpointOptions,
  type RefreshTokenOptions,
  refreshTokenGrant,
  type ServiceAccountOptions,
  serviceAccountGrant,
} from "./auth/oauth2.ts";
export type { AccessToken, TokenRequest, TokenSource } from "./auth/token-source.ts";
export type { SendResult } from "./bulk.ts";
export type { ClientStats } from "./client.ts";
export { type ComposedStream, type ComposeStreamOptions, composeMessage, composeStream } from "./compose.ts";
export {
  type Connector,
  type ConnectorAuth,
  type ConnectorConfig,
  type ConnectorMessage,
  type ConnectorSendOptions,
  type ConnectorTemplate,
  connectorSchema,
  exampleConfig,
  type Report,
  type Step,
  type StepDetail,
  type StepName,
  type TestOptions,
} from "./connector.ts";
export type { Timeouts } from "./deadline.ts";
export { createDkimSigner, type DkimOptions, type PrivateCryptoKey, type PrivateJwk } from "./dkim.ts";
export {
  AuthenticationError,
  ConfigError,
  type Delivery,
  ERROR_CODES,
  type ErrorCode,
  isSmtpError,
  MessageError,
  type Phase,
  type Problem,
  ProtocolError,
  type RejectedRecipient,
  type Reply,
  ReplyError,
  SmtpError,
  TokenError,
  TransportError,
} from "./errors.ts";
export type { Logger } from "./logger.ts";
export type {
  Alternative,
  Calendar,
  Dsn,
  Envelope,
  EnvelopeRecipient,
  List,
  ListTarget,
  Message,
  MessageContent,
  MessageTerms,
  Notify,
  OneTimeCode,
  RawContent,
  RawMessage,
} from "./message.ts";
export type { ComposedMessage, Needs } from "./mime.ts";
export type { CloseOptions, Progress, SendManyOptions, SendOptions } from "./options/calls.ts";
export type { ExtensionOptions } from "./options/extensions.ts";
export type { AuthOptions, Protocol, Security, SmtpClientOptions } from "./options.ts";
export type { PoolStats } from "./pool.ts";
export type { LockedKey } from "./private-key.ts";
export type { Rate, RateLimiter } from "./rate-limit.ts";
export type { Receipt } from "./receipt.ts";
export type { Backoff, RetryOptions } from "./retry.ts";
export {
  findService,
  listServices,
  nearServices,
  type Service,
  type ServiceName,
  type SmtpApi,
  type SmtpApiFilters,
  type SmtpApiHeader,
  type SmtpApiSettings,
  sendGrid,
} from "./services.ts";
export type { DkimSigner } from "./signer.ts";
export type { OpenedLater, Source } from "./source.ts";
export type { AttachmentDetails } from "./sources/stream.ts";
export type { UrlRequest } from "./sources/url.ts";
export {
  type CompileOptions,
  compileTemplate,
  isPlainName,
  listPlaceholders,
  type Payload,
  type PayloadOf,
  type RenderOptions,
  renderTemplate,
  type Template,
  type TemplateValue,
  type UnsafeHtml,
  unsafeHtml,
} from "./templates.ts";
export type { CertificateDetails, TraceEvent } from "./trace.ts";
export type { TlsSessions } from "./transport/sessions.ts";
export type { Connect, Lookup, Target, TlsOptions, Wire } from "./transport/wire.ts";
