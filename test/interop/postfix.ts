// The Postfix of the tests, as clients reach it.
import { readFile } from "node:fs/promises";
import { expect, inject, vi } from "vitest";
import type { Reply, SmtpClientOptions } from "../../src/index.ts";

const postfix = inject("postfix");
export const maildir: string = postfix.mail;
export const log: string = postfix.log;
export const login = { user: "alice", pass: "s3cret pass" } as const;

/** Options that lead to one of its listeners. */
type Way = SmtpClientOptions & { readonly port: number };

export const plain: Way = at("plain");
const tls = { ca: postfix.ca };
export const overStartTls: Way = { host: "localhost", port: port("submission"), security: "starttls", tls };
export const overTls: Way = { host: "localhost", port: port("smtps"), security: "tls", tls };

/** Ways for a message to go: behind DATA or in chunks, from memory or from streams. */
export const WAYS = [
  ["DATA", { chunking: false }, "in memory"],
  ["BDAT", {}, "in memory"],
  ["BDAT in lock-step", { pipelining: false }, "in memory"],
  ["a stream through DATA", { chunking: false }, "streamed"],
  ["a stream through BDAT", {}, "streamed"],
  ["a stream through BDAT in lock-step", { pipelining: false }, "streamed"],
] as const;

/** By which mechanism they signed in whose message was accepted with `reply`, as Postfix has it in its log. */
export async function mechanismOf(reply: Reply): Promise<string | undefined> {
  const id = /queued as (\w+)/.exec(reply.lines.join(" "))?.[1];
  const line = await vi.waitFor(
    async () => {
      const found = (await readFile(log, "utf8")).split("\n").find((text) => text.includes(`${id}: client=`));
      return found ?? expect.fail(`no line for ${id} in the log`);
    },
    { timeout: 5_000, interval: 25 },
  );
  return /sasl_method=([\w-]+)/.exec(line)?.[1];
}

/** A listener that is spoken to in the clear. */
export function at(listener: string): Way {
  return { host: "127.0.0.1", port: port(listener), security: "none" };
}

function port(listener: string): number {
  const found = postfix.ports[listener];
  if (found === undefined) throw new Error(`Postfix has no listener ${listener}`);
  return found;
}
