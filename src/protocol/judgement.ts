// What the replies to a mail transaction come to: who is accepted, who is not, and why the whole may be refused.

import {
  isTransient,
  MessageError,
  ProtocolError,
  type RejectedRecipient,
  type Reply,
  ReplyError,
} from "../errors.ts";
import { describeReply } from "../excerpt.ts";
import { hintOf } from "./hints.ts";

export interface Judgement {
  readonly accepted: readonly string[];
  readonly rejected: readonly RejectedRecipient[];
  /** Why no mail data can follow, where none can. */
  readonly refusal?: ReplyError;
}

/** What the replies to MAIL and to each RCPT come to, as far as they have been heard; `needed` is how many must be taken. */
export function judge(
  to: readonly string[],
  [mailReply, ...others]: readonly Reply[],
  needed = 1,
): Judgement {
  const accepted: string[] = [];
  const rejected: RejectedRecipient[] = [];
  to.forEach((recipient, index) => {
    const reply = others[index];
    if (isPositive(reply)) accepted.push(recipient);
    else if (reply !== undefined) rejected.push({ recipient, reply });
  });
  const judgement = { accepted, rejected };
  if (mailReply !== undefined && !isPositive(mailReply)) {
    return { ...judgement, refusal: senderRefused(mailReply) };
  }
  if (rejected.length > to.length - needed) {
    return { ...judgement, refusal: recipientsRefused(rejected, to.length) };
  }
  return judgement;
}

/** What the replies to mail data come to where each recipient gets one (RFC 2033 §4.2). */
export function judgeDeliveries(
  { accepted, rejected }: Judgement,
  replies: readonly Reply[],
): { readonly accepted: readonly string[]; readonly rejected: readonly RejectedRecipient[] } {
  // Mail data that was refused before it was whole gets one reply, and that is everybody's.
  const [first] = replies;
  const delivered: string[] = [];
  const refused: RejectedRecipient[] = [];
  accepted.forEach((recipient, index) => {
    const reply = replies[index] ?? first;
    if (isPositive(reply)) delivered.push(recipient);
    else if (reply !== undefined) refused.push({ recipient, reply });
  });
  return { accepted: delivered, rejected: [...rejected, ...refused] };
}

function senderRefused(reply: Reply): ReplyError {
  return new ReplyError(`the server refused the sender: ${describeReply(reply)}`, {
    code: "sender_refused",
    phase: "mail",
    verb: "MAIL",
    reply,
    hint: hintOf("sender", reply),
  });
}

function recipientsRefused(rejected: readonly RejectedRecipient[], recipients: number): ReplyError {
  const which =
    rejected.length === recipients ? "every recipient" : "a recipient, and all were to get the message";
  // One that may be accepted later makes it worth trying again, so it speaks for all.
  const speaker = rejected.find(({ reply }) => isTransient(reply)) ?? rejected[0];
  if (speaker === undefined) throw new MessageError("to", "has no recipients", { code: "no_recipients" });
  return new ReplyError(`the server refused ${which}: ${describeReply(speaker.reply)}`, {
    code: "recipients_refused",
    phase: "rcpt",
    verb: "RCPT",
    reply: speaker.reply,
    recipient: rejected.length === 1 ? speaker.recipient : undefined,
    rejected,
  });
}

export function dataRefused(
  reply: Reply | undefined,
  rejected: readonly RejectedRecipient[],
): ReplyError | undefined {
  if (reply === undefined || reply.code === 354) return undefined;
  return new ReplyError(`the server refused to take the message: ${describeReply(reply)}`, {
    code: "data_refused",
    phase: "data",
    verb: "DATA",
    reply,
    rejected,
  });
}

export function contentRefused(
  reply: Reply,
  verb: "BDAT" | "DATA",
  rejected: readonly RejectedRecipient[],
): ReplyError {
  return new ReplyError(`the server refused the message: ${describeReply(reply)}`, {
    code: "content_refused",
    phase: "end-of-data",
    verb,
    reply,
    rejected,
    hint: hintOf("message", reply),
  });
}

/** Any 2yz takes a recipient: 251 will forward it (RFC 5321 §3.4), and some servers say 252. */
export function isPositive(reply: Reply | undefined): reply is Reply {
  return reply !== undefined && reply.code < 300;
}

export function contradicted(): ProtocolError {
  return new ProtocolError("the server took a message that it had refused, or a part of it", {
    code: "unexpected_reply",
    phase: "end-of-data",
  });
}
