// Runs contestants side by side: each in a child process of its own, all of them warm, one slice each in turn, round
// after round. What slows the machine down slows a whole round, so the ratios are taken within a round.

import { Child } from "./child.mjs";
import { summarize } from "./stats.mjs";

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {"ok" | "absent" | "failed"} status
 * @property {string} [note]       why it is not "ok"
 * @property {number[]} [rounds]   µs of CPU for one message, round by round
 * @property {import("./stats.mjs").Summary} [cpu]    µs of CPU for one message
 * @property {import("./stats.mjs").Summary} [rate]   messages a second
 * @property {import("./stats.mjs").Summary} [ratio]  the baseline's CPU for one message over its own, round by round
 * @property {Record<string, import("./stats.mjs").Summary>} [counters]  what `counters` counted, for one message
 * @property {{ start: number, peak: number }} [memory]  octets: when ready, and with `watchMemory` in the options the most seen since
 */

/**
 * @param {object} plan
 * @param {readonly (string | { name: string, module: string, options?: object })[]} plan.names
 *   contestants, as the files in bench/contestants are named; or several of one file, with what differs in their options
 * @param {"compose" | "send" | string} plan.export         what their modules export
 * @param {object | ((name: string) => object)} plan.options  what the export is called with; `batch` makes the slices call many(batch)
 * @param {number} plan.rounds
 * @param {number} plan.ms                                  length of a slice
 * @param {number} [plan.warmup]                            milliseconds before the first round, at the most
 * @param {boolean} [plan.freshAfterCheck]                  another child for the slices, where memory counts
 * @param {string} [plan.baseline]
 * @param {(octets: Uint8Array, name: string) => Promise<string | undefined>} [plan.check]  what is wrong with what it produced
 * @param {(name: string) => Promise<string | undefined>} [plan.checkSent]  called after the warm-up: what is wrong with what it sent
 * @param {(name: string) => Promise<Record<string, number>>} [plan.counters]  running totals of someone else, e.g. the sink's CPU
 * @returns {Promise<Row[]>}
 */
export async function contest(plan) {
  const entries = plan.names.map((given) => ({
    ...(typeof given === "string" ? { name: given, module: given } : given),
    status: "ok",
    slices: [],
  }));
  try {
    // One after the other: a start is heavy, and checks are not timed.
    for (const entry of entries) await enter(entry, plan);
    for (let round = 0; round < plan.rounds; round++) {
      for (let turn = 0; turn < entries.length; turn++) {
        // Who goes first changes, so that nobody always follows the same neighbour.
        await runSlice(entries[(round + turn) % entries.length], plan);
      }
    }
    for (const entry of entries) await leave(entry);
  } finally {
    for (const { child } of entries) child?.kill();
  }
  const baseline = entries.find(({ name }) => name === (plan.baseline ?? "nodemailer"));
  return entries.map((entry) => rowOf(entry, baseline));
}

async function enter(entry, plan) {
  await start(entry, plan);
  if (entry.status !== "ok") return;
  if (plan.check !== undefined) {
    const { message, failed } = await entry.child.ask({ do: "check" });
    const wrong = failed ?? (await plan.check(Buffer.from(message, "base64"), entry.name));
    if (wrong !== undefined) return retire(entry, "failed", wrong);
    if (plan.freshAfterCheck) {
      entry.child.kill();
      await start(entry, plan);
    }
  }
  const wrong = (await warmUp(entry.child, plan.warmup ?? 1500)) ?? (await plan.checkSent?.(entry.name));
  if (wrong !== undefined) retire(entry, "failed", wrong);
}

async function start(entry, { export: name, options }) {
  const child = new Child();
  entry.child = child;
  const { notYet, failed } = await child.ask({
    do: "prepare",
    module: new URL(`../contestants/${entry.module}.mjs`, import.meta.url).href,
    export: name,
    options: { ...(typeof options === "function" ? options(entry.name) : options), ...entry.options },
  });
  if (notYet !== undefined) return retire(entry, "absent", notYet);
  if (failed !== undefined) return retire(entry, "failed", failed);
  entry.start = (await child.ask({ do: "rss" })).rss;
}

const WARM_SLICE_MS = 150;
/** What two slices of compiled code differ by here. */
const SETTLED = 0.93;

/**
 * Works until two slices in a row have brought nothing: code of many small functions takes seconds to be compiled,
 * and costs five times as much before.
 */
async function warmUp(child, budget) {
  let best = Number.POSITIVE_INFINITY;
  let calm = 0;
  for (let spent = 0; spent < budget && calm < 2; ) {
    const slice = await child.ask({ do: "slice", ms: WARM_SLICE_MS });
    if (slice.failed !== undefined) return slice.failed;
    spent += slice.wall;
    const cpu = slice.cpu / slice.count;
    calm = cpu < best * SETTLED ? 0 : calm + 1;
    best = Math.min(best, cpu);
  }
  return undefined;
}

async function runSlice(entry, { ms, counters }) {
  if (entry.status !== "ok") return;
  const before = await counters?.(entry.name);
  const slice = await entry.child.ask({ do: "slice", ms });
  if (slice.failed !== undefined) return retire(entry, "failed", slice.failed);
  const after = await counters?.(entry.name);
  entry.slices.push({
    cpu: slice.cpu / slice.count,
    rate: (slice.count / slice.wall) * 1000,
    counters: Object.fromEntries(
      Object.entries(after ?? {}).map(([key, total]) => [key, (total - before[key]) / slice.count]),
    ),
  });
}

async function leave(entry) {
  if (entry.status !== "ok") return;
  const { peak } = await entry.child.ask({ do: "rss" });
  entry.memory = { start: entry.start, peak };
  await entry.child.ask({ do: "close" }, 5000);
}

function retire(entry, status, note) {
  entry.status = status;
  entry.note = note;
  entry.child.kill();
}

function rowOf({ name, status, note, slices, memory }, baseline) {
  if (status !== "ok") return { name, status, note };
  const ratios = slices.flatMap(({ cpu }, round) => {
    const theirs = baseline?.slices[round]?.cpu;
    return theirs === undefined ? [] : [theirs / cpu];
  });
  const counted = Object.keys(slices[0]?.counters ?? {});
  return {
    name,
    status,
    rounds: slices.map(({ cpu }) => cpu),
    cpu: summarize(slices.map(({ cpu }) => cpu)),
    rate: summarize(slices.map(({ rate }) => rate)),
    ratio: summarize(ratios),
    ...(counted.length === 0
      ? {}
      : {
          counters: Object.fromEntries(
            counted.map((key) => [key, summarize(slices.map(({ counters }) => counters[key]))]),
          ),
        }),
    memory,
  };
}
