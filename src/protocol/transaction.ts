// One mail transaction: MAIL, RCPT for each recipient, DATA, the mail data (RFC 5321 §3.3).

import { data, mailFrom, rcptTo, rset } from "../commands.ts";
import { isTransient, MessageError, type RejectedRecipient, type Reply, ReplyError } from "../errors.ts";
import { describeReply } from "../excerpt.ts";
import { type Dialogue, onlyReply, type Streamed, type Turn, type Verdict } from "./dialogue.ts";
import { type Extensions, sizeLimit } from "./extensions.ts";

export interface Transaction {
  /** The reverse-path. */
  readonly from: string;
  /** The forward-paths, at least one. */
  readonly to: readonly string[];
  /** The message, every line ended by CR LF, before transparency. */
  readonly content: Uint8Array | Streamed;
  /** An address of the envelope or of the header section is not ASCII (RFC 6531). */
  readonly utf8: boolean;
  /** A body part is not ASCII, and not encoded (RFC 6152). */
  readonly eightBit?: boolean | undefined;
}

export interface Outcome {
  readonly accepted: readonly string[];
  readonly rejected: readonly RejectedRecipient[];
  /** The reply to the end of the mail data. */
  readonly reply: Reply;
  /** The extensions that were used, by their EHLO keywords. */
  readonly used: readonly string[];
}

/**
 * How many commands one group may hold where PIPELINING is offered: the replies to a thousand, at some 40 octets,
 * fit in any receive window, so that neither side waits for the other to read (RFC 2920 §3.1).
 */
export const MAX_COMMAND_GROUP = 1_000;

const NO_CONTENT = new Uint8Array(0);

export function* transaction(message: Transaction, extensions: Extensions): Dialogue<Outcome> {
  const { from, to, content } = message;
  const { parameters, used } = mailParameters(message, extensions);
  const commands = [mailFrom(from, parameters), ...to.map(rcptTo), data()];
  const replies: Reply[] = [];
  const verdict: Verdict = (heard) => judge(to, [...replies, ...heard]).refusal;

  // Pipelined and lock-step sends differ in the size of a group and in nothing else.
  const pipelining = extensions.has("PIPELINING");
  const size = pipelining ? MAX_COMMAND_GROUP : 1;
  for (let at = 0; at < commands.length && !isHopeless(replies, to.length); at += size) {
    replies.push(...(yield { kind: "commands", commands: commands.slice(at, at + size), verdict }));
  }

  const { accepted, rejected, refusal } = judge(to, replies);
  if (refusal !== undefined) {
    if (replies[1 + to.length]?.code === 354) {
      // RFC 2920 §3.1: the server waits for mail data that nobody is to get. It gets none.
      yield { kind: "content", content: NO_CONTENT, verdict: () => refusal };
    } else if (isPositive(replies[0])) {
      yield { kind: "commands", commands: [rset()], verdict: () => refusal };
    }
    throw refusal;
  }

  const reply = onlyReply(yield contentTurn(content, extensions));
  if (!isPositive(reply)) {
    throw new ReplyError(`the server refused the message: ${describeReply(reply)}`, {
      code: "content_refused",
      phase: "end-of-data",
      verb: "DATA",
      reply,
      rejected,
    });
  }
  return { accepted, rejected, reply, used: pipelining ? ["PIPELINING", ...used] : used };
}

function contentTurn(content: Transaction["content"], extensions: Extensions): Turn {
  if (content instanceof Uint8Array || content.size !== undefined) return { kind: "content", content };
  return { kind: "content", content, limit: sizeLimit(extensions) };
}

/** What MAIL says of the message, and what the message needs that the server must offer. */
function mailParameters(
  { content, utf8, eightBit }: Transaction,
  extensions: Extensions,
): { readonly parameters: readonly string[]; readonly used: readonly string[] } {
  const parameters: string[] = [];
  const used: string[] = [];
  const size = content instanceof Uint8Array ? content.length : content.size;
  // RFC 1870 §5 would take an estimate; what is not known is not said.
  if (extensions.has("SIZE") && size !== undefined) {
    const limit = sizeLimit(extensions);
    if (limit !== undefined && size > limit) {
      throw new MessageError("message", `it is ${size} octets long; the server takes ${limit} at most`, {
        code: "message_too_large",
        phase: "mail",
      });
    }
    parameters.push(`SIZE=${size}`);
    used.push("SIZE");
  }
  if (eightBit) {
    demand("8BITMIME", extensions, "a body is not ASCII, and the server does not offer 8BITMIME (RFC 6152)");
    parameters.push("BODY=8BITMIME");
    used.push("8BITMIME");
  }
  if (utf8) {
    demand(
      "SMTPUTF8",
      extensions,
      "an address is not ASCII, and the server does not offer SMTPUTF8 (RFC 6531)",
    );
    parameters.push("SMTPUTF8");
    used.push("SMTPUTF8");
  }
  return { parameters, used };
}

/** Refuses what cannot be sent without an extension. */
function demand(keyword: "8BITMIME" | "SMTPUTF8", extensions: Extensions, complaint: string): void {
  if (extensions.has(keyword)) return;
  const what = keyword === "SMTPUTF8" ? "an ASCII address" : "ASCII, or an encoding";
  throw new MessageError("message", complaint, {
    code: "extension_required",
    phase: "mail",
    hint: `use ${what}, or a server that offers ${keyword}`,
  });
}

/**
 * Whether another group could not lead to a message: MAIL was refused, or every recipient was. Asked before each group,
 * which in lock-step is each command, so it looks at the recipients only when all have been heard.
 */
function isHopeless(replies: readonly Reply[], recipients: number): boolean {
  const [mailReply] = replies;
  if (mailReply === undefined) return false;
  if (!isPositive(mailReply)) return true;
  return replies.length > recipients && !replies.slice(1, recipients + 1).some(isPositive);
}

interface Judgement {
  readonly accepted: readonly string[];
  readonly rejected: readonly RejectedRecipient[];
  /** Why no mail data can follow, where none can. */
  readonly refusal?: ReplyError;
}

/** What the replies to MAIL, to each RCPT and to DATA come to, as far as they have been heard. */
function judge(to: readonly string[], [mailReply, ...others]: readonly Reply[]): Judgement {
  const accepted: string[] = [];
  const rejected: RejectedRecipient[] = [];
  to.forEach((recipient, index) => {
    const reply = others[index];
    if (isPositive(reply)) accepted.push(recipient);
    else if (reply !== undefined) rejected.push({ recipient, reply });
  });
  const dataReply = others[to.length];
  const judgement = { accepted, rejected };
  if (mailReply !== undefined && !isPositive(mailReply)) {
    return { ...judgement, refusal: senderRefused(mailReply) };
  }
  if (rejected.length === to.length) return { ...judgement, refusal: recipientsRefused(rejected) };
  if (dataReply !== undefined && dataReply.code !== 354) {
    return { ...judgement, refusal: dataRefused(dataReply, rejected) };
  }
  return judgement;
}

function senderRefused(reply: Reply): ReplyError {
  return new ReplyError(`the server refused the sender: ${describeReply(reply)}`, {
    code: "sender_refused",
    phase: "mail",
    verb: "MAIL",
    reply,
  });
}

function recipientsRefused(rejected: readonly RejectedRecipient[]): ReplyError {
  // One that may be accepted later makes it worth trying again, so it speaks for all.
  const speaker = rejected.find(({ reply }) => isTransient(reply)) ?? rejected[0];
  if (speaker === undefined) throw new MessageError("to", "has no recipients", { code: "no_recipients" });
  return new ReplyError(`the server refused every recipient: ${describeReply(speaker.reply)}`, {
    code: "recipients_refused",
    phase: "rcpt",
    verb: "RCPT",
    reply: speaker.reply,
    recipient: rejected.length === 1 ? speaker.recipient : undefined,
    rejected,
  });
}

function dataRefused(reply: Reply, rejected: readonly RejectedRecipient[]): ReplyError {
  return new ReplyError(`the server refused to take the message: ${describeReply(reply)}`, {
    code: "data_refused",
    phase: "data",
    verb: "DATA",
    reply,
    rejected,
  });
}

/** Any 2yz takes a recipient: 251 will forward it (RFC 5321 §3.4), and some servers say 252. */
function isPositive(reply: Reply | undefined): reply is Reply {
  return reply !== undefined && reply.code < 300;
}
