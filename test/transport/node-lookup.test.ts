// A lookup of addresses with a time limit of its own.

import { describe, expect, test } from "vitest";
import { lookupWithin } from "../../src/transport/node-lookup.ts";
import type { Lookup } from "../../src/transport/wire.ts";

const look = (lookup: Lookup, name: string): Promise<{ error: unknown; found: unknown }> =>
  new Promise((resolve) => {
    lookup(name, { all: true }, (error, found) => resolve({ error, found }));
  });

describe("a lookup within its time", () => {
  test("finds what Node finds", async () => {
    const { error, found } = await look(lookupWithin(4_000), "127.0.0.1");
    expect(error).toBeNull();
    expect(found).toEqual([{ address: "127.0.0.1", family: 4 }]);
  });

  test("says what Node says where there is nothing", async () => {
    const { error } = await look(lookupWithin(4_000), "x".repeat(300));
    expect(error).toMatchObject({ syscall: "getaddrinfo" });
  });

  test("gives up, once, and is told as a fault of the lookup", async () => {
    let calls = 0;
    const error = await new Promise((resolve) => {
      lookupWithin(0)("localhost", {}, (reason) => {
        calls++;
        resolve(reason);
      });
    });
    await look(lookupWithin(4_000), "localhost");
    expect(error).toMatchObject({ code: "ETIMEOUT", syscall: "getaddrinfo" });
    expect(calls).toBe(1);
  });
});
