// One SMTP session, sans-IO: octets in, effects out. It matches replies with what they answer, keeps the state
// by the one table, and knows at any moment what may have become of the message.

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
import { type Effect, effectsOf } from "./effect.ts";
import { Exchange } from "./exchange.ts";
import { ReplyParser } from "./reply.ts";
import { Secrets } from "./secrets.ts";
import { nextState, type State, type Subject } from "./state.ts";
import { isDecisive, phaseOf } from "./subject.ts";

const NOTHING: readonly never[] = [];

export class Session {
  #state: State = "connected";
  readonly #secrets: Secrets = new Secrets();
  #parser: ReplyParser = this.#newParser();
  /** The dialogue whose replies come now. */
  #current: Exchange | undefined;
  /** The one that has begun behind it: what it said is written, and its replies come when the other's have. */
  #next: Exchange | undefined;
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
    return this.#state === "ready" && this.#current === undefined;
  }

  /**
   * Whether another dialogue may begin behind the one under way: its mail data is written, and whatever the server makes
   * of it, nothing but RSET could follow.
   */
  get mayFollow(): boolean {
    return this.#current?.delivery === "unknown" && this.#next === undefined && this.#state !== "closed";
  }

  /** What the session waits for. */
  get phase(): Phase {
    const subject = this.#awaited;
    if (subject === undefined) return "idle";
    return isDecisive(subject) && this.deliveryOf() === "not-sent" ? "content" : phaseOf(subject);
  }

  /** How many replies have come so far: a deadline is for one reply, and starts again with the next. */
  get heard(): number {
    return this.#heard;
  }

  /** How many more chunks of mail data may be handed over now; `undefined` where none is wanted any more. */
  get room(): number | undefined {
    return this.#current?.room;
  }

  /** What may have become of the message of a dialogue, which is the current one where none is named. */
  deliveryOf(dialogue?: Dialogue<unknown>): Delivery {
    const exchange = dialogue !== undefined && this.#next?.dialogue === dialogue ? this.#next : this.#current;
    return exchange?.delivery ?? "not-sent";
  }

  /** Starts a dialogue. The one before it must be over, or have said its last: see `mayFollow`. */
  begin(dialogue: Dialogue<unknown>): readonly Effect[] {
    const exchange = new Exchange(dialogue);
    if (this.#current === undefined) this.#current = exchange;
    else this.#next = exchange;
    if (this.#state === "closed") return this.ended();
    return this.#resume(exchange, NOTHING);
  }

  /** Takes what the server said, in pieces of any size. */
  receive(octets: Uint8Array): readonly Effect[] {
    if (this.#state === "closed") return NOTHING;
    if (this.#state === "securing") return this.#distrust();
    this.#parser.push(octets);
    return this.#listen();
  }

  /** Must be called before a chunk is handed over, which gets a reply. */
  chunkGoes(verb: "BDAT" | "BDAT LAST"): void {
    const current = this.#current;
    if (current === undefined) return;
    if (current.chunks.length === 0) current.isEarly = !this.#parser.isEmpty;
    current.chunks.push(verb);
  }

  /** Must be called before the octets that end the mail data are handed over: from here on its fate is open. */
  contentEnds(): void {
    const speaker = this.#next ?? this.#current;
    if (speaker === undefined) return;
    // What has come of a reply to something before that is on time.
    if (speaker === this.#current && isDecisive(this.#awaited)) speaker.isEarly = !this.#parser.isEmpty;
    speaker.delivery = "unknown";
  }

  /** The TLS handshake is done. Nothing that was heard before it counts (RFC 3207 §4.2). */
  secured(): readonly Effect[] {
    this.#parser = this.#newParser();
    this.#move("TLS", 220);
    return this.#current === undefined ? NOTHING : this.#resume(this.#current, NOTHING);
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
      delivery = this.deliveryOf(),
    }: { readonly phase?: Phase; readonly delivery?: Delivery } = {},
  ): readonly Effect[] {
    this.#end();
    const current = this.#current;
    if (current === undefined) return NOTHING;
    return this.#reject(current, current.verdict ?? locate(error, phase, delivery));
  }

  /** What the next reply is owed to. */
  get #awaited(): Subject | undefined {
    return this.#current?.awaited;
  }

  /** Takes replies for as long as any is owed. */
  #listen(): readonly Effect[] {
    let effects: readonly Effect[] = NOTHING;
    for (let subject = this.#awaited; subject !== undefined; subject = this.#awaited) {
      let more: readonly Effect[];
      try {
        const reply = this.#parser.next();
        if (reply === undefined) return effects;
        more = this.#hear(reply, subject);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        more = this.fail(error);
      }
      effects = effects.length === 0 ? more : [...effects, ...more];
    }
    // Nobody asked: 421 may come at any time, anything else means that replies and commands are out of step. The
    // session ends either way, and what is settled stays settled.
    if (!this.#parser.isEmpty) this.#end();
    return effects;
  }

  #hear(reply: Reply, subject: Subject): readonly Effect[] {
    const current = this.#current;
    if (current === undefined) return NOTHING;
    this.#heard++;
    const masked = this.#secrets.maskReply(reply);
    this.#onReply?.(masked);

    // While mail data still flows only a refusal can be meant: the server has not seen the end that it would accept.
    // And once the end is written, a refusal that began before it does not say what becomes of the message.
    const isEarly = isDecisive(subject) && current.delivery === "not-sent";
    const isRefusal = reply.code >= 400;
    if ((isEarly && !isRefusal) || (current.isEarly && (isDecisive(subject) || !isRefusal))) {
      throw new ProtocolError(`the server judged a message it had not got whole: ${describeReply(masked)}`, {
        code: "unsolicited_reply",
      });
    }
    current.isEarly = false;
    if (reply.code === 421) return this.#close(subject, masked);
    this.#move(subject, reply.code);
    // What is left of the mail data would be read as commands, so this connection says nothing more.
    if (isEarly) this.#end();

    // A challenge is to be answered, not shown: it goes to the dialogue as it came.
    const replies = current.keep(reply.code === 334 ? reply : masked);
    if (replies === undefined) return NOTHING;
    const isOver = this.#parser.isEmpty || isEarly || this.#next !== undefined;
    return isOver ? this.#resume(current, replies) : this.#resumeTrailed(current, replies, subject);
  }

  /** Resumes the dialogue although octets trail the reply that ended its turn: they answer nothing we said. */
  #resumeTrailed(current: Exchange, replies: readonly Reply[], subject: Subject): readonly Effect[] {
    if (this.#state === "securing") return this.#distrust();
    // RFC 5321 §3.8: a 421 needs no command; it is heard with the next turn, or ends the session if there is none.
    // Mail data may be refused before it is all there.
    const effects = this.#resume(current, replies);
    const isRefusal = this.#parser.mayBe("4") || this.#parser.mayBe("5");
    if (this.#parser.mayBe("421") || (isRefusal && current.turn?.kind === "content")) return effects;
    // Replies and commands are out of step, so that a positive reply may belong to something else. A refusal stands.
    const desync = new ProtocolError("the server replied to a command it has not been given", {
      code: "unsolicited_reply",
    });
    if (this.#current !== undefined) throw desync;
    this.#end();
    const [settled] = effects;
    if (settled?.do !== "resolve") return effects;
    return [{ ...settled, do: "reject", error: locate(desync, phaseOf(subject), current.delivery) }];
  }

  #resume(exchange: Exchange, replies: readonly Reply[]): readonly Effect[] {
    let step: IteratorResult<Turn, unknown>;
    try {
      step = exchange.dialogue.next(replies);
    } catch (error) {
      if (error instanceof ProtocolError) {
        this.#end();
        locate(error, error.phase, exchange.delivery);
      }
      return this.#reject(exchange, error);
    }
    if (!step.done) return this.#take(exchange, step.value);
    return this.#settle(exchange, { do: "resolve", dialogue: exchange.dialogue, value: step.value });
  }

  #take(exchange: Exchange, turn: Turn): readonly Effect[] {
    exchange.turn = turn;
    // Where the session ended with what was heard, nothing can be tidied up any more.
    if (this.#state === "closed") return this.ended();
    // What begins behind a message does so with RSET, so that nothing is left to be tidied up.
    if (exchange === this.#current && this.#next !== undefined) {
      return this.#reject(exchange, exchange.verdict);
    }
    if (turn.kind === "commands") this.#secrets.remember(turn.commands);
    return effectsOf(turn);
  }

  #reject(exchange: Exchange, error: unknown): readonly Effect[] {
    return this.#settle(exchange, { do: "reject", dialogue: exchange.dialogue, error });
  }

  /** Ends a dialogue. What had begun behind it is the current one now, or has ended with the session. */
  #settle(exchange: Exchange, effect: Effect): readonly Effect[] {
    if (exchange === this.#current) this.#current = this.#next;
    this.#next = undefined;
    const current = this.#current;
    if (current === undefined || this.#state !== "closed") return [effect];
    const lost = new TransportError("the connection ended with the message before", {
      code: "connection_lost",
      transient: true,
    });
    return [effect, ...this.#reject(current, locate(lost, this.phase, current.delivery))];
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
    // What was said behind it was said to nobody.
    if (this.#next !== undefined) this.#next.delivery = "not-sent";
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
