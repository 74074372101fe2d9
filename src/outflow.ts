// What we say on its way to the wire: what is said in one go leaves in one write, and mail data goes block by block, as
// fast as the wire takes it, and in chunks as the server does.

import { join } from "./bytes.ts";
import { bdat, bdatLast, type Command, encodeGroup } from "./commands.ts";
import type { Streamed } from "./protocol/dialogue.ts";
import type { Session } from "./protocol/session.ts";
import { BLOCK, type Framing, mailData, wholeBlock } from "./protocol/transparency.ts";
import { Pump } from "./pump.ts";
import type { Wire } from "./transport/wire.ts";

/** What the connection does about it. */
export interface Banks {
  /** Something else is waited for: its time begins now. */
  moved(): void;
  /** A command goes out with what follows. */
  said(command: Command): void;
  /** All of it has been handed over; `octets` before transparency. */
  sent(octets: number): void;
  /** The wire has taken all that was handed over. */
  left(): void;
  failed(error: unknown): void;
}

/** In octets. What is longer is worth a write of its own, and not worth copying. */
const MAX_GATHERED = 16_384;

export class Outflow {
  readonly #session: Session;
  readonly #wire: Wire;
  readonly #banks: Banks;
  /** What reads the content where it had to be opened. */
  #pump: Pump | undefined;
  #starving: Streamed | undefined;
  #leaving: Promise<void> | undefined;
  /** What was said in this go. */
  #gathered: Uint8Array[] = [];
  #gatheredOctets = 0;
  /** How many messages end in it. */
  #ends = 0;
  /** Settles when the wire is not full any more, of what was said in one go. */
  #full: Promise<void> | undefined;
  readonly #flush = (): void => this.flush();
  #isClosed = false;
  #wake: () => void = () => {};

  constructor(session: Session, wire: Wire, banks: Banks) {
    this.#session = session;
    this.#wire = wire;
    this.#banks = banks;
  }

  /** The content that was asked for more and has not given it. */
  get starving(): Streamed | undefined {
    return this.#starving;
  }

  /** Settles when the last of the mail data has left, or cannot any more. */
  get leaving(): Promise<void> | undefined {
    return this.#leaving;
  }

  /** Content in memory; where `commands` announce it, in one write with them as far as it is one block. */
  stream(content: Uint8Array, commands?: readonly Command[]): void {
    const framing = commands === undefined ? "dot" : "count";
    const head = commands && encodeGroup(commands);
    if (content.length > BLOCK) {
      void this.#streamBlocks(content, framing, head);
      return;
    }
    try {
      const block = wholeBlock(content, framing);
      const full = this.#hand(head === undefined ? block : join([head, block]), true);
      if (full === undefined) this.#sent(content.length);
      else void this.#finish(full, content.length);
    } catch (error) {
      this.#banks.failed(error);
    }
  }

  async #streamBlocks(content: Uint8Array, framing: Framing, head: Uint8Array | undefined): Promise<void> {
    try {
      if (head !== undefined) this.say(head);
      for (const { octets, last } of mailData(content, framing)) {
        const full = this.#hand(octets, last);
        if (full === undefined) continue;
        await full;
        if (this.#isClosed) return;
      }
      this.#sent(content.length);
    } catch (error) {
      this.#banks.failed(error);
    }
  }

  async #finish(full: Promise<void>, octets: number): Promise<void> {
    try {
      await full;
      if (!this.#isClosed) this.#sent(octets);
    } catch (error) {
      this.#banks.failed(error);
    }
  }

  /** The same for content that has to be opened. Nothing ends the mail data where that fails. */
  async pump(content: Streamed, limit: number | undefined, how: "whole" | "in chunks"): Promise<void> {
    let pump: Pump | undefined;
    try {
      pump = new Pump(content, how === "whole" ? "dot" : "count", limit);
      this.#pump = pump;
      for (let last = false; !last; ) {
        this.#starving = content;
        this.#banks.moved();
        const block = await pump.next();
        if (this.#pump !== pump) return;
        this.#starving = undefined;
        while (this.#session.room === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
        if (this.#pump !== pump) return;
        last = block.last;
        // Two writes where it is a block of 64 KiB: as fast as one, and without a copy of it.
        if (how === "in chunks") this.#announce(block.octets.length, last);
        await this.#hand(block.octets, last);
        // With the last of it gone there is nothing to stop: it has left, whatever was heard meanwhile.
        if (this.#isClosed || (!last && this.#pump !== pump)) return;
      }
      this.#pump = undefined;
      this.#sent(pump.octets);
    } catch (error) {
      // What was closed fails where it is waited for, and that is nobody's fault.
      if (this.#pump === pump) this.#banks.failed(error);
    }
  }

  /** The server has said something: there may be room for another chunk, or no use for one. */
  heard(): void {
    if (this.#pump?.framing === "count" && this.#session.room === undefined) this.#stop();
    this.#wake();
  }

  /**
   * Commands, and mail data that goes with them. They leave when everything has been said that follows from what was
   * heard: with several messages on their way, many would be a write and a packet each. A promise asks to wait.
   */
  say(octets: Uint8Array): Promise<void> | undefined {
    if (octets.length > MAX_GATHERED) {
      this.flush();
      this.#ends = 0;
      return this.#write(octets);
    }
    if (this.#gathered.length === 0) queueMicrotask(this.#flush);
    this.#gathered.push(octets);
    this.#gatheredOctets += octets.length;
    if (this.#gatheredOctets > MAX_GATHERED) this.flush();
    return undefined;
  }

  /** Hands over what was said. */
  flush(): void {
    if (this.#gathered.length === 0) return;
    const octets = join(this.#gathered);
    const ends = this.#ends;
    this.#gathered = [];
    this.#gatheredOctets = 0;
    this.#ends = 0;
    if (this.#isClosed) return;
    const full = this.#write(octets);
    if (full !== undefined) void this.#drain(full, ends);
  }

  /** A wire of the caller's own may throw, and where that is flushed nobody would catch it. */
  #write(octets: Uint8Array): Promise<void> | undefined {
    try {
      return this.#wire.write(octets);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#stop();
    this.#wake();
  }

  #stop(): void {
    this.#pump?.close();
    this.#pump = undefined;
    this.#starving = undefined;
  }

  /** Says the command of a chunk, which is owed a reply from here on. */
  #announce(octets: number, last: boolean): void {
    const command = last ? bdatLast(octets) : bdat(octets);
    this.#banks.said(command);
    this.#session.chunkGoes(last ? "BDAT LAST" : "BDAT");
    this.say(encodeGroup([command]));
  }

  #sent(octets: number): void {
    this.#banks.sent(octets);
    if (this.#full === undefined) this.#banks.left();
  }

  /** The wire is full: until it has taken all of it, no server can have accepted what is in it. */
  async #drain(full: Promise<void>, ends: number): Promise<void> {
    this.#full = full;
    if (ends > 0) this.#session.contentStays(ends);
    this.#leaving = full.catch(() => {});
    try {
      await full;
      // The wire may be full again already, or this have been noticed.
      if (this.#full !== full) return;
      this.#full = undefined;
      if (!this.#isClosed) this.#banks.left();
    } catch (error) {
      this.#banks.failed(error);
    }
  }

  /** Hands over a block; a promise asks to wait. */
  #hand(octets: Uint8Array, last: boolean): Promise<void> | undefined {
    if (last) {
      this.#session.contentEnds();
      this.#ends++;
    }
    this.#banks.moved();
    const full = this.say(octets);
    if (last && full !== undefined) this.#leaving = full.catch(() => {});
    return full;
  }
}
