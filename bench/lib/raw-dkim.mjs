// The physical limit of DKIM (RFC 6376), rsa-sha256 and relaxed/relaxed: one hash, one signature, and as little else as
// the messages of this bench allow. Their fields are not folded, and hold no two spaces in a row.

import { createHash, createPrivateKey, sign } from "node:crypto";
import { messagesOf, rotate } from "./messages.mjs";
import { rawMessage } from "./raw-message.mjs";

const TAGS =
  "v=1; a=rsa-sha256; c=relaxed/relaxed; d=pennypost.example; s=bench;\r\n h=date:from:to:subject:message-id; bh=";
const RELAXED_TAGS = `dkim-signature:${TAGS.replace("\r\n", "")}`;
const SIGNED = 5;

/**
 * `bare` signs what is ready to be signed, `unsigned` composes, `signed` does both.
 * @param {{ mode: "bare" | "unsigned" | "signed", key: string }} options
 */
export function dkim({ mode, key }) {
  // Parsing a PEM costs as much as a signature; it is done once.
  const privateKey = createPrivateKey(key);
  const messages = messagesOf("otp");
  const next = rotate(messages);
  if (mode === "bare") {
    const data = Buffer.from(rawMessage(messages[0]));
    return { once: () => sign("sha256", data, privateKey).length, produce: async () => data };
  }
  const make = mode === "signed" ? (message) => signed(rawMessage(message), privateKey) : rawMessage;
  return { once: () => make(next()).length, produce: async () => make(messages[0]) };
}

function signed(message, privateKey) {
  const text = message.latin1Slice();
  const end = text.indexOf("\r\n\r\n");
  const hash = createHash("sha256")
    .update(relaxedBody(text.slice(end + 4)), "latin1")
    .digest("base64");
  // Date, From, To, Subject and Message-ID come first, in this order.
  let data = "";
  let start = 0;
  for (let field = 0; field < SIGNED; field++) {
    const colon = text.indexOf(":", start);
    const stop = text.indexOf("\r\n", colon) + 2;
    data += `${text.slice(start, colon).toLowerCase()}:${text.slice(colon + 2, stop)}`;
    start = stop;
  }
  data += `${RELAXED_TAGS}${hash}; b=`;
  const signature = sign("sha256", Buffer.from(data, "latin1"), privateKey).toString("base64");
  const lines = signature.replace(/.{72}/g, "$&\r\n ");
  return Buffer.from(`DKIM-Signature: ${TAGS}${hash}; b=${lines}\r\n${text}`, "latin1");
}

/** What has to be relaxed is found first: nearly every body has nothing of it. */
function relaxedBody(body) {
  if (!/[ \t](?:[ \t]|\r\n)|\t|\r\n\r\n$/.test(body)) return body;
  const relaxed = body
    .replace(/[ \t]+/g, " ")
    .replaceAll(" \r\n", "\r\n")
    .replace(/(?:\r\n)+$/, "");
  return `${relaxed}\r\n`;
}
