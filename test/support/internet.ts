// Servers by the names and ports that a config has for them. Whoever connects as it says gets to one on a loopback port,
// with a certificate of that name: host, port, TLS and the check of the name are those of the config, and nothing leaves
// the machine.

import { expect } from "vitest";
import { connectNode } from "../../src/transport/node.ts";
import type { Connect, Lookup } from "../../src/transport/wire.ts";
import { certify, type Identity } from "./certificates.ts";
import { type Peer, type Script, type Server, serve } from "./server.ts";

export interface Internet {
  readonly connect: Connect;
  /** By `host:port`. */
  readonly servers: Readonly<Record<string, Server>>;
}

/** A script for each `host:port`; any other host is not found. `over` is how a connection is really made. */
export async function internet(
  scripts: Readonly<Record<string, (identity: Identity) => Script>>,
  over: Connect = connectNode,
): Promise<Internet> {
  const servers: Record<string, Server> = {};
  // One for each name: of two authorities that are called the same, TLS would look at the first alone.
  const certificates = new Map<string, Awaited<ReturnType<typeof certify>>>();
  for (const [place, script] of Object.entries(scripts)) {
    const name = place.slice(0, place.lastIndexOf(":"));
    const { cert, key, ca } = certificates.get(name) ?? (await certify(name));
    certificates.set(name, { cert, key, ca });
    servers[place] = await serve(script({ cert, key }));
  }
  const authorities = [...certificates.values()].map(({ ca }) => ca);
  return {
    servers,
    connect(target) {
      const server = servers[`${target.host}:${target.port}`];
      if (server === undefined) return over({ ...target, lookup: nowhere });
      return over({ ...target, port: server.port, lookup: here, tls: { ca: authorities, ...target.tls } });
    },
  };
}

const here: Lookup = (_name, _options, done) => done(null, [{ address: "127.0.0.1", family: 4 }]);

const nowhere: Lookup = (name, _options, done) => {
  const words = `getaddrinfo ENOTFOUND ${name}`;
  done(Object.assign(new Error(words), { code: "ENOTFOUND", syscall: "getaddrinfo", hostname: name }), []);
};

/**
 * A server that says what a transcript has it say, and holds the client to its part. What differs each time is `…` in a
 * line of the client's.
 *
 *   S: text    the server says a line       TLS        here TLS begins
 *   C: text    the client says a line       MESSAGE    mail data, as DATA or BDAT has announced it
 */
export function recite(transcript: string, identity: Identity): Script {
  const steps = transcript.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return async (peer) => {
    let announced: number | undefined;
    for (let at = 0; at < steps.length; at++) {
      const step = steps[at] ?? "";
      if (step === "TLS") await peer.startTls(identity);
      else if (step === "MESSAGE") await takeMessage(peer, announced);
      else if (step.startsWith("S: ")) {
        // A reply is one write, however many lines it has.
        const lines = [step.slice(3)];
        while (/^\d{3}-/.test(lines.at(-1) ?? "")) lines.push(steps[++at]?.slice(3) ?? "");
        await peer.say(...lines);
      } else {
        const line = await peer.line();
        announced = /^BDAT (\d+) LAST$/.test(line) ? Number(line.slice(5, -5)) : undefined;
        try {
          expect(line).toMatch(patternOf(step.slice(3)));
        } catch (error) {
          // Else the client would wait for a reply that nobody has for it.
          peer.destroy();
          throw error;
        }
      }
    }
    await peer.silence();
  };
}

async function takeMessage(peer: Peer, octets: number | undefined): Promise<void> {
  if (octets === undefined) await peer.data();
  else peer.messages.push(await peer.chunk(octets));
}

function patternOf(line: string): RegExp {
  const parts = line.split("…").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join(".+")}$`);
}
