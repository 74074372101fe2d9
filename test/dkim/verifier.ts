// A verifier of DKIM signatures for the tests, on whole strings and node:crypto: it shares nothing with what it checks.

import { createHash, type KeyObject, verify as verifySignature } from "node:crypto";

/** The tags of a DKIM-Signature field (RFC 6376 §3.2), unfolded, white space within them taken out. */
export function tagsOf(field: string): Record<string, string> {
  const tags: Record<string, string> = {};
  for (const tag of field.slice(field.indexOf(":") + 1).split(";")) {
    const [name = "", ...value] = tag.split("=");
    if (Object.hasOwn(tags, name.trim())) throw new Error(`${name} is there twice`);
    tags[name.trim()] = value.join("=").replace(/[ \t\r\n]/g, "");
  }
  return tags;
}

/** Verifies the first signature of `message`, a character for each octet; says what does not hold. */
export function verify(message: string, key: KeyObject): "pass" | "body" | "signature" {
  const [, section = "", body = ""] = /^([\s\S]*?\r\n)\r\n([\s\S]*)$/.exec(message) ?? [];
  const fields = section.split(/\r\n(?![ \t])/).slice(0, -1);
  const own = fields[0] ?? "";
  const { a, c = "", bh, b = "", h = "" } = tagsOf(own);
  const [ofHeader, ofBody] = c.split("/");
  const hash = (text: string): Buffer => createHash("sha256").update(text, "latin1").digest();
  if (hash(ofBody === "relaxed" ? relaxedBody(body) : simpleBody(body)).toString("base64") !== bh) {
    return "body";
  }

  const left = fields.slice(1);
  const canonical = ofHeader === "relaxed" ? relaxedField : (field: string): string => field;
  let text = "";
  for (const name of h.split(":")) {
    const at = left.findLastIndex(
      (field) => field.split(":")[0]?.trim().toLowerCase() === name.toLowerCase(),
    );
    if (at >= 0) text += `${canonical(left.splice(at, 1)[0] ?? "")}\r\n`;
  }
  text += canonical(own.replace(/(;[ \t\r\n]*b[ \t\r\n]*=)[^;]*/, "$1"));
  const isValid =
    a === "rsa-sha256"
      ? verifySignature("sha256", Buffer.from(text, "latin1"), key, Buffer.from(b, "base64"))
      : verifySignature(null, hash(text), key, Buffer.from(b, "base64"));
  return isValid ? "pass" : "signature";
}

export function relaxedField(field: string): string {
  const [, name = "", value = ""] = /^([^:]*?)[ \t]*:([\s\S]*)$/.exec(field) ?? [];
  const line = value
    .replace(/\r\n/g, "")
    .replace(/[ \t]+/g, " ")
    .replace(/^ | $/g, "");
  return `${name.toLowerCase()}:${line}`;
}

export function simpleBody(body: string): string {
  return `${body.replace(/(?:\r\n)+$/, "")}\r\n`;
}

export function relaxedBody(body: string): string {
  const lines = body.split("\r\n").map((line) => line.replace(/[ \t]+/g, " ").replace(/ $/, ""));
  while (lines.at(-1) === "") lines.pop();
  return lines.map((line) => `${line}\r\n`).join("");
}
