// What each call of a client may be told.

import { ConfigError } from "../errors.ts";
import { describe, type Keys } from "../input.ts";
import type { Message } from "../message.ts";
import { optional, read, readFlag, readFunction, readInteger } from "./checks.ts";

/** Holds what a `send` may be told. */
export interface SendOptions {
  /** Gives up. What is reported then says whether the message may have been sent. */
  readonly signal?: AbortSignal;
}

/** Holds what a `sendMany` may be told. */
export interface SendManyOptions {
  /** How many messages are under way at most, and how many results wait to be read. @default maxConnections × inFlight */
  readonly concurrency?: number;
  /**
   * How many messages may be under way on one connection, up to 1000; fewer where the server does not bear it. When the
   * connection dies, as many may have an unknown fate. @default 2
   */
  readonly inFlight?: number;
  /** Gives up those under way, and takes no more. */
  readonly signal?: AbortSignal;
  /** Is told after each message; what it throws is ignored. */
  readonly onProgress?: (progress: Progress) => void;
}

/** Counts the messages of a `sendMany`. */
export interface Progress {
  /** Taken by the server, for one recipient at least. */
  readonly sent: number;
  /** Refused by the server, or not sent. */
  readonly failed: number;
  /** Sent, perhaps: no answer came. */
  readonly unknown: number;
  readonly underWay: number;
}

/** Holds what a `close` may be told. */
export interface CloseOptions {
  /** Waits for nothing: what waits is not sent, what is under way fails, and says what may have become of it. */
  readonly force?: boolean;
}

/** Where messages come from. */
export type MessageSource = Iterator<Message, unknown> | AsyncIterator<Message, unknown>;

/** What a `sendMany` has to do. */
export type SendManySettings = {
  readonly [Name in keyof SendManyOptions]-?: SendManyOptions[Name] | undefined;
} & { readonly open: () => MessageSource };

const SEND: Keys<keyof SendOptions> = { signal: undefined };
const SEND_MANY: Keys<keyof SendManyOptions> = {
  concurrency: undefined,
  inFlight: undefined,
  signal: undefined,
  onProgress: undefined,
};
const CLOSE: Keys<keyof CloseOptions> = { force: undefined };

/** Each is in memory. A server far away is kept busy by some hundreds. */
const MAX_CONCURRENCY = 10_000;
/** A second of round trip times, at a thousand messages a second. */
const MAX_IN_FLIGHT = 1_000;

export function readSendOptions(given: SendOptions | undefined): AbortSignal | undefined {
  return given === undefined ? undefined : readSignal(read(given, SEND, "").signal);
}

export function readSendMany(messages: unknown, given: SendManyOptions = {}): SendManySettings {
  const open = readMessages(messages);
  const { concurrency, inFlight, signal, onProgress } = read(given, SEND_MANY, "");
  return {
    open,
    concurrency: optional(concurrency, "concurrency", (value, option) =>
      readInteger(value, option, 1, MAX_CONCURRENCY),
    ),
    inFlight: optional(inFlight, "inFlight", (value, option) => readInteger(value, option, 1, MAX_IN_FLIGHT)),
    signal: readSignal(signal),
    onProgress: optional(onProgress, "onProgress", readFunction<(progress: Progress) => void>),
  };
}

export function readCloseOptions(given: CloseOptions | undefined): boolean {
  return given !== undefined && (optional(read(given, CLOSE, "").force, "force", readFlag) ?? false);
}

function readSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw new ConfigError("signal", `is ${describe(signal)}, not an AbortSignal`);
}

/** The messages that are to be sent: whatever can be iterated over, but no text, which would be a message for each letter. */
function readMessages(value: unknown): () => MessageSource {
  const messages = value as Partial<Iterable<Message> & AsyncIterable<Message>> | null;
  if (typeof messages === "object" && messages !== null) {
    if (typeof messages[Symbol.asyncIterator] === "function") {
      return () => (messages as AsyncIterable<Message>)[Symbol.asyncIterator]();
    }
    if (typeof messages[Symbol.iterator] === "function") {
      return () => (messages as Iterable<Message>)[Symbol.iterator]();
    }
  }
  throw new ConfigError("messages", `is ${describe(value)}, not an iterable of messages`);
}
