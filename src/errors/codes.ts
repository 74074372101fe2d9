// The words in which errors say what happened: which error, where, and what became of the message.

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
  // TokenError
  "token_refused",
  "token_unavailable",
  // ProtocolError
  "invalid_reply",
  "reply_too_long",
  "unexpected_reply",
  "unsolicited_reply",
  "invalid_challenge",
  "server_unproven",
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
