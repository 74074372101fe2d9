// Composing with a clock that stands and names that count up, and reading what comes out of it.

import PostalMime, { type Email } from "postal-mime";
import { expect } from "vitest";
import { finish } from "../../src/compose.ts";
import { MessageError } from "../../src/errors.ts";
import type { Message } from "../../src/message.ts";
import { type ComposeContext, type ComposedMessage, composeWith } from "../../src/mime.ts";

const NOW = new Date("2026-11-22T07:00:00.999Z");
export const BASE = { from: "a@example.com", to: "b@example.org" } as const;

/** Names that count up, so that a message composed twice is the same message. */
export function context(): ComposeContext {
  let next = 0;
  return { now: NOW, uniqueName: () => (next++).toString(16).padStart(32, "0") };
}

export function compose(message: object): ComposedMessage {
  return finish(composeWith(message as Message, context()));
}

export function parse(composed: ComposedMessage): Promise<Email> {
  return PostalMime.parse(composed.content);
}

export function refusal(message: object): MessageError {
  try {
    compose(message);
  } catch (error) {
    if (error instanceof MessageError) return error;
    throw error;
  }
  throw new Error("accepted");
}

/** The fields of the message, unfolded. */
export function fieldsOf(composed: ComposedMessage): string[] {
  const [section = ""] = composed.toString().split("\r\n\r\n");
  return section.replaceAll("\r\n ", " ").split("\r\n");
}

/** What every message has to be, whatever it was made from. */
export function expectCanonical(composed: ComposedMessage): void {
  const text = composed.toString();
  expect(text.endsWith("\r\n")).toBe(true);
  expect(text.replaceAll("\r\n", "")).not.toMatch(/[\r\n\0]/);
  expect(Math.max(...text.split("\r\n").map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(998);
  if (!composed.needs.utf8 && composed.needs.eightBit !== true)
    expect(composed.content.every((octet) => octet < 0x80)).toBe(true);
  expect(composed.size).toBe(composed.content.length);
  expect(composed.toUint8Array()).toBe(composed.content);
  expect(composed.content.buffer.byteLength).toBe(composed.content.length);
}
