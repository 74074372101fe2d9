// One dialogue under way in a session: its turn, what was heard of it, and what may have become of its message.

import type { Verb } from "../commands.ts";
import {
  type Delivery,
  locate,
  type Phase,
  ProtocolError,
  type Reply,
  type ReplyError,
  type SmtpError,
} from "../errors.ts";
import type { Dialogue, Turn } from "./dialogue.ts";
import type { Subject } from "./state.ts";
import { isDecisive, phaseOf, subjectOf } from "./subject.ts";

export class Exchange {
  readonly dialogue: Dialogue<unknown>;
  turn: Turn | undefined;
  /** The chunks of mail data that were handed over and have no reply yet. */
  readonly chunks: Verb[] = [];
  delivery: Delivery = "not-sent";
  /** Part of a reply had come before that was written which it must be about: the last of the mail data, or a chunk. */
  isEarly = false;
  /** The last of its mail data has been handed over, and is on its way yet. */
  isLeaving = false;
  /** The replies to this turn that have been heard. */
  #replies: Reply[] = [];

  constructor(dialogue: Dialogue<unknown>) {
    this.dialogue = dialogue;
  }

  /** All of its message has been written, and nobody knows what became of it. */
  get isOut(): boolean {
    return this.delivery === "unknown";
  }

  /** What the next reply is owed to. */
  get awaited(): Subject | undefined {
    return this.turn && subjectOf(this.turn, this.#replies.length, this.chunks);
  }

  /** Nothing is owed to it by the server; it waits for something else. */
  get isWorking(): boolean {
    return this.turn?.kind === "later";
  }

  /** Whether each recipient gets a reply of their own to the mail data (RFC 2033 §4.2). */
  get isShared(): boolean {
    return this.turn?.kind === "content" && this.turn.replies > 1;
  }

  /** What is to be told of it where the server refused it. */
  refused(error: ReplyError): SmtpError {
    return this.fate(error, error.phase, this.isShared ? "unknown" : "rejected");
  }

  /**
   * Whether a reply comes too early to be about the mail data. While that flows only a refusal can be meant: the server
   * has not seen the end that it would accept. And once the end is written, a refusal that began before it does not say
   * what becomes of the message.
   */
  isPremature(subject: Subject, { code }: Reply): boolean {
    const wasEarly = this.isEarly;
    this.isEarly = false;
    const isRefusal = code >= 400;
    if (!isDecisive(subject)) return wasEarly && !isRefusal;
    return wasEarly || (this.delivery === "not-sent" && !isRefusal);
  }

  /** What it waits for. */
  get phase(): Phase {
    if (this.isWorking) return "auth";
    const subject = this.awaited;
    if (subject === undefined) return "idle";
    // Where a message hangs on the reply to QUIT, that has the time that other replies have.
    if (subject === "QUIT" && this.delivery !== "not-sent") return "rset";
    return isDecisive(subject) && this.delivery === "not-sent" ? "content" : phaseOf(subject);
  }

  /** How many more chunks may be handed over now; `undefined` where none is wanted. */
  get room(): number | undefined {
    if (this.turn?.kind !== "chunks" || this.#replies.length > 0) return undefined;
    return this.turn.window - this.chunks.length;
  }

  /** What its turn says is to be told where the session ends now. */
  verdict(error?: SmtpError): SmtpError | undefined {
    if (this.turn === undefined || !("verdict" in this.turn)) return undefined;
    return this.turn.verdict?.(this.#replies, error);
  }

  /** What is to be told of it where the session ends with `error`. */
  fate(error: SmtpError, phase: Phase = this.phase, delivery: Delivery = this.delivery): SmtpError {
    // Replies and commands are out of step: none of them says what becomes of a message that went with its envelope.
    const isMute = error instanceof ProtocolError && this.isOut && this.turn?.kind === "commands";
    return (isMute ? undefined : this.verdict(error)) ?? locate(error, phase, delivery);
  }

  /** Takes the reply to what is awaited; where it ends the turn, or that is cut short, the replies to all of it. */
  keep(reply: Reply, isCut = false): readonly Reply[] | undefined {
    if (isDecisive(this.awaited) && reply.code >= 400 && !this.isShared) this.delivery = "rejected";
    if (this.chunks.shift() === "BDAT") {
      // Of the replies to chunks, however many, the first refusal is kept. Behind it the server discards what is on its
      // way, and replies to each (RFC 3030 §2).
      if (reply.code >= 400 && this.#replies.length === 0) this.#replies.push(reply);
      if (this.#replies.length === 0 || this.chunks.length > 0) return undefined;
    } else {
      this.#replies.push(reply);
      if (!isCut && this.#isOwed) return undefined;
    }
    const replies = this.#replies;
    this.#replies = [];
    this.turn = undefined;
    return replies;
  }

  /** Whether more replies are owed to this turn. */
  get #isOwed(): boolean {
    if (this.turn?.kind === "content") return this.#replies.length < this.turn.replies;
    return this.turn?.kind === "commands" && this.awaited !== undefined;
  }
}
