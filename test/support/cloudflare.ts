// A module `cloudflare:sockets` of the test's own, and a wire over it.

import { onTestFinished } from "vitest";
import { decodeLatin1, encodeUtf8 } from "../../src/bytes.ts";
import {
  type CloudflareSocket,
  type CloudflareSockets,
  connectBySockets,
} from "../../src/transport/cloudflare.ts";
import type { Target, Wire } from "../../src/transport/wire.ts";

/** A socket whose other end is the test. */
export class FakeSocket {
  readonly opened: Promise<unknown>;
  readonly closed: Promise<unknown>;
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly written: string[] = [];
  /** What TLS it was upgraded to. */
  upgraded: FakeSocket | undefined;
  isClosed = false;
  says: (text: string) => void = () => {};
  ends: () => void = () => {};
  breaks: (error: Error) => void = () => {};

  constructor(opened: Promise<unknown> = Promise.resolve({})) {
    this.opened = opened;
    let end: (reason: Error) => void = () => {};
    this.closed = new Promise((_, reject) => {
      end = reject;
    });
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.says = (text) => controller.enqueue(encodeUtf8(text));
        this.ends = () => controller.close();
        this.breaks = (error) => {
          controller.error(error);
          end(error);
        };
      },
    });
    this.writable = new WritableStream<Uint8Array>({
      write: (octets) => void this.written.push(decodeLatin1(octets)),
    });
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.breaks(new Error("This socket has been closed."));
  }

  /** As the runtime has it: neither stream may be locked. */
  startTls(): FakeSocket {
    if (this.readable.locked) throw new TypeError("The ReadableStream has been locked to a reader.");
    if (this.writable.locked) throw new TypeError("This WritableStream is currently locked to a writer.");
    this.upgraded = this.next;
    return this.upgraded;
  }

  next: FakeSocket = this;
}

export interface Asked {
  readonly hostname: string;
  readonly port: number;
  readonly secureTransport: string;
  readonly allowHalfOpen: boolean;
}

/** A module whose only socket is this one, and what it was asked for. */
export function moduleOf(socket: FakeSocket): { asked: Asked[]; load: () => Promise<CloudflareSockets> } {
  const asked: Asked[] = [];
  const connect: CloudflareSockets["connect"] = (address, options) => {
    asked.push({ ...address, ...options });
    return socket as unknown as CloudflareSocket;
  };
  return { asked, load: async () => ({ connect }) };
}

export function targetOf(target: Partial<Target> = {}): Target {
  return {
    host: "smtp.example.com",
    port: 587,
    implicitTls: false,
    servername: "smtp.example.com",
    tls: {},
    signal: new AbortController().signal,
    ...target,
  };
}

export async function open(socket: FakeSocket, target: Partial<Target> = {}): Promise<Wire> {
  const wire = await connectBySockets(moduleOf(socket).load)(targetOf(target));
  onTestFinished(() => wire.destroy());
  return wire;
}

export async function readText(wire: Wire): Promise<string | undefined> {
  const octets = await wire.read();
  return octets && decodeLatin1(octets);
}
