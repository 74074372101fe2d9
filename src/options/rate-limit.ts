// How fast messages may go: so many in a stretch of time, or as somebody else says.

import { ConfigError } from "../errors.ts";
import type { Keys } from "../input.ts";
import type { Limit, Rate, RateLimiter } from "../rate-limit.ts";
import { optional, read, readFunction, readInteger, readMilliseconds } from "./checks.ts";

const RATE: Keys<keyof Rate | keyof RateLimiter> = {
  messages: undefined,
  per: undefined,
  acquire: undefined,
};

/** The time of each is remembered for as long as it counts: eight octets. */
const MOST_MESSAGES = 1_000_000;

export function readRateLimit(value: unknown, option: string): Limit {
  const limiter = value as Partial<RateLimiter> | null | undefined;
  const acquire = limiter?.acquire;
  // Its own method, or its class's; not one that was slipped into every object.
  if (typeof acquire === "function" && acquire !== ({} as Partial<RateLimiter>).acquire) {
    return { acquire: (signal) => acquire.call(limiter, signal) };
  }
  const said = read(value, RATE, option);
  optional(said.acquire, `${option}.acquire`, readFunction);
  const messages = optional(said.messages, `${option}.messages`, (count, path) =>
    readInteger(count, path, 1, MOST_MESSAGES),
  );
  const per = optional(said.per, `${option}.per`, readMilliseconds);
  if (messages === undefined || per === undefined) {
    throw new ConfigError(option, "needs both messages and per, or is an object with a method acquire");
  }
  return { messages, per };
}
