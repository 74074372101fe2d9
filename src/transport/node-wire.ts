// The wire over a socket of node:net, or any Duplex stream, and over node:tls on top of it.

import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { ChannelBinding, ChannelBindingType } from "../channel-binding.ts";
import { ProtocolError, TransportError } from "../errors.ts";
import { bindingOf } from "./node-binding.ts";
import { ioError, tlsError } from "./node-errors.ts";
import { begin, confirm } from "./node-tls.ts";
import type { Target, Wire } from "./wire.ts";

export class NodeWire implements Wire {
  readonly #target: Target;
  /** From the socket itself to the TLS on top of it; two of that lead through an https:// proxy. */
  readonly #layers: Socket[];
  #socket: Socket;
  #tls: TLSSocket | undefined;
  #verified = false;
  #doubt: string | undefined;
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
    this.#layers = [socket];
    this.#socket = socket;
    socket.on("error", (error) => this.#fail(ioError(error)));
    this.#listen();
  }

  get secure(): boolean {
    return this.#tls !== undefined;
  }

  get verified(): boolean {
    return this.#verified;
  }

  get doubt(): string | undefined {
    return this.#doubt;
  }

  get localAddress(): string | undefined {
    return this.#layers[0]?.localAddress;
  }

  get tlsVersion(): string | undefined {
    return this.#tls?.getProtocol() ?? undefined;
  }

  get resumed(): boolean {
    return this.#tls?.isSessionReused() ?? false;
  }

  async channelBinding(type?: ChannelBindingType): Promise<ChannelBinding | undefined> {
    return this.#tls && bindingOf(this.#tls, type);
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

  async startTls(target: Target = this.#target): Promise<void> {
    const [net, tls] = await Promise.all([import("node:net"), import("node:tls")]);
    // Between this check and tls.connect nothing may wait: what arrives later belongs to the handshake.
    if (this.#error !== undefined) throw this.#error;
    if (this.#arrived.length > 0 || this.#socket.readableLength > 0) {
      throw new ProtocolError("octets arrived in the clear where the TLS handshake should begin", {
        code: "starttls_injection",
        phase: "tls",
        hint: "someone between may be tampering with the connection",
      });
    }
    this.#unlisten();
    this.#verified = false;
    const handshake = begin({ net, tls }, this.#socket, target);
    const { socket } = handshake;
    socket.on("error", (error) => this.#fail(ioError(error)));
    this.#layers.push(socket);
    this.#socket = socket;
    this.#tls = socket;
    try {
      await settled(socket, "secureConnect", (error) => tlsError(error, target));
      this.#doubt = confirm(handshake, target);
      this.#verified = this.#doubt === undefined;
    } catch (error) {
      // Whatever it was that failed: the next connection begins from nothing.
      target.sessions?.clear();
      throw error;
    }
    this.#listen();
  }

  hold(active: boolean): void {
    // A stream of the caller's own may know of no process to keep alive.
    for (const socket of this.#layers as Partial<Socket>[]) {
      if (active) socket.ref?.();
      else socket.unref?.();
    }
  }

  close(): void {
    const socket = this.#socket;
    if (typeof socket.destroySoon === "function") socket.destroySoon();
    else socket.end(() => socket.destroy());
  }

  destroy(reason?: Error): void {
    this.#fail(reason ?? new TransportError("the connection was closed", { code: "connection_lost" }));
    for (const socket of this.#layers.toReversed()) socket.destroy();
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

interface Waiter<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

/** Waits for the event that says the socket is up; a close without a word is a failure too. */
export function settled(
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
      done();
      reject(fault(error));
    };
    const close = (): void =>
      fail(Object.assign(new Error("the server closed the connection"), { code: "ECONNRESET" }));
    socket.on(event, succeed).on("error", fail).on("close", close);
  });
}
