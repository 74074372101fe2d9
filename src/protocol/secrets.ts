// What we said and nobody else may read. Some servers repeat it in a refusal, login and all.

import { decodeBase64, decodeText } from "../bytes.ts";
import { type Command, MASK } from "../commands.ts";
import type { Reply } from "../errors.ts";

export class Secrets {
  #all: readonly string[] = [];

  /** Takes note of what `commands` carry. */
  remember(commands: readonly Command[]): void {
    for (const { secrets } of commands) {
      if (secrets.length === 0) continue;
      // The longest first: a password may be part of what it is encoded in.
      this.#all = [...new Set([...this.#all, ...secrets])].sort((a, b) => b.length - a.length);
    }
  }

  mask(text: string): string {
    const masked = this.#all.reduce((rest, secret) => rest.replaceAll(secret, MASK), text);
    return this.#all.reduce(maskBeginning, masked);
  }

  /** The reply as it may be shown. */
  maskReply(reply: Reply): Reply {
    if (this.#all.length === 0) return reply;
    const lines = reply.code === 334 ? reply.lines.map((line) => this.#maskChallenge(line)) : reply.lines;
    return { ...reply, lines: lines.map((line) => this.mask(line)) };
  }

  /** What a challenge holds is encoded, and a secret in it then looks like none. */
  #maskChallenge(line: string): string {
    const octets = decodeBase64(line);
    if (octets === undefined) return line;
    const text = decodeText(octets);
    return this.#all.some((secret) => text.includes(secret)) ? MASK : line;
  }
}

/** How much of a secret tells it from other words. */
const BEGINNING = 12;

/** Servers repeat what they refuse up to some length, and long lines are cut here: what is left of a secret is one. */
function maskBeginning(text: string, secret: string): string {
  const beginning = secret.slice(0, BEGINNING);
  let at = secret.length > BEGINNING ? text.indexOf(beginning) : -1;
  if (at < 0) return text;
  let masked = "";
  let from = 0;
  for (; at >= 0; at = text.indexOf(beginning, from)) {
    masked += text.slice(from, at) + MASK;
    from = at + BEGINNING;
    while (from < text.length && text[from] === secret[from - at]) from++;
  }
  return masked + text.slice(from);
}
