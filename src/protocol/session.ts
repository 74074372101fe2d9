// One SMTP session, sans-IO: octets in, effects out. It matches replies with what they answer, keeps the state
// by the one table, and knows at any moment what may have become of the message.

import { locate, type Phase, ProtocolError, type Reply, type SmtpError } from "../errors.ts";
import type { Dialogue, Turn, WorkOutcome } from "./dialogue.ts";
import { type Effect, effectsOf } from "./effect.ts";
import { Exchange } from "./exchange.ts";
import { Farewell } from "./farewell.ts";
import { hungUp, injected, judgedEarly, leftBehind, notAllowed, serviceClosing, unasked } from "./faults.ts";
import { ReplyParser } from "./reply.ts";
import { Secrets } from "./secrets.ts";
import { nextState, type State, type Subject } from "./state.ts";
import { isDecisive, isForUs, phaseOf } from "./subject.ts";

const NOTHING: readonly never[] = [];

export class Session {
  #state: State = "connected";
  readonly #secrets: Secrets = new Secrets();
  #parser: ReplyParser = this.#newParser();
  /** Those under way, in the order they began: the first is whose replies come now, the last is who speaks. */
  readonly #exchanges: Exchange[] = [];
  /** The server has said 421, and what it says from here on tells whether it keeps its word. */
  #farewell: Farewell | undefined;
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
    return this.#state === "ready" && this.#exchanges.length === 0;
  }

  /**
   * Whether another dialogue may begin behind those under way: the mail data of the last has left, and whatever the
   * server makes of it, nothing but RSET could follow.
   */
  get mayFollow(): boolean {
    const last = this.#exchanges.at(-1);
    const hasLeft = last?.isOut === true && !last.isLeaving;
    return hasLeft && this.#state !== "closed" && this.#farewell === undefined;
  }

  /** Whether a dialogue has begun behind the one whose replies come now. */
  get isFollowed(): boolean {
    return this.#exchanges.length > 1;
  }

  /** Replies have come that must wait until the mail data has left: see `contentLeft`. */
  get isWaiting(): boolean {
    return this.#current?.isLeaving === true && !this.#parser.isEmpty;
  }

  /** What the session waits for. */
  get phase(): Phase {
    const phase = this.#current?.phase ?? "idle";
    // Of a server that has taken its leave nothing is wanted but that it goes.
    return phase !== "idle" && this.#farewell !== undefined ? "quit" : phase;
  }

  /** How many replies have come so far: a deadline is for one reply, and starts again with the next. */
  get heard(): number {
    return this.#heard;
  }

  /** How many more chunks of mail data may be handed over now; `undefined` where none is wanted any more. */
  get room(): number | undefined {
    return this.#current?.room;
  }

  /** Starts a dialogue. Those before it must be over, or have said their last: see `mayFollow`. */
  begin(dialogue: Dialogue<unknown>): readonly Effect[] {
    const exchange = new Exchange(dialogue);
    this.#exchanges.push(exchange);
    if (this.#state === "closed") return this.ended();
    return this.#resume(exchange, NOTHING);
  }

  /** Takes what the server said, in pieces of any size. */
  receive(octets: Uint8Array): readonly Effect[] {
    if (this.#state === "closed") return NOTHING;
    if (this.#state === "securing") return this.fail(injected(), { phase: "starttls" });
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
    const speaker = this.#exchanges.at(-1);
    if (speaker === undefined) return;
    // What has come of a reply to something before that is on time.
    if (speaker === this.#current && isDecisive(speaker.awaited)) speaker.isEarly = !this.#parser.isEmpty;
    speaker.delivery = "unknown";
    speaker.isLeaving = true;
  }

  /** Must be called when it turns out that the last `ends` of the mail data handed over have not left yet. */
  contentStays(ends: number): void {
    for (const exchange of this.#exchanges.filter(({ isOut }) => isOut).slice(-ends))
      exchange.isLeaving = true;
  }

  /** Must be called when those octets have left: until then the server cannot have accepted them. */
  contentLeft(): readonly Effect[] {
    for (const exchange of this.#exchanges) exchange.isLeaving = false;
    return this.#parser.isEmpty || this.#state === "closed" ? NOTHING : this.#listen();
  }

  /** The TLS handshake is done. Nothing that was heard before it counts (RFC 3207 §4.2). */
  secured(): readonly Effect[] {
    this.#parser = this.#newParser();
    this.#move("TLS", 220);
    return this.#current === undefined ? NOTHING : this.#resume(this.#current, NOTHING);
  }

  /** What a dialogue waited for has come about, or has failed. Meanwhile nothing but 421 may have come. */
  worked(dialogue: Dialogue<unknown>, outcome: WorkOutcome): readonly Effect[] {
    const current = this.#current;
    if (current?.dialogue !== dialogue) return NOTHING;
    if (!this.#parser.isEmpty && !this.#parser.mayBe("421")) return this.fail(unasked());
    current.turn = undefined;
    return [...this.#resume(current, outcome as never), ...this.#listen()];
  }

  /** The server closed the connection. It may have said why while something else was waited for. */
  ended(): readonly Effect[] {
    const why = this.#current?.isWorking && this.#parser.mayBe("421") && this.#parser.next();
    return why ? this.#hear(why, "AUTH", this.#current) : this.fail(hungUp());
  }

  /** The wire failed, a deadline passed, or the caller gave up: the session is over. */
  fail(error: SmtpError, { phase = this.phase }: { readonly phase?: Phase } = {}): readonly Effect[] {
    this.#end();
    const current = this.#current;
    if (current === undefined) return NOTHING;
    if (this.#farewell !== undefined) return this.#part(error.code === "connection_lost" ? "kept" : "broken");
    return this.#reject(current, current.fate(error, phase));
  }

  /** What is to be told of a dialogue whose caller does not wait for it any more. */
  fateOf(dialogue: Dialogue<unknown>, error: SmtpError): SmtpError {
    const exchange = this.#exchanges.find((one) => one.dialogue === dialogue);
    return exchange === undefined ? error : exchange.fate(error);
  }

  get #current(): Exchange | undefined {
    return this.#exchanges[0];
  }

  /** Takes replies for as long as any is owed. */
  #listen(): readonly Effect[] {
    const effects: Effect[] = [];
    for (;;) {
      const current = this.#current;
      if (current?.isWorking) return effects;
      const subject = current?.awaited;
      if (current === undefined || subject === undefined) break;
      // Only what has left can be accepted; refused it may be before, where one reply decides for all.
      const isWaiting = current.isLeaving && isDecisive(subject) && this.#farewell === undefined;
      if (isWaiting && (current.isShared || !this.#parser.mayRefuse)) return effects;
      try {
        const reply = this.#parser.next();
        if (reply === undefined) return effects;
        effects.push(...this.#hear(reply, subject, current));
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        effects.push(...this.fail(error));
      }
    }
    // Nobody asked: 421 may come at any time, anything else means that replies and commands are out of step. The
    // session ends either way, and what is settled stays settled.
    if (!this.#parser.isEmpty) this.#end();
    return effects;
  }

  #hear(reply: Reply, subject: Subject, current: Exchange): readonly Effect[] {
    const masked = this.#secrets.maskReply(reply);
    this.#onReply?.(masked);
    // No time for each of these: who only goes on refusing would be waited for without end.
    if (this.#farewell !== undefined) return reply.code < 400 ? this.#part("broken") : NOTHING;

    this.#heard++;
    if (current.isPremature(subject, reply)) throw judgedEarly(masked);
    if (reply.code === 421) return this.#close(subject, masked, current);
    this.#move(subject, reply.code);
    // What is left of the mail data would be read as commands, so this connection says nothing more.
    const isCut = isDecisive(subject) && (current.delivery === "not-sent" || current.isLeaving);
    if (isCut) this.#end();

    const replies = current.keep(isForUs(reply, subject) ? reply : masked, isCut);
    if (replies === undefined) return NOTHING;
    const isOver = this.#parser.isEmpty || isCut || this.isFollowed;
    return isOver ? this.#resume(current, replies) : this.#resumeTrailed(current, replies, subject);
  }

  /** Resumes the dialogue although octets trail the reply that ended its turn: they answer nothing we said. */
  #resumeTrailed(current: Exchange, replies: readonly Reply[], subject: Subject): readonly Effect[] {
    if (this.#state === "securing") return this.fail(injected(), { phase: "starttls" });
    // RFC 5321 §3.8: a 421 needs no command; it is heard with the next turn, or ends the session if there is none.
    // Mail data may be refused before it is all there.
    const effects = this.#resume(current, replies);
    if (this.#parser.mayBe("421") || (this.#parser.mayRefuse && current.turn?.kind === "content"))
      return effects;
    // Replies and commands are out of step, so that a positive reply may belong to something else. A refusal stands,
    // unless the message went along with the envelope: nothing tells then which reply is about it.
    const desync = unasked();
    if (this.#current !== undefined) throw desync;
    this.#end();
    const [settled] = effects;
    if (settled?.do !== "resolve" && subject !== "BDAT LAST") return effects;
    const delivery = current.delivery === "not-sent" ? "not-sent" : "unknown";
    return [{ do: "reject", dialogue: current.dialogue, error: locate(desync, phaseOf(subject), delivery) }];
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
    if (exchange === this.#current && this.isFollowed) return this.#reject(exchange, exchange.verdict());
    this.#secrets.note(turn);
    return effectsOf(turn, exchange.dialogue);
  }

  #reject(exchange: Exchange, error: unknown): readonly Effect[] {
    return this.#settle(exchange, { do: "reject", dialogue: exchange.dialogue, error });
  }

  /** Ends a dialogue. What had begun behind it is the current one now, or has ended with the session. */
  #settle(exchange: Exchange, effect: Effect): readonly Effect[] {
    const at = this.#exchanges.indexOf(exchange);
    if (at >= 0) this.#exchanges.splice(at, 1);
    const next = this.#current;
    if (next === undefined || this.#state !== "closed") return [effect];
    return [effect, ...this.#reject(next, next.fate(leftBehind()))];
  }

  /** RFC 5321 §3.8: the server shuts the channel down, whatever we asked. */
  #close(subject: Subject, reply: Reply, current: Exchange): readonly Effect[] {
    const error = serviceClosing(reply, subject, this.phase);
    if (isDecisive(subject)) {
      // Where more trails it, nothing tells which reply is about a message that went along with its envelope.
      const isDoubtful = subject === "BDAT LAST" && !this.isFollowed && !this.#parser.isEmpty;
      if (this.#exchanges.slice(1).some(({ isOut }) => isOut))
        this.#farewell = new Farewell(error, undefined);
      else this.#end();
      const fate = isDoubtful ? locate(error, error.phase, "unknown") : current.refused(error);
      return this.#reject(current, fate);
    }
    if (this.#exchanges.some(({ isOut }) => isOut)) {
      // A server that goes on regardless may take what it has got already.
      this.#farewell = new Farewell(error, current);
      return NOTHING;
    }
    this.#end();
    return this.#reject(current, subject === "BDAT" ? current.refused(error) : current.fate(error));
  }

  /** The session ends that the server had said would end. */
  #part(word: "kept" | "broken"): readonly Effect[] {
    this.#end();
    return this.#farewell?.settle(this.#exchanges.splice(0), word) ?? NOTHING;
  }

  #move(subject: Subject, code: number): void {
    const next = nextState(this.#state, subject, code);
    if (next === undefined) throw notAllowed(code, subject);
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
