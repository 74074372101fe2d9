// Every check in every runtime. What a runtime does not offer has to be refused when the client is made, by an error that
// says so.

import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, inject, test } from "vitest";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import type { Check, Told } from "./check.ts";
import { CHECKS } from "./checks.ts";
import { RUNTIMES } from "./runtimes.ts";

/** A cell of the table that run.mjs prints. */
interface Cell {
  readonly verdict: "pass" | "fail" | "not offered";
  /** How it failed, or the error that whoever asks for it gets. */
  readonly why?: string;
}

const directory = inject("directory");
const installed = inject("installed");
const folder = join(directory, "room");
const file = join(folder, "attached.txt");

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});

test("every check has both of its halves", async () => {
  const suite = await import(new URL("./suite.mjs", import.meta.url).href);
  expect(Object.keys(suite.CHECKS).sort()).toEqual(Object.keys(CHECKS).sort());
});

test.each(RUNTIMES.filter(({ name }) => name in installed))("pennypost works in $name", async (runtime) => {
  const { name, kind, refuses, launch } = runtime;
  const setting = { certificates, kind, file };
  const checks: Record<string, Check> = {};
  for (const [check, prepare] of Object.entries(CHECKS)) checks[check] = await prepare(setting);
  for (const { begin } of Object.values(checks)) await begin?.();
  const orders = Object.fromEntries(Object.entries(checks).map(([check, { order }]) => [check, order]));
  const room = { folder, file, ca: certificates.ca };
  // One that cannot be started, or does not end, fails in every check.
  const told = await launch(orders, room, installed[name] ?? "").catch((error: Error) => error);

  const cells: Record<string, Cell> = {};
  for (const [check, { judge }] of Object.entries(checks)) {
    if (told instanceof Error) cells[check] = { verdict: "fail", why: told.message };
    else cells[check] = await cell(told[check], refuses[check], judge);
  }
  await appendFile(join(directory, "cells.jsonl"), `${JSON.stringify([name, cells])}\n`);
  expect(Object.keys(refuses).filter((check) => !(check in checks))).toEqual([]);
  expect(Object.entries(cells).filter(([, { verdict }]) => verdict === "fail")).toEqual([]);
});

async function cell(
  told: Told | undefined,
  refused: string | undefined,
  judge: Check["judge"],
): Promise<Cell> {
  if (told === undefined) return { verdict: "fail", why: "nothing was told of it" };
  const { error } = told;
  if (refused !== undefined) {
    const isAtOnce = error?.code === "not exported" || (error?.code === "invalid_option" && error.atOnce);
    const isRefused = isAtOnce && error.option === refused;
    if (isRefused) return { verdict: "not offered", why: `${error.code}: ${error.message}` };
    return { verdict: "fail", why: `it should be refused for ${refused}: ${error?.message ?? "it works"}` };
  }
  try {
    await judge(told);
    return { verdict: "pass" };
  } catch (thrown) {
    return { verdict: "fail", why: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}
