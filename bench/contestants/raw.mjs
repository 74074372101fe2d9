// Not a library: hand-written octets, the physical limit for the same work.

import { open } from "node:fs/promises";
import { messagesOf, rotate } from "../lib/messages.mjs";
import { wrapBase64, wrappedSize } from "../lib/raw-base64.mjs";
import { aroundFile, rawMessage } from "../lib/raw-message.mjs";

export { dkim } from "../lib/raw-dkim.mjs";
export { send } from "./send/raw.mjs";

/** @param {{ kind: string, file?: string }} options */
export function compose({ kind, file }) {
  const messages = messagesOf(kind, { file });
  if (file !== undefined) return composeFile(messages[0]);
  const next = rotate(messages);
  return {
    once: () => rawMessage(next()).length,
    produce: async () => rawMessage(messages[0]),
  };
}

/** 8,192 lines: large enough to make the calls cheap, small enough to stay in the cache. */
const PIECE = 57 * 8192;

/** A file of any size in the same memory: two buffers to read into, one to write from. */
function composeFile(message) {
  const buffers = [Buffer.allocUnsafeSlow(PIECE), Buffer.allocUnsafeSlow(PIECE)];
  const target = Buffer.allocUnsafeSlow(wrappedSize(PIECE));
  const run = async (take) => {
    const { before, after } = aroundFile(message);
    take(Buffer.from(before, "latin1"));
    const file = await open(message.attachments[0].path);
    try {
      let reading = file.read(buffers[0], 0, PIECE);
      for (let turn = 1; ; turn++) {
        const { bytesRead, buffer } = await reading;
        if (bytesRead === 0) break;
        reading = file.read(buffers[turn & 1], 0, PIECE);
        take(target.subarray(0, wrapBase64(buffer.subarray(0, bytesRead), target, 0)));
      }
    } finally {
      await file.close();
    }
    take(Buffer.from(after, "latin1"));
  };
  return {
    once: async () => {
      let size = 0;
      await run((piece) => {
        size += piece.length;
      });
      return size;
    },
    produce: async () => {
      const pieces = [];
      await run((piece) => pieces.push(Buffer.from(piece)));
      return Buffer.concat(pieces);
    },
  };
}
