// What the doors for Node, Bun and Deno bring along. The wires themselves are loaded with the first connection.

import type { Runtime } from "../runtime.ts";
import { nodeDiagnostics } from "./node-diagnostics.ts";
import { hmacMd5 } from "./node-digests.ts";
import { lookupWithin } from "./node-lookup.ts";
import type { Connect, NodeSocket, Target } from "./wire.ts";

export function nodeRuntime(): Runtime {
  return { connect, prepare, diagnostics: nodeDiagnostics(), hmacMd5, lookupWithin };
}

const prepare = (): Promise<unknown> => import("./node.ts");

const connect: Connect = async (target) => (await import("./node.ts")).connectNode(target);

/**
 * Makes a `connect` of a function that opens a socket, or any Duplex stream of octets, by itself; TLS is put on top of
 * it where `security` says so. What may protect the stream already is not known here: with `security: "none"` the
 * connection counts as one that is not secure.
 *
 * @example
 * ```ts
 * const client = new SmtpClient({
 *   host: "smtp.example.com",
 *   connect: connectOver(async ({ host, port }) => (await import("node:net")).connect({ host, port })),
 * });
 * await client.close();
 * ```
 */
export function connectOver(open: (target: Target) => NodeSocket | Promise<NodeSocket>): Connect {
  return async (target) => (await import("./node.ts")).connectThrough(open, target);
}
