// Wires to servers of the tests' own, below any session.

import { onTestFinished } from "vitest";
import { connectNode } from "../../src/transport/node.ts";
import type { Connect, Target, Wire } from "../../src/transport/wire.ts";
import type { Certificates } from "./certificates.ts";

/** A wire over which the greeting has come, and with it the tickets. */
export async function greetedWire(
  { port }: { readonly port: number },
  {
    certificates: { ca },
    target,
    connect = connectNode,
  }: {
    readonly certificates: Certificates;
    readonly target?: Partial<Target> | undefined;
    readonly connect?: Connect | undefined;
  },
): Promise<Wire> {
  const wire = await connect({
    host: "127.0.0.1",
    port,
    implicitTls: true,
    servername: "localhost",
    tls: { ca },
    signal: new AbortController().signal,
    ...target,
  });
  onTestFinished(() => wire.destroy());
  await wire.read();
  return wire;
}
