// The door `pennypost/connector` for Cloudflare Workers.

import { Connector, type ConnectorConfig, type Report, report, type TestOptions } from "./connector.ts";
import { cloudflareRuntime } from "./transport/cloudflare-runtime.ts";

/**
 * Makes a connector of a config: an SMTP account, and templates by usage type. It may be kept in a global.
 *
 * @throws ConfigError with everything that is wrong in `problems`, and for what cannot be had in this runtime
 */
export function createConnector(config: ConnectorConfig): Connector {
  return new Connector(config, cloudflareRuntime());
}

/**
 * Sees whether a config works: reads it, connects, logs in, and sends a message made of one of its templates where `to`
 * names somebody. Nothing is thrown for a config or a server that is not right: the report says so.
 *
 * @throws ConfigError for `options` that cannot be used
 */
export function testConnector(config: ConnectorConfig, options: TestOptions = {}): Promise<Report> {
  return report(config, options, cloudflareRuntime());
}

export * from "./connector-exports.ts";
