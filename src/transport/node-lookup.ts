// A lookup of addresses that has a time limit of its own: the resolver of the system has none that can be set.

import type { Lookup } from "./wire.ts";

/** Looks names up as Node does, and gives up after so many milliseconds. */
export function lookupWithin(limit: number): Lookup {
  return (name, options, done) => {
    let isOver = false;
    const settle: typeof done = (...outcome) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      done(...outcome);
    };
    const timer = setTimeout(() => {
      const error = new Error(`no answer within ${limit} ms`);
      // What it is called where the resolver itself gives up, so that it is told as a fault of the lookup.
      settle(Object.assign(error, { code: "ETIMEOUT", syscall: "getaddrinfo" }), []);
    }, limit);
    import("node:dns").then(
      ({ lookup }) => (lookup as Lookup)(name, options, settle),
      (error) => settle(error, []),
    );
  };
}
