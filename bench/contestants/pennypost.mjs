import { composeMessage } from "pennypost";
import { messagesOf, rotate } from "../lib/messages.mjs";

export { send } from "./send/pennypost.mjs";

/** @param {{ kind: string, file?: string }} options */
export function compose({ kind, file }) {
  if (file !== undefined) return { notYet: "not yet: file sources" };
  const messages = messagesOf(kind);
  const next = rotate(messages);
  // The neutral form is pennypost's own, as far as these messages go.
  return {
    once: () => composeMessage(next()).content.length,
    produce: async () => composeMessage(messages[0]).content,
  };
}

export function dkim() {
  return { notYet: "not yet: DKIM" };
}
