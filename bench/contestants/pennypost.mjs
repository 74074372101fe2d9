import { composeMessage, composeStream } from "pennypost/compose";
import { createDkimSigner } from "pennypost/dkim";
import { messagesOf, rotate } from "../lib/messages.mjs";
import { withFiles } from "./send/pennypost.mjs";

export { send } from "./send/pennypost.mjs";

/** @param {{ kind: string, file?: string }} options */
export function compose({ kind, file }) {
  const messages = messagesOf(kind, { file });
  if (file !== undefined) return composeFile(withFiles(messages[0]));
  const next = rotate(messages);
  // The neutral form is pennypost's own, as far as these messages go.
  return {
    once: () => composeMessage(next()).content.length,
    produce: async () => composeMessage(messages[0]).content,
  };
}

function composeFile(message) {
  return {
    once: async () => {
      let size = 0;
      for await (const piece of (await composeStream(message)).content) size += piece.length;
      return size;
    },
    produce: async () => (await composeStream(message)).toUint8Array(),
  };
}

/** @param {{ mode: "unsigned" | "signed", key: string }} options */
export function dkim({ mode, key }) {
  const signer = createDkimSigner({ domain: "pennypost.example", selector: "bench", privateKey: key });
  const messages = messagesOf("otp");
  const next = rotate(messages);
  const options = mode === "signed" ? { dkim: signer } : {};
  const make = async (message) => (await composeStream(message, options)).toUint8Array();
  return {
    once: async () => (await make(next())).length,
    produce: () => make(messages[0]),
  };
}
