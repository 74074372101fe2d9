// One session on one wire: carries out what the session asks, and adds what it does not know of, time and the
// caller's wish to stop.

import { abortError, onAbort } from "./abort.ts";
import { type Command, encodeGroup, quit } from "./commands.ts";
import { addressLiteral, openWire } from "./connect.ts";
import { Deadline, timeoutOf } from "./deadline.ts";
import { type Phase, SmtpError, TransportError } from "./errors.ts";
import { stalled } from "./flow.ts";
import { ask, type Dialogue, type Streamed } from "./protocol/dialogue.ts";
import { type Extensions, NO_EXTENSIONS } from "./protocol/extensions.ts";
import { opening } from "./protocol/opening.ts";
import { type Effect, Session } from "./protocol/session.ts";
import { type Outcome, type Transaction, transaction } from "./protocol/transaction.ts";
import { mailData } from "./protocol/transparency.ts";
import { Pump } from "./pump.ts";
import type { ConnectionSettings, TraceEvent } from "./settings.ts";
import type { Wire } from "./transport/wire.ts";

export type { ConnectionSettings, TraceEvent } from "./settings.ts";

export class Connection {
  readonly #id: number;
  readonly #settings: ConnectionSettings;
  readonly #wire: Wire;
  readonly #session: Session;
  readonly #deadline: Deadline;
  readonly #isTraced: boolean;
  #isHeld = true;
  #extensions: Extensions = NO_EXTENSIONS;
  #pending: Pending | undefined;
  #watchedPhase: Phase = "idle";
  #watchedReply = 0;
  /** Settles when the last of the mail data has left, while it has not. */
  #flushing: Promise<void> | undefined;
  /** What reads the content where it had to be opened. */
  #pumping: Pump | undefined;
  /** The content that was asked for more and has not given it. */
  #starving: Streamed | undefined;
  #isLeaving = false;
  #isOver = false;

  /** Is called once, when the connection has ended, for whatever reason. */
  onClosed: () => void = () => {};

  private constructor(id: number, wire: Wire, settings: ConnectionSettings) {
    this.#id = id;
    this.#wire = wire;
    this.#settings = settings;
    this.#isTraced = settings.trace !== undefined;
    this.#session = new Session(
      this.#isTraced ? (reply) => this.#trace({ kind: "reply", reply }) : undefined,
    );
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
    return !this.#isOver && this.#session.isIdle;
  }

  /** Whether the server listed this extension, and the user does not withhold it. */
  offers(keyword: string): boolean {
    return this.#extensions.has(keyword);
  }

  /** Carries one mail transaction. The caller waits for it to end before the next. */
  deliver(one: Transaction, signal?: AbortSignal): Promise<Outcome> {
    return this.#run(transaction(one, this.#extensions), signal);
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
      const abort = (): void => this.#fail(abortError(signal, this.#session.phase));
      this.#pending = { resolve: (value) => resolve(value as T), reject, release: onAbort(signal, abort) };
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
        if (this.#flushing !== undefined) await this.#flushing;
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
    // A session that closed while these effects were gathered has nothing to say any more.
    const mayTalk = this.#session.state !== "closed";
    for (const effect of effects) {
      switch (effect.do) {
        case "write":
          if (mayTalk) this.#write(effect.commands);
          break;
        case "stream":
          if (mayTalk) void this.#stream(effect.content);
          break;
        case "pump":
          if (mayTalk) void this.#pump(effect.content, effect.limit);
          break;
        case "upgrade":
          // The read loop does it once this read is over: TLS can only begin where no read is outstanding.
          break;
        case "resolve":
          this.#settle()?.resolve(effect.value);
          break;
        case "reject":
          this.#settle()?.reject(effect.error);
          break;
      }
    }
    if (this.#session.state === "closed") this.#finish();
    else this.#watch();
  }

  #settle(): Pending | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.release();
    return pending;
  }

  /** One write for a group. It is not waited for: a server that cannot write its replies would never read the rest. */
  #write(commands: readonly Command[]): void {
    if (this.#isTraced) for (const { shown } of commands) this.#trace({ kind: "command", line: shown });
    this.#wire.write(encodeGroup(commands))?.catch((error) => this.#fail(error));
  }

  async #stream(content: Uint8Array): Promise<void> {
    try {
      for (const { octets, last } of mailData(content)) {
        const full = this.#hand(octets, last);
        if (full === undefined) continue;
        await full;
        this.#flushing = undefined;
        if (this.#isOver) return;
      }
      if (this.#isTraced) this.#trace({ kind: "content", octets: content.length });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The same for content that has to be opened. Nothing ends the mail data where that fails. */
  async #pump(content: Streamed, limit: number | undefined): Promise<void> {
    try {
      const pump = new Pump(content, limit);
      this.#pumping = pump;
      for (let last = false; !last; ) {
        this.#starving = content;
        this.#watch("again");
        const block = await pump.next();
        this.#starving = undefined;
        if (this.#isOver) return;
        last = block.last;
        await this.#hand(block.octets, last);
        this.#flushing = undefined;
        if (this.#isOver) return;
      }
      this.#pumping = undefined;
      if (this.#isTraced) this.#trace({ kind: "content", octets: pump.octets });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Hands over a block of mail data; a promise asks to wait. */
  #hand(octets: Uint8Array, last: boolean): Promise<void> | undefined {
    if (last) this.#session.contentEnds();
    this.#watch("again");
    const full = this.#wire.write(octets);
    if (last) this.#flushing = full?.catch(() => {});
    return full;
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#perform(this.#session.fail(error instanceof SmtpError ? error : broken(error)));
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deadline.clear();
    this.#pumping?.close();
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
    if (this.#starving !== undefined) return stalled(this.#starving.field, limit);
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
