// A client for a scripted server: loopback, short goodbyes, closed when the test is over.

import { onTestFinished } from "vitest";
import { type Message, SmtpClient, type SmtpClientOptions, type TraceEvent } from "../../src/index.ts";

export interface Watched {
  readonly client: SmtpClient;
  readonly events: readonly TraceEvent[];
  /** Resolves once there have been `count` events of this kind. */
  happened(kind: TraceEvent["kind"], count?: number): Promise<void>;
}

export const MESSAGE: Message = {
  from: "alice@example.com",
  to: "bob@example.org",
  subject: "Hello",
  text: "Hello, Bob.",
};

/** A message to one recipient whose name the server hears in RCPT. */
export function messageTo(name: string): Message {
  return { ...MESSAGE, to: `${name}@example.org` };
}

export function connectTo({ port }: { readonly port: number }, options: SmtpClientOptions = {}): Watched {
  const events: TraceEvent[] = [];
  const awaited: { kind: string; count: number; resolve: () => void }[] = [];
  const seen = (kind: string): number => events.filter((event) => event.kind === kind).length;
  const { timeouts, trace, ...others } = options;
  const client = new SmtpClient({
    host: "127.0.0.1",
    port,
    ...others,
    timeouts: { quit: 100, ...timeouts },
    trace: (event) => {
      events.push(event);
      for (const one of awaited) if (seen(one.kind) >= one.count) one.resolve();
      trace?.(event);
    },
  });
  onTestFinished(() => client.close());
  return {
    client,
    events,
    happened: (kind, count = 1) =>
      new Promise((resolve) => {
        if (seen(kind) >= count) resolve();
        else awaited.push({ kind, count, resolve });
      }),
  };
}
