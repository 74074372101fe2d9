// The door for Cloudflare Workers, and whatever else runs workerd. No module of Node's is reached from here.

import { Client } from "./client.ts";
import type { SmtpClientOptions } from "./options.ts";
import { dataUrl } from "./sources/data-url.ts";
import { stream } from "./sources/stream.ts";
import { url } from "./sources/url.ts";
import { cloudflareRuntime } from "./transport/cloudflare-runtime.ts";

/**
 * Sends messages over SMTP. Connections are opened when they are needed, and reused within one invocation of the Worker,
 * never across: a client may be kept in a global. `stats` and `close` know what is under way in the invocation that asks.
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
    super(options, cloudflareRuntime());
  }
}

/** Makes attachments of what is not in memory, or comes as a URL. There are no files here. */
export const attachment: {
  readonly url: typeof url;
  readonly dataUrl: typeof dataUrl;
  readonly stream: typeof stream;
} = { url, dataUrl, stream };

export * from "./exports.ts";
