// Sending over loopback to sinks that take everything: what a message costs from the object to the receipt.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkLast } from "../lib/check-sent.mjs";
import { contest } from "../lib/contest.mjs";
import { goalOf, ratioOf } from "../lib/goals.mjs";
import { writeFileOfSize } from "../lib/messages.mjs";
import { outgoing } from "../lib/outgoing.mjs";
import { startSink } from "../lib/sink.mjs";
import { figure, ratioTable } from "../lib/table.mjs";

export const name = "send";
export const title = "Sending over loopback";

const MIB = 2 ** 20;
const LIBRARIES = ["pennypost", "nodemailer", "emailjs", "upyo"];

/** The ways in which hand-written octets are sent; see contestants/send/raw.mjs. */
const raw = (mode) => ({ name: `raw ${mode}`, module: "raw", options: { mode } });

/**
 * What is measured. `queued` is how many messages are handed over at once, `hide` what the sinks do not offer. A quick
 * run takes a quarter of the messages, and a file of 4 MiB.
 */
const PARTS = {
  sequence: {
    title: "a verification code, one connection, one after the other",
    names: [raw("DATA"), raw("BDAT"), ...LIBRARIES],
    options: { kind: "otp", connections: 1 },
  },
  queue: {
    title: "a verification code, 5 connections, 2,000 queued at once, DATA",
    names: [raw("DATA"), raw("overlapped"), ...LIBRARIES],
    options: { kind: "otp", connections: 5 },
    queued: 2000,
    hide: ["CHUNKING"],
  },
  chunks: {
    title: "a verification code, 5 connections, 2,000 queued at once, BDAT where a library has it",
    names: [raw("BDAT"), "pennypost", "nodemailer"],
    options: { kind: "otp", connections: 5 },
    queued: 2000,
  },
  bulk: {
    title:
      "a verification code, 2,000 in one call where there is one for many, else queued; at most 5 connections",
    names: [raw("window"), ...LIBRARIES],
    options: { kind: "otp", connections: 5, mode: "bulk" },
    queued: 2000,
  },
  file: {
    title: "25 MiB attached, from a file",
    names: [raw("DATA"), ...LIBRARIES],
    options: { kind: "file25", connections: 1 },
    isLarge: true,
  },
  memory: {
    title: "25 MiB attached, from memory",
    names: [raw("DATA"), raw("BDAT"), ...LIBRARIES],
    options: { kind: "file25", connections: 1, inMemory: true },
    isLarge: true,
  },
};

/** At the most: what has many small functions on the way of a message is compiled to the end after 20,000 of them. */
const WARMUP_MS = 6000;

/** Where a queue of thousands would take minutes by the clock; the CPU time of a message does not depend on it. */
const SHORTER_QUEUE = { emailjs: 100 };

/** @param {{ quick: boolean, report: (text: string) => void }} context */
export async function run({ quick, report }) {
  const folder = mkdtempSync(join(tmpdir(), "pennypost-bench-"));
  const file = join(folder, "report.pdf");
  const parts = {};
  try {
    writeFileOfSize(file, (quick ? 4 : 25) * MIB);
    for (const [key, part] of Object.entries(PARTS)) {
      parts[key] = await withSinks(part, (sinks) => runPart(part, { sinks, file, quick }));
      const heading = quick && part.isLarge ? `${part.title} (in this quick run: 4 MiB)` : part.title;
      report(`\n${heading}\n${ratioTable(parts[key], COLUMNS)}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return { parts };
}

/** One for each contestant, so that what it costs to serve it can be told. */
async function withSinks({ names, hide = [] }, use) {
  const sinks = new Map();
  try {
    for (const contestant of names) sinks.set(nameOf(contestant), await startSink({ hide }));
    return await use(sinks);
  } finally {
    for (const sink of sinks.values()) sink.close();
  }
}

const COLUMNS = [
  { title: "reads by the sink", of: ({ counters }) => figure(counters.reads.median) },
  { title: "its CPU µs", of: ({ counters }) => figure(counters.cpu.median) },
];

async function runPart({ names, options, queued, isLarge = false }, { sinks, file, quick }) {
  const what = { ...options, ...(isLarge && { file }) };
  const expected = outgoing({ ...what, inMemory: isLarge });
  for (const contestant of names) await sinks.get(nameOf(contestant)).keep(true);
  const rows = await contest({
    names,
    export: "send",
    options: (contestant) => ({
      ...what,
      port: sinks.get(contestant).port,
      security: "none",
      ...(queued !== undefined && { batch: batchOf(contestant, queued) / (quick ? 4 : 1) }),
    }),
    rounds: quick ? 2 : isLarge ? 5 : 9,
    ms: quick ? 150 : 300,
    warmup: isLarge || quick ? 200 : WARMUP_MS,
    checkSent: (contestant) => checkLast(sinks.get(contestant), expected),
    counters: async (contestant) => {
      const { cpu, reads, messages } = await sinks.get(contestant).figures();
      return { cpu, reads, messages };
    },
  });
  return rows.map(checkCount);
}

function nameOf(contestant) {
  return typeof contestant === "string" ? contestant : contestant.name;
}

function batchOf(contestant, queued) {
  return Math.min(queued, SHORTER_QUEUE[contestant] ?? queued);
}

/** Whoever says that a message was sent has sent one: the sink has counted. */
function checkCount(row) {
  if (row.status !== "ok") return row;
  const { min, max } = row.counters.messages;
  if (min === 1 && max === 1) return row;
  return {
    name: row.name,
    status: "failed",
    note: `the sink took ${figure(min)} to ${figure(max)} for each message sent`,
  };
}

/** @param {Awaited<ReturnType<typeof run>>} figures */
export function goals({ parts }) {
  const against = (part, raw) => goalOf(parts[part], { raw });
  return {
    "send-sequence": {
      ...against("sequence", "raw DATA"),
      raw: `${ratioOf(parts.sequence, "raw DATA")} (DATA), ${ratioOf(parts.sequence, "raw BDAT")} (BDAT)`,
    },
    "send-queue": against("queue", "raw overlapped"),
    "send-bulk": against("bulk", "raw window"),
    "send-file": against("file", "raw DATA"),
  };
}

/** @param {Awaited<ReturnType<typeof run>>} figures */
export function charts({ parts }) {
  return Object.entries(parts).map(([key, rows]) => ({
    file: `send-${key}`,
    title: `Sending ${PARTS[key].title}`,
    unit: "messages for the CPU time of one of nodemailer's; longer is better",
    bars: rows.map(({ name: label, status, note, ratio }) =>
      status === "ok"
        ? { label, value: ratio.median, note: `${figure(ratio.median)}×` }
        : { label, note: status === "failed" ? "failed its check" : note },
    ),
  }));
}
