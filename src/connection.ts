// One session on one wire: carries out what the session asks, and adds what it does not know of, time and the
// caller's wish to stop.

import { abortError } from "./abort.ts";
import { type Caller, Callers, type Settled, type Settlement, settle } from "./callers.ts";
import { type Command, encodeGroup, quit } from "./commands.ts";
import { addressLiteral } from "./connect.ts";
import { type Call, channelOver, dial, outcomeOf, securedEvent, withToken } from "./dial.ts";
import { type ErrorCode, type Phase, type Reply, SmtpError, TransportError } from "./errors.ts";
import { Outflow } from "./outflow.ts";
import { Patience } from "./patience.ts";
import { ask, type Dialogue } from "./protocol/dialogue.ts";
import type { Effect } from "./protocol/effect.ts";
import { type Extensions, type Limits, limitsOf, NO_EXTENSIONS, usableOver } from "./protocol/extensions.ts";
import { broken } from "./protocol/faults.ts";
import { opening } from "./protocol/opening.ts";
import { Session } from "./protocol/session.ts";
import { type Outcome, type Transaction, transaction } from "./protocol/transaction.ts";
import type { ConnectionSettings } from "./settings.ts";
import { followed, type Tell, telling, undisturbed } from "./trace.ts";
import type { Wire } from "./transport/wire.ts";

export type { ConnectionSettings } from "./settings.ts";

/**
 * How long, in milliseconds, a server that says nothing is taken to be there still: servers and what is between close
 * what is idle after ten seconds at the earliest.
 */
const FRESH = 5_000;

export class Connection {
  /** What it is called in the trace. */
  readonly id: number;
  readonly #settings: ConnectionSettings;
  readonly #wire: Wire;
  readonly #session: Session;
  readonly #outflow: Outflow;
  readonly #patience: Patience;
  /** Where nobody listens, what would be told is not even made up. */
  readonly #tell: Tell | undefined;
  #isHeld = true;
  #extensions: Extensions = NO_EXTENSIONS;
  readonly #callers: Callers = new Callers();
  /** When the server last said something. */
  #heardAt = 0;
  /** Somebody gave up who shares the connection with another: it ends with that one. */
  #isDoomed = false;
  #isLeaving = false;
  #isOver = false;
  /** Why it ended, where something went wrong: for the trace. */
  #ending: { readonly phase: Phase; readonly code: ErrorCode } | undefined;

  /** Nothing goes along with an envelope, nor behind another message: this server has lost some that did. */
  isWary = false;
  /** Is called once, when the connection has ended, for whatever reason. */
  onClosed: () => void = () => {};
  /** Is called when the mail data of a message is written: another may follow it, see `mayFollow`. */
  onSent: () => void = () => {};

  private constructor(id: number, wire: Wire, settings: ConnectionSettings, listener: Tell | undefined) {
    const tell = listener && this.#callers.undivided(listener);
    this.id = id;
    this.#wire = wire;
    this.#settings = settings;
    this.#tell = tell;
    // A copy: the reply itself goes into receipts and errors, and nobody who listens is to change these.
    this.#session = new Session(
      tell && ((reply) => tell({ kind: "reply", reply: { ...reply, lines: [...reply.lines] } })),
    );
    this.#outflow = new Outflow(this.#session, wire, {
      // What is written behind a message does not give the server more time for that one.
      moved: () => this.#watch(this.#session.isFollowed ? "once" : "again"),
      said: ({ shown }) => tell?.({ kind: "command", line: shown }),
      sent: (octets) => tell?.({ kind: "content", octets }),
      left: () => {
        this.#perform(this.#session.contentLeft());
        this.onSent();
      },
      failed: (error) => this.#fail(error),
    });
    this.#patience = new Patience(settings.timeouts, () => {
      this.#fail(this.#patience.overdue(this.#session.phase, this.#outflow.starving));
    });
  }

  /** Connects and opens the session: greeting, EHLO, TLS, AUTH. */
  static open(settings: ConnectionSettings, call: Call): Promise<Connection> {
    const { host, port } = settings.target;
    const context = { connection: call.id, host, port };
    return followed(settings.trace.connect, context, () => Connection.#open(settings, call));
  }

  static async #open(settings: ConnectionSettings, { id, signal, accessToken }: Call): Promise<Connection> {
    const tell = signal?.aborted ? undefined : telling(settings.trace, id);
    const wire = await dial(settings, { tell, signal });
    const connection = new Connection(id, wire, settings, tell);
    const name = settings.name ?? addressLiteral(wire.localAddress);
    const login = withToken(settings.opening.login, accessToken);
    const channel = channelOver(wire, settings.insecureAllowed);
    const opened = connection.#run(opening({ ...settings.opening, name, login }, channel), signal);
    void connection.#read();
    try {
      connection.#extensions = usableOver(wire, await opened);
    } catch (error) {
      connection.#endWith(error);
      connection.destroy();
      throw error;
    }
    return connection;
  }

  /** Whether the next message may go over this connection. */
  get isReady(): boolean {
    return !this.#isOver && !this.#isDoomed && this.#session.isIdle;
  }

  /** Whether the next message may begin behind the one whose fate is awaited (RFC 2920 §3.1). */
  get mayFollow(): boolean {
    return !this.#isDoomed && !this.isWary && this.offers("PIPELINING") && this.#session.mayFollow;
  }

  /** Whether the server listed this extension, and the user does not withhold it. */
  offers(keyword: string): boolean {
    return this.#extensions.has(keyword);
  }

  /** What the server takes at most, where it says so (RFC 9422). */
  get limits(): Limits | undefined {
    return this.offers("LIMITS") ? limitsOf(this.#extensions) : undefined;
  }

  /** Carries one mail transaction. The caller waits for it to end before the next, or until that may follow it. */
  deliver(one: Transaction, caller: Caller<Outcome>, signal?: AbortSignal): void {
    const { onPartial, opening } = this.#settings;
    const isAlive = performance.now() - this.#heardAt < FRESH && !this.isWary;
    const manner = !this.#session.isIdle ? "behind" : isAlive ? "at once" : "step by step";
    const how = { manner, onPartial, protocol: opening.protocol } as const;
    this.#begin(transaction(one, this.#extensions, how), caller, signal);
  }

  /** Says one command that is no part of a transaction. */
  ask(command: Command, signal?: AbortSignal): Promise<Reply> {
    return this.#run(ask(command), signal);
  }

  /** Says QUIT, waits a little for the answer, and closes. Never fails: nothing depends on it any more. */
  async quit(): Promise<void> {
    if (!this.isReady) return this.destroy();
    this.#isLeaving = true;
    await this.#run(ask(quit())).catch(() => {});
    this.#finish();
  }

  /** Ends the connection at once. What was under way fails with `reason`. */
  destroy(reason: TransportError = new TransportError("the client was closed", { code: "aborted" })): void {
    this.#fail(reason);
    this.#finish();
  }

  /** Whether waiting for this connection keeps the process alive. */
  hold(active: boolean): void {
    if (this.#isHeld === active) return;
    this.#isHeld = active;
    undisturbed(() => this.#wire.hold(active));
  }

  #run<T>(dialogue: Dialogue<T>, signal?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => this.#begin(dialogue, { resolve, reject }, signal));
  }

  #begin<T>(dialogue: Dialogue<T>, caller: Caller<T>, signal: AbortSignal | undefined): void {
    const giveUp = (): void => this.#giveUp(dialogue, abortError(signal, this.#session.phase));
    this.#callers.add(dialogue, caller, { signal, giveUp });
    const effects = this.#session.begin(dialogue);
    // Who fails at once is told later: the connection goes to the next, who may fail alike, and so on through the queue.
    if (effects[0]?.do === "reject") queueMicrotask(() => this.#perform(effects));
    else this.#perform(effects);
    if (signal?.aborted) giveUp();
  }

  /** Reads for as long as the wire lives, so that a server that hangs up while nothing is under way is noticed. */
  async #read(): Promise<void> {
    try {
      while (!this.#isOver) {
        const octets = await this.#wire.read();
        this.#heardAt = performance.now();
        this.#perform(octets === undefined ? this.#session.ended() : this.#session.receive(octets));
        // A reply to mail data that has not left yet is heard when it has; no more is read before.
        if (this.#session.isWaiting) await this.#outflow.leaving;
        if (this.#session.state === "securing") await this.#secure();
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  async #secure(): Promise<void> {
    await this.#wire.startTls();
    if (this.#isOver) return;
    this.#tell?.(securedEvent(this.#wire));
    this.#perform(this.#session.secured());
  }

  #perform(effects: readonly Effect[]): void {
    const settled: Settled[] = [];
    for (const effect of effects) {
      if (effect.do === "resolve" || effect.do === "reject") {
        const caller = this.#callers.take(effect.dialogue);
        if (caller !== undefined) settled.push({ caller, effect });
        if (effect.do === "reject" && this.#session.state === "closed") this.#endWith(effect.error);
      } else if (this.#mayTalk) {
        this.#carryOut(effect);
      }
    }
    this.#outflow.heard();
    if (this.#session.state === "closed" || this.#isForlorn) this.#finish();
    else this.#watch();
    // Behind all that there was to do: whoever hears may have more to say over this connection at once.
    settled.forEach(settle);
  }

  /** A session that has closed meanwhile has nothing to say any more, nor has one for which nobody is left. */
  get #mayTalk(): boolean {
    return this.#session.state !== "closed" && !this.#isForlorn;
  }

  #carryOut(effect: Exclude<Effect, Settlement>): void {
    switch (effect.do) {
      case "write":
        this.#write(effect.commands, effect.content);
        break;
      case "stream":
        this.#outflow.stream(effect.content);
        break;
      case "pump":
        void this.#outflow.pump(effect.content, effect.limit, effect.isChunked ? "in chunks" : "whole");
        break;
      case "work":
        void outcomeOf(effect.work).then((outcome) =>
          this.#perform(this.#session.worked(effect.dialogue, outcome)),
        );
        break;
      case "upgrade":
        // The read loop does it once this read is over: TLS can only begin where no read is outstanding.
        break;
    }
  }

  /** One write for a group. It is not waited for: a server that cannot write its replies would never read the rest. */
  #write(commands: readonly Command[], content: Uint8Array | undefined): void {
    if (this.#tell) for (const { shown } of commands) this.#tell({ kind: "command", line: shown });
    if (content !== undefined) this.#outflow.stream(content, commands);
    else this.#outflow.say(encodeGroup(commands))?.catch((error) => this.#fail(error));
  }

  get #isForlorn(): boolean {
    return this.#isDoomed && this.#callers.size === 0;
  }

  /** The caller of one message does not wait for it any more. That ends the connection, but not under another's message. */
  #giveUp(dialogue: Dialogue<unknown>, error: SmtpError): void {
    if (this.#callers.size < 2 && !this.#isDoomed) {
      this.#fail(error);
      return;
    }
    this.#isDoomed = true;
    this.#endWith(error);
    const fate = this.#session.fateOf(dialogue, error);
    const caller = this.#callers.take(dialogue);
    if (this.#isForlorn) this.#finish();
    caller?.reject(fate);
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    const fault = error instanceof SmtpError ? error : broken(error);
    this.#endWith(fault, this.#session.phase);
    this.#perform(this.#session.fail(fault));
  }

  /** Notes why the connection ends: the first thing that went wrong. An end that nobody felt is nobody's fault. */
  #endWith(error: unknown, phase?: Phase): void {
    if (!(error instanceof SmtpError) || phase === "idle") return;
    this.#ending ??= { phase: phase ?? error.phase, code: error.code };
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#patience.clear();
    if (this.#isLeaving) this.#outflow.flush();
    this.#outflow.close();
    // A wire of the caller's own may throw, and who waits is to be told all the same.
    undisturbed(() => (this.#isLeaving ? this.#wire.close() : this.#wire.destroy()));
    const { phase, code } = this.#ending ?? { phase: this.#isLeaving ? "quit" : "idle", code: undefined };
    this.#tell?.({ kind: "closed", phase, code });
    this.onClosed();
  }

  /** Sets the deadline of what the session waits for now, once for each reply it waits for. */
  #watch(how: "once" | "again" = "once"): void {
    const { phase, heard } = this.#session;
    this.#patience.wait(phase, heard, how);
  }
}
