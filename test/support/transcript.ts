// Holds a dialogue against a written conversation. Every transcript is played three times: with the server's words
// in one piece, line by line, and octet by octet; the outcome must be the same each time.
//
//   S: text     the server says a line                C: text   the client must say a line, and one run of C lines
//   S= "text"   the server says these very octets               must be one write
//   TLS         the client must ask for TLS, gets it  FIN       the server closes the connection

import { expect } from "vitest";
import { decodeLatin1, encodeUtf8 } from "../../src/bytes.ts";
import { encodeGroup } from "../../src/commands.ts";
import { SmtpError } from "../../src/errors.ts";
import type { Dialogue, WorkOutcome } from "../../src/protocol/dialogue.ts";
import type { Effect } from "../../src/protocol/effect.ts";
import type { Channel } from "../../src/protocol/login.ts";
import { Session } from "../../src/protocol/session.ts";
import { type Framing, mailData } from "../../src/protocol/transparency.ts";

export interface Played<T> {
  /** What the dialogue came to, if it did. */
  readonly value: T | undefined;
  readonly error: unknown;
  readonly isSettled: boolean;
  /** The state that the session was left in. */
  readonly state: string;
  /** Every reply that was heard, as a trace would show it. */
  readonly replies: readonly string[];
  /** Every command that was said, as a trace would show it. */
  readonly shown: readonly string[];
}

/** Plays `script` with what `dialogue` makes, and returns what came of it. */
export function play<T>(script: string, dialogue: (channel: Channel) => Dialogue<T>): Played<T> {
  const [whole, ...others] = playInEachMode(script, dialogue, "strictly");
  for (const other of others) expect(summary(other)).toEqual(summary(whole));
  return whole;
}

/**
 * The three outcomes, for a server whose octets mean something else depending on when they come: where the session
 * has ended, what the client should have said next is not asked for.
 */
export function playEach<T>(
  script: string,
  dialogue: (channel: Channel) => Dialogue<T>,
): readonly [Played<T>, Played<T>, Played<T>] {
  return playInEachMode(script, dialogue, "while it lasts");
}

function playInEachMode<T>(
  script: string,
  dialogue: (channel: Channel) => Dialogue<T>,
  how: "strictly" | "while it lasts",
): readonly [Played<T>, Played<T>, Played<T>] {
  const inMode = (mode: Mode): Played<T> => {
    try {
      return playOnce(script, dialogue, mode, how);
    } catch (error) {
      if (error instanceof Error) error.message = `(${mode}) ${error.message}`;
      throw error;
    }
  };
  return [inMode("whole"), inMode("per line"), inMode("octet by octet")];
}

/** The error a script leads to. It must be of this library, whatever went wrong. */
export function playToError(script: string, dialogue: (channel: Channel) => Dialogue<unknown>): SmtpError {
  const { error, isSettled, value } = play(script, dialogue);
  expect(isSettled, `the dialogue is over (it came to ${JSON.stringify(value)})`).toBe(true);
  expect(error).toBeInstanceOf(SmtpError);
  return error as SmtpError;
}

type Mode = "whole" | "per line" | "octet by octet";

function playOnce<T>(
  script: string,
  dialogue: (channel: Channel) => Dialogue<T>,
  mode: Mode,
  how: "strictly" | "while it lasts",
): Played<T> {
  const channel = { secure: false, trusted: false };
  const replies: string[] = [];
  const shown: string[] = [];
  const outbox: Effect[] = [];
  const played = { value: undefined as T | undefined, error: undefined as unknown, isSettled: false };
  const session = new Session((reply) => replies.push([reply.code, ...reply.lines].join(" ")));

  const perform = (effects: readonly Effect[]): void => {
    for (const effect of effects) {
      if (effect.do === "resolve") Object.assign(played, { value: effect.value, isSettled: true });
      else if (effect.do === "reject") Object.assign(played, { error: effect.error, isSettled: true });
      else if (effect.do === "work") perform(session.worked(effect.dialogue, done(effect.work)));
      else outbox.push(effect);
    }
  };
  const sent = (content: Uint8Array, framing: Framing): string => {
    const blocks = [...mailData(content, framing)].map(({ octets, last }) => {
      if (last) session.contentEnds();
      return decodeLatin1(octets);
    });
    perform(session.contentLeft());
    return blocks.join("");
  };
  // Carried out only where the script expects to hear it: a server may speak before it has been spoken to.
  const said = (): string => {
    const effect = outbox.shift();
    if (effect?.do === "write") {
      shown.push(...effect.commands.map((command) => command.shown));
      const content = effect.content === undefined ? "" : sent(effect.content, "count");
      return decodeLatin1(encodeGroup(effect.commands)) + content;
    }
    if (effect?.do === "stream") return sent(effect.content, "dot");
    throw new Error(`the client should say something, but it wants to ${effect?.do ?? "listen"}`);
  };

  perform(session.begin(dialogue(channel)));
  for (const step of readScript(script)) {
    switch (step.kind) {
      case "server":
        for (const piece of pieces(step.octets, mode)) perform(session.receive(piece));
        break;
      case "client":
        if (how === "while it lasts" && session.state === "closed") break;
        expect(said().split("\r\n").slice(0, -1)).toEqual(step.lines);
        break;
      case "tls":
        expect(outbox.shift()?.do).toBe("upgrade");
        Object.assign(channel, { secure: true, trusted: true });
        perform(session.secured());
        break;
      case "fin":
        perform(session.ended());
        break;
    }
  }
  if (session.state !== "closed") expect(outbox, "the client says no more").toEqual([]);
  return { ...played, state: session.state, replies, shown };
}

/** What comes of work that is done at once: a transcript knows no time. */
function done(work: () => unknown): WorkOutcome {
  try {
    const value = work();
    if (value instanceof Promise) throw new Error("a transcript cannot wait");
    return { value };
  } catch (error) {
    return { error };
  }
}

type Step =
  | { readonly kind: "server"; readonly octets: Uint8Array }
  | { readonly kind: "client"; readonly lines: readonly string[] }
  | { readonly kind: "tls" | "fin" };

function readScript(script: string): readonly Step[] {
  const steps: (Step | { kind: "server"; text: string } | { kind: "client"; lines: string[] })[] = [];
  for (const line of script.split("\n").map((one) => one.trimStart())) {
    const last = steps.at(-1);
    if (line.startsWith("S:") || line.startsWith("S=")) {
      const words = line.slice(2).trimStart();
      const text = line.startsWith("S:") ? `${line.slice(3)}\r\n` : (JSON.parse(words) as string);
      if (last !== undefined && "text" in last) last.text += text;
      else steps.push({ kind: "server", text });
    } else if (line.startsWith("C:")) {
      if (last?.kind === "client") (last.lines as string[]).push(line.slice(3));
      else steps.push({ kind: "client", lines: [line.slice(3)] });
    } else if (line === "TLS" || line === "FIN") {
      steps.push({ kind: line === "TLS" ? "tls" : "fin" });
    } else if (line !== "") {
      throw new Error(`this is no line of a transcript: ${line}`);
    }
  }
  return steps.map(
    (step) => ("text" in step ? { kind: "server", octets: encodeUtf8(step.text) } : step) as Step,
  );
}

function pieces(octets: Uint8Array, mode: Mode): readonly Uint8Array[] {
  if (mode === "whole") return [octets];
  if (mode === "octet by octet") return Array.from(octets, (octet) => Uint8Array.of(octet));
  const lines: Uint8Array[] = [];
  for (let at = 0; at < octets.length; ) {
    const end = octets.indexOf(0x0a, at);
    const next = end < 0 ? octets.length : end + 1;
    lines.push(octets.slice(at, next));
    at = next;
  }
  return lines;
}

function summary(played: Played<unknown> | undefined): unknown {
  const error = played?.error;
  return {
    ...played,
    error:
      error instanceof SmtpError
        ? {
            code: error.code,
            phase: error.phase,
            delivery: error.delivery,
            retryable: error.retryable,
            message: error.message,
          }
        : error,
  };
}
