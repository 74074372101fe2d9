// The steps of a test: each is told once, in the order of the list, and none is left out.

import type { Reply, SmtpError } from "../errors.ts";
import { undisturbed } from "../trace.ts";

/** Names a step on the way from a config to a message that was taken. */
export type StepName = "config" | "dns" | "tcp" | "greeting" | "tls" | "extensions" | "auth" | "transaction";

/** Is what a step found out, fit for JSON. */
export type StepDetail =
  | string
  | number
  | boolean
  | readonly StepDetail[]
  | { readonly [name: string]: StepDetail | undefined };

/** Tells how one step went. No secret is in it; what the server said has its control characters escaped, but in `reply`. */
export interface Step {
  readonly name: StepName;
  /** `skipped`: there was nothing to do, or a step before it failed. */
  readonly status: "ok" | "failed" | "skipped";
  /** What happened, on one line. */
  readonly summary: string;
  readonly details: { readonly [name: string]: StepDetail | undefined };
  /** Milliseconds since the step before it; 0 where it was skipped. */
  readonly duration: number;
  /** What the server said, where that is what the step was about. */
  readonly reply?: Reply;
  /** Why it failed. */
  readonly error?: SmtpError;
  /** What to change: it names the option. */
  readonly hint?: string;
}

type Facts = Pick<Step, "status" | "summary"> & Partial<Omit<Step, "name" | "duration">>;

/** As they come with STARTTLS (RFC 3207), or without TLS. */
const ORDER: readonly StepName[] = [
  "config",
  "dns",
  "tcp",
  "greeting",
  "tls",
  "extensions",
  "auth",
  "transaction",
];

export class Steps {
  readonly #told: Step[] = [];
  readonly #onStep: (step: Step) => unknown;
  #order: readonly StepName[] = ORDER;
  /** When the last step was over, in milliseconds of `performance.now()`. */
  #at: number;

  constructor(onStep: (step: Step) => unknown, at: number) {
    this.#onStep = onStep;
    this.#at = at;
  }

  get told(): readonly Step[] {
    return this.#told;
  }

  /** TLS comes with the first octet (RFC 8314), and so before the greeting. */
  expectTlsFirst(): void {
    this.#order = ORDER.flatMap((name) => (name === "tls" ? [] : name === "greeting" ? ["tls", name] : name));
  }

  has(name: StepName): boolean {
    return this.#told.some((step) => step.name === name);
  }

  /** Those before this one, or after it, that have not been told. */
  left(side: "before" | "after", name: StepName): readonly StepName[] {
    const place = this.#order.indexOf(name);
    return this.#order.filter(
      (other, at) => (side === "before" ? at < place : at > place) && !this.has(other),
    );
  }

  /** The first that has not been told. */
  get next(): StepName {
    return this.#order.find((name) => !this.has(name)) ?? "transaction";
  }

  tell(name: StepName, { details = {}, ...facts }: Facts, at: number): void {
    const isSkipped = facts.status === "skipped";
    const duration = isSkipped ? 0 : Math.max(0, at - this.#at);
    const step: Step = { name, ...facts, details, duration };
    if (!isSkipped) this.#at = at;
    this.#told.push(step);
    undisturbed(() => this.#onStep(step));
  }
}
