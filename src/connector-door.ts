// The door `pennypost/connector`, for Node, Bun and Deno: mail by usage type, and the providers by name. Whoever needs a
// client alone does not load it.

import { Connector, type ConnectorConfig, type Report, report, type TestOptions } from "./connector.ts";
import { nodeRuntime } from "./transport/node-runtime.ts";

/**
 * Makes a connector of a config: an SMTP account, and templates by usage type.
 *
 * @throws ConfigError with everything that is wrong in `problems`
 * @example
 * ```ts
 * const template = { contentType: "text/plain", subject: "Your code", content: "Your code is {{code}}." } as const;
 * const connector = createConnector({
 *   host: "smtp.example.com",
 *   port: 587,
 *   auth: { user: "login@example.com", pass: "secret" },
 *   fromEmail: "Example <login@example.com>",
 *   templates: ["Register", "SignIn", "ForgotPassword", "Generic"].map((usageType) => ({ usageType, ...template })),
 * });
 * await connector.send({ to: "bob@example.org", type: "SignIn", payload: { code: "042137" } });
 * await connector.close();
 * ```
 */
export function createConnector(config: ConnectorConfig): Connector {
  return new Connector(config, nodeRuntime());
}

/**
 * Sees whether a config works: reads it, connects, logs in, and sends a message made of one of its templates where `to`
 * names somebody. Nothing is thrown for a config or a server that is not right: the report says so, step by step, with
 * what the server said and what to change.
 *
 * @throws ConfigError for `options` that cannot be used
 * @example
 * ```ts
 * const template = { contentType: "text/plain", subject: "Your code", content: "Your code is {{code}}." } as const;
 * const report = await testConnector(
 *   {
 *     host: "smtp.example.com",
 *     port: 587,
 *     auth: { user: "login@example.com", pass: "secret" },
 *     fromEmail: "Example <login@example.com>",
 *     templates: ["Register", "SignIn", "ForgotPassword", "Generic"].map((usageType) => ({ usageType, ...template })),
 *   },
 *   { to: "bob@example.org", onStep: ({ name, status, summary }) => console.log(name, status, summary) },
 * );
 * if (!report.ok) console.log(report.steps.find(({ status }) => status === "failed")?.hint);
 * ```
 */
export function testConnector(config: ConnectorConfig, options: TestOptions = {}): Promise<Report> {
  return report(config, options, nodeRuntime());
}

export * from "./connector-exports.ts";
