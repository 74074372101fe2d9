// All that sends, loaded with the first thing that a client is asked to do: a program that may never send pays for none of
// it, and whoever begins to send waits for one import.

import { TransportError } from "./errors.ts";
import { reasonOf } from "./excerpt.ts";

type Engine = typeof import("./desk.ts");

/** It is no promise that is kept: on some runtimes one request must not wait for what another has begun. */
let engine: Engine | undefined;

/** What was loaded before. */
export function loadedEngine(): Engine | undefined {
  return engine;
}

/** Rejects with what the runtime says, where a file of this library cannot be read. */
export async function loadEngine(): Promise<Engine> {
  engine = await import("./desk.ts");
  return engine;
}

/** What whoever waited for it is told, each with an error of their own. */
export function notLoaded(cause: unknown): TransportError {
  return new TransportError(`the library could not be loaded: ${reasonOf(cause)}`, {
    code: "connection",
    phase: "queue",
    transient: true,
    cause,
    hint: "nothing was sent; see whether the files of the package are where they were when the program began",
  });
}
