// The wire over node:net and node:tls, for Node, Bun and Deno. The modules are loaded with the first connection:
// they are most of what an import would cost.

import type { Socket } from "node:net";
import type { ConnectionOptions, PeerCertificate, TLSSocket } from "node:tls";
import { ProtocolError, TransportError } from "../errors.ts";
import { connectError, ioError, tlsError } from "./node-errors.ts";
import type { Connect, Target, Wire } from "./wire.ts";

/** How long a silent connection stays unquestioned; NAT tables forget sooner than servers do. */
const KEEP_ALIVE_DELAY = 30_000;

/** Connects over node:net, and over node:tls on top of it. */
export const connectNode: Connect = async (target) => {
  const net = await import("node:net");
  const socket = net.connect({
    host: target.host,
    port: target.port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_DELAY,
    ...(target.localAddress !== undefined && { localAddress: target.localAddress }),
    ...(target.lookup !== undefined && { lookup: target.lookup as never }),
  });
  const abort = (): void => void socket.destroy(abortReason(target.signal));
  target.signal.addEventListener("abort", abort);
  if (target.signal.aborted) abort();
  try {
    await settled(socket, "connect", (error) => connectError(error, target));
    const wire = new NodeWire(socket, target);
    if (target.implicitTls) await wire.startTls();
    return wire;
  } catch (error) {
    socket.destroy();
    throw target.signal.aborted ? abortReason(target.signal) : error;
  } finally {
    target.signal.removeEventListener("abort", abort);
  }
};

class NodeWire implements Wire {
  readonly #target: Target;
  readonly #raw: Socket;
  #socket: Socket;
  #tls: TLSSocket | undefined;
  #verified = false;
  /** What arrived before it was asked for: one chunk, or a few, for the socket is paused meanwhile. */
  readonly #arrived: Uint8Array[] = [];
  #reader: Waiter<Uint8Array | undefined> | undefined;
  #writer: Waiter<void> | undefined;
  /** The promise that `#writer` settles. */
  #drained: Promise<void> | undefined;
  #ended = false;
  #error: Error | undefined;
  #unlisten: () => void = () => {};

  constructor(socket: Socket, target: Target) {
    this.#target = target;
    this.#raw = socket;
    this.#socket = socket;
    // For the whole life of the socket: an error after we have lost interest must not bring the process down.
    socket.on("error", (error) => this.#fail(ioError(error)));
    this.#listen();
  }

  get secure(): boolean {
    return this.#tls !== undefined;
  }

  get verified(): boolean {
    return this.#verified;
  }

  get localAddress(): string | undefined {
    return this.#raw.localAddress;
  }

  get tlsVersion(): string | undefined {
    return this.#tls?.getProtocol() ?? undefined;
  }

  read(): Promise<Uint8Array | undefined> {
    const octets = this.#arrived.shift();
    if (octets !== undefined) {
      if (this.#arrived.length === 0) this.#socket.resume();
      return Promise.resolve(octets);
    }
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  write(octets: Uint8Array): Promise<void> | undefined {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#socket.write(octets)) return undefined;
    this.#drained ??= new Promise((resolve, reject) => {
      this.#writer = { resolve, reject };
    });
    return this.#drained;
  }

  async startTls(): Promise<void> {
    const [net, tls] = await Promise.all([import("node:net"), import("node:tls")]);
    // Between this check and tls.connect nothing may wait: what arrives later belongs to the handshake.
    if (this.#error !== undefined) throw this.#error;
    if (this.#arrived.length > 0 || this.#raw.readableLength > 0) {
      throw new ProtocolError("octets arrived in the clear where the TLS handshake should begin", {
        code: "starttls_injection",
        hint: "someone between may be tampering with the connection",
      });
    }
    this.#unlisten();
    const { servername, tls: options } = this.#target;
    const socket = upgrade(tls.connect, {
      ...(options as ConnectionOptions),
      // Said in any case: what is not said is looked for on Object.prototype, where anybody may have put it.
      rejectUnauthorized: options.rejectUnauthorized ?? true,
      checkServerIdentity: options.checkServerIdentity ?? tls.checkServerIdentity,
      socket: this.#raw,
      // Node verifies against `host` and sends `servername`; it derives neither from the socket that it is given,
      // and would verify against "localhost". An IP address is no server name (RFC 6066 §3).
      host: servername,
      ...(net.isIP(servername) === 0 && { servername }),
    });
    socket.on("error", (error) => this.#fail(ioError(error)));
    this.#socket = socket;
    this.#tls = socket;
    await settled(socket, "secureConnect", (error) => tlsError(error, this.#target));
    this.#verify(socket, tls.checkServerIdentity);
    this.#listen();
  }

  hold(active: boolean): void {
    for (const socket of new Set([this.#raw, this.#socket])) {
      if (active) socket.ref();
      else socket.unref();
    }
  }

  close(): void {
    this.#socket.destroySoon();
  }

  destroy(reason?: Error): void {
    this.#fail(reason ?? new TransportError("the connection was closed", { code: "connection_lost" }));
    this.#socket.destroy();
    this.#raw.destroy();
  }

  /** Our own check, after the runtime's: some runtimes let a name pass that is not in the certificate. */
  #verify(
    socket: TLSSocket,
    checkIdentity: (name: string, certificate: PeerCertificate) => Error | undefined,
  ): void {
    const { servername, tls: options } = this.#target;
    const certificate = socket.getPeerCertificate();
    const check = options.checkServerIdentity ?? checkIdentity;
    const doubt = socket.authorized
      ? check(servername, certificate)
      : (socket.authorizationError ?? "the certificate was not verified");
    if (doubt !== undefined && options.rejectUnauthorized !== false) {
      throw tlsError(doubt instanceof Error ? doubt : new Error(doubt), this.#target);
    }
    this.#verified = doubt === undefined;
  }

  #listen(): void {
    const socket = this.#socket;
    const data = (octets: Uint8Array): void => {
      const reader = this.#reader;
      if (reader === undefined) {
        this.#arrived.push(octets);
        socket.pause();
        return;
      }
      this.#reader = undefined;
      reader.resolve(octets);
    };
    const drain = (): void => this.#takeWriter()?.resolve();
    const end = (): void => {
      this.#ended = true;
      const reader = this.#reader;
      this.#reader = undefined;
      reader?.resolve(undefined);
    };
    const close = (): void => {
      end();
      this.#takeWriter()?.reject(
        new TransportError("the connection was closed", { code: "connection_lost", transient: true }),
      );
    };
    socket.on("data", data).on("drain", drain).on("end", end).on("close", close);
    this.#unlisten = () =>
      void socket.off("data", data).off("drain", drain).off("end", end).off("close", close);
  }

  #fail(error: Error): void {
    this.#error ??= error;
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.reject(error);
    this.#takeWriter()?.reject(error);
  }

  #takeWriter(): Waiter<void> | undefined {
    const writer = this.#writer;
    this.#writer = undefined;
    this.#drained = undefined;
    return writer;
  }
}

/** tls.connect throws for an option that it cannot use. */
function upgrade(connect: (options: ConnectionOptions) => TLSSocket, options: ConnectionOptions): TLSSocket {
  try {
    return connect(options);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TransportError(`TLS cannot be set up: ${reason}`, {
      code: "tls",
      phase: "tls",
      cause,
      hint: "check the options in tls",
    });
  }
}

interface Waiter<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

/** Waits for the event that says the socket is up; a close without a word is a failure too. */
function settled(
  socket: Socket,
  event: "connect" | "secureConnect",
  fault: (error: Error) => Error,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      socket.off(event, succeed).off("error", fail).off("close", close);
    };
    const succeed = (): void => {
      done();
      resolve();
    };
    const fail = (error: Error): void => {
      // The socket may say more after this; without a listener that would be an uncaught exception.
      socket.on("error", () => {});
      done();
      reject(fault(error));
    };
    const close = (): void => fail(new Error("the server closed the connection"));
    socket.on(event, succeed).on("error", fail).on("close", close);
  });
}

function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error("aborted");
}
