// What 10,000 small messages weigh that wait for a server, and what stays when they have gone.

import { Child } from "../lib/child.mjs";
import { startSink } from "../lib/sink.mjs";
import { summarize } from "../lib/stats.mjs";
import { megabytes, table } from "../lib/table.mjs";

export const name = "memory";
export const title = "Memory under a queue";

const NAMES = ["raw", "pennypost", "nodemailer"];
const COUNT = 10_000;
const CONNECTIONS = 5;
/** Enough for the code to be loaded, compiled and its connections open: what is measured is the queue. */
const WARM = 500;

/** @param {{ quick: boolean, report: (text: string) => void }} context */
export async function run({ quick, report }) {
  const rounds = quick ? 1 : 5;
  const measured = Object.fromEntries(NAMES.map((contestant) => [contestant, []]));
  for (let round = 0; round < rounds; round++) {
    for (const contestant of NAMES) measured[contestant].push(await measure(contestant));
  }
  const rows = NAMES.map((contestant) => rowOf(contestant, measured[contestant]));
  report(
    `\n${COUNT} messages on ${CONNECTIONS} connections: RSS, and heap that is alive, after a garbage collection\n${table(
      ["", "RSS before", "queued", "alive", "most seen", "after they are gone", "alive"],
      rows.map((row) => cellsOf(row)),
    )}`,
  );
  return { count: COUNT, connections: CONNECTIONS, rows };
}

/** A fresh process and a fresh sink each time: memory that was once taken is seldom given back. */
async function measure(contestant) {
  const sink = await startSink();
  const child = new Child({ execArgv: ["--expose-gc"] });
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
        port: sink.port,
        kind: "otp",
        connections: CONNECTIONS,
        security: "none",
        watchMemory: true,
      },
    });
    if (notYet !== undefined) return { notYet };
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
    const { messages } = await sink.figures();
    if (messages !== WARM + COUNT) throw new Error(`the sink took ${messages} of ${WARM + COUNT} messages`);
    await child.ask({ do: "close" }, 5000);
    return {
      before: before.rss,
      queued: queued.rss - before.rss,
      queuedLive: queued.live - before.live,
      peak: after.peak - before.rss,
      after: after.rss - before.rss,
      afterLive: after.live - before.live,
    };
  } catch (error) {
    return { failed: error.message };
  } finally {
    child.kill();
    sink.close();
  }
}

function rowOf(contestant, rounds) {
  const failed = rounds.find((round) => round.failed !== undefined);
  if (failed !== undefined) return { name: contestant, status: "failed", note: failed.failed };
  const absent = rounds.find((round) => round.notYet !== undefined);
  if (absent !== undefined) return { name: contestant, status: "absent", note: absent.notYet };
  const figures = FIGURES.map((key) => [key, summarize(rounds.map((round) => round[key]))]);
  return { name: contestant, status: "ok", ...Object.fromEntries(figures) };
}

/** As `measure` returns them; all but the first are over what was there before the queue. */
const FIGURES = ["before", "queued", "queuedLive", "peak", "after", "afterLive"];

function cellsOf({ name: contestant, status, note, before, ...over }) {
  if (status !== "ok") return [contestant, status === "failed" ? `FAILED: ${note}` : note];
  return [contestant, megabytes(before.median), ...FIGURES.slice(1).map((key) => more(over[key].median))];
}

function more(octets) {
  return `${octets < 0 ? "" : "+"}${megabytes(octets)}`;
}

/** @param {Awaited<ReturnType<typeof run>>} figures */
export function charts({ rows }) {
  return [
    {
      file: "memory",
      title: `What ${COUNT.toLocaleString("en")} queued messages weigh`,
      unit: `RSS over that of an idle client with ${CONNECTIONS} connections; shorter is better`,
      bars: rows.map(({ name: label, status, note, queued }) =>
        status === "ok"
          ? { label, value: Math.max(0, queued.median), note: more(queued.median) }
          : { label, note: status === "failed" ? "failed" : note },
      ),
    },
  ];
}
