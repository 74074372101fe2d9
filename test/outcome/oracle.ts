// What must hold of every cell: what is said of a message is held against how often the server took it.

import { AuthenticationError, type Phase, SmtpError } from "../../src/index.ts";
import type { Cell, Played, Sent } from "./cells.ts";
import { isHarmless, type Place } from "./faults.ts";

/** Within which everything is over, in milliseconds. */
const PATIENCE = 4_000;

/** A client that connects again and again is no better than one that gives up: four messages, and a second try each. */
const MAX_CONNECTIONS = 8;

/** Places at which a connection is not open yet: whatever happens there, it is not kept. */
const OPENING: readonly Place[] = ["GREETING", "EHLO", "STARTTLS", "HANDSHAKE", "AUTH", "RESPONSE"];

/** In which phase a message is that a fault meets at a place, where nothing is said out of turn. */
const PHASES: Readonly<Record<Place, readonly Phase[] | undefined>> = {
  GREETING: ["greeting"],
  EHLO: ["ehlo"],
  STARTTLS: ["starttls"],
  HANDSHAKE: ["tls"],
  AUTH: ["auth"],
  RESPONSE: ["auth"],
  MAIL: ["mail"],
  RCPT: ["rcpt"],
  DATA: ["data"],
  BDAT: ["content"],
  // Whether the end is written by then is the client's to know.
  CONTENT: ["content", "end-of-data"],
  END: ["end-of-data"],
  // What is told is the refusal that it tidies up after; and between messages there is nothing to tell.
  RSET: undefined,
  QUIT: undefined,
  IDLE: undefined,
};

/** Every phase that a message may be in once it is composed. */
const PHASE_NAMES: readonly Phase[] = [
  "queue",
  "connect",
  "tls",
  "greeting",
  "ehlo",
  "starttls",
  "auth",
  "mail",
  "rcpt",
  "data",
  "content",
  "end-of-data",
  "rset",
];

/** Everything that is wrong with what came of a cell. */
export function wrongsOf(played: Played): readonly string[] {
  const { cell, server, struck } = played;
  const facts = struck.map((one) => `${describe(one)}, taken ${server.taken.get(one.subject) ?? 0} times`);
  return [...untruthsOf(played), ...faultsOf(played)].map(
    (what) => `${nameOf(cell)}: ${what} [${facts.join("; ")}]`,
  );
}

/** Whether the only thing wrong may be that the machine was too busy for so short a limit. What is untrue is no matter of time. */
export function isLate(played: Played): boolean {
  const { before, struck, next } = played;
  if (played.isMissed) return true;
  return (
    [before, ...struck, next].some(
      (one) => one?.outcome instanceof SmtpError && one.outcome.code === "deadline",
    ) &&
    untruthsOf(played).length === 0 &&
    faultsOf(played).length > 0
  );
}

/** What is wrong with how it went. */
function faultsOf(played: Played): readonly string[] {
  const { cell, server, elapsed, endings } = played;
  const wrong = [...misplacedOf(played)];
  for (const one of dueOf(played)) {
    if (one.outcome !== "accepted") wrong.push(`it should have been taken: ${describe(one)}`);
  }
  if (played.isMissed || !server.hasStruck) wrong.push("the fault did not strike");
  if (elapsed > PATIENCE) wrong.push(`it took ${Math.round(elapsed)} ms`);
  if (server.connections > MAX_CONNECTIONS) wrong.push(`it took ${server.connections} connections`);
  if (server.left > 0) wrong.push(`${server.left} connections are left open`);
  if (endings.some((times) => times > 1)) wrong.push("a connection was closed twice");
  if (played.sourcesLeft !== 0) wrong.push(`${played.sourcesLeft} sources are left open`);
  if (server.strange.length > 0 && !isMisled(cell)) {
    wrong.push(`the server heard ${JSON.stringify(server.strange[0])}`);
  }
  return wrong;
}

/** The messages that a right client gets through, whatever the server did. */
function dueOf({ cell, before, struck, next }: Played): readonly Sent[] {
  const { fault, place, stage } = cell;
  const due: Sent[] = before === undefined ? [] : [before];
  if ((isHarmless(fault) && place !== "RSET") || stage === "later") due.push(...struck);
  // Behind a server that is in step, or gone, the next message is as good as any.
  const isOver = OPENING.includes(place) || fault.isInStep === true || fault.isPrompt === true;
  // A login that was refused for good is not asked for again at once.
  if (struck.some(({ outcome }) => outcome instanceof AuthenticationError && outcome.reply.code >= 500))
    return due;
  if (next !== undefined && isOver && !(place === "IDLE" && isMisled(cell))) due.push(next);
  return due;
}

/** A server that refused MAIL and meant it not, or said no to nothing, hears the next MAIL within a transaction. */
function isMisled({ place, fault }: Cell): boolean {
  return (place === "MAIL" || place === "IDLE") && fault.refuses === true;
}

/** What was said of a message and is not so. */
function untruthsOf({ server, struck, next }: Played): readonly string[] {
  return [...struck, ...(next === undefined ? [] : [next])].flatMap((one) => {
    const untruth = untruthOf(one.outcome, server.taken.get(one.subject) ?? 0);
    return untruth === undefined ? [] : [`${untruth}: ${describe(one)}`];
  });
}

function untruthOf(outcome: Sent["outcome"], taken: number): string | undefined {
  if (taken > 1) return `there are ${taken} of it`;
  if (outcome === "accepted") return taken === 1 ? undefined : "it is nowhere";
  if (!(outcome instanceof SmtpError)) return "this is no error of the library";
  if (!PHASE_NAMES.includes(outcome.phase)) return "this is no phase";
  switch (outcome.delivery) {
    case "not-sent":
    case "rejected":
      return taken === 0 ? undefined : "it is there";
    case "unknown":
      return outcome.retryable ? "it must not be sent again" : undefined;
    default:
      return "this is no fate";
  }
}

function misplacedOf({ cell, struck }: Played): readonly string[] {
  const phases = PHASES[cell.place];
  if (cell.fault.isPrompt !== true || cell.stage !== "first" || phases === undefined) return [];
  return struck.flatMap(({ outcome }) =>
    outcome instanceof SmtpError && !phases.includes(outcome.phase) ? [`the phase is ${outcome.phase}`] : [],
  );
}

function nameOf({ place, time, fault, offers, kind, stage, isGathering, options }: Cell): string {
  const way = offers.filter((word) => word === "PIPELINING" || word === "CHUNKING").join("+") || "lock-step";
  const login = options?.auth === undefined ? "" : `, login by ${options.auth.mechanism}`;
  const pace = isGathering ? "" : ", reply by reply";
  return `${fault.name} at ${place} ${time}${login}, ${way}, ${kind}, ${stage}${pace}`;
}

function describe({ subject, outcome }: Sent): string {
  if (outcome === "accepted") return `${subject} accepted`;
  if (outcome instanceof SmtpError)
    return `${subject} ${outcome.delivery} (${outcome.code}, ${outcome.phase})`;
  return `${subject} ${String(outcome.strange)}`;
}
