// One SMTP session, sans-IO: octets in, effects out. It matches replies with what they answer, keeps the state
// by the one table, and knows at any moment what may have become of the message.

import type { Verb } from "../commands.ts";
import {
  type Delivery,
  locate,
  type Phase,
  ProtocolError,
  type Reply,
  ReplyError,
  type SmtpError,
  TransportError,
} from "../errors.ts";
import { describeReply } from "../excerpt.ts";
import type { Dialogue, Turn } from "./dialogue.ts";
import type { Effect } from "./effect.ts";
import { ReplyParser } from "./reply.ts";
import { Secrets } from "./secrets.ts";
import { nextState, type State, type Subject } from "./state.ts";
import { isDecisive, phaseOf, subjectOf } from "./subject.ts";

const NOTHING: readonly never[] = [];

export class Session {
  #state: State = "connected";
  readonly #secrets: Secrets = new Secrets();
  #parser: ReplyParser = this.#newParser();
  #dialogue: Dialogue<unknown> | undefined;
  #turn: Turn | undefined;
  /** The replies to this turn that have been heard. */
  #replies: Reply[] = [];
  /** The chunks of mail data that were handed over and have no reply yet. */
  #chunks: Verb[] = [];
  #delivery: Delivery = "not-sent";
  /** Part of a reply had come before that was written which it must be about: the last of the mail data, or a chunk. */
  #isEarly = false;
  #heard = 0;
  readonly #onReply: ((reply: Reply) => void) | undefined;

  constructor(onReply?: (reply: Reply) => void) {
    this.#onReply = onReply;
  }

  get state(): State {
    return this.#state;
  }

  /** Whether a mail transaction may begin: nothing is under way, and the server has said nothing unasked. */
  get isIdle(): boolean {
    return this.#state === "ready" && this.#dialogue === undefined;
  }

  /** What the session waits for. */
  get phase(): Phase {
    const subject = this.#awaited;
    if (subject === undefined) return "idle";
    return isDecisive(subject) && this.#delivery === "not-sent" ? "content" : phaseOf(subject);
  }

  /** How many replies have come so far: a deadline is for one reply, and starts again with the next. */
  get heard(): number {
    return this.#heard;
  }

  /** How many more chunks of mail data may be handed over now; `undefined` where none is wanted any more. */
  get room(): number | undefined {
    if (this.#turn?.kind !== "chunks" || this.#replies.length > 0) return undefined;
    return this.#turn.window - this.#chunks.length;
  }

  /** Starts a dialogue. The one before it must be over. */
  begin(dialogue: Dialogue<unknown>): readonly Effect[] {
    this.#dialogue = dialogue;
    this.#delivery = "not-sent";
    this.#isEarly = false;
    if (this.#state === "closed") return this.ended();
    return this.#resume(NOTHING);
  }

  /** Takes what the server said, in pieces of any size. */
  receive(octets: Uint8Array): readonly Effect[] {
    if (this.#state === "closed") return NOTHING;
    if (this.#state === "securing") return this.#distrust();
    this.#parser.push(octets);
    try {
      return this.#listen();
    } catch (error) {
      if (error instanceof ProtocolError) return this.fail(error);
      throw error;
    }
  }

  /** Must be called before a chunk is handed over, which gets a reply. */
  chunkGoes(verb: "BDAT" | "BDAT LAST"): void {
    if (this.#chunks.length === 0) this.#isEarly = !this.#parser.isEmpty;
    this.#chunks.push(verb);
  }

  /** Must be called before the octets that end the mail data are handed over: from here on its fate is open. */
  contentEnds(): void {
    // What has come of a reply to something before that is on time.
    if (isDecisive(this.#awaited)) this.#isEarly = !this.#parser.isEmpty;
    this.#delivery = "unknown";
  }

  /** The TLS handshake is done. Nothing that was heard before it counts (RFC 3207 §4.2). */
  secured(): readonly Effect[] {
    this.#parser = this.#newParser();
    this.#move("TLS", 220);
    return this.#resume(NOTHING);
  }

  /** The server closed the connection. */
  ended(): readonly Effect[] {
    return this.fail(
      new TransportError("the server closed the connection", { code: "connection_lost", transient: true }),
    );
  }

  /** The wire failed, a deadline passed, or the caller gave up: the session is over. */
  fail(
    error: SmtpError,
    {
      phase = this.phase,
      delivery = this.#delivery,
    }: { readonly phase?: Phase; readonly delivery?: Delivery } = {},
  ): readonly Effect[] {
    this.#end();
    if (this.#dialogue === undefined) return NOTHING;
    const verdict = this.#turn !== undefined && "verdict" in this.#turn ? this.#turn.verdict : undefined;
    return this.#settle({
      do: "reject",
      error: verdict?.(this.#replies) ?? locate(error, phase, delivery),
    });
  }

  /** What the next reply is owed to. */
  get #awaited(): Subject | undefined {
    return this.#turn && subjectOf(this.#turn, this.#replies.length, this.#chunks);
  }

  /** Takes replies for as long as any is owed. */
  #listen(): readonly Effect[] {
    let effects: readonly Effect[] = NOTHING;
    for (let subject = this.#awaited; subject !== undefined; subject = this.#awaited) {
      const reply = this.#parser.next();
      if (reply === undefined) return effects;
      const more = this.#hear(reply, subject);
      effects = effects.length === 0 ? more : [...effects, ...more];
    }
    // Nobody asked: 421 may come at any time, anything else means that replies and commands are out of step. The
    // session ends either way, and what is settled stays settled.
    if (!this.#parser.isEmpty) this.#end();
    return effects;
  }

  #hear(reply: Reply, subject: Subject): readonly Effect[] {
    this.#heard++;
    const masked = this.#secrets.maskReply(reply);
    this.#onReply?.(masked);

    // While mail data still flows only a refusal can be meant: the server has not seen the end that it would accept.
    // And once the end is written, a refusal that began before it does not say what becomes of the message.
    const isEarly = isDecisive(subject) && this.#delivery === "not-sent";
    const isRefusal = reply.code >= 400;
    if ((isEarly && !isRefusal) || (this.#isEarly && (isDecisive(subject) || !isRefusal))) {
      throw new ProtocolError(`the server judged a message it had not got whole: ${describeReply(masked)}`, {
        code: "unsolicited_reply",
      });
    }
    this.#isEarly = false;
    if (reply.code === 421) return this.#close(subject, masked);
    this.#move(subject, reply.code);
    // What is left of the mail data would be read as commands, so this connection says nothing more.
    if (isEarly) this.#end();

    if (this.#chunks.shift() === "BDAT") {
      // Of the replies to chunks, however many, the first refusal is kept. Behind it the server discards what is on its
      // way, and replies to each (RFC 3030 §2).
      if (isRefusal && this.#replies.length === 0) this.#replies.push(masked);
      if (this.#replies.length === 0 || this.#chunks.length > 0) return NOTHING;
    } else {
      // A challenge is to be answered, not shown: it goes to the dialogue as it came.
      this.#replies.push(reply.code === 334 ? reply : masked);
      if (this.#turn?.kind === "commands" && this.#awaited !== undefined) return NOTHING;
    }
    const replies = this.#replies;
    this.#replies = [];
    this.#turn = undefined;
    return this.#parser.isEmpty || isEarly ? this.#resume(replies) : this.#resumeTrailed(replies, subject);
  }

  /** Resumes the dialogue although octets trail the reply that ended its turn: they answer nothing we said. */
  #resumeTrailed(replies: readonly Reply[], subject: Subject): readonly Effect[] {
    if (this.#state === "securing") return this.#distrust();
    // RFC 5321 §3.8: a 421 needs no command; it is heard with the next turn, or ends the session if there is none.
    // Mail data may be refused before it is all there.
    const effects = this.#resume(replies);
    const isRefusal = this.#parser.mayBe("4") || this.#parser.mayBe("5");
    if (this.#parser.mayBe("421") || (isRefusal && this.#turn?.kind === "content")) return effects;
    // Replies and commands are out of step, so that a positive reply may belong to something else. A refusal stands.
    const desync = new ProtocolError("the server replied to a command it has not been given", {
      code: "unsolicited_reply",
    });
    if (this.#dialogue !== undefined) throw desync;
    this.#end();
    const [settled] = effects;
    if (settled?.do !== "resolve") return effects;
    return [{ do: "reject", error: locate(desync, phaseOf(subject), this.#delivery) }];
  }

  #resume(replies: readonly Reply[]): readonly Effect[] {
    const dialogue = this.#dialogue;
    if (dialogue === undefined) return NOTHING;
    let step: IteratorResult<Turn, unknown>;
    try {
      step = dialogue.next(replies);
    } catch (error) {
      if (error instanceof ProtocolError) {
        this.#end();
        locate(error, error.phase, this.#delivery);
      }
      return this.#settle({ do: "reject", error });
    }
    return step.done ? this.#settle({ do: "resolve", value: step.value }) : this.#take(step.value);
  }

  #take(turn: Turn): readonly Effect[] {
    this.#turn = turn;
    // Where the session ended with what was heard, nothing can be tidied up any more.
    if (this.#state === "closed") return this.ended();
    switch (turn.kind) {
      case "greeting":
        return NOTHING;
      case "commands":
        this.#secrets.remember(turn.commands);
        return [{ do: "write", commands: turn.commands, content: turn.content }];
      case "content":
        if (turn.content instanceof Uint8Array) return [{ do: "stream", content: turn.content }];
        return [{ do: "pump", content: turn.content, limit: turn.limit, isChunked: false }];
      case "chunks":
        return [{ do: "pump", content: turn.content, limit: turn.limit, isChunked: true }];
      case "tls":
        return [{ do: "upgrade" }];
    }
  }

  #settle(effect: Effect): readonly Effect[] {
    this.#dialogue = undefined;
    this.#turn = undefined;
    this.#replies = [];
    this.#chunks = [];
    return [effect];
  }

  /** RFC 3207 §4.2: octets that trail the 220 in the clear were not said by the server we are about to trust. */
  #distrust(): readonly Effect[] {
    const error = new ProtocolError("octets follow the reply to STARTTLS in the clear", {
      code: "starttls_injection",
      hint: "someone between may be tampering with the connection",
    });
    return this.fail(error, { phase: "starttls" });
  }

  /** RFC 5321 §3.8: the server shuts the channel down, whatever we asked. */
  #close(subject: Subject, reply: Reply): readonly Effect[] {
    const error = new ReplyError(`the server closes the session: ${describeReply(reply)}`, {
      code: "service_closing",
      phase: this.phase,
      verb: subject,
      reply,
    });
    const isAboutContent = isDecisive(subject) || subject === "BDAT";
    return this.fail(error, { delivery: isAboutContent ? "rejected" : "not-sent" });
  }

  #move(subject: Subject, code: number): void {
    const next = nextState(this.#state, subject, code);
    if (next === undefined) {
      throw new ProtocolError(`the server replied ${code} to ${subject}, which the protocol does not allow`, {
        code: "unexpected_reply",
      });
    }
    this.#state = next;
  }

  /** The other way to leave a state: for good. */
  #end(): void {
    this.#state = "closed";
  }

  #newParser(): ReplyParser {
    return new ReplyParser((text) => this.#secrets.mask(text));
  }
}
