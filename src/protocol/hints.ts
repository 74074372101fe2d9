// What to do about refusals that people meet often, by the words of those who send them.

import type { Verb } from "../commands.ts";
import type { Reply } from "../errors.ts";

/** What may help; `undefined` where nothing is known of it. */
export function hintOf(verb: Verb, reply: Reply): string | undefined {
  return verb === "AUTH" && reply.code === 538 ? 'set security: "starttls" or "tls"' : undefined;
}
