// Who listens: what the caller gave, and what the runtime offers.

import { ConfigError } from "../errors.ts";
import { describe } from "../input.ts";
import type { Level, Logger } from "../logger.ts";
import type { Diagnostics, TraceEvent } from "../trace.ts";
import { optional, readFunction } from "./checks.ts";

export interface Listeners {
  readonly trace: ((event: TraceEvent) => unknown) | undefined;
  readonly logger: Logger | undefined;
  readonly diagnostics: Diagnostics | undefined;
}

export function readListeners(
  { trace, logger }: { readonly trace?: unknown; readonly logger?: unknown },
  diagnostics: Diagnostics | undefined,
): Listeners {
  return {
    trace: optional(trace, "trace", readFunction<(event: TraceEvent) => void>),
    logger: optional(logger, "logger", readLogger),
    diagnostics,
  };
}

const LEVELS: readonly Level[] = ["debug", "info", "warn", "error"];

/** Not a snapshot, and inherited methods count: a logger is a living thing, and mostly an instance of a class. */
function readLogger(value: unknown, option: string): Logger {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) {
    throw new ConfigError(option, `is ${describe(value)}, not an object`);
  }
  const logger = value as Partial<Record<Level, unknown>>;
  const levels = LEVELS.filter((level) => {
    const method = logger[level];
    optional(method, `${option}.${level}`, readFunction);
    return method !== undefined;
  });
  if (levels.length > 0) return logger as Logger;
  throw new ConfigError(option, `has none of the methods ${LEVELS.join(", ")}`, {
    hint: "console has them, and so have most loggers",
  });
}
