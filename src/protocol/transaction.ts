// One mail transaction: MAIL, RCPT for each recipient, DATA, the mail data (RFC 5321 §3.3).

import { data, mailFrom, rcptTo, rset } from "../commands.ts";
import {
  describeReply,
  isTransient,
  MessageError,
  type RejectedRecipient,
  type Reply,
  ReplyError,
} from "../errors.ts";
import { type Dialogue, onlyReply } from "./dialogue.ts";
import { type Extensions, sizeLimit } from "./extensions.ts";

export interface Transaction {
  /** The reverse-path. */
  readonly from: string;
  /** The forward-paths, at least one. */
  readonly to: readonly string[];
  /** The message, every line ended by CR LF, before transparency. */
  readonly content: Uint8Array;
  /** An address of the envelope or of the header section is not ASCII (RFC 6531). */
  readonly utf8: boolean;
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

export function* transaction(
  { from, to, content, utf8 }: Transaction,
  extensions: Extensions,
): Dialogue<Outcome> {
  const { parameters, used } = mailParameters(content, utf8, extensions);
  const commands = [mailFrom(from, parameters), ...to.map(rcptTo), data()];
  const replies: Reply[] = [];

  // Pipelined and lock-step sends differ in the size of a group and in nothing else.
  const pipelining = extensions.has("PIPELINING");
  const size = pipelining ? MAX_COMMAND_GROUP : 1;
  for (let at = 0; at < commands.length && !isHopeless(replies, to.length); at += size) {
    replies.push(...(yield { kind: "commands", commands: commands.slice(at, at + size) }));
  }

  const [mailReply] = replies;
  const dataReply = replies[1 + to.length];
  const accepted = to.filter((_, index) => isPositive(replies[1 + index]));
  const rejected = to.flatMap((recipient, index) => {
    const reply = replies[1 + index];
    return reply === undefined || isPositive(reply) ? [] : [{ recipient, reply }];
  });

  const refusal = findRefusal(mailReply, accepted, rejected, dataReply);
  if (refusal !== undefined) {
    if (dataReply?.code === 354) {
      // RFC 2920 §3.1: the server waits for mail data that nobody is to get. It gets none.
      yield { kind: "content", content: NO_CONTENT, verdict: refusal };
    } else if (isPositive(mailReply)) {
      yield { kind: "commands", commands: [rset()], verdict: refusal };
    }
    throw refusal;
  }

  const reply = onlyReply(yield { kind: "content", content });
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

/** What MAIL says of the message, and what the message needs that the server must offer. */
function mailParameters(
  content: Uint8Array,
  utf8: boolean,
  extensions: Extensions,
): { readonly parameters: readonly string[]; readonly used: readonly string[] } {
  const parameters: string[] = [];
  const used: string[] = [];
  if (extensions.has("SIZE")) {
    const limit = sizeLimit(extensions);
    if (limit !== undefined && content.length > limit) {
      throw new MessageError(
        "message",
        `it is ${content.length} octets long; the server takes ${limit} at most`,
        {
          code: "message_too_large",
          phase: "mail",
        },
      );
    }
    parameters.push(`SIZE=${content.length}`);
    used.push("SIZE");
  }
  if (utf8) {
    if (!extensions.has("SMTPUTF8")) {
      throw new MessageError(
        "message",
        "an address is not ASCII, and the server does not offer SMTPUTF8 (RFC 6531)",
        {
          code: "extension_required",
          phase: "mail",
          hint: "use an ASCII address, or a server that offers SMTPUTF8",
        },
      );
    }
    parameters.push("SMTPUTF8");
    used.push("SMTPUTF8");
  }
  return { parameters, used };
}

/** Whether another group could not lead to a message: MAIL was refused, or every recipient was. */
function isHopeless(replies: readonly Reply[], recipients: number): boolean {
  const [mailReply, ...others] = replies;
  if (mailReply === undefined) return false;
  if (!isPositive(mailReply)) return true;
  return others.length >= recipients && !others.slice(0, recipients).some(isPositive);
}

function findRefusal(
  mailReply: Reply | undefined,
  accepted: readonly string[],
  rejected: readonly RejectedRecipient[],
  dataReply: Reply | undefined,
): ReplyError | undefined {
  if (mailReply !== undefined && !isPositive(mailReply)) {
    return new ReplyError(`the server refused the sender: ${describeReply(mailReply)}`, {
      code: "sender_refused",
      phase: "mail",
      verb: "MAIL",
      reply: mailReply,
    });
  }
  const [first] = rejected;
  if (accepted.length === 0 && first !== undefined) {
    // One that may be accepted later makes it worth trying again, so it speaks for all.
    const { recipient, reply } = rejected.find((one) => isTransient(one.reply)) ?? first;
    return new ReplyError(`the server refused every recipient: ${describeReply(reply)}`, {
      code: "recipients_refused",
      phase: "rcpt",
      verb: "RCPT",
      reply,
      recipient: rejected.length === 1 ? recipient : undefined,
      rejected,
    });
  }
  if (dataReply !== undefined && dataReply.code !== 354) {
    return new ReplyError(`the server refused to take the message: ${describeReply(dataReply)}`, {
      code: "data_refused",
      phase: "data",
      verb: "DATA",
      reply: dataReply,
      rejected,
    });
  }
  return undefined;
}

/** 250, 251 and 252 all take a recipient (RFC 5321 §3.4, §3.5.3). */
function isPositive(reply: Reply | undefined): boolean {
  return reply !== undefined && reply.code < 300;
}
