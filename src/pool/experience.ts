// What a server has taught those who use it: how many connections it bears, and how carefully it is spoken to.

import type { ConnectionSettings } from "../connection.ts";
import { ProtocolError, type SmtpError } from "../errors.ts";
import { isTooMuch, Pace } from "./pace.ts";

/** What a failure asks for at once. */
export type Lesson = "fewer connections" | "new connections" | undefined;

export class Experience {
  readonly pace: Pace;
  #settings: ConnectionSettings;
  #isWary = false;
  /** The server lost count of its replies: it is never again told anything before it has answered. */
  #isLockStep = false;

  constructor(settings: ConnectionSettings, maxConnections: number) {
    this.#settings = settings;
    this.pace = new Pace(maxConnections);
  }

  /** What connections are told that are opened from now on. */
  get settings(): ConnectionSettings {
    return this.#settings;
  }

  /** Messages were lost on connections that had served others: on these each command waits for the reply to the last. */
  get isWary(): boolean {
    return this.#isWary;
  }

  learn(error: SmtpError, isReused: boolean): Lesson {
    if (error instanceof ProtocolError) {
      this.#isWary = true;
      const isDesync = error.code === "unsolicited_reply" || error.code === "unexpected_reply";
      return isDesync && this.#fallIntoStep() ? "new connections" : undefined;
    }
    // A server that hangs up behind its nth message leaves those that were written behind it unknown, each time.
    if (isReused && error.delivery === "unknown" && error.code === "connection_lost") this.#isWary = true;
    return isTooMuch(error) ? "fewer connections" : undefined;
  }

  #fallIntoStep(): boolean {
    if (this.#isLockStep) return false;
    this.#isLockStep = true;
    const { opening } = this.#settings;
    const withheld = new Set([...opening.withheld, "PIPELINING", "CHUNKING"]);
    this.#settings = { ...this.#settings, opening: { ...opening, withheld } };
    return true;
  }
}
