// What no test may leave behind: a rejection that nobody handled, an exception that nobody caught.

import { afterEach, beforeEach, expect } from "vitest";
import { SmtpError } from "../../src/errors.ts";

/** Makes every test of the file fail that causes one, or a warning of the runtime. */
export function watchProcess(): void {
  const seen: unknown[] = [];
  const note = (fault: unknown): void => void seen.push(fault);
  beforeEach(() => {
    seen.length = 0;
    process.on("unhandledRejection", note).on("uncaughtException", note).on("warning", note);
  });
  afterEach(async () => {
    // Rejections are reported once the microtasks have run; errors of sockets come with the next turns of the loop.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note).off("uncaughtException", note).off("warning", note);
    expect(seen).toEqual([]);
  });
}

/** The error that `promise` rejects with, which must be of this library. */
export async function errorOf(promise: Promise<unknown>): Promise<SmtpError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!("error" in outcome))
    throw new Error(`it should fail, but it came to ${JSON.stringify(outcome.value)}`);
  expect(outcome.error).toBeInstanceOf(SmtpError);
  return outcome.error as SmtpError;
}

/** Waits, turn by turn of the event loop, until `condition` holds; not for ever. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 4_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`it did not come true: ${condition}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
