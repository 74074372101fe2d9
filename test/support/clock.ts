// The clocks, moved by a test while real time goes on.

import { onTestFinished, vi } from "vitest";

interface Clocks {
  /** What `performance.now()` is ahead, in milliseconds. */
  monotonic: number;
  /** What `Date.now()` is ahead. */
  wall: number;
}

export function movedClocks(): Clocks {
  const ahead: Clocks = { monotonic: 0, wall: 0 };
  const monotonic = performance.now.bind(performance);
  const wall = Date.now.bind(Date);
  const spies = [
    vi.spyOn(performance, "now").mockImplementation(() => monotonic() + ahead.monotonic),
    vi.spyOn(Date, "now").mockImplementation(() => wall() + ahead.wall),
  ];
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore();
  });
  return ahead;
}

/** `Math.random()` gives this from now on. */
export function chance(value: number): void {
  const spy = vi.spyOn(Math, "random").mockReturnValue(value);
  onTestFinished(() => spy.mockRestore());
}
