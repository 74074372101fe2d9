// The door for Node, Bun and Deno: the list of what the package exports, and the runtime it is for.

import { Client } from "./client.ts";
import type { SmtpClientOptions } from "./options.ts";
import { nodeRuntime } from "./transport/node-runtime.ts";

/**
 * Sends messages over SMTP. Connections are opened when they are needed, reused, and closed when they have been idle.
 *
 * @example
 * ```ts
 * const client = new SmtpClient("smtps://user:pass@smtp.example.com");
 * const receipt = await client.send({ from: "login@example.com", to: "bob@example.org", text: "042137" });
 * await client.close();
 * ```
 */
export class SmtpClient extends Client {
  /** @throws ConfigError naming the option that cannot be used */
  constructor(options: string | URL | SmtpClientOptions) {
    super(options, nodeRuntime());
  }
}

export * from "./exports.ts";
export { attachment } from "./sources.ts";
export { connectOver } from "./transport/node-runtime.ts";
export type { NodeSocket } from "./transport/wire.ts";
