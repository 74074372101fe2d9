// How long a connection waits for what it waits for now, and what is told when that is over.

import { Deadline, type Timeouts, timeoutOf } from "./deadline.ts";
import { type Phase, type SmtpError, TransportError } from "./errors.ts";
import { stalled } from "./flow.ts";
import type { Streamed } from "./protocol/dialogue.ts";

export class Patience {
  readonly #timeouts: Timeouts;
  readonly #deadline: Deadline;
  #phase: Phase = "idle";
  #heard = 0;

  constructor(timeouts: Timeouts, expired: () => void) {
    this.#timeouts = timeouts;
    this.#deadline = new Deadline(expired);
  }

  /** Waits in a phase, `heard` replies having come: once for each reply, or from now on again. */
  wait(phase: Phase, heard: number, how: "once" | "again"): void {
    if (phase === this.#phase && heard === this.#heard && how === "once") return;
    this.#phase = phase;
    this.#heard = heard;
    if (phase === "idle") this.#deadline.rest();
    else this.#deadline.set(this.#timeouts[timeoutOf(phase)]);
  }

  clear(): void {
    this.#deadline.clear();
  }

  /** What is told when the time is over: of the server, or of the content that was waited for. */
  overdue(phase: Phase, starving: Streamed | undefined): SmtpError {
    const timeout = timeoutOf(phase);
    const limit = this.#timeouts[timeout];
    if (starving !== undefined) return stalled(starving.field, limit);
    // What a login waits for may be no word of the server's.
    const slow = phase === "auth" ? "the login" : "the server";
    return new TransportError(`${slow} took longer than ${limit} ms (${phase})`, {
      code: "deadline",
      transient: true,
      hint: `timeouts.${timeout} sets this limit`,
    });
  }
}
