// Tests of a connector against a server on this machine, and what their reports must have in any case.

import { expect } from "vitest";
import type { Step } from "../../src/connector/steps.ts";
import { type Report, report, type TestOptions } from "../../src/connector.ts";
import type { Runtime } from "../../src/runtime.ts";
import { connectNode } from "../../src/transport/node.ts";
import type { Lookup } from "../../src/transport/wire.ts";
import { configWith } from "./connector.ts";

/** Who is mailed, and who signs in. */
export const TO: TestOptions = { to: "bob@example.org" };
export const AUTH: { readonly user: string; readonly pass: string } = {
  user: "alice@example.com",
  pass: "open sesame",
};

const RUNTIME: Runtime = { connect: connectNode };

/** What is reported of a config with `more` in it, when `bob@example.org` is to get a message, or nobody. */
export async function reportOf(
  more: object,
  options: TestOptions = {},
  runtime: Partial<Runtime> = {},
): Promise<Report> {
  const told: Step[] = [];
  const onStep = (step: Step): void => void told.push(step);
  const found = await report(configWith(more), { onStep, ...options }, { ...RUNTIME, ...runtime });
  if (options.onStep === undefined) expect(told).toEqual(found.steps);
  const names = found.steps.map(({ name }) => name);
  expect(names.toSorted()).toEqual(ALL.toSorted());
  const failed = found.steps.filter(({ status }) => status === "failed");
  expect(failed).toHaveLength(found.ok ? 0 : 1);
  expect(failed[0]?.error).toBe(found.error);
  const end = found.steps.findIndex(({ status }) => status === "failed");
  if (end >= 0) expect(new Set(found.steps.slice(end + 1).map(({ status }) => status))).not.toContain("ok");
  for (const { summary, hint = "", duration } of found.steps) {
    expect(summary).toMatch(/^\P{Cc}+$/u);
    expect(duration).toBeGreaterThanOrEqual(0);
    expect(hint).not.toMatch(WORDS_OF_THE_CLIENT);
  }
  return found;
}

const ALL = ["config", "dns", "tcp", "greeting", "tls", "extensions", "auth", "transaction"];

/** Options of a client that a connector calls otherwise, or has not. */
export const WORDS_OF_THE_CLIENT: RegExp =
  /security:|auth\.oauth2|auth\.mechanism|timeouts\.|envelope\.|\bof from\b|\bas from\b|set from\b/;

/** The step that failed, and what is said of it. */
export async function failureOf(...test: Parameters<typeof reportOf>): Promise<[string, string | undefined]> {
  const { steps } = await reportOf(...test);
  const failed = steps.find(({ status }) => status === "failed");
  if (failed === undefined) throw new Error("every step went well");
  return [failed.name, failed.hint];
}

/** A resolver for whatever name, as a runtime brings one along. */
export function resolver(lookup: Lookup): Pick<Runtime, "lookupWithin"> {
  return { lookupWithin: () => lookup };
}

/** Every name is that of this machine. */
export const HERE: Pick<Runtime, "lookupWithin"> = resolver((_name, _options, done) =>
  done(null, [{ address: "127.0.0.1", family: 4 }]),
);
