// Distance: how many messages a second get through to a server that is far away, by the clock. Nobody is busy there; what
// counts is how much is said before an answer is waited for.

import { checkLast } from "../lib/check-sent.mjs";
import { Child } from "../lib/child.mjs";
import { fromAfar } from "../lib/distant.mjs";
import { medianOf, ratioOf } from "../lib/goals.mjs";
import { outgoing } from "../lib/outgoing.mjs";
import { startSink } from "../lib/sink.mjs";
import { summarize } from "../lib/stats.mjs";
import { figure, spread, table } from "../lib/table.mjs";

export const name = "distance";
export const title = "Messages a second, far from the server";

const ROUND_TRIP = 100;
const CONNECTIONS = 5;
/** Enough for all connections to be opened, and used. */
const WARM = 4 * CONNECTIONS;

const DATA = { hide: ["CHUNKING"] };
const BDAT = {};

/** Four seconds, at five turns a message, at two, and at one. */
const FEWER = 40;
const FEW = 100;
const SOME = 200;
/** Hundreds for each connection: windows have to be filled again and again. */
const MANY = 3200;

/**
 * `server` is what the sink offers, `batch` how many messages are queued at once. What takes one turn for a message or
 * more waits all the time, side by side; what has many under way computes, one after the other.
 */
const CONTESTANTS = [
  { name: "raw DATA", module: "raw", mode: "DATA", server: DATA, batch: FEW },
  { name: "raw overlapped", module: "raw", mode: "overlapped", server: DATA, batch: SOME },
  { name: "raw window", module: "raw", mode: "window", server: BDAT, batch: MANY, computes: true },
  { name: "pennypost, DATA, queued", module: "pennypost", server: DATA, batch: SOME },
  { name: "pennypost, DATA, in one call", module: "pennypost", mode: "bulk", server: DATA, batch: SOME },
  {
    name: "pennypost, BDAT, in one call",
    module: "pennypost",
    mode: "bulk",
    server: BDAT,
    batch: MANY,
    computes: true,
  },
  { name: "nodemailer", module: "nodemailer", server: DATA, batch: FEW },
  { name: "emailjs", module: "emailjs", server: DATA, batch: FEWER },
  { name: "upyo", module: "upyo", server: DATA, batch: FEWER },
];

/** @param {{ quick: boolean, report: (text: string) => void }} context */
export async function run({ quick, report }) {
  const rounds = quick ? 1 : 3;
  const share = quick ? 4 : 1;
  const field = CONTESTANTS.map((contestant) => new Runner(contestant, share));
  try {
    await Promise.all(field.map((runner) => runner.begin()));
    for (let round = 0; round < rounds; round++) {
      await Promise.all(field.filter(({ computes }) => !computes).map((runner) => runner.send()));
      for (const runner of field.filter(({ computes }) => computes)) await runner.send();
    }
    const rows = await Promise.all(field.map((runner) => runner.end()));
    rate(rows);
    report(
      `\nmessages a second, ${CONNECTIONS} connections, ${ROUND_TRIP} ms round trip\n${table(
        ["", "messages/s", "nodemailer = 1"],
        rows.map((row) =>
          row.status === "ok"
            ? [row.name, spread(row.rate), spread(row.ratio, "×")]
            : [row.name, `FAILED: ${row.note}`],
        ),
      )}`,
    );
    return { roundTrip: ROUND_TRIP, connections: CONNECTIONS, rows };
  } finally {
    for (const runner of field) runner.kill();
  }
}

/** One contestant, its sink, and the way between them, for as long as the scenario takes. */
class Runner {
  computes;
  #contestant;
  #child = new Child();
  #sink;
  #batch;
  #send;
  #leave;
  #left;
  #sent = 0;
  #rates = [];
  #fault;

  constructor({ computes = false, batch, ...contestant }, share) {
    this.computes = computes;
    this.#contestant = contestant;
    this.#batch = batch / share;
  }

  /** Opens its connections, and has what came over them read back. */
  begin() {
    return this.#attempt(async () => {
      const { server, ...contestant } = this.#contestant;
      const child = this.#child;
      this.#sink = await startSink(server);
      await this.#sink.keep(true);
      await new Promise((resolve, reject) => {
        this.#left = fromAfar(
          {
            ...contestant,
            child,
            sink: this.#sink,
            security: "none",
            roundTrip: ROUND_TRIP,
            connections: CONNECTIONS,
            batch: this.#batch,
          },
          (send) => {
            this.#send = send;
            resolve();
            return new Promise((leave) => {
              this.#leave = leave;
            });
          },
        );
        this.#left.catch(reject);
      });
      await this.#send(WARM);
      this.#sent += WARM;
      const wrong = await checkLast(this.#sink, outgoing({ kind: "otp" }));
      if (wrong !== undefined) throw new Error(wrong);
    });
  }

  send() {
    return this.#attempt(async () => {
      const { wall } = await this.#send();
      this.#sent += this.#batch;
      this.#rates.push((this.#batch / wall) * 1000);
    });
  }

  /** Whoever says that messages were sent has sent as many: the sink has counted. */
  async end() {
    await this.#attempt(async () => {
      this.#leave();
      await this.#left;
      const { messages } = await this.#sink.figures();
      if (messages !== this.#sent) throw new Error(`the sink took ${messages} of ${this.#sent} messages`);
    });
    const { name: label } = this.#contestant;
    if (this.#fault !== undefined) return { name: label, status: "failed", note: this.#fault };
    return { name: label, status: "ok", rounds: this.#rates, rate: summarize(this.#rates) };
  }

  kill() {
    this.#child.kill();
    this.#sink?.close();
  }

  /** Whoever has failed once is not asked again. */
  async #attempt(work) {
    if (this.#fault !== undefined) return;
    try {
      await work();
    } catch (error) {
      this.#fault = error.message;
    }
  }
}

/** Adds the ratios to nodemailer's, round by round. */
function rate(rows) {
  const baseline = rows.find((row) => row.name === "nodemailer").rounds;
  for (const row of rows) {
    if (row.status !== "ok") continue;
    const ratios = row.rounds.flatMap((ours, round) => {
      const theirs = baseline?.[round];
      return theirs === undefined ? [] : [ours / theirs];
    });
    row.ratio = summarize(ratios);
  }
}

/** @param {Awaited<ReturnType<typeof run>>} figures */
export function goals({ rows }) {
  const both = (overlapped, inFlight) => `${ratioOf(rows, overlapped)} / ${ratioOf(rows, inFlight)}`;
  const ours = ["pennypost, DATA, queued", "pennypost, BDAT, in one call"];
  return {
    distance: {
      raw: both("raw overlapped", "raw window"),
      pennypost: both(...ours),
      figures: ours.map((label) => medianOf(rows, label)),
    },
  };
}

/** @param {Awaited<ReturnType<typeof run>>} figures */
export function charts({ rows }) {
  return [
    {
      file: "distance",
      title: `Messages a second, ${CONNECTIONS} connections, ${ROUND_TRIP} ms round trip`,
      unit: "times as many as nodemailer; longer is better",
      bars: rows.map(({ name: label, status, ratio }) =>
        status === "ok"
          ? { label, value: ratio?.median ?? 0, note: ratio === undefined ? "" : `${figure(ratio.median)}×` }
          : { label, note: "failed" },
      ),
    },
  ];
}
