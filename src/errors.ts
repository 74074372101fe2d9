// The error family. The class says whose doing it was and whether the connection survives; the fields say
// how far the message came and what to do.

/** Lists every `code` an error of this library can carry. The set is closed; each has a heading in docs/errors.md. */
export const ERROR_CODES = [
  // ConfigError
  "invalid_option",
  "client_closed",
  // MessageError
  "invalid_message",
  "no_recipients",
  "invalid_template",
  "invalid_value",
  "missing_value",
  "message_too_large",
  "extension_required",
  "source_failed",
  "signing_failed",
  // ReplyError
  "greeting_refused",
  "ehlo_refused",
  "starttls_refused",
  "sender_refused",
  "recipients_refused",
  "data_refused",
  "content_refused",
  "service_closing",
  "noop_refused",
  // AuthenticationError
  "authentication_refused",
  "authentication_unavailable",
  "authentication_insecure",
  // ProtocolError
  "invalid_reply",
  "reply_too_long",
  "unexpected_reply",
  "unsolicited_reply",
  "invalid_challenge",
  "starttls_injection",
  // TransportError
  "dns",
  "connection",
  "proxy",
  "connection_lost",
  "tls",
  "tls_certificate",
  "tls_required",
  "deadline",
  "aborted",
  "rate_limit_failed",
] as const;

/** Names what went wrong; stable across releases, for `switch`. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Names where in the life of a message it went wrong. */
export type Phase =
  | "config"
  | "message"
  | "queue"
  | "connect"
  | "tls"
  | "greeting"
  | "ehlo"
  | "starttls"
  | "auth"
  | "mail"
  | "rcpt"
  | "data"
  | "content"
  | "end-of-data"
  | "rset"
  | "vrfy"
  | "noop"
  | "quit"
  | "idle";

/**
 * Says what became of the message: `not-sent` (it provably went nowhere), `rejected` (the server said no), or
 * `unknown` (the end of the mail data was written and no complete reply came back; RFC 1047).
 */
export type Delivery = "not-sent" | "rejected" | "unknown";

/** Holds one whole reply of the server (RFC 5321 §4.2). */
export interface Reply {
  /** The three-digit reply code, 200 to 599. */
  readonly code: number;
  /** The enhanced status code, such as `5.1.1` (RFC 3463), where the reply begins with one of its own class. */
  readonly enhancedStatus?: string;
  /** The text of each line, without code, separator and line end; secrets are masked. */
  readonly lines: readonly string[];
}

/** Pairs a refused recipient with what the server said of it. */
export interface RejectedRecipient {
  readonly recipient: string;
  readonly reply: Reply;
}

interface SmtpErrorOptions {
  readonly code: ErrorCode;
  readonly phase?: Phase;
  readonly delivery?: Delivery;
  /** Whether the same message may well succeed later. */
  readonly transient?: boolean;
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** Is the base of every error this library throws. */
export abstract class SmtpError extends Error {
  readonly code: ErrorCode;
  /** Where it went wrong. */
  readonly phase: Phase;
  /** What became of the message. */
  readonly delivery: Delivery;
  /** Whether sending the same message again may succeed, and cannot make a second copy of it. */
  readonly retryable: boolean;
  /** What to change, where that is known: it names the option. */
  declare readonly hint?: string;
  /** Recipients for whom the server has taken the message all the same: it is not to be sent to them again. */
  declare readonly accepted?: readonly string[];

  constructor(message: string, options: SmtpErrorOptions) {
    const { code, phase = "message", delivery = "not-sent", transient = false, hint } = options;
    super(message, "cause" in options ? { cause: options.cause } : {});
    this.code = code;
    this.phase = phase;
    this.delivery = delivery;
    this.retryable = transient && delivery !== "unknown";
    if (hint !== undefined) this.hint = hint;
  }
}

/** Reports an option that cannot be used as it stands. Nothing was connected. */
export class ConfigError extends SmtpError {
  override get name(): string {
    return "ConfigError";
  }
  /** The path of the option, such as `timeouts.greeting`. */
  readonly option: string;

  constructor(option: string, message: string, options: { readonly code?: ErrorCode } & ErrorDetails = {}) {
    super(`${option}: ${message}`, { code: "invalid_option", phase: "config", ...options });
    this.option = option;
  }
}

/**
 * Reports a message that cannot be sent as it stands. The connection, if there was one, is untouched, unless a source
 * failed while it was sent.
 */
export class MessageError extends SmtpError {
  override get name(): string {
    return "MessageError";
  }
  /** The path of the field, such as `attachments[0].filename`. */
  readonly field: string;

  constructor(field: string, message: string, options: { readonly code?: ErrorCode } & ErrorDetails = {}) {
    super(`${field}: ${message}`, { code: "invalid_message", phase: "message", ...options });
    this.field = field;
  }
}

interface ErrorDetails {
  readonly phase?: Phase;
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

interface ReplyErrorOptions {
  readonly code: ErrorCode;
  readonly phase: Phase;
  /** The command that was refused, such as `RCPT`. */
  readonly verb: string;
  readonly reply: Reply;
  readonly recipient?: string | undefined;
  readonly rejected?: readonly RejectedRecipient[] | undefined;
  readonly delivery?: Delivery;
  readonly hint?: string | undefined;
}

/**
 * Reports a refusal by the server. The connection survives it, except after 421, and where mail data in chunks was refused
 * as one reply among many.
 */
export class ReplyError extends SmtpError {
  override get name(): string {
    return "ReplyError";
  }
  readonly verb: string;
  readonly reply: Reply;
  /** The enhanced status code of `reply`, such as `5.7.1`. */
  declare readonly enhancedStatus?: string;
  /** The one recipient that was refused, where it was one. */
  declare readonly recipient?: string;
  /** Every refused recipient with its reply. */
  declare readonly rejected?: readonly RejectedRecipient[];

  constructor(message: string, options: ReplyErrorOptions) {
    const { reply, recipient, rejected } = options;
    // RFC 5321 §4.2.1: 4yz asks to come back later, 5yz asks not to.
    super(message, { transient: isTransient(reply), delivery: "rejected", ...options });
    this.verb = options.verb;
    this.reply = reply;
    if (reply.enhancedStatus !== undefined) this.enhancedStatus = reply.enhancedStatus;
    if (recipient !== undefined) this.recipient = recipient;
    if (rejected !== undefined && rejected.length > 0) this.rejected = rejected;
  }
}

/** Reports a login that the server refused, or that could not be tried. The connection is closed. */
export class AuthenticationError extends ReplyError {
  override get name(): string {
    return "AuthenticationError";
  }
  /** The SASL mechanism, where one was chosen. */
  declare readonly mechanism?: string;
  /** What an OAuth server said of the token: the decoded JSON of its last challenge. */
  declare readonly detail?: Readonly<Record<string, unknown>>;

  constructor(
    message: string,
    options: Omit<ReplyErrorOptions, "phase" | "verb"> & {
      readonly verb?: string;
      readonly mechanism?: string | undefined;
      readonly detail?: Readonly<Record<string, unknown>> | undefined;
    },
  ) {
    super(message, { phase: "auth", verb: "AUTH", delivery: "not-sent", ...options });
    if (options.mechanism !== undefined) this.mechanism = options.mechanism;
    if (options.detail !== undefined) this.detail = options.detail;
  }
}

/** Reports that the server, or someone between, broke the rules of the protocol. The connection is closed. */
export class ProtocolError extends SmtpError {
  override get name(): string {
    return "ProtocolError";
  }
  /** The offending octets, escaped and cut. */
  declare readonly excerpt?: string;

  constructor(
    message: string,
    options: {
      readonly code: ErrorCode;
      readonly phase?: Phase;
      readonly delivery?: Delivery;
      readonly excerpt?: string | undefined;
      readonly hint?: string | undefined;
    },
  ) {
    super(message, { transient: false, ...options });
    if (options.excerpt !== undefined) this.excerpt = options.excerpt;
  }
}

/** Reports a failure of the network, of TLS, of a deadline, or an abort by the caller. The connection is closed. */
export class TransportError extends SmtpError {
  override get name(): string {
    return "TransportError";
  }
}

/** Says where an error belongs that was made where neither the phase nor the fate of the message was known. */
export function locate<E extends SmtpError>(error: E, phase: Phase, delivery: Delivery): E {
  const retryable = error.retryable && delivery !== "unknown";
  return Object.assign(error, { phase, delivery, retryable });
}

/** The same error, of a message that the server has taken for some of its recipients. */
export function takenFor<E extends SmtpError>(error: E, accepted: readonly string[]): E {
  return Object.assign(error, { accepted });
}

/** The error of a message that cannot be sent again as it is: a stream in it has been read. */
export function spent<E extends SmtpError>(error: E, hint: string): E {
  return Object.assign(error, { retryable: false, hint: error.hint ?? hint });
}

/** The same refusal for another message that waited for the same login: each caller gets an error of their own. */
export function copyOf(error: AuthenticationError): AuthenticationError {
  const { message, code, verb, reply, mechanism, detail, hint } = error;
  return new AuthenticationError(message, { code, verb, reply, mechanism, detail, hint });
}

/** Tells whether `error` is one of this library's, so that its fields may be read. */
export function isSmtpError(error: unknown): error is SmtpError {
  return error instanceof SmtpError;
}

/** Tells a transient refusal (4yz) from a permanent one (5yz). */
export function isTransient(reply: Reply): boolean {
  return reply.code >= 400 && reply.code < 500;
}
