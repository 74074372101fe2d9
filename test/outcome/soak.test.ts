// Hundreds of messages in one call, to a server that drops connections wherever it likes: what is said of each is true.
// `npm run soak` does the same with very many, and looks at the memory too.

import { describe, expect, test } from "vitest";
import { SmtpClient } from "../../src/index.ts";
import { watchProcess } from "../support/watch.ts";

watchProcess();

interface Bench {
  soak(plan: {
    readonly SmtpClient: typeof SmtpClient;
    readonly count: number;
    readonly dropEvery: number;
    readonly seed: number;
    readonly inFlight: number;
  }): Promise<{
    readonly told: Readonly<Record<"accepted" | "not-sent" | "rejected" | "unknown", number>>;
    readonly drops: Readonly<Record<string, number>>;
    readonly wrongs: readonly string[];
  }>;
}

// A program of the bench, which has no types: the server is a process of its own.
const { soak } = (await import(new URL("../../bench/lib/soak.mjs", import.meta.url).href)) as Bench;

const COUNT = 700;
const DROP_EVERY = 15;

describe("messages in one call, to a server that drops connections", () => {
  test.each([
    [1, 2],
    [2, 8],
    [3, 32],
  ])("have a fate that is told once, and truly (seed %i, %i in flight)", async (seed, inFlight) => {
    const { told, drops, wrongs } = await soak({
      SmtpClient,
      count: COUNT,
      dropEvery: DROP_EVERY,
      seed,
      inFlight,
    });
    expect(wrongs).toEqual([]);
    const said = Object.values(told).reduce((sum, count) => sum + count, 0);
    expect(said).toBe(COUNT);
    expect(told.accepted).toBeGreaterThan(COUNT / 2);
    // It was no fair-weather sailing.
    const dropped = Object.values(drops).reduce((sum, count) => sum + count, 0);
    expect(dropped).toBeGreaterThan(COUNT / DROP_EVERY / 3);
  });
});
