import { Message } from "emailjs";
import { messagesOf, rotate } from "../lib/messages.mjs";

export { send } from "./send/emailjs.mjs";

/** @param {{ kind: string, file?: string }} options */
export function compose({ kind, file }) {
  const messages = messagesOf(kind, { file }).map(headersOf);
  const next = rotate(messages);
  return {
    once: () => sizeOf(new Message(next()).stream()),
    produce: async () => Buffer.from(await new Message(messages[0]).readAsync()),
  };
}

export function dkim() {
  return { notYet: "has no DKIM" };
}

/**
 * The neutral form as emailjs takes it.
 * @param {import("../lib/messages.mjs").NeutralMessage} message
 */
export function headersOf({ from, to, subject, text, html, attachments = [] }) {
  const attachment = attachments.map(({ filename, contentType, content, path }) => ({
    name: filename,
    type: contentType,
    ...(path === undefined ? { data: content } : { path }),
  }));
  if (html !== undefined) attachment.unshift({ data: html, alternative: true });
  return {
    from: mailbox(from),
    to: to.map(mailbox).join(", "),
    subject,
    ...(text === undefined ? {} : { text }),
    ...(attachment.length === 0 ? {} : { attachment }),
  };
}

function mailbox({ name, address }) {
  return `${name} <${address}>`;
}

function sizeOf(source) {
  return new Promise((resolve, reject) => {
    let size = 0;
    source.on("data", (piece) => {
      size += Buffer.byteLength(piece);
    });
    source.on("end", (error) => (error ? reject(error) : resolve(size)));
    source.on("error", reject);
  });
}
