// What is told of a server that breaks the rules, or leaves.

import { type Phase, ProtocolError, type Reply, ReplyError, TransportError } from "../errors.ts";
import { describeReply } from "../excerpt.ts";
import type { Subject } from "./state.ts";

/** The server has ended the connection. */
export function hungUp(): TransportError {
  return new TransportError("the server closed the connection", { code: "connection_lost", transient: true });
}

/** The connection failed, in whatever way. */
export function broken(cause: unknown): TransportError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const details = { code: "connection_lost", transient: true, cause } as const;
  return new TransportError(`the connection broke: ${reason}`, details);
}

/** The connection ended, for who had begun behind another. */
export function leftBehind(): TransportError {
  return new TransportError("the connection ended with the message before", {
    code: "connection_lost",
    transient: true,
  });
}

/** RFC 5321 §3.8: the server shuts the channel down, whatever we asked. */
export function serviceClosing(reply: Reply, subject: Subject, phase: Phase): ReplyError {
  return new ReplyError(`the server closes the session: ${describeReply(reply)}`, {
    code: "service_closing",
    phase,
    verb: subject,
    reply,
  });
}

export function judgedEarly(reply: Reply): ProtocolError {
  return new ProtocolError(`the server judged a message it had not got whole: ${describeReply(reply)}`, {
    code: "unsolicited_reply",
  });
}

export function unasked(): ProtocolError {
  return new ProtocolError("the server replied to a command it has not been given", {
    code: "unsolicited_reply",
  });
}

export function notAllowed(code: number, subject: Subject): ProtocolError {
  return new ProtocolError(`the server replied ${code} to ${subject}, which the protocol does not allow`, {
    code: "unexpected_reply",
  });
}

/** RFC 3207 §4.2: octets that trail the 220 in the clear were not said by the server we are about to trust. */
export function injected(): ProtocolError {
  return new ProtocolError("octets follow the reply to STARTTLS in the clear", {
    code: "starttls_injection",
    hint: "someone between may be tampering with the connection",
  });
}
