// A test of a connector: the way that its messages go, step by step, and what to change where it ends.

import type { MailboxInput } from "../address.ts";
import { Client } from "../client.ts";
import { ConfigError, SmtpError } from "../errors.ts";
import { type Keys, readObject } from "../input.ts";
import type { Message } from "../message.ts";
import { readSendOptions } from "../options/calls.ts";
import { optional, readFunction } from "../options/checks.ts";
import { resolveOptions, type SmtpClientOptions } from "../options.ts";
import type { Receipt } from "../receipt.ts";
import type { Runtime } from "../runtime.ts";
import type { Payload } from "../templates.ts";
import { hintBefore } from "./report-hints.ts";
import { problemDetails, summaryOf } from "./report-words.ts";
import { messageOf, type ResolvedConnector, resolveConnector } from "./resolve.ts";
import { type Step, Steps } from "./steps.ts";
import { NOT_REACHED } from "./steps-plan.ts";
import { Progress } from "./steps-trace.ts";
import type { ConnectorConfig } from "./types.ts";

/** Says how far a test goes, and who hears of it. */
export interface TestOptions {
  /** Who gets a message. @default nobody: the test ends when the login has been accepted */
  readonly to?: MailboxInput;
  /** The usage type of the template that is sent. @default "Generic" */
  readonly type?: string;
  /** The values that the template names. @default a `code` of `000000` */
  readonly payload?: Payload;
  /** The language of the template, see `Connector.send`. */
  readonly locale?: string;
  /** Gives up. */
  readonly signal?: AbortSignal;
  /** Is told each step when it is over; what it throws is ignored. */
  readonly onStep?: (step: Step) => void;
}

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

const TEST: Keys<keyof TestOptions> = {
  to: undefined,
  type: undefined,
  payload: undefined,
  locale: undefined,
  signal: undefined,
  onStep: undefined,
};

const MEANINGLESS = ["type", "payload", "locale"] as const;

const SAMPLE: Payload = { code: "000000" };

/** `testConnector`, for a door. Throws for options of its own that cannot be used, and else for nothing. */
export async function report(
  config: ConnectorConfig,
  options: TestOptions,
  runtime: Runtime,
): Promise<Report> {
  const { to, type, payload, locale, signal, onStep } = readTest(options);
  const steps = new Steps(onStep, performance.now());
  let connector: ResolvedConnector;
  let message: Message | undefined;
  try {
    connector = resolveConnector(config, runtime);
    const said = { type, payload, ...(locale !== undefined && { locale }) };
    message = to === undefined ? undefined : messageOf(connector, { to, ...said });
  } catch (error) {
    return refused(error, steps);
  }
  return testClient(connector.options, { message, signal, steps }, runtime);
}

function readTest(given: TestOptions) {
  const options = readObject(given, TEST, "", { fault: ConfigError, whole: "options" });
  const said = options as TestOptions;
  const idle = MEANINGLESS.find((name) => said.to === undefined && said[name] !== undefined);
  if (idle !== undefined) throw new ConfigError(idle, "means nothing without to: no message is sent");
  return {
    to: said.to,
    type: said.type ?? "Generic",
    payload: said.payload ?? SAMPLE,
    locale: said.locale,
    signal: said.signal === undefined ? undefined : readSendOptions({ signal: said.signal }),
    onStep: optional(options.onStep, "onStep", readFunction<(step: Step) => void>) ?? (() => {}),
  };
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
