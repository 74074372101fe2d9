// What every door exports, whatever the runtime.

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
export type { AccessToken, TokenRequest, TokenSource } from "./auth/token-source.ts";
export type { SendResult } from "./bulk.ts";
export type { Timeouts } from "./deadline.ts";
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
export type { CloseOptions, Progress, SendManyOptions, SendOptions } from "./options/calls.ts";
export type { ExtensionOptions } from "./options/extensions.ts";
export type { AuthOptions, Protocol, Security, SmtpClientOptions } from "./options.ts";
export type { PoolStats } from "./pool.ts";
export type { Rate, RateLimiter } from "./rate-limit.ts";
export type { Receipt } from "./receipt.ts";
export type { Backoff, RetryOptions } from "./retry.ts";
export type { DkimSigner } from "./signer.ts";
export type { OpenedLater, Source } from "./source.ts";
export type { AttachmentDetails } from "./sources/stream.ts";
export type { UrlRequest } from "./sources/url.ts";
export type { ClientStats } from "./tally.ts";
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
