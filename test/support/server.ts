// A server on a loopback port that does what a test tells it to, octet for octet, and writes down what it heard.
// It is closed with all its sockets when the test is over; a script that fails makes its test fail.

import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import { onTestFinished } from "vitest";
import type { Identity } from "./certificates.ts";

/** What a server does with one connection. */
export type Script = (peer: Peer) => Promise<void>;

export interface Server {
  readonly port: number;
  /** One for each connection, in the order they came. */
  readonly peers: readonly Peer[];
  /** Everything the clients said, a character for each octet; what TLS protected, as it was within. */
  readonly heard: string;
  /** Every message that came whole, transparency undone. */
  readonly messages: readonly string[];
  /** The peer of connection number `index`, as soon as there is one. */
  peer(index: number): Promise<Peer>;
  close(): Promise<void>;
}

/** Ends a script whose client has left. */
class Gone extends Error {}

export async function serve(
  script: Script,
  { tls, host = "127.0.0.1" }: { readonly tls?: Identity; readonly host?: string } = {},
): Promise<Server> {
  const peers: Peer[] = [];
  const awaited: (() => void)[] = [];
  const faults: unknown[] = [];
  const listener = createServer({ allowHalfOpen: true }, (socket) => {
    const peer = new Peer(peers.length, socket);
    peers.push(peer);
    for (const notify of awaited.splice(0)) notify();
    void (async () => {
      try {
        if (tls !== undefined) await peer.startTls(tls);
        await script(peer);
      } catch (error) {
        if (!(error instanceof Gone)) faults.push(error);
      }
    })();
  }).listen(0, host);
  await once(listener, "listening");

  const server: Server = {
    port: (listener.address() as AddressInfo).port,
    peers,
    get heard() {
      return peers.map((peer) => peer.heard).join("");
    },
    get messages() {
      return peers.flatMap((peer) => peer.messages);
    },
    async peer(index) {
      for (;;) {
        const peer = peers[index];
        if (peer !== undefined) return peer;
        await new Promise<void>((resolve) => awaited.push(resolve));
      }
    },
    async close() {
      for (const peer of peers) peer.destroy();
      if (listener.listening) await once(listener.close(), "close");
      if (faults.length > 0) throw faults[0];
    },
  };
  onTestFinished(() => server.close());
  return server;
}

/** One connection, seen from the server. */
export class Peer {
  readonly index: number;
  readonly socket: Socket;
  /** Messages that came whole, transparency undone. */
  readonly messages: string[] = [];
  /** The lines that were read with `line()`. */
  readonly lines: string[] = [];
  /** Resolves when both directions are closed, however that came about. */
  readonly closed: Promise<void>;
  /** Whether the client ended its side in good order. */
  hasEnded = false;
  secure = false;
  /** What the client asked for in SNI; `undefined` where it asked for nothing. */
  servername: string | undefined;
  #stream: Socket;
  #heard: string[] = [];
  #buffer = "";
  #scanned = 0;
  #wake: () => void = () => {};
  #isClosed = false;
  #close: () => void = () => {};

  constructor(index: number, socket: Socket) {
    this.index = index;
    this.socket = socket;
    this.#stream = socket;
    socket.setNoDelay(true);
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      this.#close = () => {
        this.#isClosed = true;
        this.#wake();
        resolve();
      };
    });
    socket.on("close", this.#close);
    this.#listen();
  }

  /** Everything the client said, a character for each octet. */
  get heard(): string {
    if (this.#heard.length > 1) this.#heard = [this.#heard.join("")];
    return this.#heard[0] ?? "";
  }

  /** How many octets of it. */
  get octets(): number {
    return this.heard.length;
  }

  /** Says whole lines, in one write. */
  say(...lines: readonly string[]): Promise<void> {
    return this.send(lines.map((line) => `${line}\r\n`).join(""));
  }

  /** Says these very octets, a character each, in one write. */
  send(text: string): Promise<void> {
    return this.#write(Buffer.from(text, "latin1"));
  }

  /** Says them in a segment each. */
  async drip(text: string): Promise<void> {
    for (const character of text) {
      await this.send(character);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The next line, without its end. */
  async line(): Promise<string> {
    const line = await this.#until("\r\n");
    this.lines.push(line);
    return line;
  }

  /** Mail data up to the line with one dot, transparency undone. */
  async data(): Promise<string> {
    let stuffed: string;
    // No data is shorter than its end, and empty data is nothing else: which it is shows when so many octets are there.
    while (this.#buffer.length < 3) await this.#more();
    if (this.#buffer.startsWith(".\r\n")) {
      this.#buffer = this.#buffer.slice(3);
      stuffed = "";
    } else {
      stuffed = `${await this.#until("\r\n.\r\n")}\r\n`;
    }
    const message = stuffed.replace(/^\./, "").replaceAll("\r\n.", "\r\n");
    this.messages.push(message);
    return message;
  }

  /** The next so many octets, a character each. */
  async chunk(octets: number): Promise<string> {
    while (this.#buffer.length < octets) await this.#more();
    const text = this.#buffer.slice(0, octets);
    this.#buffer = this.#buffer.slice(octets);
    this.#scanned = 0;
    return text;
  }

  /** Waits until at least this many octets have come, whatever they are, and forgets them. */
  async take(octets: number): Promise<void> {
    while (this.#buffer.length < octets) await this.#more();
    this.#buffer = "";
    this.#scanned = 0;
  }

  /** Answers nothing and waits for the client to leave. */
  async silence(): Promise<void> {
    for (;;) await this.#more();
  }

  async startTls(identity: Identity): Promise<void> {
    this.socket.removeAllListeners("data").removeAllListeners("end");
    const stream = new TLSSocket(this.socket, {
      isServer: true,
      ...identity,
      SNICallback: (name, done) => {
        this.servername = name;
        done(null, createSecureContext(identity));
      },
    });
    // A handshake that fails leaves the socket beneath it open.
    stream.on("error", () => this.destroy()).on("close", this.#close);
    this.#stream = stream;
    this.#listen();
    await Promise.race([new Promise((resolve) => stream.once("secure", resolve)), this.closed.then(gone)]);
    this.secure = true;
  }

  /** What this end of the TLS exports for a login to be tied to (RFC 9266 §2). */
  exported(): Buffer {
    if (!(this.#stream instanceof TLSSocket)) throw new Error("there is no TLS to export from");
    return this.#stream.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", Buffer.of());
  }

  /** Stops reading, so that what the client says piles up on its side. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** FIN. */
  end(): void {
    this.#stream.end();
  }

  /** RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.#stream.destroy();
    this.socket.destroy();
  }

  #listen(): void {
    this.#stream.on("data", (octets: Buffer) => {
      const text = octets.toString("latin1");
      this.#heard.push(text);
      this.#buffer += text;
      this.#wake();
    });
    this.#stream.on("end", () => {
      this.hasEnded = true;
      // Where TLS ended without a word, Node would wait for the peer to take one.
      if (this.#stream !== this.socket) this.destroy();
      else this.#stream.end();
      this.#wake();
    });
  }

  async #until(end: string): Promise<string> {
    for (;;) {
      const at = this.#buffer.indexOf(end, this.#scanned);
      if (at >= 0) {
        const text = this.#buffer.slice(0, at);
        this.#buffer = this.#buffer.slice(at + end.length);
        this.#scanned = 0;
        return text;
      }
      this.#scanned = Math.max(0, this.#buffer.length - end.length + 1);
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    if (this.#isClosed || this.hasEnded) gone();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  #write(octets: Uint8Array): Promise<void> {
    if (this.#isClosed || this.#stream.destroyed) gone();
    return new Promise((resolve, reject) => {
      this.#stream.write(octets, (error) => {
        if (error) reject(new Gone());
        else resolve();
      });
    });
  }
}

function gone(): never {
  throw new Gone("the client has left");
}
