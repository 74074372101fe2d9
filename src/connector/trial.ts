// What a test of a connector is told, read when it is told: what goes the way is loaded with the first test, and the caller
// may write the next one into the same objects meanwhile.

import type { MailboxInput } from "../address.ts";
import { ConfigError } from "../errors.ts";
import { type Keys, readObject } from "../input.ts";
import type { Message } from "../message.ts";
import { readSendOptions } from "../options/calls.ts";
import { optional, readFunction } from "../options/checks.ts";
import type { SmtpClientOptions } from "../options.ts";
import type { Runtime } from "../runtime.ts";
import type { Payload } from "../templates.ts";
import { messageOf, resolveConnector } from "./resolve.ts";
import type { Step } from "./steps.ts";
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

/** What is to be tested, and who hears of it: as it was told, whatever is written to the config or the options since. */
export interface Trial {
  /** By `performance.now()`. */
  readonly startedAt: number;
  readonly onStep: (step: Step) => void;
  readonly signal: AbortSignal | undefined;
  /** What the config comes to, or why it cannot be used. */
  readonly subject:
    | { readonly options: SmtpClientOptions; readonly message: Message | undefined }
    | { readonly error: unknown };
}

/** Throws for options that cannot be used, and else for nothing. */
export function readTrial(config: ConnectorConfig, given: TestOptions, runtime: Runtime): Trial {
  const startedAt = performance.now();
  const { to, type, payload, locale, signal, onStep } = readTest(given);
  const trial = { startedAt, onStep, signal };
  try {
    const connector = resolveConnector(config, runtime);
    const said = { type, payload, ...(locale !== undefined && { locale }) };
    const message = to === undefined ? undefined : messageOf(connector, { to, ...said });
    return { ...trial, subject: { options: connector.options, message } };
  } catch (error) {
    return { ...trial, subject: { error } };
  }
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
