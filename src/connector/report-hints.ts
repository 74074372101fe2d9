// What to change, by the options of a connector: one sentence for each failure that people meet.

import {
  isTransient,
  MessageError,
  ProtocolError,
  type Reply,
  ReplyError,
  type SmtpError,
} from "../errors.ts";
import type { CertificateDetails } from "../trace.ts";
import type { StepName } from "./steps.ts";
import type { Plan } from "./steps-plan.ts";

/** What is known where a step fails. */
export interface Situation extends Plan {
  /** The step that failed. */
  readonly step: StepName;
  /** The one that the server showed. */
  readonly certificate: CertificateDetails | undefined;
  /** Of an address that was tried nothing was heard. */
  readonly isUnanswered: boolean;
}

/** What to change; `undefined` where nothing is known to help. */
export function hintFor(error: SmtpError, situation: Situation): string | undefined {
  const own = HINTS[error.code];
  return own === undefined ? ours(error) : own(error, situation);
}

/** What to change before anything can be connected. */
export function hintBefore(error: SmtpError): string | undefined {
  const isMissing = error instanceof MessageError && error.code === "missing_value";
  return isMissing ? `give a value for ${error.field} in payload` : error.hint;
}

type Hint = (error: SmtpError, situation: Situation) => string | undefined;

const HINTS: Readonly<Partial<Record<SmtpError["code"], Hint>>> = {
  dns: (error, { host }) =>
    causeOf(error) === "ENOTFOUND" ? `correct host: there is no ${host}` : NO_ANSWER,
  connection: unconnected,
  deadline: overdue,
  tls: (error, { port, security }) =>
    security === "tls" && NOT_TLS.test(causeOf(error)) ? notTls(port) : ours(error),
  tls_certificate: untrusted,
  tls_required: (_error, { port }) =>
    `port ${port} offers no STARTTLS: set port to 465 and secure to true; only if the network is yours, set ignoreTLS to true`,
  starttls_refused: () =>
    "the server cannot begin TLS now: try again later, or set port to 465 and secure to true",
  greeting_refused: () =>
    "the server takes nothing from this machine: ask the provider whether its IP address is blocked, or set another host",
  connection_lost: (error) =>
    error.phase === "greeting"
      ? "the server hung up without a word: check host and port, and whether it takes mail from this machine"
      : undefined,
  invalid_reply: (error, { port }) =>
    error instanceof ProtocolError && error.excerpt?.startsWith("HTTP/")
      ? `port ${port} belongs to a web server: set port to the one for mail, such as 587 or 465`
      : "what answers there does not speak SMTP: check host and port",
  service_closing: () => "the server has had enough for now: try again in some minutes",
  ehlo_refused: () => "set name to the domain name of this machine",
  authentication_insecure: (_error, { certificate }) =>
    `${certificate === undefined ? "the server offers no TLS, and others could read the password: set port to 465 and secure to true" : "the certificate is not verified: give its authority in tls.ca"}; only if the network is yours, set auth.allowInsecure to true`,
  authentication_unavailable: (_error, { security }) =>
    security === "none"
      ? "the server may offer a login only inside TLS: leave ignoreTLS out"
      : "the server offers no login that fits auth: leave auth out, or change authMethod or port",
  authentication_refused: refusedLogin,
  sender_refused: refusedSender,
  recipients_refused: refusedRecipient,
  message_too_large: () => TOO_LARGE,
  content_refused: (error) => (replyOf(error)?.code === 552 ? TOO_LARGE : ours(error)),
};

const NO_ANSWER =
  "the name servers of this machine gave no answer for host: check its network, and try again";
const TOO_LARGE = "the server takes no message of this size: shorten the content of the template";

/** What OpenSSL says where the other end talks in the clear. */
const NOT_TLS = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/;

function unconnected(error: SmtpError, { port, isUnanswered }: Situation): string {
  if (isUnanswered) return unanswered(port);
  return causeOf(error) === "ECONNREFUSED"
    ? `nothing listens on port ${port}: check host, and set port to the one that the provider names, mostly 465 or 587`
    : "check host and port, and the network of this machine";
}

function notTls(port: number): string {
  return `port ${port} does not begin with TLS: set secure to false${port === IMPLICIT_TLS ? "" : `, or port to ${IMPLICIT_TLS}`}`;
}

const IMPLICIT_TLS = 465;
const PORTS: readonly number[] = [587, 465, 2525];

function unanswered(port: number): string {
  const others = PORTS.filter((other) => other !== port);
  return `nothing answers on port ${port}, which a firewall may block: set port to another that the provider names, such as ${others.slice(0, -1).join(", ")} or ${others.at(-1)}`;
}

function overdue(error: SmtpError, { port, via, security, step }: Situation): string {
  if (error.phase === "greeting") {
    return security === "tls"
      ? `port ${port} speaks TLS and no SMTP: set port to 465, or to the one that the provider names`
      : `nothing was said on port ${port}: if it expects TLS from the first octet, set secure to true; else set port to one for mail, such as 587`;
  }
  if (step === "dns") return NO_ANSWER;
  if (step === "tcp" && via !== undefined)
    return `nothing came through the proxy: check proxy, and whether it lets anybody to port ${port} of host`;
  if (step === "tcp") return unanswered(port);
  if (error.phase === "connect") return notTls(port);
  const option = error.phase === "tls" ? "greetingTimeout" : "socketTimeout";
  return `the server did not answer in time: try again later, or set ${option} higher`;
}

/** More would be a list to search. */
const MAX_SHOWN = 3;

function untrusted(error: SmtpError, { certificate }: Situation): string | undefined {
  switch (causeOf(error)) {
    case "ERR_TLS_CERT_ALTNAME_INVALID": {
      const names = certificate?.names.slice(0, MAX_SHOWN).join(", ") || "another name";
      return `the certificate is for ${names}: set host to the server's name as it stands there, or servername where host must stay`;
    }
    case "CERT_HAS_EXPIRED":
      return `the certificate ended on ${certificate?.validTo?.slice(0, 10) ?? "an earlier day"}: whoever runs the server must renew it, or set another host`;
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
      return "the certificate is signed by itself: if the server is yours, give the certificate in tls.ca";
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return `nobody known here vouches for the certificate: if you trust ${certificate?.issuer || "who signed it"}, give that authority's certificate in tls.ca`;
    default:
      return error.hint;
  }
}

function refusedLogin(error: SmtpError): string {
  const reply = replyOf(error);
  const hint = ours(error);
  if (hint !== undefined) return hint;
  if (reply !== undefined && isTransient(reply)) return "the server cannot check logins now: try again later";
  const isToken = /OAUTH/.test("mechanism" in error ? String(error.mechanism) : "");
  return isToken
    ? "check that the token is fresh, of auth.user, and of the scope for SMTP"
    : "check auth.user and auth.pass: many providers want a password made for programs, and not that of the account";
}

const LOG_IN = "the server takes mail from those who log in: set auth";

function refusedSender(error: SmtpError, { hasLogin }: Situation): string {
  if (!hasLogin && replyOf(error)?.code === 530) return LOG_IN;
  return ours(error) ?? "set fromEmail to an address that this account may send from";
}

function refusedRecipient(error: SmtpError, { hasLogin }: Situation): string {
  const reply = replyOf(error);
  if (reply !== undefined && isTransient(reply)) {
    return "the server puts the recipient off: try again in some minutes, or change to";
  }
  // RFC 3463 §3.8: X.7.1 is what a server says to whom it does not relay for.
  if (!hasLogin && reply?.enhancedStatus === "5.7.1") return LOG_IN;
  return "check the address in to: the server takes no mail for it";
}

/** The hint of an error of the client's, where there is one, in the words of a connector. */
function ours({ hint }: SmtpError): string | undefined {
  return hint && WORDS.reduce((text, [theirs, word]) => text.replaceAll(theirs, word), hint);
}

const WORDS: readonly (readonly [string, string])[] = [
  ['set security: "starttls" or "tls"', "leave ignoreTLS out, or set secure to true"],
  ['set security: "starttls"', "set secure to false"],
  ["auth.mechanism", "authMethod"],
  ["auth.oauth2", "OAuth2 in auth"],
  ["set from, or envelope.from,", "set fromEmail"],
  ["as from:", "as fromEmail:"],
  ["address of from,", "address of fromEmail,"],
];

function causeOf({ cause }: SmtpError): string {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? code : "";
}

function replyOf(error: SmtpError): Reply | undefined {
  return error instanceof ReplyError ? error.reply : undefined;
}
