// Turns: how often a client waits for the server before a message is accepted, counted on the wire, and what that
// comes to where the server is far away.

import { checkLast } from "../lib/check-sent.mjs";
import { Child } from "../lib/child.mjs";
import { fromAfar } from "../lib/distant.mjs";
import { outgoing } from "../lib/outgoing.mjs";
import { startSink } from "../lib/sink.mjs";
import { figure, table } from "../lib/table.mjs";

export const name = "turns";
export const title = "Server turns and distance";

/** Far enough that what is said without waiting is over before the answer to its beginning arrives. */
const COUNTING_ROUND_TRIP = 20;
const QUEUED = 4;
const RECIPIENTS = [1, 10, 50];

/** "raw DATA" and "raw BDAT" fill the line where messages wait: see contestants/send/raw.mjs. */
const CONTESTANTS = [
  { name: "raw DATA", module: "raw", mode: "overlapped" },
  { name: "raw BDAT", module: "raw", mode: "window" },
  { name: "pennypost", module: "pennypost" },
  { name: "nodemailer", module: "nodemailer" },
  { name: "emailjs", module: "emailjs" },
  { name: "upyo", module: "upyo" },
];

/** How a connection begins. */
const OPENINGS = {
  plain: { security: "none" },
  "implicit TLS": { security: "tls" },
  STARTTLS: { security: "starttls" },
  "implicit TLS, AUTH": { security: "tls", auth: true },
  "STARTTLS, AUTH": { security: "starttls", auth: true },
};

/** What the server lets a client do. */
const OFFERS = {
  "PIPELINING and CHUNKING": { security: "none" },
  "PIPELINING alone": { security: "none", hide: ["CHUNKING"] },
  neither: { security: "none", hide: ["CHUNKING", "PIPELINING"] },
};

/** @param {{ quick: boolean, report: (text: string) => void }} context */
export async function run({ quick, report }) {
  const field = CONTESTANTS.map((contestant) => ({ ...contestant, child: new Child(), faults: [] }));
  const near = { roundTrip: COUNTING_ROUND_TRIP, crowds: quick ? RECIPIENTS.slice(0, 2) : RECIPIENTS };
  try {
    await withSink({}, (sink) => oneByOne(field, { ...OPENINGS.plain, sink }, checkDelivery));

    const openings = {};
    for (const [key, server] of Object.entries(OPENINGS)) {
      openings[key] = await withSink(server, (sink) =>
        everybody(field, { ...near, ...server, sink }, countFirst),
      );
    }
    report(`\nturns until the first message of a new connection is accepted\n${show(field, openings)}`);

    const next = {};
    const queued = {};
    const inOneCall = {};
    for (const [key, server] of Object.entries(OFFERS)) {
      await withSink(server, async (sink) => {
        next[key] = await everybody(field, { ...near, ...server, sink }, countNext);
        queued[key] = await everybody(field, { ...near, ...server, sink }, countQueued);
        inOneCall[key] = await everybody(field, { ...near, ...server, sink, mode: "bulk" }, countQueued);
      });
    }
    report(`\nturns for the next message, with ${near.crowds.join(" / ")} recipients\n${show(field, next)}`);
    report(`\nturns for each of ${QUEUED} messages queued on one connection\n${show(field, queued)}`);
    report(`\nthe same in one call, where there is one for many messages\n${show(field, inOneCall)}`);

    const far = {};
    for (const roundTrip of quick ? [20] : [20, 100]) {
      for (const key of ["implicit TLS, AUTH", "STARTTLS, AUTH"]) {
        far[`${key}, ${roundTrip} ms`] = await withSink(OPENINGS[key], (sink) =>
          oneByOne(field, { ...OPENINGS[key], sink, roundTrip }, timeMessages),
        );
      }
    }
    report(
      `\nmilliseconds until the first message is accepted / the next, at that round trip\n${show(field, far)}`,
    );

    const faults = faultsOf(field);
    for (const [label, fault] of Object.entries(faults)) report(`${label} FAILED: ${fault}`);
    return { openings, next, queued, inOneCall, far, faults };
  } finally {
    for (const { child } of field) child.kill();
  }
}

async function withSink(server, use) {
  const sink = await startSink(server);
  try {
    return await use(sink);
  } finally {
    sink.close();
  }
}

/** Waiting is no work: where turns are counted, they wait side by side. */
async function everybody(field, setting, measure) {
  const results = await Promise.all(field.map((contestant) => attempt(contestant, setting, measure)));
  return Object.fromEntries(field.map(({ name: label }, index) => [label, results[index]]));
}

/** Where time is measured, one after the other, so that nobody computes in another's time. */
async function oneByOne(field, setting, measure) {
  const results = {};
  for (const contestant of field) results[contestant.name] = await attempt(contestant, setting, measure);
  return results;
}

/** The figures, or undefined: then `faults` says why. Whoever has failed once is not asked again. */
async function attempt(contestant, setting, measure) {
  if (contestant.faults.length > 0) return undefined;
  try {
    return await measure({ ...setting, ...contestant });
  } catch (error) {
    contestant.faults.push(error.message);
    return undefined;
  }
}

function countFirst(setting) {
  return fromAfar(setting, async (send) => (await send()).turns);
}

async function countNext(setting) {
  const counts = [];
  for (const recipients of setting.crowds) {
    counts.push(
      await fromAfar({ ...setting, recipients }, async (send) => {
        await send();
        return (await send()).turns;
      }),
    );
  }
  return counts;
}

function countQueued(setting) {
  return fromAfar({ ...setting, batch: QUEUED }, async (send) => {
    await send();
    return (await send()).turns / QUEUED;
  });
}

function timeMessages(setting) {
  return fromAfar(setting, async (send) => {
    const first = (await send()).wall;
    const others = [(await send()).wall, (await send()).wall, (await send()).wall];
    return [first, others.toSorted((a, b) => a - b)[1]];
  });
}

/** What is sent to most recipients is read back; the rest of the scenario sends the same. */
async function checkDelivery({ sink, ...setting }) {
  const recipients = Math.max(...RECIPIENTS);
  await sink.keep(true);
  await fromAfar({ ...setting, sink, roundTrip: 0, recipients }, (send) => send());
  const wrong = await checkLast(sink, outgoing({ kind: "otp", recipients }));
  if (wrong !== undefined) throw new Error(wrong);
}

function show(field, columns) {
  return table(
    ["", ...Object.keys(columns)],
    field.map(({ name: label }) => [label, ...Object.values(columns).map((column) => cell(column[label]))]),
  );
}

function cell(value) {
  if (value === undefined) return "FAILED";
  return [value]
    .flat()
    .map((number) => (Number.isInteger(number) ? String(number) : figure(number)))
    .join(" / ");
}

function faultsOf(field) {
  return Object.fromEntries(
    field.flatMap(({ name: label, faults: [fault] }) => (fault === undefined ? [] : [[label, fault]])),
  );
}

/** @param {Awaited<ReturnType<typeof run>>} figures */
export function goals({ openings, next, queued, inOneCall, faults }) {
  /** Turns side by side, and what they are of each contestant; where one has failed, why. */
  const got = (raw, ...counts) => {
    const of = (contestant) => counts.flatMap((found) => found[contestant]);
    const say = (contestant) => faults[contestant] ?? cell(of(contestant));
    return {
      nodemailer: say("nodemailer"),
      raw: say(raw),
      pennypost: say("pennypost"),
      figures: of("pennypost").map((count) => count ?? Number.NaN),
    };
  };
  return {
    "turns-first": got("raw BDAT", openings["implicit TLS, AUTH"]),
    "turns-next": got("raw BDAT", next["PIPELINING and CHUNKING"]),
    "turns-queued": got("raw DATA", queued["PIPELINING alone"], inOneCall["PIPELINING alone"]),
  };
}

/** @param {Awaited<ReturnType<typeof run>>} figures */
export function charts({ openings, next, faults }) {
  const unit = "how often the client waits for the server; shorter is better";
  const bars = (figures, of) =>
    Object.entries(figures).map(([label, found]) =>
      found === undefined
        ? { label, note: `failed: ${faults[label]}` }
        : { label, value: of(found), note: String(of(found)) },
    );
  return [
    {
      file: "turns-first",
      title: "Turns for the first message of a new connection, STARTTLS and AUTH",
      unit,
      bars: bars(openings["STARTTLS, AUTH"], (turns) => turns),
    },
    {
      file: "turns-next",
      title: "Turns for the next message, 10 recipients",
      unit,
      bars: bars(next["PIPELINING and CHUNKING"], (counts) => counts[RECIPIENTS.indexOf(10)]),
    },
  ];
}
