// What errors call the place that a connection was to lead to.

import type { Target } from "./wire.ts";

export function placeOf({ host, port, path, via }: Omit<Target, "signal">): string {
  const place = path === undefined ? `${host} on port ${port}` : `the socket ${path}`;
  return via === undefined ? place : `${place} through the proxy ${via}`;
}

/** The options that lead there, for a hint. */
export function optionsOf({ path, via }: Omit<Target, "signal">): string {
  return path !== undefined ? "path" : via === undefined ? "host and port" : "host, port and proxy";
}

/** Why an attempt was ended. */
export function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error("aborted");
}
