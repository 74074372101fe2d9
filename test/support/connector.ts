// Configs for the tests of the connector, and JSON values as a file would bring them.

import { onTestFinished } from "vitest";
import type { Connector } from "../../src/connector-door.ts";
import { type ConnectorConfig, type ConnectorTemplate, createConnector } from "../../src/connector-door.ts";
import { ConfigError } from "../../src/errors.ts";
import type { Problem } from "../../src/index.ts";

export const USAGE_TYPES = ["Register", "SignIn", "ForgotPassword", "Generic"] as const;

export function template(usageType: string, more: Partial<ConnectorTemplate> = {}): ConnectorTemplate {
  return {
    usageType,
    contentType: "text/plain",
    subject: `${usageType}: {{code}}`,
    content: `Your ${usageType} code is {{code}}.`,
    ...more,
  };
}

export const CONFIG: ConnectorConfig = {
  host: "127.0.0.1",
  port: 587,
  fromEmail: "Example <login@example.com>",
  templates: USAGE_TYPES.map((usageType) => template(usageType)),
};

/** The config of an account, with what a test has to say of it. */
export function configWith(more: object): ConnectorConfig {
  return { ...CONFIG, ...more };
}

/** A connector of the server on a port of this machine, closed when the test is over. */
export function connectorTo({ port }: { readonly port: number }, more: object = {}): Connector {
  const connector = createConnector(configWith({ port, ...more }));
  onTestFinished(() => connector.close({ force: true }));
  return connector;
}

/** What is wrong, as `path: message`; nothing where `work` throws nothing. */
export function problemsOf(work: () => unknown): string[] {
  return caught(work).map(({ path, message }) => `${path}: ${message}`);
}

export function caught(work: () => unknown): readonly Problem[] {
  try {
    work();
    return [];
  } catch (error) {
    if (error instanceof ConfigError && error.problems !== undefined) return error.problems;
    throw error;
  }
}
