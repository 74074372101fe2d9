// What 10,000 small messages weigh that wait for a server, and what stays when they have gone; and what a large file
// takes on its way.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "../lib/child.mjs";
import { rowOf } from "../lib/goals.mjs";
import { writeFileOfSize } from "../lib/messages.mjs";
import { startSink } from "../lib/sink.mjs";
import { summarize } from "../lib/stats.mjs";
import { megabytes, table } from "../lib/table.mjs";

export const name = "memory";
export const title = "Memory under a queue, and of a large file";

const NAMES = ["raw", "pennypost", "nodemailer"];
const COUNT = 10_000;
const CONNECTIONS = 5;
/** Enough for the code to be loaded, compiled and its connections open: what is measured is the queue. */
const WARM = 500;

const MIB = 2 ** 20;
const SMALL_FILE = 64 * 1024;
/** A file is sent as often: what one leaves behind, the next may not add to. */
const FILES = 2;
/** How fast a server reads, in octets a second. */
const PACES = { fast: undefined, slow: 20e6 };

/** As `queue` returns them; all but the first are over what was there before the queue. */
const QUEUE = ["before", "queued", "queuedLive", "peak", "after", "afterLive"];
/** As `sendFile` returns them; all but the first are over what was there before the file. */
const FILE = ["before", "fast", "slow"];

/** @param {{ quick: boolean, report: (text: string) => void }} context */
export async function run({ quick, report }) {
  const rows = await everybody(queue, { rounds: quick ? 1 : 5, keys: QUEUE });
  report(
    `\n${COUNT} messages on ${CONNECTIONS} connections: RSS, and heap that is alive, after a garbage collection\n${table(
      ["", "RSS before", "queued", "alive", "most seen", "after they are gone", "alive"],
      rows.map((row) => cellsOf(row, QUEUE)),
    )}`,
  );
  const size = (quick ? 4 : 25) * MIB;
  const files = await withFiles(size, (paths) =>
    everybody((contestant) => sendFile(contestant, paths), { rounds: quick ? 1 : 3, keys: FILE }),
  );
  report(
    `\n${size / MIB} MiB attached, from a file: the most RSS that was seen, over that after a small one\n${table(
      ["", "RSS before", "to a fast server", `to one that reads ${megabytes(PACES.slow)} a second`],
      files.map((row) => cellsOf(row, FILE)),
    )}`,
  );
  return { count: COUNT, connections: CONNECTIONS, rows, files };
}

/** Round by round, in turn. */
async function everybody(measure, { rounds, keys }) {
  const measured = Object.fromEntries(NAMES.map((contestant) => [contestant, []]));
  for (let round = 0; round < rounds; round++) {
    for (const contestant of NAMES) {
      const result = await measure(contestant).catch((error) => ({ failed: error.message }));
      measured[contestant].push(result);
    }
  }
  return NAMES.map((contestant) => summaryOf(contestant, measured[contestant], keys));
}

async function withFiles(size, use) {
  const folder = mkdtempSync(join(tmpdir(), "pennypost-bench-"));
  const paths = { file: join(folder, "report.pdf"), small: join(folder, "small.pdf") };
  try {
    writeFileOfSize(paths.file, size);
    writeFileOfSize(paths.small, SMALL_FILE);
    return await use(paths);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function queue(contestant) {
  const options = { kind: "otp", connections: CONNECTIONS };
  return inFreshProcess(contestant, { options }, async (ask, sink) => {
    await ask({ do: "queue", count: WARM });
    await ask({ do: "drain" });
    const before = await ask({ do: "rss" });
    // A sink that does not read: what has been handed over waits, all of it.
    await sink.pause();
    await ask({ do: "queue", count: COUNT });
    const queued = await ask({ do: "rss" });
    await sink.resume();
    await ask({ do: "drain" });
    const after = await ask({ do: "rss" });
    await count(sink, WARM + COUNT);
    return {
      before: before.rss,
      queued: queued.rss - before.rss,
      queuedLive: queued.live - before.live,
      peak: after.peak - before.rss,
      after: after.rss - before.rss,
      afterLive: after.live - before.live,
    };
  });
}

async function sendFile(contestant, { file, small }) {
  const figures = {};
  for (const [key, pace] of Object.entries(PACES)) {
    const options = { kind: "file25", connections: 1, file };
    const setting = { options, rehearsal: { ...options, file: small }, server: { pace } };
    const found = await inFreshProcess(contestant, setting, async (ask, sink) => {
      const before = await ask({ do: "rss" });
      for (let sent = 0; sent < FILES; sent++) await ask({ do: "slice", ms: 0 });
      const after = await ask({ do: "rss" });
      await count(sink, 1 + FILES);
      return { before: before.rss, over: after.peak - before.rss };
    });
    if (found.notYet !== undefined) return found;
    figures.before = found.before;
    figures[key] = found.over;
  }
  return figures;
}

async function count(sink, expected) {
  const { messages } = await sink.figures();
  if (messages !== expected) throw new Error(`the sink took ${messages} of ${expected} messages`);
}

/** A fresh process and a fresh sink each time: memory that was once taken is seldom given back. */
async function inFreshProcess(contestant, { options, rehearsal, server }, measure) {
  const sink = await startSink(server);
  const child = new Child({ execArgv: ["--expose-gc"] });
  const where = { port: sink.port, security: "none" };
  try {
    const ask = async (request) => {
      const answer = await child.ask(request);
      if (answer.failed !== undefined) throw new Error(answer.failed);
      return answer;
    };
    const { notYet } = await ask({
      do: "prepare",
      module: new URL(`../contestants/${contestant}.mjs`, import.meta.url).href,
      export: "send",
      options: {
        ...options,
        ...where,
        watchMemory: true,
        ...(rehearsal !== undefined && { rehearsal: { ...rehearsal, ...where } }),
      },
    });
    if (notYet !== undefined) return { notYet };
    const figures = await measure(ask, sink);
    await child.ask({ do: "close" }, 5000);
    return figures;
  } finally {
    child.kill();
    sink.close();
  }
}

function summaryOf(contestant, rounds, keys) {
  const failed = rounds.find((round) => round.failed !== undefined);
  if (failed !== undefined) return { name: contestant, status: "failed", note: failed.failed };
  const absent = rounds.find((round) => round.notYet !== undefined);
  if (absent !== undefined) return { name: contestant, status: "absent", note: absent.notYet };
  const figures = keys.map((key) => [key, summarize(rounds.map((round) => round[key]))]);
  return { name: contestant, status: "ok", ...Object.fromEntries(figures) };
}

function cellsOf({ name: contestant, status, note, ...figures }, [before, ...over]) {
  if (status !== "ok") return [contestant, status === "failed" ? `FAILED: ${note}` : note];
  return [contestant, megabytes(figures[before].median), ...over.map((key) => more(figures[key].median))];
}

function more(octets) {
  return `${octets < 0 ? "" : "+"}${megabytes(octets)}`;
}

/** @param {Awaited<ReturnType<typeof run>>} figures */
export function goals({ rows, files }) {
  const got = (found, ...keys) => {
    const say = (contestant) => {
      const row = rowOf(found, contestant);
      return row.status === "ok" ? keys.map((key) => more(row[key].median)).join(" / ") : row.note;
    };
    const ours = rowOf(found, "pennypost");
    return {
      nodemailer: say("nodemailer"),
      raw: say("raw"),
      pennypost: say("pennypost"),
      figures: keys.map((key) => ours[key]?.median ?? Number.NaN),
    };
  };
  return { "memory-file": got(files, "fast", "slow"), "memory-queue": got(rows, "queued") };
}

/** @param {Awaited<ReturnType<typeof run>>} figures */
export function charts({ rows, files }) {
  return [
    {
      file: "memory",
      title: `What ${COUNT.toLocaleString("en")} queued messages weigh`,
      unit: `RSS over that of an idle client with ${CONNECTIONS} connections; shorter is better`,
      bars: bars(rows, "queued"),
    },
    {
      file: "memory-file",
      title: "What 25 MiB from a file take, to a slow server",
      unit: "the most RSS over that after a small file; shorter is better",
      bars: bars(files, "slow"),
    },
  ];
}

function bars(rows, key) {
  return rows.map(({ name: label, status, note, [key]: found }) =>
    status === "ok"
      ? { label, value: Math.max(0, found.median), note: more(found.median) }
      : { label, note: status === "failed" ? "failed" : note },
  );
}
