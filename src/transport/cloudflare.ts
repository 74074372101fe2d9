// The wire over `cloudflare:sockets`, in Cloudflare Workers and whatever else runs workerd. The runtime checks every
// certificate against its own authorities and for the name it was told to connect to, and nothing can be said about it.

/// <reference path="./cloudflare-sockets.d.ts" />

import { ConfigError, TransportError } from "../errors.ts";
import { reasonOf } from "../excerpt.ts";
import { abortReason, placeOf } from "./place.ts";
import type { Connect, Target, Wire } from "./wire.ts";

/** Is as much of the module `cloudflare:sockets` as is used here. */
export interface CloudflareSockets {
  connect(
    address: { readonly hostname: string; readonly port: number },
    options: { readonly secureTransport: "off" | "on" | "starttls"; readonly allowHalfOpen: boolean },
  ): CloudflareSocket;
}

export interface CloudflareSocket {
  readonly readable: { getReader(): Reader };
  readonly writable: { getWriter(): Writer };
  readonly opened: Promise<unknown>;
  readonly closed: Promise<unknown>;
  close(): Promise<unknown>;
  startTls(): CloudflareSocket;
}

interface Reader {
  cancel(reason: unknown): Promise<unknown>;
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  releaseLock(): void;
}

interface Writer {
  abort(reason: unknown): Promise<unknown>;
  write(octets: Uint8Array): Promise<void>;
  close(): Promise<void>;
  releaseLock(): void;
}

/** Connects over the runtime's own module, which bundlers for Workers leave as it is. */
export const connectCloudflare: Connect = /* @__PURE__ */ connectBySockets(
  () => import("cloudflare:sockets"),
);

/** Connects over sockets of the module that `load` gives. */
export function connectBySockets(load: () => Promise<CloudflareSockets>): Connect {
  return async (target) => {
    const { connect } = await load().catch(noSockets);
    const { implicitTls, port, servername, signal } = target;
    if (signal.aborted) throw abortReason(signal);
    let socket: CloudflareSocket;
    try {
      socket = connect(
        // The name without a dot at its end: it is looked for in the certificate. An IPv6 address as in a URL.
        { hostname: servername.includes(":") ? `[${servername}]` : servername, port },
        { secureTransport: implicitTls ? "on" : "starttls", allowHalfOpen: false },
      );
    } catch (error) {
      throw connectError(error, target);
    }
    disregard(socket);
    let stop: () => void = () => {};
    const aborted = new Promise<never>((_, reject) => {
      stop = () => reject(abortReason(signal));
    });
    signal.addEventListener("abort", stop);
    try {
      // A read of a socket that does not open tells only that a stream was cancelled.
      await Promise.race([socket.opened, aborted]);
      return new CloudflareWire(socket, target);
    } catch (error) {
      end(socket);
      throw signal.aborted ? abortReason(signal) : connectError(error, target);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  };
}

class CloudflareWire implements Wire {
  readonly #target: Target;
  #socket: CloudflareSocket;
  #reader: Reader;
  #writer: Writer;
  #secure: boolean;
  /**
   * Nothing was heard since STARTTLS, whose handshake may not be over: what goes wrong now is the fault of TLS. One from the
   * first octet is over when the socket is open.
   */
  #isUnproved = false;
  /** Runs until the handshake behind STARTTLS is known to be over. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #giveUp: (reason: Error) => void = () => {};
  /** The last write. */
  #written: Promise<void> = Promise.resolve();
  #error: Error | undefined;

  constructor(socket: CloudflareSocket, target: Target) {
    this.#target = target;
    this.#socket = socket;
    this.#reader = socket.readable.getReader();
    this.#writer = socket.writable.getWriter();
    this.#secure = target.implicitTls;
  }

  get secure(): boolean {
    return this.#secure;
  }

  /** There is no TLS here that was not verified. */
  get verified(): boolean {
    return this.#secure;
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#error !== undefined) throw this.#error;
    try {
      const { done, value } = await this.#reader.read();
      // Some versions end a read in good order when the socket is closed under it.
      if (this.#error !== undefined) throw this.#error;
      if (done && this.#isUnproved) throw new Error("the server closed the connection");
      if (done) return undefined;
      this.#isUnproved = false;
      clearTimeout(this.#timer);
      return value;
    } catch (error) {
      throw this.#fault(error);
    }
  }

  write(octets: Uint8Array): Promise<void> | undefined {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    const written = this.#writer.write(octets).catch((error: unknown) => {
      throw this.#fault(error);
    });
    this.#written = written.catch(() => {});
    return written;
  }

  /**
   * What came in the clear and was not read stays with the runtime, and would spoil the handshake. This may be over before
   * the handshake is: nothing is written or read until then, and the first octets that come prove it.
   */
  async startTls(): Promise<void> {
    await this.#written;
    if (this.#error !== undefined) throw this.#error;
    const { handshakeTimeout } = this.#target;
    const destroyed = new Promise<never>((_, reject) => {
      this.#giveUp = reject;
    });
    // Nobody waits for it where the runtime throws at the upgrade.
    destroyed.catch(() => {});
    try {
      this.#reader.releaseLock();
      this.#writer.releaseLock();
      const socket = this.#socket.startTls();
      disregard(socket);
      this.#socket = socket;
      if (handshakeTimeout !== undefined)
        this.#timer = setTimeout(() => this.destroy(overdue(handshakeTimeout)), handshakeTimeout);
      await Promise.race([socket.opened, destroyed]);
      this.#reader = socket.readable.getReader();
      this.#writer = socket.writable.getWriter();
    } catch (error) {
      clearTimeout(this.#timer);
      throw this.#error ?? tlsError(error, this.#target);
    }
    // Whoever gave up meanwhile could not reach the new socket's streams.
    if (this.#error !== undefined) throw this.#error;
    this.#secure = true;
    this.#isUnproved = true;
  }

  /** Nothing is alive here but an invocation, which ends when it has answered. */
  hold(): void {}

  close(): void {
    clearTimeout(this.#timer);
    void this.#written
      .then(() => this.#writer.close())
      .catch(() => {})
      .then(() => end(this.#socket));
  }

  destroy(reason?: Error): void {
    this.#error ??= reason ?? new TransportError("the connection was closed", { code: "connection_lost" });
    clearTimeout(this.#timer);
    this.#giveUp(this.#error);
    // While it shakes hands, or has octets left that nobody takes, closing the socket ends neither read nor write.
    this.#reader.cancel(this.#error).catch(() => {});
    this.#writer.abort(this.#error).catch(() => {});
    end(this.#socket);
  }

  #fault(error: unknown): Error {
    clearTimeout(this.#timer);
    this.#error ??= this.#isUnproved ? tlsError(error, this.#target) : ioError(error);
    return this.#error;
  }
}

/** Its promises are looked at where they are needed; what nobody looks at is reported as an unhandled rejection. */
function disregard({ opened, closed }: CloudflareSocket): void {
  opened.catch(() => {});
  closed.catch(() => {});
}

function end(socket: CloudflareSocket): void {
  try {
    socket.close().catch(() => {});
  } catch {
    // It was closed before, or by its upgrade.
  }
}

function noSockets(cause: unknown): never {
  throw new ConfigError("connect", "is missing, and this runtime has no cloudflare:sockets", {
    hint: "the door for Workers was bundled for another runtime: leave out the condition workerd, or give a connect of your own",
    cause,
  });
}

function connectError(error: unknown, target: Target): Error {
  const { implicitTls, servername } = target;
  // One text for whatever goes wrong: no address, no server, no trust.
  return new TransportError(`no connection to ${placeOf(target)}: ${reasonOf(error)}`, {
    code: "connection",
    phase: "connect",
    transient: true,
    cause: error,
    hint: implicitTls
      ? `check host and port, and that the certificate is for ${servername} and from a public authority: this runtime does not tell which it was`
      : "check host and port; Cloudflare connects neither to port 25 nor to addresses of its own",
  });
}

/** In the words of the other time limits: this one is the connection's, but it cannot tell when to stop waiting. */
function overdue(limit: number): TransportError {
  return new TransportError(`the server took longer than ${limit} ms (tls)`, {
    code: "deadline",
    phase: "tls",
    transient: true,
    hint: "timeouts.tls sets this limit",
  });
}

function tlsError(error: unknown, { servername }: Target): Error {
  return new TransportError(`the TLS handshake failed: ${reasonOf(error)}`, {
    code: "tls",
    phase: "tls",
    cause: error,
    hint: `check that the certificate is for ${servername} and from a public authority: this runtime does not tell what was wrong`,
  });
}

function ioError(error: unknown): Error {
  return new TransportError(`the connection broke: ${reasonOf(error)}`, {
    code: "connection_lost",
    transient: true,
    cause: error,
  });
}
