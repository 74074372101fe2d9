// The wire: what a runtime must offer so that a session can be held over it.

import type { ChannelBinding, ChannelBindingType } from "../channel-binding.ts";
import type { Tell } from "../trace.ts";
import type { TlsSessions } from "./sessions.ts";

/** Holds the options of `node:tls` that a client may set; the names and meanings are Node's. */
export interface TlsOptions {
  /** Certificates of the authorities to trust instead of the runtime's own, PEM. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[];
  /** The client's certificate chain, PEM. */
  readonly cert?: string | Uint8Array | readonly (string | Uint8Array)[];
  /** The private key of `cert`, PEM. */
  readonly key?: string | Uint8Array;
  readonly passphrase?: string;
  readonly pfx?: string | Uint8Array;
  readonly crl?: string | Uint8Array | readonly (string | Uint8Array)[];
  /** The lowest version to speak. @default "TLSv1.2" */
  readonly minVersion?: "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";
  readonly maxVersion?: "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";
  readonly ciphers?: string;
  readonly sigalgs?: string;
  readonly ecdhCurve?: string;
  /**
   * `false` takes any certificate. Credentials then stay unsent unless `auth.allowInsecure` is set or the host is
   * a loopback address. @default true
   */
  readonly rejectUnauthorized?: boolean;
  /** Replaces the check of the certificate's name; returns an error to refuse. */
  readonly checkServerIdentity?: (name: string, certificate: object) => Error | undefined;
}

/** Has the shape of `dns.lookup`. */
export type Lookup = (
  hostname: string,
  options: object,
  callback: (error: Error | null, address: string | object[], family?: number) => void,
) => void;

/** Is whom a `Connect` is to lead to, and how. */
export interface Target {
  readonly host: string;
  /** 0 where there is a `path`. */
  readonly port: number;
  /** The Unix socket to connect to, instead of `host` and `port`. */
  readonly path?: string | undefined;
  /** TLS from the first octet. */
  readonly implicitTls: boolean;
  /** The name in the server's certificate, and in SNI where it is no IP address. */
  readonly servername: string;
  readonly tls: TlsOptions;
  readonly localAddress?: string | undefined;
  readonly lookup?: Lookup | undefined;
  /** Milliseconds for a handshake behind STARTTLS, for a wire that does not know when that is over. */
  readonly handshakeTimeout?: number | undefined;
  /** Only addresses of this family are tried. */
  readonly family?: 4 | 6 | undefined;
  /** What the way there leads through, for errors. */
  readonly via?: string | undefined;
  /** What TLS may begin with: sessions of earlier connections to this very target. */
  readonly sessions?: TlsSessions | undefined;
  /** Is told of what only the runtime sees: addresses, attempts to connect, certificates. Nobody listens without it. */
  readonly tell?: Tell | undefined;
  /** Ends the attempt; nothing is left open. */
  readonly signal: AbortSignal;
}

/** Is a stream of octets in both directions, pulled. */
export interface Wire {
  /** TLS is in place. */
  readonly secure: boolean;
  /** The other end of the TLS has shown a certificate that we trust for the name we asked for. */
  readonly verified: boolean;
  /** Why that is not so, where it need not be, for traces. */
  readonly doubt?: string | undefined;
  /** Our own IP address on this wire, where the runtime tells. */
  readonly localAddress?: string | undefined;
  /** What was negotiated, for traces: `TLSv1.3`. */
  readonly tlsVersion?: string | undefined;
  /**
   * What a login can be tied to this TLS by: of the kind asked for, else the best that the runtime has; `undefined` where
   * there is none.
   */
  channelBinding?(type?: ChannelBindingType): Promise<ChannelBinding | undefined>;
  /** The TLS goes on with a session of an earlier connection, whose certificate was the one that was checked. */
  readonly resumed?: boolean | undefined;
  /** The next octets, or `undefined` at the end of the stream. At most one read may be outstanding. */
  read(): Promise<Uint8Array | undefined>;
  /** Sends octets. A promise means that the buffer is full: it resolves when the next write may follow. */
  write(octets: Uint8Array): Promise<void> | undefined;
  /**
   * Puts TLS on the wire, with whom it was opened to, or with `target`, to whom it leads on. No read may be outstanding
   * and nothing may have been received that was not read.
   */
  startTls(target?: Target): Promise<void>;
  /** Whether waiting for this wire keeps the process alive. */
  hold(active: boolean): void;
  /** Ends the stream after what was written. */
  close(): void;
  /** Ends it now; an outstanding read or write rejects with `reason`. */
  destroy(reason?: Error): void;
}

/** Opens a wire. Rejects with a TransportError; leaves nothing behind when it does. */
export type Connect = (target: Target) => Promise<Wire>;

/** Is what `connectOver` takes: a `net.Socket`, a `tls.TLSSocket`, or another Duplex stream of Node's. */
export interface NodeSocket {
  on(event: string, listener: (value: unknown) => void): unknown;
  off(event: string, listener: (value: unknown) => void): unknown;
  pause(): unknown;
  resume(): unknown;
  write(octets: Uint8Array): boolean;
  end(done?: () => void): unknown;
  destroy(reason?: Error): unknown;
}
