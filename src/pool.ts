// Connections, by what they are doing: what state a connection is in is which of these collections it sits in.

import { abortError } from "./abort.ts";
import { Alarm } from "./alarm.ts";
import { Connection, type ConnectionSettings } from "./connection.ts";
import { SmtpError } from "./errors.ts";
import { Attempts } from "./pool/attempts.ts";
import { Experience } from "./pool/experience.ts";
import { closedError, Line } from "./pool/line.ts";
import { copyOf, isLoginError } from "./pool/login-error.ts";
import { Logins } from "./pool/logins.ts";
import { Member, type MemberLimits } from "./pool/member.ts";
import { isTooMuch } from "./pool/pace.ts";
import { Rest } from "./pool/rest.ts";
import type { PoolStats } from "./pool/stats.ts";
import { tokensOf } from "./pool/tokens.ts";
import { type Loan, PromisedLoan, type Wait, type Waiter } from "./pool/waiter.ts";
import { Warmth } from "./pool/warmth.ts";
import type { RateGate } from "./rate-limit.ts";

export type { PoolStats } from "./pool/stats.ts";
export { type Loan, USUAL_IN_FLIGHT, Waiter } from "./pool/waiter.ts";

export interface PoolLimits extends MemberLimits {
  readonly maxConnections: number;
  readonly minConnections: number;
}

export class Pool {
  readonly #limits: PoolLimits;
  readonly #gate: RateGate | undefined;
  readonly #line: Line;
  readonly #opening: Attempts = new Attempts((signal) => this.open(signal), {
    opened: (connection) => this.#welcome(connection),
    failed: (error) => this.#failed(error),
  });
  readonly #idle: Rest;
  readonly #busy: Map<Connection, Member> = new Map();
  readonly #closing: Map<Connection, Promise<void>> = new Map();
  readonly #experience: Experience;
  readonly #warmth: Warmth;
  readonly #logins: Logins;
  /** Ends a pause that messages wait for. */
  readonly #resume = new Alarm(() => this.#match(), { holds: true });
  #isClosed = false;
  #ids = 0;
  #opened = 0;
  #closed = 0;

  /** A `gate` is told what becomes of its permits: whoever acquires one goes on to `enqueue`. */
  constructor(settings: ConnectionSettings, limits: PoolLimits, gate?: RateGate) {
    this.#limits = limits;
    this.#gate = gate;
    this.#line = new Line(gate);
    this.#logins = new Logins(tokensOf(settings));
    this.#experience = new Experience(settings, limits.maxConnections);
    this.#warmth = new Warmth(limits.minConnections, () => this.#match());
    this.#idle = new Rest({
      surplus: () => this.#size - this.#warmth.least,
      retire: (member) => {
        this.#retire(member);
        this.#match();
      },
    });
  }

  get stats(): PoolStats {
    return {
      opening: this.#opening.size,
      idle: this.#idle.size,
      busy: this.#busy.size,
      closing: this.#closing.size,
      allowed: this.#experience.pace.allowed,
      waiting: this.#line.size,
      opened: this.#opened,
      closed: this.#closed,
    };
  }

  /** Waits for a connection, see `Waiter`. Rejects when one cannot be opened, or the pool is closed. */
  wait(wait: Wait): Promise<Loan> {
    return new Promise((serve, refuse) => this.enqueue(new PromisedLoan(wait, serve, refuse)));
  }

  /** The same without a promise: an idle connection, a new one, or the next that comes free. */
  enqueue(waiter: Waiter): void {
    const hasNone = this.#idle.size + this.#busy.size === 0;
    const refusal = this.#isClosed ? closedError() : hasNone ? this.#logins.refusal : undefined;
    if (refusal !== undefined) {
      this.#line.refuse(waiter, refusal);
      return;
    }
    const takesIdle = !waiter.fresh && this.#line.size === 0 && waiter.signal?.aborted !== true;
    const idle = takesIdle ? this.#idle.take() : undefined;
    if (idle !== undefined) {
      this.#serve(waiter, idle);
      return;
    }
    this.#line.add(waiter, this.#abandon);
    this.#match();
    // Where more wait, none of the connections had room for the first of them.
    if (this.#line.size !== this.#opening.size + 1) return;
    for (const member of this.#busy.values()) this.#follow(member);
  }

  /**
   * Gives a connection back, to whoever waits for one; one that cannot carry another message is closed. `error` is what
   * the message failed with, where it did.
   */
  release(connection: Connection, error?: unknown): void {
    const member = this.#busy.get(connection);
    if (member === undefined) return;
    this.#learn(member, error);
    if (--member.borrowers > 0) {
      this.#follow(member);
      return;
    }
    this.#busy.delete(connection);
    if (!connection.isReady) connection.destroy();
    else if (this.#isClosed || member.isSpent || this.#size >= this.#experience.pace.allowed)
      this.#retire(member);
    else this.#offer(member, this.#line.firstForAny);
    this.#match();
  }

  /** Opens a connection that is not the pool's. */
  open(signal?: AbortSignal): Promise<Connection> {
    return this.#logins.open((accessToken) => {
      return Connection.open(this.#experience.settings, { id: ++this.#ids, signal, accessToken });
    }, signal);
  }

  /**
   * Closes what is not in use, and whatever comes back from now on. Resolves when that is done. With `force`, whoever
   * waits is refused, what is under way fails, and no goodbye is waited for.
   */
  async close({ force = false }: { readonly force?: boolean } = {}): Promise<void> {
    this.#isClosed = true;
    this.#warmth.stop();
    const opening = this.#opening.end();
    for (const member of this.#idle.takeAll()) this.#retire(member);
    if (force) {
      this.#line.refuseAll(closedError);
      this.#resume.clear();
      for (const connection of [...this.#busy.keys(), ...this.#closing.keys()]) connection.destroy();
    }
    await opening;
    await Promise.all(this.#closing.values());
  }

  /** Serves those who wait with what is idle, and opens what they are short of. */
  #match(): void {
    if (this.#isClosed) return;
    const { resumesAt: paced, allowed } = this.#experience.pace;
    const resumesAt = Math.max(paced, this.#busy.size > 0 ? this.#logins.resumesAt : 0);
    const isPaused = resumesAt > performance.now();
    if (isPaused && this.#busy.size > 0) this.#line.acceptAny();
    for (let next = this.#line.firstForAny; next !== undefined; next = this.#line.firstForAny) {
      const member = this.#idle.take();
      if (member === undefined) break;
      this.#serve(next, member);
    }
    while (this.#opening.size < this.#line.size) {
      if (isPaused) {
        this.#resume.set(resumesAt);
        return;
      }
      // Who waits for a new one is not kept from it by those that nobody uses, and that are likely dead too.
      if (this.#size >= allowed && !this.#idle.discardOldest()) return;
      this.#opening.begin();
    }
    while (!isPaused && this.#size < Math.min(this.#warmth.least, allowed) && this.#warmth.mayOpen)
      this.#opening.begin();
  }

  /** Lends a connection to those whose messages may follow, where more wait than connections are being opened for. */
  #follow(member: Member): void {
    // What follows is written at once, and asks for the next from within: one after the other, however many there are.
    if (member.isFollowed) return;
    member.isFollowed = true;
    for (let next = this.#follower(member); next !== undefined; next = this.#follower(member)) {
      this.#serve(next, member);
    }
    member.isFollowed = false;
  }

  #follower(member: Member): Waiter | undefined {
    const next = this.#line.firstForAny;
    if (next === undefined || this.#experience.isWary || this.#line.size <= this.#opening.size) return;
    return member.takes(next.inFlight) && member.connection.mayFollow ? next : undefined;
  }

  get #size(): number {
    return this.#opening.size + this.#idle.size + this.#busy.size;
  }

  #serve(waiter: Waiter, member: Member): void {
    const { connection } = member;
    this.#line.leave(waiter);
    this.#restResume();
    connection.hold(true);
    member.lend();
    connection.isWary = this.#experience.isWary && member.isReused;
    this.#busy.set(connection, member);
    this.#gate?.used();
    waiter.serve({ connection, isReused: member.isReused });
  }

  #offer(member: Member, next: Waiter | undefined): void {
    if (next === undefined) this.#idle.put(member);
    else this.#serve(next, member);
  }

  #welcome(connection: Connection): void {
    const member = new Member(connection, this.#limits);
    connection.onClosed = () => this.#forget(member);
    connection.onSent = () => {
      member.hasRoom = true;
      this.#follow(member);
    };
    this.#opened++;
    this.#warmth.opened();
    this.#logins.accepted();
    if (this.#isClosed) this.#retire(member);
    else this.#offer(member, this.#line.first);
    this.#match();
  }

  #failed(error: unknown): void {
    if (error !== undefined) {
      this.#warmth.lost();
      const hasTooMuch = isTooMuch(error);
      if (hasTooMuch) this.#cut(this.#size + 1);
      // A server that has too many connections of ours serves those that it took.
      if (!hasTooMuch || this.#size === 0) this.#tell(error);
    }
    this.#match();
  }

  /** Whoever waits longest is told that no connection could be opened; all are of a login that failed. */
  #tell(error: unknown): void {
    const { first } = this.#line;
    if (!isLoginError(error) && first !== undefined) this.#line.refuse(first, error);
    if (!isLoginError(error)) return;
    // Before anybody is told, who may have more to send at once.
    this.#logins.refused(error);
    // Trying again for each of them, or to have one ready, would lock the account. Connections that work go on.
    this.#warmth.refused();
    if (this.#busy.size > 0 && this.#logins.resumesAt > performance.now()) return;
    this.#line.refuseAll(() => copyOf(error));
    this.#trim();
  }

  #learn(member: Member, error: unknown): void {
    member.learn(error);
    if (error === undefined) {
      this.#warmth.proved();
      if (this.#experience.pace.succeeded()) this.#match();
    }
    if (!(error instanceof SmtpError)) return;
    const lesson = this.#experience.learn(error, member.isReused);
    if (lesson === "fewer connections") this.#cut(this.#size);
    if (lesson === "new connections") {
      for (const idle of this.#idle.takeAll()) this.#retire(idle);
      for (const busy of this.#busy.values()) busy.retire();
    }
  }

  /** There may be fewer now. Those in use end when they come back. */
  #cut(connections: number): void {
    const { pace } = this.#experience;
    pace.cut(connections);
    while (this.#size > pace.allowed && this.#idle.discardOldest()) {}
  }

  /** Somebody gave up: nothing more is connected than is waited for. */
  readonly #abandon = (waiter: Waiter, signal: AbortSignal): void => {
    this.#line.refuse(waiter, abortError(signal, this.#opening.size > 0 ? "connect" : "queue"));
    this.#trim();
  };

  #trim(): void {
    this.#restResume();
    this.#opening.abort(Math.min(this.#opening.size - this.#line.size, this.#size - this.#warmth.least));
  }

  /** A pause that nobody waits for keeps nothing alive. */
  #restResume(): void {
    if (this.#line.size === 0) this.#resume.clear();
  }

  /** A connection has ended: by itself, where it was idle. */
  #forget(member: Member): void {
    this.#closed++;
    if (!this.#idle.delete(member)) return;
    this.#warmth.lost();
    this.#match();
  }

  #retire(member: Member): void {
    const { connection } = member;
    connection.hold(true);
    this.#closing.set(
      connection,
      connection.quit().then(() => void this.#closing.delete(connection)),
    );
  }
}
