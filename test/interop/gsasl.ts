// A server whose half of a login is GNU SASL's.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { inject } from "vitest";
import type { Answer } from "../support/manners.ts";

export const user = "alice";
export const pass = "s3cret pass";

export interface Manner {
  /** What GNU SASL ties the login to, from what the server's end of the TLS exports; otherwise to nothing. */
  readonly binding?: (exported: Buffer) => Buffer;
  /** What becomes of its challenges on their way. */
  readonly challenge?: (text: string) => string;
}

/** Answers AUTH by what the program says. */
export function byGsasl({ binding, challenge = (text) => text }: Manner): Answer {
  return async (peer, command) => {
    const [, mechanism = "", initial = ""] = command.split(" ");
    const bound = binding === undefined ? [] : [binding(peer.exported()).toString("base64")];
    const program = spawn(inject("gsasl"), [mechanism, user, pass, ...bound], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const ended = once(program, "exit");
    try {
      const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
      for (let said = initial; said !== "*"; said = await peer.line()) {
        program.stdin.write(`${said}\n`);
        const { value: reply = "535 the program has ended" } = await lines.next();
        const [code, text] = reply.split(" ");
        if (code !== "334") return reply;
        const challenged = challenge(Buffer.from(text ?? "", "base64").toString());
        await peer.say(`334 ${Buffer.from(challenged).toString("base64")}`);
      }
      return "501 5.7.0 cancelled";
    } finally {
      program.kill();
      await ended;
    }
  };
}
