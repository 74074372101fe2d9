// The ways to a server on Node, Bun and Deno. The modules are loaded with the first connection: they are most of what
// an import would cost.

import type { Socket } from "node:net";
import { ConfigError } from "../errors.ts";
import type { Tell } from "../trace.ts";
import { connectError } from "./node-errors.ts";
import { NodeWire, settled } from "./node-wire.ts";
import { abortReason } from "./place.ts";
import type { Connect, Lookup, NodeSocket, Target, Wire } from "./wire.ts";

/** How long a silent connection stays unquestioned; NAT tables forget sooner than servers do. */
const KEEP_ALIVE_DELAY = 30_000;

/** Connects over node:net, and over node:tls on top of it. */
export const connectNode: Connect = async (target) => {
  const net = await import("node:net").catch(noSockets);
  const { host, port, path, localAddress, tell } = target;
  const keptAlive = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_DELAY };
  const lookup = await lookupOf(target);
  return bringUp(target, () => {
    const socket = net.connect(
      path === undefined
        ? {
            host,
            port,
            ...keptAlive,
            ...(localAddress !== undefined && { localAddress }),
            ...(lookup !== undefined && { lookup: lookup as never }),
          }
        : { path },
    );
    if (tell !== undefined && path === undefined) tellAttempts(socket, tell);
    return socket;
  });
};

/** Edge functions and browsers: what they run on has no module for sockets, under that name or another. */
function noSockets(cause: unknown): never {
  throw new ConfigError("connect", "is missing, and this runtime opens no sockets by itself", {
    hint: "send from where node:net is: a function on Node.js, not on the edge; in a Worker of Cloudflare's let the bundler heed the condition workerd; or give a connect of your own",
    cause,
  });
}

/** Over a socket that somebody else opens. */
export async function connectThrough(
  open: (target: Target) => NodeSocket | Promise<NodeSocket>,
  target: Target,
): Promise<Wire> {
  const socket = asSocket(await open(target));
  return bringUp(target, () => socket);
}

/** A wire over the socket that `open` makes, once that is up; or nothing is left of it. */
async function bringUp(target: Target, open: () => Socket): Promise<NodeWire> {
  const { signal, tell } = target;
  const socket = open();
  // For the whole life of the socket: an error after we have lost interest must not bring the process down.
  socket.on("error", () => {});
  const abort = (): void => void socket.destroy(abortReason(signal));
  signal.addEventListener("abort", abort);
  try {
    if (signal.aborted) throw signal.reason;
    if (socket.destroyed) throw connectError(new Error("the socket is closed"), target);
    if (socket.connecting) await settled(socket, "connect", (error) => connectError(error, target));
    const { remoteAddress: address, remotePort = 0 } = socket;
    if (address !== undefined) tell?.({ kind: "attempt", address, port: remotePort, state: "connected" });
    const wire = new NodeWire(socket, target);
    if (target.implicitTls) await wire.startTls();
    return wire;
  } catch (error) {
    socket.destroy();
    throw signal.aborted ? abortReason(signal) : error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/**
 * A lookup for addresses of one family. Given the `family` itself, Node would try the first of them alone; and it would
 * try to connect from an IPv4 address to an IPv6 one. One of the caller's own may not heed it, and may find nothing and
 * call that no error, which Node takes for an address and throws where nobody would catch it.
 */
async function lookupOf({ lookup, family, localAddress, tell }: Target): Promise<Lookup | undefined> {
  const wanted = family ?? (localAddress === undefined ? undefined : localAddress.includes(":") ? 6 : 4);
  if (wanted === undefined && lookup === undefined && tell === undefined) return undefined;
  const ask = lookup ?? ((await import("node:dns")).lookup as Lookup);
  return (name, options, callback) => {
    // One that finds at once would have an address tried before the socket is there to be listened to.
    const done: typeof callback = tell ? (...found) => queueMicrotask(() => callback(...found)) : callback;
    ask(name, { ...options, ...(wanted !== undefined && { family: wanted }) }, (error, found, kind) => {
      const all: readonly Found[] = Array.isArray(found) ? found : [{ address: found }];
      const fit = wanted === undefined ? all : all.filter(({ address }) => familyOf(address) === wanted);
      const addresses = error ? [] : fit.map(({ address }) => String(address));
      const code = error ? codeOf(error) : fit.length > 0 ? undefined : NOT_FOUND;
      tell?.({ kind: "lookup", host: name, addresses, ...(code !== undefined && { code }) });
      if (error || fit.length > 0) return done(error, Array.isArray(found) ? [...fit] : found, kind);
      const none = new Error(`none${wanted === undefined ? "" : ` of IPv${wanted}`}`);
      done(Object.assign(none, { code: NOT_FOUND }), []);
    });
  };
}

const NOT_FOUND = "ENOTFOUND";

/** Tells of each address that is tried, where the runtime does: Node from 20.12. */
function tellAttempts(socket: Socket, tell: Tell): void {
  const told =
    (state: "begun" | "failed", reason?: string) =>
    (address: string, port: number, _family?: number, error?: Error): void => {
      const code = reason ?? (error && codeOf(error));
      tell({ kind: "attempt", address, port, state, ...(code !== undefined && { code }) });
    };
  socket.on("connectionAttempt", told("begun"));
  socket.on("connectionAttemptFailed", told("failed"));
  socket.on("connectionAttemptTimeout", told("failed", "ETIMEDOUT"));
}

function codeOf(error: Error & { readonly code?: unknown }): string {
  return typeof error.code === "string" ? error.code : error.name;
}

interface Found {
  readonly address?: unknown;
}

function familyOf(address: unknown): 4 | 6 {
  return String(address).includes(":") ? 6 : 4;
}

const NEEDED = ["on", "off", "pause", "resume", "write", "end", "destroy"] as const;

/** What the caller's own function returned, if that is a stream of octets. */
function asSocket(given: NodeSocket): Socket {
  const missing = NEEDED.find(
    (verb) => typeof (given as Partial<NodeSocket> | undefined)?.[verb] !== "function",
  );
  const socket = given as unknown as Socket;
  if (missing !== undefined) throw new ConfigError("connect", `returned no socket: it has no ${missing}()`);
  if (socket.readableEncoding || socket.readableObjectMode) {
    socket.on("error", () => {}).destroy();
    throw new ConfigError("connect", "returned a stream of text or objects, not of octets");
  }
  return socket;
}
