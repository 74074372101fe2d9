// A message in parts: each recipient in one of them, whatever the servers say, and no time lost over it.

import { expect, test } from "vitest";
import { Parts } from "../src/receipt.ts";

const REPLY = { code: 250, lines: ["ok"] };

function people(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `r${at}@d${at % 100}.example`);
}

function take(parts: Parts, to: readonly string[]): void {
  parts.add({ accepted: to, rejected: [], reply: REPLY, used: [] });
}

test("those who are left are parted anew where the next server has other limits, and nobody twice", () => {
  const to = people(20);
  const parts = new Parts(to);
  const limits = [{ rcptMax: 3 }, { rcptMax: 3 }, { rcptMax: 5 }, { rcptMax: 3 }, {}];
  const sizes = limits.map((one) => {
    // A part that failed is asked for once more.
    expect(parts.next(one)).toEqual(parts.next(one));
    const part = parts.next(one);
    take(parts, part);
    return part.length;
  });
  expect(sizes).toEqual([3, 3, 5, 3, 6]);
  expect(parts.isWhole).toBe(true);
  expect(parts.outcome?.accepted).toEqual(to);
});

test("the parts are found in time that grows with them", () => {
  const time = (count: number): number => {
    const parts = new Parts(people(count));
    const started = performance.now();
    while (!parts.isWhole) take(parts, parts.next({ rcptMax: 10 }));
    return performance.now() - started;
  };
  const least = (count: number) => Math.min(...Array.from({ length: 3 }, () => time(count)));
  least(1_000);
  expect(least(20_000)).toBeLessThan(least(5_000) * 4 * 3 + 5);
});
