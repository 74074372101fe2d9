// What pennypost is tuned to: how much better than nodemailer in the same round, and how much is there to gain.

import { figure } from "./table.mjs";

/**
 * @typedef {object} Goal
 * @property {string} key         as the scenarios' `goals` fill it in
 * @property {string} what
 * @property {string} nodemailer  where a run does not say it
 * @property {string} limit       what was measured of hand-written octets before anything was tuned
 * @property {string} asked
 * @property {(...figures: number[]) => boolean} isReached
 *
 * @typedef {object} Got          what a run says of a goal
 * @property {string} [nodemailer]
 * @property {string} raw
 * @property {string} pennypost
 * @property {number[]} figures   what `isReached` is asked about; NaN where there is none
 */

const MB = 1e6;

/** @type {readonly Goal[]} */
export const GOALS = [
  {
    key: "compose-otp",
    what: "compose, 200 B text: CPU per message",
    nodemailer: "1",
    limit: "65×",
    asked: "25× less",
    isReached: (ratio) => ratio >= 25,
  },
  {
    key: "compose-html",
    what: "compose, html + text 10 kB (7bit where legal / quoted-printable forced)",
    nodemailer: "1",
    limit: "42× / 13×",
    asked: "20× / 8× less",
    isReached: (ascii, forced) => ascii >= 20 && forced >= 8,
  },
  {
    key: "compose-cjk",
    what: "compose, CJK html 10 kB",
    nodemailer: "1",
    limit: "17–23×",
    asked: "10× less",
    isReached: (ratio) => ratio >= 10,
  },
  {
    key: "compose-mb",
    what: "compose, 1 MiB attachment",
    nodemailer: "1",
    limit: "2.9–3.6×",
    asked: "2.4× less",
    isReached: (ratio) => ratio >= 2.4,
  },
  {
    key: "compose-file25",
    what: "compose, 25 MiB file: CPU, RSS over start",
    nodemailer: "1",
    limit: "2.9×",
    asked: "2.4× less, ≤ 10 MB",
    isReached: (ratio, memory) => ratio >= 2.4 && memory <= 10 * MB,
  },
  {
    key: "send-sequence",
    what: "send, one connection, one after the other: CPU per message",
    nodemailer: "1",
    limit: "6× (DATA), 13× (BDAT)",
    asked: "4.5× less",
    isReached: (ratio) => ratio >= 4.5,
  },
  {
    key: "send-queue",
    what: "send, 5 connections, thousands queued, DATA with overlap: CPU per message",
    nodemailer: "1",
    limit: "23–33×",
    asked: "14× less",
    isReached: (ratio) => ratio >= 14,
  },
  {
    key: "send-bulk",
    what: "send, thousands in one call, CHUNKING, in flight: CPU per message",
    nodemailer: "1",
    limit: "90×",
    asked: "30× less",
    isReached: (ratio) => ratio >= 30,
  },
  {
    key: "send-file",
    what: "send, 25 MiB from a file: CPU",
    nodemailer: "1",
    limit: "4.3×",
    asked: "3× less",
    isReached: (ratio) => ratio >= 3,
  },
  {
    key: "memory-file",
    what: "send, 25 MiB from a file: RSS over start, to a fast server / to a slow one",
    nodemailer: "12 MB",
    limit: "4 MB",
    asked: "≤ 8 MB",
    isReached: (fast, slow) => fast <= 8 * MB && slow <= 8 * MB,
  },
  {
    key: "memory-queue",
    what: "10,000 queued small messages: RSS over idle",
    nodemailer: "76 MB",
    limit: "5 MB",
    asked: "≤ 35 MB",
    isReached: (memory) => memory <= 35 * MB,
  },
  {
    key: "turns-first",
    what: "server turns, first message, implicit TLS + AUTH PLAIN, CHUNKING",
    nodemailer: "6",
    limit: "5",
    asked: "5",
    isReached: (turns) => turns <= 5,
  },
  {
    key: "turns-next",
    what: "server turns, next message, CHUNKING, 1 / 10 / 50 recipients",
    nodemailer: "2",
    limit: "1",
    asked: "1",
    isReached: (...turns) => turns.every((count) => count <= 1),
  },
  {
    key: "turns-queued",
    what: "server turns, next message, PIPELINING alone, four in a full queue / in one call",
    nodemailer: "2",
    limit: "1.25",
    asked: "1.3",
    isReached: (queued, inOneCall) => queued <= 1.3 && inOneCall <= 1.3,
  },
  {
    key: "distance",
    what: "5 connections at 100 ms round trip: messages per second, DATA with overlap / BDAT in flight",
    nodemailer: "1",
    limit: "2× / 64×",
    asked: "1.8× / 25×",
    isReached: (overlapped, inFlight) => overlapped >= 1.8 && inFlight >= 25,
  },
  {
    key: "import",
    what: "import: CPU over an empty script",
    nodemailer: "54 ms",
    limit: "7 ms",
    asked: "≤ 8 ms",
    isReached: (milliseconds) => milliseconds <= 8,
  },
  {
    key: "bundle",
    what: "bundle of `SmtpClient`, minified + gzip: at import, in all",
    nodemailer: "69 kB",
    limit: "4 kB",
    asked: "≤ 16 kB at import",
    isReached: (octets) => octets <= 16_000,
  },
];

/**
 * The goals' table with the figures of one run.
 * @param {Record<string, Got>} got
 * @returns {string}  Markdown
 */
export function goalsTable(got) {
  const cells = GOALS.map(({ key, what, nodemailer: before, limit, asked, isReached }) => {
    const { nodemailer = before, raw = "–", pennypost = "–", figures } = got[key] ?? {};
    const reached = figures === undefined ? "–" : isReached(...figures) ? "yes" : "no";
    return [what, nodemailer, limit, asked, raw, `**${pennypost}**`, reached];
  });
  const head = ["scenario", "nodemailer", "limit, before", "asked", "raw, here", "pennypost", "reached"];
  return [head, head.map(() => "---"), ...cells].map((line) => `| ${line.join(" | ")} |`).join("\n");
}

/**
 * What a contest says of a goal that is a ratio of CPU.
 * @param {readonly import("./contest.mjs").Row[]} rows
 * @param {{ raw?: string }} [options]  the row of the limit
 * @returns {Got}
 */
export function goalOf(rows, { raw = "raw" } = {}) {
  return {
    raw: ratioOf(rows, raw),
    pennypost: ratioOf(rows, "pennypost"),
    figures: [medianOf(rows, "pennypost")],
  };
}

/** The ratio of a contestant as text, or why there is none. */
export function ratioOf(rows, contestant) {
  const row = rowOf(rows, contestant);
  return row.status === "ok" ? `${figure(row.ratio.median)}×` : row.note;
}

/** The same as a number. */
export function medianOf(rows, contestant) {
  return rowOf(rows, contestant).ratio?.median ?? Number.NaN;
}

/** The row of a contestant. */
export function rowOf(rows, contestant) {
  return rows.find(({ name }) => name === contestant);
}
