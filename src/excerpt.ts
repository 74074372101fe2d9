// Text of foreign origin in an error or a log: it must not draw on a terminal, split a line, or fill a screen.

import type { Reply } from "./errors.ts";

/** The reply on one line, fit for a message or a log: controls escaped, cut at 500 characters. */
export function describeReply(reply: Reply): string {
  const text = reply.lines.join(" / ");
  return text === "" ? String(reply.code) : `${reply.code} ${escapeText(text)}`;
}

const MAX_EXCERPT = 500;

// C0, DEL, C1, line separators and the bidi controls.
const UNPRINTABLE = /[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** What something that was thrown says, whatever it is: code of others throws anything. */
export function reasonOf(cause: unknown): string {
  try {
    return escapeText(String(cause instanceof Error ? cause.message : cause));
  } catch {
    return "for a reason that cannot be told";
  }
}

/** Text of foreign origin made safe to print: unprintable characters as `\u{…}`, cut at 500 characters. */
export function escapeText(text: string): string {
  const cut = text.length > MAX_EXCERPT ? `${text.slice(0, MAX_EXCERPT)}…` : text;
  return cut.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
