// The option `retry`: how often a message is begun, and how long to wait in between.

import { ConfigError } from "../errors.ts";
import { reasonOf } from "../excerpt.ts";
import { describe, type Keys } from "../input.ts";
import type { Backoff, RetryOptions, RetryPolicy } from "../retry.ts";
import { optional, read, readFlag, readInteger } from "./checks.ts";

/** A server that fails so often is down, and is not helped by being asked once more. */
const MAX_ATTEMPTS = 10;
const DEFAULT_ATTEMPTS = 3;
/** A wait that grows more than tenfold each time says nothing that `initial` and `max` do not. */
const MAX_FACTOR = 10;
/** Milliseconds. Who waits for more than a day needs a queue that outlives the process. */
const MAX_PAUSE = 86_400_000;
const DEFAULT_BACKOFF = { initial: 1_000, max: 60_000, factor: 2, jitter: 0.5 } as const;

const AT_ONCE = (): number => 0;
const NEVER: RetryPolicy = { attempts: 1, connections: false, transient: false, pause: AT_ONCE };

/** Where nothing is said: a connection that turns out to be dead is replaced, once, and nothing else. */
const DEFAULT: RetryPolicy = { attempts: 2, connections: false, transient: false, pause: AT_ONCE };

const RETRY: Keys<keyof RetryOptions> = { attempts: undefined, backoff: undefined, transient: undefined };
const BACKOFF: Keys<keyof Backoff> = {
  initial: undefined,
  max: undefined,
  factor: undefined,
  jitter: undefined,
};

export function readRetry(value: unknown, option: string): RetryPolicy {
  if (value === undefined) return DEFAULT;
  if (value === false) return NEVER;
  const { attempts, backoff, transient } = read(value, RETRY, option);
  return {
    attempts:
      optional(attempts, `${option}.attempts`, (given, path) => readInteger(given, path, 1, MAX_ATTEMPTS)) ??
      DEFAULT_ATTEMPTS,
    connections: true,
    transient: optional(transient, `${option}.transient`, readFlag) ?? false,
    pause: readPause(backoff, `${option}.backoff`),
  };
}

function readPause(value: unknown, option: string): RetryPolicy["pause"] {
  if (typeof value === "function") return (attempts) => asked(() => value(attempts), option);
  const { initial, max, factor, jitter } = value === undefined ? {} : read(value, BACKOFF, option);
  const first = optional(initial, `${option}.initial`, readPauseLength) ?? DEFAULT_BACKOFF.initial;
  const longest = optional(max, `${option}.max`, readPauseLength) ?? Math.max(DEFAULT_BACKOFF.max, first);
  if (longest < first) throw new ConfigError(`${option}.max`, `is less than ${option}.initial, ${first}`);
  const growth = optional(factor, `${option}.factor`, within(1, MAX_FACTOR)) ?? DEFAULT_BACKOFF.factor;
  const chance = optional(jitter, `${option}.jitter`, within(0, 1)) ?? DEFAULT_BACKOFF.jitter;
  return (attempts) =>
    // Many that failed at the same moment must not come back at the same moment.
    Math.min(longest, first * growth ** (attempts - 1)) * (1 - chance * Math.random());
}

function within(least: number, most: number): (value: unknown, option: string) => number {
  return (value, option) => {
    if (typeof value === "number" && value >= least && value <= most) return value;
    throw new ConfigError(option, `is not a number from ${least} to ${most}`);
  };
}

function readPauseLength(value: unknown, option: string): number {
  return readInteger(value, option, 1, MAX_PAUSE);
}

function asked(ask: () => unknown, option: string): number {
  let pause: unknown;
  try {
    pause = ask();
  } catch (cause) {
    throw new ConfigError(option, `failed: ${reasonOf(cause)}`, { cause });
  }
  if (typeof pause === "number" && pause >= 0 && pause <= MAX_PAUSE) return pause;
  const what = typeof pause === "number" ? String(pause) : describe(pause);
  throw new ConfigError(option, `returned ${what}, not milliseconds from 0 to ${MAX_PAUSE}`);
}
