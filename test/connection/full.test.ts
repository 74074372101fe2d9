// What is said while the wire is full: what has not left yet, and whose reply may come.

import { Readable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { SmtpClient } from "../../src/index.ts";
import type { Wire } from "../../src/transport/wire.ts";
import { MESSAGE, messageTo } from "../support/client.ts";
import { errorOf, until, watchProcess } from "../support/watch.ts";

watchProcess();

/** A wire of which each write may be held: it is full until it is let go. */
class NarrowWire implements Wire {
  readonly secure = false;
  readonly verified = false;
  written = "";
  /** Whether the next writes fill it. */
  isFull = false;
  /** So does the next behind this. */
  fullBehind: string | undefined;
  #said: (Uint8Array | undefined)[] = [];
  #reader: ((octets: Uint8Array | undefined) => void) | undefined;
  #full: Promise<void> | undefined;
  #resolve: () => void = () => {};

  say(...lines: readonly string[]): void {
    this.#give(Buffer.from(lines.map((line) => `${line}\r\n`).join("")));
  }

  letGo(): void {
    this.isFull = false;
    this.#resolve();
    this.#full = undefined;
  }

  read(): Promise<Uint8Array | undefined> {
    if (this.#said.length > 0) return Promise.resolve(this.#said.shift());
    return new Promise((resolve) => (this.#reader = resolve));
  }

  write(octets: Uint8Array): Promise<void> | undefined {
    if (this.fullBehind !== undefined && this.written.includes(this.fullBehind)) this.isFull = true;
    this.written += Buffer.from(octets).toString("latin1");
    if (!this.isFull) return undefined;
    this.#full ??= new Promise((resolve) => (this.#resolve = resolve));
    return this.#full;
  }

  async startTls(): Promise<void> {}
  hold(): void {}
  close(): void {
    this.destroy();
  }
  destroy(): void {
    this.letGo();
    this.#give(undefined);
  }

  #give(octets: Uint8Array | undefined): void {
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader === undefined) this.#said.push(octets);
    else reader(octets);
  }
}

/** A client whose one connection has been opened over a wire that is not full yet. */
async function connect(): Promise<{ client: SmtpClient; wire: NarrowWire }> {
  const wires: NarrowWire[] = [];
  const client = new SmtpClient({
    host: "127.0.0.1",
    maxConnections: 1,
    timeouts: { quit: 20 },
    connect: async () => {
      const wire = new NarrowWire();
      wires.push(wire);
      wire.say("220 hi");
      return wire;
    },
  });
  onTestFinished(() => client.close({ force: true }));
  const known = client.noop();
  await until(() => wires[0]?.written.includes("EHLO") === true);
  wires[0]?.say("250-x", "250-PIPELINING", "250 CHUNKING");
  await until(() => wires[0]?.written.includes("NOOP") === true);
  wires[0]?.say("250 ok");
  await known;
  return { client, wire: wires[0] as NarrowWire };
}

const QUEUED = ["250 ok", "250 ok", "250 queued"];

test("a message that has left may be refused while one behind it has not", async () => {
  const { client, wire } = await connect();
  const first = errorOf(client.send(messageTo("first")));
  await until(() => wire.written.includes("BDAT"));
  wire.isFull = true;
  const second = client.send(messageTo("second"));
  await until(() => wire.written.includes("second"));
  wire.say("250 ok", "250 ok", "554 spam");
  expect(await first).toMatchObject({ code: "content_refused", delivery: "rejected" });
  wire.letGo();
  wire.say("250 ok", ...QUEUED);
  expect((await second).attempts).toBe(1);
});

test("nothing follows a message that fills the wire", async () => {
  const { client, wire } = await connect();
  wire.isFull = true;
  // Two of them are more than one write gathers.
  const text = "x".repeat(70).concat("\n").repeat(140);
  const messages = [1, 2, 3, 4].map((number) => ({ ...MESSAGE, text, subject: `number ${number}` }));
  const results = (async () => {
    const all: boolean[] = [];
    for await (const { ok } of client.sendMany(messages, { inFlight: 4, concurrency: 4 })) all.push(ok);
    return all;
  })();
  await until(() => wire.written.includes("number 2"));
  await new Promise((resolve) => setImmediate(resolve));
  expect(wire.written.includes("number 3")).toBe(false);
  wire.letGo();
  await until(() => wire.written.includes("number 4"));
  wire.say(...QUEUED, ...[2, 3, 4].flatMap(() => ["250 ok", ...QUEUED]));
  expect(await results).toEqual([true, true, true, true]);
});

test("a server that refuses a chunk and takes the last is told of as soon as that has left", async () => {
  const { client, wire } = await connect();
  const content = Readable.from([new Uint8Array(90_000)]);
  const sending = errorOf(client.send({ ...MESSAGE, attachments: [{ content }] }));
  wire.fullBehind = " LAST";
  await until(() => wire.written.includes("RCPT"));
  wire.say("250 ok", "250 ok");
  await until(() => wire.written.includes("LAST"));
  const chunks = wire.written.split("BDAT").length - 1;
  wire.say(...Array.from({ length: chunks - 1 }, () => "552 no"), "250 queued");
  await new Promise((resolve) => setImmediate(resolve));
  wire.letGo();
  expect(await sending).toMatchObject({ code: "unexpected_reply", delivery: "unknown" });
});
