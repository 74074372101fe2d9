// Where the work of a client is under way: in the process, or in one invocation where none may touch another's. What comes
// before there is a desk waits for it, in the order in which it came.

import type { SendResult } from "./bulk.ts";
import type { Desk } from "./desk.ts";
import { loadEngine, loadedEngine, notLoaded } from "./engine.ts";
import { ConfigError } from "./errors.ts";
import type { Message } from "./message.ts";
import type { SendManySettings } from "./options/calls.ts";
import type { ResolvedOptions } from "./options.ts";
import type { Receipt } from "./receipt.ts";
import { snapshot } from "./snapshot.ts";
import type { ClientStats } from "./tally.ts";

export class Office {
  readonly #options: ResolvedOptions;
  readonly #forced = new AbortController();
  #desk: Desk | undefined;
  /** The desk that is to come. */
  #coming: Promise<Desk> | undefined;
  #closing: Promise<void> | undefined;
  /** How many calls wait for the desk. */
  #waiting = 0;

  constructor(options: ResolvedOptions) {
    this.#options = options;
  }

  get stats(): ClientStats {
    const stats = this.#desk?.stats ?? { ...IDLE, allowed: this.#options.limits.maxConnections };
    return { ...stats, underWay: stats.underWay + this.#waiting };
  }

  /** Throws, or rejects, where the message cannot be sent as it stands. */
  send(message: Message, signal: AbortSignal | undefined): Promise<Receipt> {
    const desk = this.#now;
    if (desk !== undefined) return desk.send(message, signal);
    let kept: Message;
    try {
      kept = snapshot(message);
    } catch (error) {
      return this.#later((late) => late.refuse(error));
    }
    return this.#later((late, since) => late.send(kept, signal, since));
  }

  /** `check` throws where no more messages are taken. */
  sendMany(settings: SendManySettings, check: () => void): AsyncIterableIterator<SendResult, undefined> {
    return (
      this.#now?.sendMany(settings, check) ??
      new LateResults(() => this.#later(async (desk) => desk.sendMany(settings, check)))
    );
  }

  /** Has the desk do what is no message. */
  ask<T>(work: (desk: Desk, since?: number) => Promise<T>): Promise<T> {
    const desk = this.#now;
    return desk === undefined ? this.#later(work) : work(desk);
  }

  close(isForced: boolean): Promise<void> {
    this.#closing ??= this.#end((desk) => desk.close());
    if (!isForced) return this.#closing;
    this.#forced.abort(new ConfigError("client", "it was closed by force", { code: "client_closed" }));
    return this.#end((desk) => desk.abandon());
  }

  /** The desk, where nobody waits for it. */
  get #now(): Desk | undefined {
    if (this.#waiting > 0) return undefined;
    const engine = loadedEngine();
    if (engine !== undefined) this.#desk ??= new engine.Desk(this.#options, this.#forced.signal);
    return this.#desk;
  }

  async #later<T>(work: (desk: Desk, since: number) => Promise<T>): Promise<T> {
    const since = performance.now();
    this.#waiting++;
    let desk: Desk;
    try {
      this.#coming ??= this.#furnish();
      desk = await this.#coming;
    } catch (cause) {
      throw notLoaded(cause);
    } finally {
      this.#waiting--;
    }
    return work(desk, since);
  }

  /** Where there never was a desk, there is nothing to end. Those who wait for it come first. */
  async #end(work: (desk: Desk) => Promise<void>): Promise<void> {
    if (this.#waiting > 0) await this.#coming?.catch(() => {});
    if (this.#desk !== undefined) await work(this.#desk);
  }

  async #furnish(): Promise<Desk> {
    // What the first connection needs comes meanwhile. Where it does not, whoever connects is told.
    this.#options.prepare?.().catch(() => {});
    try {
      const { Desk } = await loadEngine();
      this.#desk ??= new Desk(this.#options, this.#forced.signal);
      return this.#desk;
    } catch (error) {
      this.#coming = undefined;
      throw error;
    }
  }
}

/** The counts of a client that has done nothing. */
const IDLE: Omit<ClientStats, "allowed"> = {
  opening: 0,
  idle: 0,
  busy: 0,
  closing: 0,
  waiting: 0,
  underWay: 0,
  opened: 0,
  closed: 0,
  sent: 0,
  rejected: 0,
  failed: 0,
  unknown: 0,
};

type Results = AsyncIterableIterator<SendResult, undefined>;
type Step = IteratorResult<SendResult, undefined>;

/** The results of messages that begin to be sent when the first result is asked for, and there is a desk. */
class LateResults implements Results {
  readonly #begin: () => Promise<Results>;
  #results: Promise<Results> | undefined;

  constructor(begin: () => Promise<Results>) {
    this.#begin = begin;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<Step> {
    this.#results ??= this.#begin().catch((error: unknown) => new NoResults({ error }));
    return (await this.#results).next();
  }

  async return(): Promise<Step> {
    this.#results ??= Promise.resolve(new NoResults({}));
    const results = await this.#results;
    return results.return?.() ?? { done: true, value: undefined };
  }
}

/** What there is where nothing begins. `error` is told once: whoever goes on reading is at the end. */
class NoResults implements Results {
  readonly #ending: { error?: unknown };

  constructor(ending: { error?: unknown }) {
    this.#ending = ending;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<Step> {
    if (!("error" in this.#ending)) return { done: true, value: undefined };
    const { error } = this.#ending;
    delete this.#ending.error;
    throw error;
  }
}
