// The connector: an SMTP account and templates in one config, and mail by usage type. The only door to connector/.

import { Client } from "./client.ts";
import type { Report } from "./connector/report.ts";
import {
  type ConnectorMessage,
  messageOf,
  type ResolvedConnector,
  resolveConnector,
} from "./connector/resolve.ts";
import { readTrial, type TestOptions } from "./connector/trial.ts";
import type { ConnectorConfig } from "./connector/types.ts";
import { ConfigError } from "./errors.ts";
import { type Keys, readObject } from "./input.ts";
import type { CloseOptions } from "./options/calls.ts";
import type { Receipt } from "./receipt.ts";
import type { Runtime } from "./runtime.ts";

export { type ResolvedConfig, readConnectorConfig } from "./connector/config.ts";
export { exampleConfig } from "./connector/example.ts";
export type { Report } from "./connector/report.ts";
export {
  type ConnectorMessage,
  messageOf,
  type ResolvedConnector,
  resolveConnector,
} from "./connector/resolve.ts";
export { connectorSchema } from "./connector/schema.ts";
export type { Step, StepDetail, StepName } from "./connector/steps.ts";
export type { TestOptions } from "./connector/trial.ts";
export type { ConnectorAuth, ConnectorConfig, ConnectorTemplate } from "./connector/types.ts";

/** Holds a message, and how it is sent. */
export interface ConnectorSendOptions extends ConnectorMessage {
  /** Gives up. What is reported then says whether the message may have been sent. */
  readonly signal?: AbortSignal;
}

const SEND: Keys<keyof ConnectorSendOptions> = {
  to: undefined,
  type: undefined,
  payload: undefined,
  locale: undefined,
  signal: undefined,
};

const ONE = "signal goes beside to, type and payload";

/** Sends the mail of a config, by usage type. */
export class Connector {
  /** The connections that it sends over; it is closed with them. */
  readonly client: Client;
  readonly #resolved: ResolvedConnector;

  /** For a door: `createConnector` makes one. */
  constructor(config: ConnectorConfig, runtime: Runtime) {
    this.#resolved = resolveConnector(config, runtime);
    this.client = new Client(this.#resolved.options, runtime);
  }

  /**
   * Sends the template for `type`, with the values of `payload`, to one recipient.
   *
   * @throws MessageError where a value is missing or cannot stand where the template has it, before anything is sent
   * @throws what `send` of a client throws
   */
  async send(message: ConnectorSendOptions, ...more: readonly never[]): Promise<Receipt> {
    // A signal that is given as to a client's `send` must not be lost in silence.
    if (more[0] !== undefined) throw new ConfigError("options", "are no second argument here", { hint: ONE });
    const { signal, ...said } = readObject(message, SEND, "", { whole: "message" });
    const content = messageOf(this.#resolved, said as ConnectorMessage);
    return this.client.send(content, signal === undefined ? {} : { signal: signal as AbortSignal });
  }

  /** Takes no more messages, waits for those under way, and says goodbye on every connection. */
  close(options?: CloseOptions): Promise<void> {
    return this.client.close(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** `testConnector`, for a door. What it tells, and how, is loaded when something is tested. */
export async function report(
  config: ConnectorConfig,
  options: TestOptions,
  runtime: Runtime,
): Promise<Report> {
  const trial = readTrial(config, options, runtime);
  const tests = await import("./connector/report.ts");
  return tests.report(trial, runtime);
}
