import DKIM from "nodemailer/lib/dkim";
import MailComposer from "nodemailer/lib/mail-composer";
import { messagesOf, rotate } from "../lib/messages.mjs";

export { send } from "./send/nodemailer.mjs";

/** @param {{ kind: string, file?: string }} options */
export function compose({ kind, file }) {
  // Its message form is the neutral one. Read as a stream, small messages cost a little less than with build().
  const messages = messagesOf(kind, { file });
  const next = rotate(messages);
  return {
    once: () => sizeOf(streamOf(next())),
    produce: () => collect(streamOf(messages[0])),
  };
}

/** @param {{ mode: "unsigned" | "signed", key: string }} options */
export function dkim({ mode, key }) {
  const signer = new DKIM({ domainName: "pennypost.example", keySelector: "bench", privateKey: key });
  const messages = messagesOf("otp");
  const next = rotate(messages);
  const make = mode === "signed" ? (message) => signer.sign(streamOf(message)) : streamOf;
  return {
    once: () => sizeOf(make(next())),
    produce: () => collect(make(messages[0])),
  };
}

function streamOf(message) {
  return new MailComposer(message).compile().createReadStream();
}

function sizeOf(source) {
  return new Promise((resolve, reject) => {
    let size = 0;
    source.on("data", (piece) => {
      size += piece.length;
    });
    source.on("end", () => resolve(size));
    source.on("error", reject);
  });
}

async function collect(source) {
  const pieces = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
}
