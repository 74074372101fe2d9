// The error family. The class says whose doing it was and whether the connection survives; the fields say
// how far the message came and what to do.

import type { Delivery, ErrorCode, Phase } from "./errors/codes.ts";

export { type Delivery, ERROR_CODES, type ErrorCode, type Phase } from "./errors/codes.ts";

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
  /** Everything that is wrong, where all was looked at before anything was said: the options of a connector. */
  declare readonly problems?: readonly Problem[];

  constructor(
    option: string,
    message: string,
    options: { readonly code?: ErrorCode; readonly problems?: readonly Problem[] } & ErrorDetails = {},
  ) {
    const { problems, ...details } = options;
    super(`${option}: ${message}`, { code: "invalid_option", phase: "config", ...details });
    this.option = option;
    if (problems !== undefined) this.problems = problems;
  }
}

/** Names one thing that is wrong with a config, and what would be right. */
export interface Problem {
  /** Where it is, such as `templates[2].content`. */
  readonly path: string;
  readonly message: string;
  readonly hint?: string | undefined;
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

/** Reports that no access token could be had, a first or one in the place of one that was refused. */
export class TokenError extends SmtpError {
  override get name(): string {
    return "TokenError";
  }
  /** `reauthorise`: a person must consent again, or the settings must change; `temporary`: it may work later. */
  readonly reason: "reauthorise" | "temporary";
  /** What the token endpoint calls it, such as `invalid_grant` (RFC 6749 §5.2). */
  declare readonly oauthError?: string;
  /** Milliseconds for which the endpoint does not want to be asked again. It is not, meanwhile. */
  declare readonly retryAfter?: number;

  constructor(
    message: string,
    options: {
      readonly reason: "reauthorise" | "temporary";
      readonly oauthError?: string | undefined;
      readonly retryAfter?: number | undefined;
    } & ErrorDetails,
  ) {
    const { reason, oauthError, retryAfter } = options;
    const isTemporary = reason === "temporary";
    super(message, {
      phase: "auth",
      ...options,
      code: isTemporary ? "token_unavailable" : "token_refused",
      transient: isTemporary,
    });
    this.reason = reason;
    if (oauthError !== undefined) this.oauthError = oauthError;
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
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

/** Tells whether `error` is one of this library's, so that its fields may be read. */
export function isSmtpError(error: unknown): error is SmtpError {
  return error instanceof SmtpError;
}

/** Tells a transient refusal (4yz) from a permanent one (5yz). */
export function isTransient(reply: Reply): boolean {
  return reply.code >= 400 && reply.code < 500;
}
