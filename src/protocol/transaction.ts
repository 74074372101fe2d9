// One mail transaction: MAIL, RCPT for each recipient, and the mail data: behind DATA (RFC 5321 §3.3), or in chunks,
// each behind a BDAT (RFC 3030 §2), never both.

import { bdatLast, type Command, data, mailFrom, quit, rcptTo, rset } from "../commands.ts";
import {
  isTransient,
  locate,
  ProtocolError,
  type RejectedRecipient,
  type Reply,
  type ReplyError,
  type SmtpError,
  takenFor,
} from "../errors.ts";
import { type Dialogue, onlyReply, type Turn, type Verdict } from "./dialogue.ts";
import { type Extensions, sizeLimit } from "./extensions.ts";
import {
  contentRefused,
  contradicted,
  dataRefused,
  isPositive,
  type Judgement,
  judge,
  judgeDeliveries,
} from "./judgement.ts";
import { mailParameters, type Needs, rcptParameters, readWith } from "./parameters.ts";
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

/**
 * How many commands may stand before mail data in one group: their replies fit in any send buffer, so that a server that
 * writes them all before it reads on does read on.
 */
export const MAX_RIDING_COMMANDS = 100;

const NO_CONTENT = /* @__PURE__ */ new Uint8Array(0);

/**
 * Whether mail data may go along with the envelope. Over a connection that may be dead it waits for the server to say
 * something: what was sent whole, and not answered, is never sent again. `behind` another message they go at once, and
 * where that one may be refused within its transaction, RSET goes before them.
 */
export type Manner = "at once" | "step by step" | "behind";

export interface TransactionOptions {
  readonly manner?: Manner;
  /** Through LMTP every recipient gets a reply of their own to the mail data (RFC 2033 §4.2). */
  readonly protocol?: "smtp" | "lmtp" | undefined;
  /** What is done where some recipients are refused: the others get the message, or nobody. */
  readonly onPartial?: "deliver" | "abort";
}

export function* transaction(
  message: Transaction,
  extensions: Extensions,
  { manner = "at once", protocol = "smtp", onPartial = "deliver" }: TransactionOptions = {},
): Dialogue<Outcome> {
  const { from, to, content } = message;
  // Pipelined and lock-step sends differ in the size of a group and in nothing else.
  const isPipelined = extensions.has("PIPELINING");
  // How many replies the last chunk gets through LMTP depends on replies to come: there DATA is as quick.
  const isChunked = extensions.has("CHUNKING") && protocol === "smtp";
  const { parameters, used } = mailParameters(message, extensions, { isChunked });
  const replies: Reply[] = [];
  const verdict: Verdict = (heard) => judge(to, [...replies, ...heard.slice(putsBack)], needed).refusal;

  const counted = isChunked && content instanceof Uint8Array ? content : undefined;
  let putsBack = manner === "behind" && isChunked ? 1 : 0;
  const envelope = [
    ...(putsBack > 0 ? [rset()] : []),
    mailFrom(from, parameters),
    ...to.map((recipient) => rcptTo(recipient, rcptParameters(message.terms, recipient))),
  ];
  const closing = counted !== undefined ? [bdatLast(countOf(counted))] : isChunked ? [] : [data()];
  const size = isPipelined ? MAX_COMMAND_GROUP : 1;
  const mayRide = counted === undefined || canRide(counted, envelope.length % size, manner);
  const rides = mayRide && (onPartial === "deliver" || to.length === 1);
  const needed = onPartial === "deliver" ? 1 : to.length;
  for (const commands of groupsOf(envelope, closing, { size, rides })) {
    if (isHopeless(replies, to.length, needed)) break;
    const announced = commands.at(-1)?.verb === "BDAT LAST" ? counted : undefined;
    const heard = yield { kind: "commands", commands, content: announced, verdict };
    replies.push(...heard.slice(putsBack));
    putsBack = 0;
  }

  const judged = judge(to, replies, needed);
  const { accepted, rejected } = judged;
  const closed = replies[1 + to.length];
  const refusal = judged.refusal ?? (isChunked ? undefined : dataRefused(closed, rejected));
  if (refusal !== undefined) {
    if (counted !== undefined && isPositive(closed)) throw contradicted();
    if (closed?.code === 354) {
      // RFC 2920 §3.1: the server waits for mail data that nobody is to get. It gets none.
      if (protocol === "smtp")
        yield { kind: "content", content: NO_CONTENT, replies: 1, verdict: () => refusal };
    } else if (isPositive(replies[0])) {
      yield tidying(refusal);
    }
    throw refusal;
  }

  const spoken = [...(isPipelined ? ["PIPELINING"] : []), ...(isChunked ? ["CHUNKING"] : []), ...used];
  if (protocol === "lmtp") {
    const limit = limitFor(content, extensions);
    const interrupted: Verdict = (heard, error) => error && interruption(error, judged, heard);
    const heard = yield { kind: "content", content, limit, replies: accepted.length, verdict: interrupted };
    const delivered = judgeDeliveries(judged, heard);
    const reply = heard.find(isPositive);
    // One that may take it later makes it worth trying again, so it speaks for all.
    if (reply === undefined)
      throw contentRefused(heard.find(isTransient) ?? onlyReply(heard), "DATA", delivered.rejected);
    return { ...delivered, reply, used: [...spoken, ...readWith(reply, extensions)] };
  }

  const heard =
    counted === undefined ? yield contentTurn(content, extensions, rejected) : replies.slice(1 + to.length);
  const reply = onlyReply(heard);
  if (!isPositive(reply)) {
    if (isPositive(heard[1])) throw contradicted();
    const contentRefusal = contentRefused(reply, isChunked ? "BDAT" : "DATA", rejected);
    // RFC 3030 §2: what becomes of the chunks before the one that was refused is not known.
    const wasOneOfMany = isPipelined && (counted === undefined || rides);
    if (isChunked) yield wasOneOfMany ? leaving(contentRefusal) : tidying(contentRefusal);
    throw contentRefusal;
  }
  return { accepted, rejected, reply, used: [...spoken, ...readWith(reply, extensions)] };
}

/** Whether mail data may go in the group of the commands that stand before it. */
function canRide({ length }: Uint8Array, commands: number, manner: Manner): boolean {
  return length <= MAX_RIDING_CONTENT && commands <= MAX_RIDING_COMMANDS && manner !== "step by step";
}

/** The commands of a transaction as they are written. */
function groupsOf(
  envelope: readonly Command[],
  closing: readonly Command[],
  { size, rides }: { readonly size: number; readonly rides: boolean },
): readonly (readonly Command[])[] {
  const commands = rides ? [...envelope, ...closing] : envelope;
  const groups: (readonly Command[])[] = [];
  for (let at = 0; at < commands.length; at += size) groups.push(commands.slice(at, at + size));
  return rides || closing.length === 0 ? groups : [...groups, closing];
}

/** Puts a transaction back that came to nothing. */
function tidying(refusal: ReplyError): Turn {
  return { kind: "commands", commands: [rset()], verdict: () => refusal };
}

/**
 * The same where the refusal was one reply among many: an extra one before it would have us take the reply to something
 * else for it. Only the 221 to QUIT is like no other; where it does not come when it is due, the message may be out.
 */
function leaving(refusal: ReplyError): Turn {
  const verdict: Verdict = (_, error) => {
    if (error instanceof ProtocolError) return locate(error, "end-of-data", "unknown");
    const isAwaited = error?.code === "deadline" || error?.code === "aborted";
    return isAwaited ? locate(refusal, "end-of-data", "unknown") : refusal;
  };
  return { kind: "commands", commands: [quit()], verdict };
}

function contentTurn(
  content: Transaction["content"],
  extensions: Extensions,
  rejected: readonly RejectedRecipient[],
): Turn {
  const limit = limitFor(content, extensions);
  if (content instanceof Uint8Array || !extensions.has("CHUNKING")) {
    return { kind: "content", content, replies: 1, limit };
  }
  const verdict: Verdict = ([refused]) => refused && contentRefused(refused, "BDAT", rejected);
  return {
    kind: "chunks",
    content,
    limit,
    window: extensions.has("PIPELINING") ? CHUNK_WINDOW : 1,
    verdict,
  };
}

/** What the server takes at most, where it is not known whether that is enough. */
function limitFor(content: Transaction["content"], extensions: Extensions): number | undefined {
  return content instanceof Uint8Array || content.size !== undefined ? undefined : sizeLimit(extensions);
}

/** The session ended between the replies to recipients: some have the message, and the others perhaps. */
function interruption(error: SmtpError, judged: Judgement, heard: readonly Reply[]): SmtpError | undefined {
  const accepted = judged.accepted.filter((_, index) => isPositive(heard[index]));
  return accepted.length === 0 ? undefined : locate(takenFor(error, accepted), "end-of-data", "unknown");
}

/**
 * Whether another group could not lead to a message: MAIL was refused, or fewer recipients accepted than are `needed`.
 * Asked before each group, which in lock-step is each command, so it looks at the recipients only when all have been
 * heard.
 */
function isHopeless(replies: readonly Reply[], recipients: number, needed: number): boolean {
  const [mailReply] = replies;
  if (mailReply === undefined) return false;
  if (!isPositive(mailReply)) return true;
  if (replies.length <= recipients) return false;
  return replies.slice(1, recipients + 1).filter(isPositive).length < needed;
}
