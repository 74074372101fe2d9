// One cell of the matrix: one fault, at one place, against one way of sending; it is played over real sockets.

import { attachment, type Message, SmtpClient, type SmtpClientOptions, SmtpError } from "../../src/index.ts";
import type { Identity } from "../support/certificates.ts";
import { type Fault, isHarmless, type Place } from "./faults.ts";
import { isLate, wrongsOf } from "./oracle.ts";
import { UNWANTED } from "./oracle-line.ts";
import { type OracleServer, serveOracle } from "./oracle-server.ts";

/**
 * When the fault strikes: at a connection's first message, its second, one of three that were queued at once, or, where
 * nothing is under way, long enough before the next message to be noticed.
 */
export type Stage = "first" | "second" | "queued" | "later";

/** Short and in memory, long and in memory, or a stream that can be opened again. */
export type Kind = "short" | "long" | "stream";

export interface Cell {
  readonly place: Place;
  /** The how-manieth time something comes to that place, from 1. */
  readonly time: number;
  readonly fault: Fault;
  readonly offers: readonly string[];
  readonly kind: Kind;
  readonly stage: Stage;
  /** Whether the replies to one group come in one segment. */
  readonly isGathering: boolean;
  readonly options?: SmtpClientOptions;
  readonly identity?: Identity;
}

/** What became of one message. */
export interface Sent {
  readonly subject: string;
  readonly outcome: "accepted" | SmtpError | { readonly strange: unknown };
}

export interface Played {
  readonly cell: Cell;
  readonly server: OracleServer;
  /** The message before the fault, where there was one. */
  readonly before: Sent | undefined;
  /** Those it met. */
  readonly struck: readonly Sent[];
  /** The one behind it. */
  readonly next: Sent | undefined;
  /** The fault has not struck while they were sent. */
  readonly isMissed: boolean;
  /** In milliseconds, until the client was closed. */
  readonly elapsed: number;
  /** How often each connection was said to be closed. */
  readonly endings: readonly number[];
  /** How many sources were opened and not closed. */
  readonly sourcesLeft: number;
}

/** How long anything is waited for, in milliseconds: each cell in which the server is silent takes as long. */
const LIMIT = 150;

/** The same where nothing but a busy machine could make the server late. */
const UNHURRIED = 1_000;

const RECIPIENTS = ["one@example.org", "two@example.org", "three@example.org"];

/** More than two blocks of mail data, so that it goes in three chunks and a last. */
const STREAM = new Uint8Array(110_000).fill(65);
const LONG = "A line of it, and another.\r\n..".repeat(4_000);

/** Plays many cells, some at a time, and returns everything that is wrong. */
export async function play(cells: readonly Cell[], width = 24): Promise<readonly string[]> {
  const timers = new Timers();
  const wrong: string[] = [];
  const late: Cell[] = [];
  let at = 0;
  const work = async (): Promise<void> => {
    for (let cell = cells[at++]; cell !== undefined; cell = cells[at++]) {
      const played = await playOne(cell, isHarmless(cell.fault) ? UNHURRIED : LIMIT);
      if (isLate(played)) late.push(cell);
      else wrong.push(...wrongsOf(played));
    }
  };
  await Promise.all(Array.from({ length: width }, work));
  // Whoever was only late, among so many, has all the time when few are left.
  const again = await Promise.all(late.map((cell) => playOne(cell, UNHURRIED)));
  wrong.push(...again.flatMap(wrongsOf));
  await eventually(() => timers.running === 0 && sockets() === 0);
  timers.restore();
  if (timers.running > 0) wrong.push(`${timers.running} timers are left`);
  if (sockets() > 0) wrong.push(`${sockets()} sockets are left`);
  return wrong;
}

/** The timers that are set while it watches. The test runner has its own, and took them before. */
class Timers {
  readonly #running: Set<unknown> = new Set();
  readonly #set = globalThis.setTimeout;
  readonly #clear = globalThis.clearTimeout;

  constructor() {
    const running = this.#running;
    const set = this.#set;
    const clear = this.#clear;
    globalThis.setTimeout = Object.assign((callback: () => void, limit?: number) => {
      const timer = set(() => {
        running.delete(timer);
        callback();
      }, limit);
      running.add(timer);
      return timer;
    }, set);
    globalThis.clearTimeout = (timer) => {
      running.delete(timer);
      clear(timer);
    };
  }

  get running(): number {
    return this.#running.size;
  }

  restore(): void {
    globalThis.setTimeout = this.#set;
    globalThis.clearTimeout = this.#clear;
  }
}

function sockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => /^T(?:CP|LS)/.test(kind)).length;
}

async function playOne(cell: Cell, limit: number): Promise<Played> {
  const { fault, place, time, stage, kind } = cell;
  const server = await serveOracle({
    offers: cell.offers,
    identity: cell.identity,
    isGathering: cell.isGathering,
    strike: { place, time, fault, midway: kind === "short" ? 1 : 30_000 },
  });
  const endings: number[] = [];
  const client = new SmtpClient({
    host: "127.0.0.1",
    port: server.port,
    security: "none",
    maxConnections: 1,
    ...cell.options,
    timeouts: {
      greeting: limit,
      tls: limit,
      command: limit,
      data: limit,
      content: limit,
      endOfData: limit,
      quit: limit,
    },
    trace: (event) => {
      if (event.kind === "closed") endings[event.connection] = (endings[event.connection] ?? 0) + 1;
    },
  });
  const started = performance.now();
  const sources = { left: 0 };
  let number = 0;
  const send = async (what: Kind, from?: string): Promise<Sent> => {
    const subject = `m${++number}`;
    const message = messageOf(what, subject, sources);
    try {
      await client.send(from === undefined ? message : { ...message, from });
      return { subject, outcome: "accepted" };
    } catch (error) {
      return { subject, outcome: error instanceof SmtpError ? error : { strange: error } };
    }
  };

  const before = stage === "second" || stage === "later" ? await send("short") : undefined;
  server.arm();
  if (place === "IDLE") server.strikeIdle();
  if (stage === "later") await eventually(() => endings.length > 0);
  const struck: Sent[] = [];
  if (stage === "queued") struck.push(...(await Promise.all([send(kind), send(kind), send(kind)])));
  else if (place !== "QUIT") struck.push(await send(kind, place === "RSET" ? UNWANTED : undefined));
  const isMissed = place !== "QUIT" && !server.hasStruck;
  // The fault is over: whatever became of it, the next message is sent.
  const next = place === "QUIT" ? undefined : await send("short");
  await client.close();
  const elapsed = performance.now() - started;
  await eventually(() => server.open === 0);
  const played = {
    cell,
    server,
    before,
    struck,
    next,
    isMissed,
    elapsed,
    endings: endings.filter((times) => times > 0),
    sourcesLeft: sources.left,
  };
  await server.close();
  return played;
}

function messageOf(kind: Kind, subject: string, sources: { left: number }): Message {
  const message = { from: "alice@example.com", to: RECIPIENTS, subject };
  if (kind === "short") return { ...message, text: "Hello.\r\n.\r\nHello." };
  if (kind === "long") return { ...message, text: LONG };
  const source = attachment.stream(async function* () {
    sources.left++;
    try {
      for (let at = 0; at < STREAM.length; at += 20_000) yield STREAM.subarray(at, at + 20_000);
    } finally {
      sources.left--;
    }
  });
  return { ...message, text: "Hello.", attachments: [source] };
}

/** Waits a while for what comes to the other end of a connection a little later. */
async function eventually(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 1_000;
  while (!condition() && performance.now() < deadline) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
