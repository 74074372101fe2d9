// The text of a PEM file (RFC 7468), and what is in it.

import { decodeBase64 } from "../bytes.ts";
import { kindHint, type Purpose, refusal } from "./purpose.ts";

/** Characters of PEM; a key of 16,384 bits has 13,000. */
const MAX_PEM = 32_768;

const BEGIN = "-----BEGIN ";
const DASHES = "-----";
const GIVE_PRIVATE = "the private key begins with -----BEGIN PRIVATE KEY-----";

/** What a PEM file holds that is no key of ours, by a word of its first line; without a hint, the purpose has one. */
const STRANGERS: readonly (readonly [word: string, message: string, hint?: string])[] = [
  ["PUBLIC", "is a public key", GIVE_PRIVATE],
  ["CERTIFICATE", "is a certificate", GIVE_PRIVATE],
  ["EC ", "is an elliptic-curve key"],
  ["DSA ", "is a DSA key"],
  ["OPENSSH", "is a key of OpenSSH", "convert it with: ssh-keygen -p -m PEM -f key"],
];

export interface Pem {
  readonly label: "PRIVATE KEY" | "RSA PRIVATE KEY" | "ENCRYPTED PRIVATE KEY";
  readonly octets: Uint8Array;
}

/** What stands before the first line is explanation. `locked`: what to do about a key encrypted in the older form. */
export function readPem(text: string, purpose: Purpose, locked: string): Pem {
  if (text.length > MAX_PEM) throw refusal(purpose, `is longer than ${MAX_PEM} characters, which no key is`);
  const begin = text.indexOf(BEGIN);
  if (begin < 0) {
    throw refusal(
      purpose,
      "is not PEM: there is no -----BEGIN in it",
      "give the content of the file, not its path",
    );
  }
  const from = begin + BEGIN.length;
  const label = text.slice(from, text.indexOf(DASHES, from));
  for (const [word, message, hint = kindHint(purpose)] of STRANGERS)
    if (label.includes(word)) throw refusal(purpose, message, hint);
  const end = text.indexOf(`-----END ${label}-----`, from);
  if (end < 0) throw refusal(purpose, "is cut off: its -----END is missing");
  const content = text.slice(from + label.length + DASHES.length, end);
  // RFC 1421 §4.6.1.1: how OpenSSL says it in the older form.
  if (content.includes("ENCRYPTED")) throw refusal(purpose, "is encrypted in a form of old", locked);
  const octets = decodeBase64(content.replace(/[ \t\n\r]/g, ""));
  if (octets === undefined) {
    throw refusal(
      purpose,
      "is not base64 between its first and last line",
      "a line end is a line end, not a \\ and an n as JSON writes it: read the JSON with JSON.parse",
    );
  }
  if (label === "PRIVATE KEY" || label === "RSA PRIVATE KEY" || label === "ENCRYPTED PRIVATE KEY")
    return { label, octets };
  throw refusal(purpose, "is not a private key");
}
