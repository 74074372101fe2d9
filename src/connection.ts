// One session on one wire: carries out what the session asks, and adds what it does not know of, time and the
// caller's wish to stop.

import { abortError, onAbort } from "./abort.ts";
import { type Command, encodeGroup, quit } from "./commands.ts";
import { addressLiteral, openWire } from "./connect.ts";
import { Deadline, timeoutOf } from "./deadline.ts";
import { locate, type Phase, SmtpError, TransportError } from "./errors.ts";
import { stalled } from "./flow.ts";
import { Outflow } from "./outflow.ts";
import { ask, type Dialogue } from "./protocol/dialogue.ts";
import type { Effect } from "./protocol/effect.ts";
import { type Extensions, NO_EXTENSIONS } from "./protocol/extensions.ts";
import { opening } from "./protocol/opening.ts";
import { Session } from "./protocol/session.ts";
import { type Manner, type Outcome, type Transaction, transaction } from "./protocol/transaction.ts";
import type { ConnectionSettings, TraceEvent } from "./settings.ts";
import type { Wire } from "./transport/wire.ts";

export type { ConnectionSettings, TraceEvent } from "./settings.ts";

/**
 * How long, in milliseconds, a server that says nothing is taken to be there still: servers and what is between close
 * what is idle after ten seconds at the earliest.
 */
const FRESH = 5_000;

export class Connection {
  readonly #id: number;
  readonly #settings: ConnectionSettings;
  readonly #wire: Wire;
  readonly #session: Session;
  readonly #outflow: Outflow;
  readonly #deadline: Deadline;
  readonly #isTraced: boolean;
  #isHeld = true;
  #extensions: Extensions = NO_EXTENSIONS;
  /** Who waits for what is under way: one, or two where one has begun behind the other. */
  readonly #pending: Map<Dialogue<unknown>, Pending> = new Map();
  #watchedPhase: Phase = "idle";
  #watchedReply = 0;
  /** When the server last said something. */
  #heardAt = 0;
  /** Somebody gave up who shares the connection with another: it ends with that one. */
  #isDoomed = false;
  #isLeaving = false;
  #isOver = false;

  /** Is called once, when the connection has ended, for whatever reason. */
  onClosed: () => void = () => {};
  /** Is called when the mail data of a message is written: another may follow it, see `mayFollow`. */
  onSent: () => void = () => {};

  private constructor(id: number, wire: Wire, settings: ConnectionSettings) {
    this.#id = id;
    this.#wire = wire;
    this.#settings = settings;
    this.#isTraced = settings.trace !== undefined;
    this.#session = new Session(
      this.#isTraced ? (reply) => this.#trace({ kind: "reply", reply }) : undefined,
    );
    this.#outflow = new Outflow(this.#session, wire, {
      moved: () => this.#watch("again"),
      said: ({ shown }) => this.#trace({ kind: "command", line: shown }),
      sent: (octets) => {
        this.#trace({ kind: "content", octets });
        this.onSent();
      },
      failed: (error) => this.#fail(error),
    });
    this.#deadline = new Deadline(() => this.#fail(this.#overdue()));
  }

  /** Connects and opens the session: greeting, EHLO, TLS, AUTH. */
  static async open(
    settings: ConnectionSettings,
    { id, signal }: { readonly id: number; readonly signal?: AbortSignal | undefined },
  ): Promise<Connection> {
    const wire = await openWire(settings, signal);
    const connection = new Connection(id, wire, settings);
    const { host, port } = settings.target;
    connection.#trace({ kind: "connected", host, port, secure: wire.secure });
    const name = settings.name ?? addressLiteral(wire.localAddress);
    const channel = {
      get secure() {
        return wire.secure;
      },
      get trusted() {
        return (wire.secure && wire.verified) || settings.insecureAllowed;
      },
    };
    const opened = connection.#run(opening({ ...settings.opening, name }, channel), signal);
    void connection.#read();
    try {
      connection.#extensions = await opened;
    } catch (error) {
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
    return !this.#isDoomed && this.offers("PIPELINING") && this.#session.mayFollow;
  }

  /** Whether the server listed this extension, and the user does not withhold it. */
  offers(keyword: string): boolean {
    return this.#extensions.has(keyword);
  }

  /** Carries one mail transaction. The caller waits for it to end before the next, or until that may follow it. */
  deliver(one: Transaction, signal?: AbortSignal): Promise<Outcome> {
    const isFresh = performance.now() - this.#heardAt < FRESH;
    const manner: Manner = this.#session.mayFollow ? "behind" : isFresh ? "at once" : "step by step";
    return this.#run(transaction(one, this.#extensions, manner), signal);
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
    this.#wire.hold(active);
  }

  #run<T>(dialogue: Dialogue<T>, signal?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const abort = (): void => this.#giveUp(dialogue, abortError(signal, this.#session.phase));
      this.#pending.set(dialogue, {
        resolve: (value) => resolve(value as T),
        reject,
        release: onAbort(signal, abort),
      });
      this.#perform(this.#session.begin(dialogue));
      if (signal?.aborted) abort();
    });
  }

  /** Reads for as long as the wire lives, so that a server that hangs up while nothing is under way is noticed. */
  async #read(): Promise<void> {
    try {
      while (!this.#isOver) {
        const octets = await this.#wire.read();
        // A reply to the mail data cannot come before the last of it has left us.
        if (this.#outflow.flushing !== undefined) await this.#outflow.flushing;
        this.#heardAt = performance.now();
        this.#perform(octets === undefined ? this.#session.ended() : this.#session.receive(octets));
        if (this.#session.state === "securing") await this.#secure();
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  async #secure(): Promise<void> {
    await this.#wire.startTls();
    if (this.#isOver) return;
    this.#trace({ kind: "secured", version: this.#wire.tlsVersion, verified: this.#wire.verified });
    this.#perform(this.#session.secured());
  }

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      // A session that closed while these effects were gathered has nothing to say any more, nor has one for which
      // nobody is left.
      const mayTalk = this.#session.state !== "closed" && !this.#isForlorn;
      switch (effect.do) {
        case "write":
          if (mayTalk) this.#write(effect.commands, effect.content);
          break;
        case "stream":
          if (mayTalk) void this.#outflow.stream(effect.content);
          break;
        case "pump":
          if (mayTalk)
            void this.#outflow.pump(effect.content, effect.limit, effect.isChunked ? "in chunks" : "whole");
          break;
        case "upgrade":
          // The read loop does it once this read is over: TLS can only begin where no read is outstanding.
          break;
        case "resolve":
          this.#settle(effect.dialogue)?.resolve(effect.value);
          break;
        case "reject":
          this.#settle(effect.dialogue)?.reject(effect.error);
          break;
      }
    }
    this.#outflow.heard();
    if (this.#session.state === "closed" || this.#isForlorn) this.#finish();
    else this.#watch();
  }

  #settle(dialogue: Dialogue<unknown>): Pending | undefined {
    const pending = this.#pending.get(dialogue);
    this.#pending.delete(dialogue);
    pending?.release();
    return pending;
  }

  /** One write for a group. It is not waited for: a server that cannot write its replies would never read the rest. */
  #write(commands: readonly Command[], content: Uint8Array | undefined): void {
    if (this.#isTraced) for (const { shown } of commands) this.#trace({ kind: "command", line: shown });
    if (content !== undefined) return void this.#outflow.stream(content, commands);
    this.#wire.write(encodeGroup(commands))?.catch((error) => this.#fail(error));
  }

  get #isForlorn(): boolean {
    return this.#isDoomed && this.#pending.size === 0;
  }

  /** The caller of one message does not wait for it any more. That ends the connection, but not under another's message. */
  #giveUp(dialogue: Dialogue<unknown>, error: SmtpError): void {
    if (this.#pending.size < 2) {
      this.#fail(error);
      return;
    }
    this.#isDoomed = true;
    const delivery = this.#session.deliveryOf(dialogue);
    this.#settle(dialogue)?.reject(locate(error, error.phase, delivery));
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#perform(this.#session.fail(error instanceof SmtpError ? error : broken(error)));
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deadline.clear();
    this.#outflow.close();
    if (this.#isLeaving) this.#wire.close();
    else this.#wire.destroy();
    this.#trace({ kind: "closed" });
    this.onClosed();
  }

  /** Sets the deadline of what the session waits for now, once for each reply it waits for. */
  #watch(how: "once" | "again" = "once"): void {
    const { phase, heard } = this.#session;
    if (phase === this.#watchedPhase && heard === this.#watchedReply && how === "once") return;
    this.#watchedPhase = phase;
    this.#watchedReply = heard;
    if (phase === "idle") this.#deadline.rest();
    else this.#deadline.set(this.#settings.timeouts[timeoutOf(phase)]);
  }

  #overdue(): SmtpError {
    const timeout = timeoutOf(this.#session.phase);
    const limit = this.#settings.timeouts[timeout];
    const { starving } = this.#outflow;
    if (starving !== undefined) return stalled(starving.field, limit);
    return new TransportError(`the server took longer than ${limit} ms (${this.#session.phase})`, {
      code: "deadline",
      transient: true,
      hint: `timeouts.${timeout} sets this limit`,
    });
  }

  #trace(event: DistributiveOmit<TraceEvent, "connection">): void {
    try {
      this.#settings.trace?.({ connection: this.#id, ...event });
    } catch {
      // Whoever listens in must not be able to change what happens.
    }
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

function broken(cause: unknown): TransportError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const details = { code: "connection_lost", transient: true, cause } as const;
  return new TransportError(`the connection broke: ${reason}`, details);
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  release(): void;
}
