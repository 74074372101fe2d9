// How many connections there may be, and for how long.

import { ConfigError } from "../errors.ts";
import type { PoolLimits } from "../pool.ts";
import { optional, readInteger, readMilliseconds } from "./checks.ts";

/** The limits of the pool where the user sets none. */
export const DEFAULT_LIMITS: PoolLimits = {
  maxConnections: 5,
  minConnections: 0,
  // What servers take over one connection is seldom less; a new one costs a handful of turns in a hundred messages.
  maxMessagesPerConnection: 100,
  // Behind one name stand many servers: a connection that lives for ever never meets a new one, nor leaves a bad one.
  maxConnectionAge: 600_000,
  idleTimeout: 30_000,
};

/** More than any server takes from one client. */
const MOST_CONNECTIONS = 1_000;
const MOST_MESSAGES = 1_000_000;

export function readLimits(said: Partial<Record<keyof PoolLimits, unknown>>): PoolLimits {
  const from =
    (least: number, most: number) =>
    (value: unknown, option: string): number =>
      readInteger(value, option, least, most);
  const limit = (name: keyof PoolLimits, read: (value: unknown, option: string) => number): number =>
    optional(said[name], name, read) ?? DEFAULT_LIMITS[name];
  const limits: PoolLimits = {
    maxConnections: limit("maxConnections", from(1, MOST_CONNECTIONS)),
    minConnections: limit("minConnections", from(0, MOST_CONNECTIONS)),
    maxMessagesPerConnection: limit("maxMessagesPerConnection", from(1, MOST_MESSAGES)),
    maxConnectionAge: limit("maxConnectionAge", readMilliseconds),
    idleTimeout: limit("idleTimeout", readMilliseconds),
  };
  if (limits.minConnections > limits.maxConnections) {
    throw new ConfigError("minConnections", `is more than maxConnections, which is ${limits.maxConnections}`);
  }
  return limits;
}
