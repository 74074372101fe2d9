// What a command is, and what it is given to work with.

import type { Files } from "./files.ts";
import type { Given, Options } from "./options.ts";
import type { Style } from "./style.ts";
import type { World } from "./world.ts";

export interface Command<Name extends string = string> {
  readonly name: string;
  /** In a line. */
  readonly summary: string;
  /** What may stand behind the name. */
  readonly usage: string;
  readonly options: Options<Name>;
  /** How many words there may be besides the options. */
  readonly operands?: number;
  /** Each a line for the shell. */
  readonly examples: readonly string[];
  /** Whatever else should be known, in lines. */
  readonly notes?: readonly string[];
  /** Does it, and returns the exit code. */
  run(given: Given<Name>, work: Work): Promise<ExitCode>;
}

export interface Work {
  readonly world: World;
  readonly files: Files;
  /** Of standard output. */
  readonly style: Style;
  /** Of standard error. */
  readonly errorStyle: Style;
  /** Writes a line to standard output. */
  print(line?: string): void;
  /** Does what may take long; the signal says that the person wants to stop. */
  interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

/** What a command comes to; each is described in --help. */
export const EXIT = {
  done: 0,
  failed: 1,
  unusable: 2,
  unknown: 3,
  partly: 4,
  /** 128 and the number of SIGINT, as shells have it. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
