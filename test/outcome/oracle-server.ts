// A small SMTP server that does everything right, and one thing wrong, once. It counts the messages it has taken,
// whatever it managed to say of them: a message counts when its mail data came whole within a transaction that holds.

import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { type House, Line, type Nature } from "./oracle-line.ts";

export interface OracleServer {
  readonly port: number;
  /** How often each message was taken, by its subject. */
  readonly taken: ReadonlyMap<string, number>;
  /** What came as a command and is none, or none that may come there. */
  readonly strange: readonly string[];
  readonly hasStruck: boolean;
  readonly connections: number;
  /** How many of them are open. */
  readonly open: number;
  /** How many of them the client had left open when the server was closed. */
  readonly left: number;
  /** The fault may strike from now on. */
  arm(): void;
  /** Strikes now, on every connection: nothing is under way. */
  strikeIdle(): void;
  close(): Promise<void>;
}

export async function serveOracle(nature: Nature): Promise<OracleServer> {
  const taken = new Map<string, number>();
  const lines: Line[] = [];
  let isArmed = false;
  let hasStruck = false;
  const countOpen = (): number => lines.filter(({ isOpen }) => isOpen).length;
  let times = 0;
  let left = 0;
  const { strike } = nature;
  const house: House = {
    nature,
    strange: [],
    struck(place) {
      if (!isArmed || hasStruck || place !== strike.place || ++times !== strike.time) return undefined;
      hasStruck = true;
      return strike.fault;
    },
    take(message) {
      const subject = /^Subject: (\S+)/m.exec(message)?.[1] ?? "a message without a subject";
      taken.set(subject, (taken.get(subject) ?? 0) + 1);
    },
  };
  const listener = createServer({ allowHalfOpen: true }, (socket) => lines.push(new Line(socket, house)));
  await once(listener.listen(0, "127.0.0.1"), "listening");
  return {
    port: (listener.address() as AddressInfo).port,
    taken,
    strange: house.strange,
    get hasStruck() {
      return hasStruck;
    },
    get connections() {
      return lines.length;
    },
    get open() {
      return countOpen();
    },
    arm() {
      isArmed = true;
    },
    strikeIdle() {
      for (const line of lines) if (line.isOpen) line.strikeIdle();
    },
    get left() {
      return left;
    },
    async close() {
      left = countOpen();
      for (const line of lines) line.destroy();
      await once(listener.close(), "close");
    },
  };
}
