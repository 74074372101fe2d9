// Reading messages without composing them.

import { MessageError } from "../../src/errors.ts";
import { type Message, type ResolvedContent, resolveMessage } from "../../src/message.ts";

export const BASE = { from: "a@example.com", to: "b@example.org" } as const;

export function resolve(message: object): ResolvedContent {
  const resolved = resolveMessage(message as Message);
  if (resolved.kind !== "content") throw new Error("raw");
  return resolved;
}

export function refusal(message: unknown): MessageError {
  try {
    resolveMessage(message as Message);
  } catch (error) {
    if (error instanceof MessageError) return error;
    throw error;
  }
  throw new Error("accepted");
}
