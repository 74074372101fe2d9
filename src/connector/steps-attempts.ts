// How it went with each address that was tried.

import type { TraceEvent } from "../trace.ts";
import type { StepDetail } from "./steps.ts";

interface Attempt {
  readonly address: string;
  readonly port: number;
  readonly begun: number;
  outcome?: string;
  duration?: number;
}

const UNANSWERED = "ETIMEDOUT";

export class Attempts {
  readonly #all: Attempt[] = [];

  note({ address, port, state, code = state, at }: Extract<TraceEvent, { kind: "attempt" }>): void {
    const begun = this.#all.findLast((one) => one.address === address && one.outcome === undefined);
    if (state === "begun") this.#all.push({ address, port, begun: at });
    else if (begun === undefined) this.#all.push({ address, port, begun: at, outcome: code });
    else Object.assign(begun, { outcome: code, duration: at - begun.begun });
  }

  /** The address that is connected. */
  get connected(): string | undefined {
    return this.#all.find(({ outcome }) => outcome === "connected")?.address;
  }

  /** Whether nothing was heard of one of them. */
  get hasUnanswered(): boolean {
    return this.#all.some(({ outcome = UNANSWERED }) => outcome === UNANSWERED);
  }

  get details(): StepDetail {
    return this.#all.map(({ address, port, outcome = "no answer", duration }) => ({
      address,
      port,
      outcome,
      ...(duration !== undefined && { duration }),
    }));
  }
}
