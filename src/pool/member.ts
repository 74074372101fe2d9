// One connection of a pool: how many it still serves, until when, and whether it can be alive after a rest.

import type { Connection } from "../connection.ts";
import { ReplyError } from "../errors.ts";
import { USUAL_IN_FLIGHT } from "./waiter.ts";

/** How far a connection's end may be from `maxConnectionAge`: those opened together must not all end together. */
const JITTER = 0.1;

/**
 * Milliseconds by which the wall clock may gain on the monotonic one. More means that the machine slept, or the process
 * was frozen: the monotonic clock may stand still then, but whoever is at the other end has hung up long since. A clock
 * that was only set forward costs new connections and nothing else.
 */
const SUSPENSION = 5_000;

export interface MemberLimits {
  readonly maxMessagesPerConnection: number;
  readonly maxConnectionAge: number;
  readonly idleTimeout: number;
}

export class Member {
  readonly connection: Connection;
  /** How many borrow it. */
  borrowers = 0;
  /** The last who borrowed it has written all there was to write: another may follow. */
  hasRoom = false;
  /** Others are being lent it just now. */
  isFollowed = false;
  /** When its rest is over, by the monotonic clock. */
  expiresAt = 0;
  readonly #idleTimeout: number;
  /** How many messages may be under way on it, whatever they say themselves. */
  #window = Number.POSITIVE_INFINITY;
  #isLent = false;
  #isReused = false;
  #left: number;
  #retiresAt: number;
  #restedAt = 0;
  #restedAtWall = 0;

  constructor(connection: Connection, limits: MemberLimits) {
    this.connection = connection;
    this.#idleTimeout = limits.idleTimeout;
    const { mailMax = Number.POSITIVE_INFINITY, rcptDomainMax } = connection.limits ?? {};
    // RFC 9422: with MAILMAX the server says how many it takes; RCPTDOMAINMAX counts domains over the session, and the
    // next message may be to others.
    const most = rcptDomainMax === undefined ? mailMax : 1;
    this.#left = Math.min(limits.maxMessagesPerConnection, most);
    const age = limits.maxConnectionAge * (1 - JITTER + 2 * JITTER * Math.random());
    this.#retiresAt = performance.now() + age;
  }

  /** Whether it has served others than the one it was opened for, or rested. */
  get isReused(): boolean {
    return this.#isReused;
  }

  /** It has served as many, or as long, as it may. */
  get isSpent(): boolean {
    return this.#left <= 0 || performance.now() >= this.#retiresAt;
  }

  /** Whether one more message may begin behind those under way, where `inFlight` may be in all. */
  takes(inFlight: number): boolean {
    return this.hasRoom && this.borrowers < Math.min(inFlight, this.#window) && !this.isSpent;
  }

  /** What goes behind a message that is refused is often sent for nothing: fewer do then, and one more for each taken. */
  learn(error: unknown): void {
    if (error === undefined) this.#window++;
    else if (error instanceof ReplyError) this.#window = USUAL_IN_FLIGHT;
  }

  lend(): void {
    this.#isReused ||= this.#isLent;
    this.#isLent = true;
    this.#left--;
    this.borrowers++;
    this.hasRoom = false;
  }

  /** Nobody is lent it any more. */
  retire(): void {
    this.#left = 0;
  }

  rest(): void {
    this.#isReused = true;
    this.#restedAt = performance.now();
    this.#restedAtWall = Date.now();
    this.prolong(this.#restedAt);
  }

  /** Lets it rest for as long again: it is one of those that are kept. */
  prolong(now: number): void {
    this.expiresAt = Math.min(now + this.#idleTimeout, this.#retiresAt);
  }

  /** Whether it slept through more than it may: nobody saw it end, but it is likely dead. */
  get isLost(): boolean {
    const wall = Date.now() - this.#restedAtWall;
    const now = performance.now();
    const overslept = Math.max(now, this.#restedAt + wall) >= this.expiresAt;
    return overslept || wall - (now - this.#restedAt) > SUSPENSION;
  }
}
