// One mail transaction: MAIL, RCPT for each recipient, and the mail data: behind DATA (RFC 5321 §3.3), or in chunks,
// each behind a BDAT (RFC 3030 §2), never both.

import { bdatLast, type Command, data, mailFrom, rcptTo, rset } from "../commands.ts";
import {
  isTransient,
  MessageError,
  ProtocolError,
  type RejectedRecipient,
  type Reply,
  ReplyError,
} from "../errors.ts";
import { describeReply } from "../excerpt.ts";
import { type Dialogue, onlyReply, type Turn, type Verdict } from "./dialogue.ts";
import { type Extensions, sizeLimit } from "./extensions.ts";
import { mailParameters, type Needs } from "./parameters.ts";
import { BLOCK, countOf } from "./transparency.ts";

export interface Transaction extends Needs {
  /** The reverse-path. */
  readonly from: string;
  /** The forward-paths, at least one. */
  readonly to: readonly string[];
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

/**
 * How many octets of mail data ride in the envelope's own group where CHUNKING is offered too: one block. They are sent
 * for nothing where every recipient is refused. And the wire has them before a reply is read: the server goes on
 * reading, for its replies to the group fit in the window.
 */
export const MAX_RIDING_CONTENT: number = BLOCK;

/**
 * How many chunks of a stream, of a block each, may be without a reply where PIPELINING is offered: half a megabyte
 * keeps a long line busy, and is what is sent for nothing where one is refused.
 */
export const CHUNK_WINDOW = 8;

const NO_CONTENT = new Uint8Array(0);

/**
 * Whether mail data may go along with the envelope. Over a connection that may be dead it waits for the server to say
 * something: what was sent whole, and not answered, is never sent again. `behind` another message they go at once, and
 * where that one may be refused within its transaction, RSET goes before them.
 */
export type Manner = "at once" | "step by step" | "behind";

export function* transaction(
  message: Transaction,
  extensions: Extensions,
  manner: Manner = "at once",
): Dialogue<Outcome> {
  const { from, to, content } = message;
  const { parameters, used } = mailParameters(message, extensions);
  const replies: Reply[] = [];
  const verdict: Verdict = (heard) => judge(to, [...replies, ...heard.slice(putsBack)]).refusal;

  // Pipelined and lock-step sends differ in the size of a group and in nothing else.
  const isPipelined = extensions.has("PIPELINING");
  const isChunked = extensions.has("CHUNKING");
  const counted = isChunked && content instanceof Uint8Array ? content : undefined;
  let putsBack = manner === "behind" && isChunked ? 1 : 0;
  const envelope = [...(putsBack > 0 ? [rset()] : []), mailFrom(from, parameters), ...to.map(rcptTo)];
  const size = isPipelined ? MAX_COMMAND_GROUP : 1;
  for (const commands of groupsOf(envelope, { isChunked, counted, size, manner })) {
    if (isHopeless(replies, to.length)) break;
    const announced = commands.at(-1)?.verb === "BDAT LAST" ? counted : undefined;
    const heard = yield { kind: "commands", commands, content: announced, verdict };
    replies.push(...heard.slice(putsBack));
    putsBack = 0;
  }

  const { accepted, rejected, ...judged } = judge(to, replies);
  const closing = replies[1 + to.length];
  const refusal = judged.refusal ?? (isChunked ? undefined : dataRefused(closing, rejected));
  if (refusal !== undefined) {
    if (closing?.code === 354) {
      // RFC 2920 §3.1: the server waits for mail data that nobody is to get. It gets none.
      yield { kind: "content", content: NO_CONTENT, verdict: () => refusal };
    } else if (isPositive(replies[0]) && !isPositive(closing)) {
      yield tidying(refusal);
    }
    throw refusal;
  }

  const heard =
    counted === undefined ? yield contentTurn(content, extensions, rejected) : replies.slice(1 + to.length);
  const reply = onlyReply(heard);
  if (!isPositive(reply)) {
    if (isPositive(heard[1])) {
      throw new ProtocolError("the server took a message of which it had refused a part", {
        code: "unexpected_reply",
        phase: "end-of-data",
      });
    }
    const contentRefusal = contentRefused(reply, isChunked ? "BDAT" : "DATA", rejected);
    // RFC 3030 §2: what becomes of the chunks before the one that was refused is not known.
    if (isChunked) yield tidying(contentRefusal);
    throw contentRefusal;
  }
  const spoken = [...(isPipelined ? ["PIPELINING"] : []), ...(isChunked ? ["CHUNKING"] : []), ...used];
  return { accepted, rejected, reply, used: spoken };
}

/** The commands of a transaction as they are written, `counted` being what is in memory and goes in one chunk. */
function groupsOf(
  envelope: readonly Command[],
  {
    isChunked,
    counted,
    size,
    manner,
  }: {
    readonly isChunked: boolean;
    readonly counted: Uint8Array | undefined;
    readonly size: number;
    readonly manner: Manner;
  },
): readonly (readonly Command[])[] {
  const closing = counted !== undefined ? [bdatLast(countOf(counted))] : isChunked ? [] : [data()];
  const isRiding =
    counted === undefined || (counted.length <= MAX_RIDING_CONTENT && manner !== "step by step");
  const commands = isRiding ? [...envelope, ...closing] : envelope;
  const groups: (readonly Command[])[] = [];
  for (let at = 0; at < commands.length; at += size) groups.push(commands.slice(at, at + size));
  return isRiding ? groups : [...groups, closing];
}

/** Puts a transaction back that came to nothing. */
function tidying(refusal: ReplyError): Turn {
  return { kind: "commands", commands: [rset()], verdict: () => refusal };
}

function contentTurn(
  content: Transaction["content"],
  extensions: Extensions,
  rejected: readonly RejectedRecipient[],
): Turn {
  if (content instanceof Uint8Array) return { kind: "content", content };
  const limit = content.size === undefined ? sizeLimit(extensions) : undefined;
  if (!extensions.has("CHUNKING")) return { kind: "content", content, limit };
  const verdict: Verdict = ([refused]) => refused && contentRefused(refused, "BDAT", rejected);
  return {
    kind: "chunks",
    content,
    limit,
    window: extensions.has("PIPELINING") ? CHUNK_WINDOW : 1,
    verdict,
  };
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

/** What the replies to MAIL and to each RCPT come to, as far as they have been heard. */
function judge(to: readonly string[], [mailReply, ...others]: readonly Reply[]): Judgement {
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
  if (rejected.length === to.length) return { ...judgement, refusal: recipientsRefused(rejected) };
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

function dataRefused(
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

function contentRefused(
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
  });
}

/** Any 2yz takes a recipient: 251 will forward it (RFC 5321 §3.4), and some servers say 252. */
function isPositive(reply: Reply | undefined): reply is Reply {
  return reply !== undefined && reply.code < 300;
}
