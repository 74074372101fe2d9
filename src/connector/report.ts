// A test of a connector: the way that its messages go, step by step, and what to change where it ends.

import { Client } from "../client.ts";
import { SmtpError } from "../errors.ts";
import type { Message } from "../message.ts";
import { resolveOptions, type SmtpClientOptions } from "../options.ts";
import type { Receipt } from "../receipt.ts";
import type { Runtime } from "../runtime.ts";
import { hintBefore } from "./report-hints.ts";
import { problemDetails, summaryOf } from "./report-words.ts";
import { type Step, Steps } from "./steps.ts";
import { NOT_REACHED } from "./steps-plan.ts";
import { Progress } from "./steps-trace.ts";
import type { Trial } from "./trial.ts";

/** Tells what became of a test. */
export interface Report {
  /** Whether every step went well that was to be taken. */
  readonly ok: boolean;
  /** All eight, in the order in which they come; those that were not reached are `skipped`. */
  readonly steps: readonly Step[];
  /** Of the message, where one was sent. */
  readonly receipt?: Receipt;
  /** Why the one step failed that did. */
  readonly error?: SmtpError;
}

/** Goes the way of a trial, as far as it is told to. */
export async function report(trial: Trial, runtime: Runtime): Promise<Report> {
  const { subject, signal } = trial;
  const steps = new Steps(trial.onStep, trial.startedAt);
  if ("error" in subject) return refused(subject.error, steps);
  return testClient(subject.options, { message: subject.message, signal, steps }, runtime);
}

/** Goes the way of a message, or as far as the login where there is none. `trace` of the options is ours. */
export async function testClient(
  options: SmtpClientOptions,
  test: {
    readonly message: Message | undefined;
    readonly signal: AbortSignal | undefined;
    readonly steps: Steps;
  },
  runtime: Runtime,
): Promise<Report> {
  const { message, signal, steps } = test;
  // Once, over one connection: what is tried again is not what is looked at.
  const once = { ...options, retry: false, maxConnections: 1, minConnections: 0 } as const;
  let progress: Progress;
  let client: Client;
  try {
    const { target, opening } = resolveOptions(once, runtime).settings;
    const { host, port, via } = target;
    const { security, login } = opening;
    const plan = { host, port, via, security, hasLogin: login !== undefined };
    progress = new Progress(plan, steps);
    client = new Client({ ...once, trace: (event) => progress.hear(event) }, runtime);
  } catch (error) {
    return refused(error, steps);
  }
  const how = signal === undefined ? {} : { signal };
  try {
    const receipt = message && (await client.send(message, how));
    if (message === undefined) await client.verify(how);
    progress.finish(receipt);
    return { ok: true, steps: steps.told, ...(receipt && { receipt }) };
  } catch (error) {
    if (!(error instanceof SmtpError)) throw error;
    progress.fail(error);
    return { ok: false, steps: steps.told, error };
  } finally {
    // Nor does the end of a test wait for a server that does not say goodbye, when it is given up.
    const hurry = (): void => void client.close({ force: true });
    signal?.addEventListener("abort", hurry);
    await client.close({ force: signal?.aborted === true });
    signal?.removeEventListener("abort", hurry);
  }
}

/** Nothing was connected. */
function refused(error: unknown, steps: Steps): Report {
  if (!(error instanceof SmtpError)) throw error;
  const hint = hintBefore(error);
  const at = performance.now();
  const facts = { summary: summaryOf(error), details: problemDetails(error), error };
  steps.tell("config", { status: "failed", ...facts, ...(hint !== undefined && { hint }) }, at);
  for (const left of steps.left("after", "config")) {
    steps.tell(left, { status: "skipped", summary: NOT_REACHED }, at);
  }
  return { ok: false, steps: steps.told, error };
}
