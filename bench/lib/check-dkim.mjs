// Verifies a DKIM signature (RFC 6376), as far as those of this bench go: rsa-sha256, relaxed/relaxed, one signature.

import { createHash, verify } from "node:crypto";

/**
 * Says what is wrong with the signature of a message, or nothing.
 * @param {Uint8Array} message
 * @param {string} publicKey  PEM
 * @returns {string | undefined}
 */
export function checkDkim(message, publicKey) {
  // A library may leave it to its transport to make line ends canonical.
  const text = Buffer.from(message).latin1Slice().replace(/\r?\n/g, "\r\n");
  const end = text.indexOf("\r\n\r\n");
  const fields = text.slice(0, end).split(/\r\n(?![ \t])/);
  const signature = fields.find((field) => /^dkim-signature:/i.test(field));
  if (signature === undefined) return "there is no DKIM-Signature";
  const tags = tagsOf(signature);
  if (tags.a !== "rsa-sha256" || tags.c !== "relaxed/relaxed") return `the signature is ${tags.a}, ${tags.c}`;

  const body = relaxedBody(text.slice(end + 4));
  const hash = createHash("sha256").update(body, "latin1").digest("base64");
  if (hash !== tags.bh) return "the hash of the body is another";

  const signed = tags.h.split(":").map((name) => name.trim().toLowerCase());
  for (const name of ["from", "to", "subject", "date", "message-id"]) {
    if (!signed.includes(name)) return `${name} is not signed`;
  }
  // RFC 6376 §5.4.2: of several fields of one name, the last is taken first.
  const left = fields.toReversed();
  let data = "";
  for (const name of signed) {
    const at = left.findIndex((field) => field.toLowerCase().startsWith(`${name}:`));
    if (at >= 0) data += `${relaxedField(left.splice(at, 1)[0])}\r\n`;
  }
  data += relaxedField(signature.replace(/([;\s]b=)[^;]*/, "$1"));
  const isRight = verify("sha256", Buffer.from(data, "latin1"), publicKey, Buffer.from(tags.b, "base64"));
  return isRight ? undefined : "the signature does not verify";
}

function tagsOf(field) {
  const value = field.slice(field.indexOf(":") + 1).replace(/\s+/g, "");
  return Object.fromEntries(
    value
      .split(";")
      .filter(Boolean)
      .map((tag) => [tag.slice(0, tag.indexOf("=")), tag.slice(tag.indexOf("=") + 1)]),
  );
}

/** RFC 6376 §3.4.2 */
function relaxedField(field) {
  const colon = field.indexOf(":");
  const value = field
    .slice(colon + 1)
    .replaceAll("\r\n", "")
    .replace(/[ \t]+/g, " ")
    .trim();
  return `${field.slice(0, colon).trim().toLowerCase()}:${value}`;
}

/** RFC 6376 §3.4.4 */
function relaxedBody(body) {
  const lines = body.split("\r\n").map((line) => line.replace(/[ \t]+/g, " ").trimEnd());
  while (lines.at(-1) === "") lines.pop();
  return lines.length === 0 ? "" : `${lines.join("\r\n")}\r\n`;
}
