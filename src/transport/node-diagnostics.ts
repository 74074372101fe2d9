// node:diagnostics_channel: how tools that watch a whole process, such as those for tracing, hear of every client in it.

import type { Channel, TracingChannel } from "node:diagnostics_channel";
import type { Keys } from "../input.ts";
import type { Diagnostics, Span, TraceEvent } from "../trace.ts";

const KINDS: Keys<TraceEvent["kind"]> = {
  connecting: undefined,
  lookup: undefined,
  attempt: undefined,
  connected: undefined,
  handshake: undefined,
  secured: undefined,
  command: undefined,
  reply: undefined,
  content: undefined,
  retry: undefined,
  closed: undefined,
};

/**
 * The channels `pennypost:*`; `undefined` where the runtime has none, or cannot load them without a wait (Node before
 * 20.16). They are asked for when a client is made, so that an import costs nothing.
 */
export function nodeDiagnostics(): Diagnostics | undefined {
  const diagnostics = globalThis.process?.getBuiltinModule?.("node:diagnostics_channel");
  if (typeof diagnostics?.tracingChannel !== "function") return undefined;
  const channels = new Map<string, Channel>(
    Object.keys(KINDS).map((kind) => [kind, diagnostics.channel(`pennypost:${kind}`)]),
  );
  const heard = [...channels.values()];
  const publish = (event: TraceEvent): void => channels.get(event.kind)?.publish(event);
  return {
    connect: spanOn(diagnostics.tracingChannel("pennypost:connect")),
    send: spanOn(diagnostics.tracingChannel("pennypost:send")),
    listener: () => (heard.some(hasSubscribers) ? publish : undefined),
  };
}

function spanOn(tracing: TracingChannel): Span {
  const { start, end, asyncStart, asyncEnd, error } = tracing;
  // One by one: not every runtime, nor every version of Node 20, has the sum of them.
  const channels = [start, end, asyncStart, asyncEnd, error] as readonly Channel[];
  return {
    get isHeard() {
      return channels.some(hasSubscribers);
    },
    async run<T>(context: object, work: () => Promise<T>, resultOf: (value: T) => unknown): Promise<T> {
      let done: Promise<T> | undefined;
      const shown = (): Promise<unknown> => {
        done = work();
        return done.then(resultOf);
      };
      await tracing.tracePromise(shown, context);
      // It has begun by now, which the compiler cannot know.
      return done ?? work();
    },
  };
}

function hasSubscribers(channel: Channel): boolean {
  return channel.hasSubscribers;
}
