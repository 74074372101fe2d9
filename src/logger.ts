// Events as lines in a log: a level and a constant text for each kind, and the facts beside it, fit to be printed.

import { SmtpError } from "./errors.ts";
import { describeReply, escapeText, reasonOf } from "./excerpt.ts";
import { type Listener, type Log, type TraceEvent, undisturbed } from "./trace.ts";

/**
 * Takes what is to be logged, by level: `console`, or what has methods of these names. The text is always one of a few
 * constants; what the server said is in the details only, without control characters and with secrets masked.
 */
export interface Logger {
  debug?(text: string, details: object): unknown;
  info?(text: string, details: object): unknown;
  warn?(text: string, details: object): unknown;
  error?(text: string, details: object): unknown;
}

export type Level = keyof Logger;

const LINES: Readonly<Record<TraceEvent["kind"], readonly [Level, string]>> = {
  connecting: ["debug", "connecting"],
  lookup: ["debug", "looked up"],
  attempt: ["debug", "trying an address"],
  connected: ["info", "connected"],
  handshake: ["debug", "TLS handshake"],
  secured: ["debug", "secured by TLS"],
  command: ["debug", "command"],
  reply: ["debug", "reply"],
  content: ["debug", "mail data written"],
  retry: ["warn", "sending again"],
  closed: ["info", "connection closed"],
};

/** Writes to the caller's logger, level by level, as far as it has them. */
export function logTo(logger: Logger): Log {
  // As a method, and looked up each time: loggers replace theirs when their level is changed.
  const write = (level: Level, text: string, detailsOf: () => object): void =>
    undisturbed(() => logger[level]?.(text, detailsOf()));
  const listener: Listener = (event) => {
    const [level, text] = LINES[event.kind];
    write(level, text, () => detailsOf(event));
  };
  return {
    listener: hearsEvents(logger) ? listener : undefined,
    sent({ messageId, accepted, rejected, reply }) {
      write("info", "message sent", () => ({
        messageId,
        recipients: accepted.length,
        reply: describeReply(reply),
      }));
      if (rejected.length === 0) return;
      write("warn", "recipients refused", () => ({
        messageId,
        rejected: rejected.map((one) => ({
          recipient: escapeText(one.recipient),
          reply: describeReply(one.reply),
        })),
      }));
    },
    failed(error, messageId) {
      const about = { ...(messageId !== undefined && { messageId }), message: reasonOf(error) };
      if (!(error instanceof SmtpError)) return write("error", "sending failed", () => about);
      const { code, phase, delivery, retryable } = error;
      write("error", "sending failed", () => ({ ...about, code, phase, delivery, retryable }));
    },
  };
}

/** A logger for errors alone need not hear of every event. One that cannot be asked any more may be asked again. */
function hearsEvents(logger: Logger): boolean {
  try {
    return (["debug", "info", "warn"] as const).some((level) => logger[level]);
  } catch {
    return true;
  }
}

/** The facts of an event. Without the time: a log has its own. */
function detailsOf({ kind, at, ...facts }: TraceEvent): object {
  if ("line" in facts) return { ...facts, line: escapeText(facts.line) };
  if ("reply" in facts) return { ...facts, reply: describeReply(facts.reply) };
  return facts;
}
