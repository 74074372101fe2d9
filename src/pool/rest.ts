// Connections that nobody uses. The one used last is lent first: it is the likeliest to be alive, and the others may age.

import { Alarm } from "../alarm.ts";
import type { Member } from "./member.ts";

interface Keeper {
  /** How many may go: the others are kept, however long they rest. */
  readonly surplus: () => number;
  /** Says goodbye to one that has rested, or lived, long enough. */
  readonly retire: (member: Member) => void;
}

export class Rest {
  readonly #keeper: Keeper;
  /** Those put here first are first. */
  readonly #members: Member[] = [];
  /** One timer for all, which does not keep the process alive. */
  readonly #alarm = new Alarm(() => this.#reap(), { holds: false });

  constructor(keeper: Keeper) {
    this.#keeper = keeper;
  }

  get size(): number {
    return this.#members.length;
  }

  put(member: Member): void {
    member.connection.hold(false);
    member.rest();
    this.#members.push(member);
    this.#alarm.set(member.expiresAt);
  }

  /** One that may be lent. Those that cannot be alive are ended on the way: who would wait for their goodbye? */
  take(): Member | undefined {
    for (let member = this.#members.pop(); member !== undefined; member = this.#members.pop()) {
      if (!member.isLost) return member;
      member.connection.destroy();
    }
    return undefined;
  }

  /** Ends the one that has rested longest; says whether there was one. */
  discardOldest(): boolean {
    const oldest = this.#members.shift();
    oldest?.connection.destroy();
    return oldest !== undefined;
  }

  takeAll(): readonly Member[] {
    this.#alarm.clear();
    return this.#members.splice(0);
  }

  /** Whether it was here. */
  delete(member: Member): boolean {
    const at = this.#members.indexOf(member);
    if (at >= 0) this.#members.splice(at, 1);
    return at >= 0;
  }

  #reap(): void {
    const now = performance.now();
    for (const member of this.#members.slice()) {
      if (member.expiresAt <= now) {
        if (member.isSpent || this.#keeper.surplus() > 0) {
          this.delete(member);
          this.#keeper.retire(member);
        } else {
          member.prolong(now);
        }
      }
    }
    for (const { expiresAt } of this.#members) this.#alarm.set(expiresAt);
  }
}
