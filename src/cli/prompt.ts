// A password, typed at a terminal that shows nothing of it.

import { ConfigError, TransportError } from "../index.ts";
import type { World } from "./world.ts";

/** Characters in a password that somebody types: who holds a key down must come to an end. */
const MAX_TYPED = 10_000;

/** Asks for a secret; the question goes to standard error, for standard output may be a file. */
export async function askSecret({ stdin, stderr }: World, question: string): Promise<string> {
  const line = new Line();
  // UTF-8 may come in pieces.
  const decoder = new TextDecoder();
  // Before the question: whoever has seen it begins to type.
  stdin.setRawMode?.(true);
  stderr.write(question);
  // Not by a loop over stdin: it would close it first, and what is closed stays raw.
  const keys = stdin[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await keys.next();
      const end = done ? "interrupt" : line.type(decoder.decode(value, { stream: true }));
      if (end === "enter") return line.text;
      if (end === "interrupt") {
        throw new TransportError("stopped at the question for the password", {
          code: "aborted",
          phase: "config",
        });
      }
    }
  } finally {
    // Whatever happens: a terminal that stays raw shows its owner nothing more, and knows no Ctrl-C.
    stdin.setRawMode?.(false);
    stderr.write("\n");
    await keys.return?.();
  }
}

/** What has been typed so far. */
class Line {
  #characters: string[] = [];

  get text(): string {
    return this.#characters.join("");
  }

  /** What the keys have ended, where they have. */
  type(keys: string): "enter" | "interrupt" | undefined {
    // An arrow or a function key: its letters are no part of a password.
    for (const key of keys.replace(/\x1b(?:\[[0-9;?]*[ -/]*[@-~]|O.|)/g, "")) {
      switch (key) {
        case "\r":
        case "\n":
          return "enter";
        case "\x03": // Ctrl-C
        case "\x04": // Ctrl-D
          return "interrupt";
        case "\x7f":
        case "\b":
          this.#characters.pop();
          break;
        case "\x15": // Ctrl-U
          this.#characters = [];
          break;
        default:
          // Other controls too: whoever reads the password refuses them, and says so.
          this.#characters.push(key);
      }
      if (this.#characters.length > MAX_TYPED) {
        throw new ConfigError("password", `has more than ${MAX_TYPED} characters`);
      }
    }
    return undefined;
  }
}
