// One dialogue under way in a session: its turn, what was heard of it, and what may have become of its message.

import type { Verb } from "../commands.ts";
import type { Delivery, Reply, SmtpError } from "../errors.ts";
import type { Dialogue, Turn } from "./dialogue.ts";
import type { Subject } from "./state.ts";
import { subjectOf } from "./subject.ts";

export class Exchange {
  readonly dialogue: Dialogue<unknown>;
  turn: Turn | undefined;
  /** The chunks of mail data that were handed over and have no reply yet. */
  readonly chunks: Verb[] = [];
  delivery: Delivery = "not-sent";
  /** Part of a reply had come before that was written which it must be about: the last of the mail data, or a chunk. */
  isEarly = false;
  /** The replies to this turn that have been heard. */
  #replies: Reply[] = [];

  constructor(dialogue: Dialogue<unknown>) {
    this.dialogue = dialogue;
  }

  /** What the next reply is owed to. */
  get awaited(): Subject | undefined {
    return this.turn && subjectOf(this.turn, this.#replies.length, this.chunks);
  }

  /** How many more chunks may be handed over now; `undefined` where none is wanted. */
  get room(): number | undefined {
    if (this.turn?.kind !== "chunks" || this.#replies.length > 0) return undefined;
    return this.turn.window - this.chunks.length;
  }

  /** What is to be told of it where the session ends now. */
  get verdict(): SmtpError | undefined {
    return this.turn !== undefined && "verdict" in this.turn ? this.turn.verdict?.(this.#replies) : undefined;
  }

  /** Takes the reply to what is awaited; where it ends the turn, the replies to all of it. */
  keep(reply: Reply): readonly Reply[] | undefined {
    if (this.chunks.shift() === "BDAT") {
      // Of the replies to chunks, however many, the first refusal is kept. Behind it the server discards what is on its
      // way, and replies to each (RFC 3030 §2).
      if (reply.code >= 400 && this.#replies.length === 0) this.#replies.push(reply);
      if (this.#replies.length === 0 || this.chunks.length > 0) return undefined;
    } else {
      this.#replies.push(reply);
      if (this.turn?.kind === "commands" && this.awaited !== undefined) return undefined;
    }
    const replies = this.#replies;
    this.#replies = [];
    this.turn = undefined;
    return replies;
  }
}
