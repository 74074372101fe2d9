// The command, with a world of the test's own: streams that are written down, and keys that are pressed.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { main } from "../../src/cli/main.ts";
import { exampleConfig } from "../../src/connector-door.ts";

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What the terminal was told about showing keys. */
  readonly raw: readonly boolean[];
}

export interface Circumstances {
  /** What comes on standard input, piece by piece. */
  readonly input?: readonly (string | Uint8Array)[];
  readonly env?: Readonly<Record<string, string>>;
  /** Which of the streams are a terminal. */
  readonly terminal?: readonly ("stdin" | "stdout" | "stderr")[];
  /** Is given what a Ctrl-C calls, as soon as somebody listens. */
  readonly onListening?: (interrupt: () => void) => void;
}

export async function pennypost(
  args: readonly string[],
  { input = [], env = {}, terminal = [], onListening }: Circumstances = {},
): Promise<Outcome> {
  let [out, err] = ["", ""];
  const raw: boolean[] = [];
  const code = await main({
    args,
    env,
    version: "1.2.3",
    stdin: {
      isTTY: terminal.includes("stdin"),
      setRawMode: (isRaw: boolean) => raw.push(isRaw),
      async *[Symbol.asyncIterator]() {
        for (const piece of input) yield typeof piece === "string" ? Buffer.from(piece) : piece;
      },
    },
    stdout: { isTTY: terminal.includes("stdout"), write: (text) => (out += text) },
    stderr: { isTTY: terminal.includes("stderr"), write: (text) => (err += text) },
    onInterrupt(listener) {
      onListening?.(listener);
      return () => {};
    },
  });
  return { code, out, err, raw };
}

/** A folder of the test's own, gone when it is over; returns where a file in it is, written if there is a text. */
export function folder(): (name: string, text?: string) => string {
  const path = mkdtempSync(join(tmpdir(), "pennypost-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return (name, text) => {
    const file = join(path, name);
    if (text !== undefined) writeFileSync(file, text);
    return file;
  };
}

/** A config for a server on this machine, as a file would hold it. */
export function configFor(port: number, changes: object = {}): string {
  return JSON.stringify({
    host: "127.0.0.1",
    port,
    fromEmail: "Example <login@example.com>",
    templates: exampleConfig().templates,
    ...changes,
  });
}
