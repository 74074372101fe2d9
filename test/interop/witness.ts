// What the tests saw, told when they are through: a line for each, with what the server said.
import { afterAll } from "vitest";
import type { Reply } from "../../src/index.ts";

export type Saw = (name: string, reply: Reply | undefined, what: string) => void;

/** Collects what is seen of a server, and prints it after the last test of the file. */
export function witness(server: string): Saw {
  const seen: string[] = [];
  afterAll(() => console.log(seen.map((line) => `interop ${server}: ${line}`).join("\n")));
  return (name, reply, what) => {
    const said = reply === undefined ? "nothing asked" : `${reply.code} ${reply.lines.join(" ")}`;
    seen.push(`${name}: ${said}; ${what}`);
  };
}
