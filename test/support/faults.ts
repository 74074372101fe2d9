// Servers that fail, and what is said of the message then.

import { type Answer, polite } from "./manners.ts";
import { serve } from "./server.ts";

/** What a server may do, and what the endpoints say of the message then. */
export const FAULTS: readonly {
  readonly fault: string;
  readonly manners?: { readonly RCPT?: Answer; readonly content?: Answer };
  readonly status: number;
  readonly delivery: string;
}[] = [
  { fault: "takes the message", manners: {}, status: 202, delivery: "sent" },
  {
    fault: "refuses the recipient",
    manners: { RCPT: "550 5.1.1 nobody here" },
    status: 502,
    delivery: "rejected",
  },
  {
    fault: "refuses the recipient for now",
    manners: { RCPT: "450 4.2.1 come back" },
    status: 503,
    delivery: "rejected",
  },
  { fault: "is not there", status: 503, delivery: "not-sent" },
  {
    fault: "hangs up when it has the message",
    manners: {
      content: (peer) => {
        peer.end();
        return undefined;
      },
    },
    status: 504,
    delivery: "unknown",
  },
];

export const AUTH = { user: "alice", pass: "canary-examples" };

/** A server with that fault, as a URL; nothing listens where it is not there. */
export async function serverThat(manners: (typeof FAULTS)[number]["manners"]): Promise<URL> {
  const server = await serve(polite({ offers: ["AUTH PLAIN", "PIPELINING"], ...manners }));
  if (manners === undefined) await server.close();
  return new URL(`smtp://${AUTH.user}:${AUTH.pass}@127.0.0.1:${server.port}?security=none`);
}
