// A message signed (RFC 6376): read once, its fields chosen, the field made. Loaded when there is one to sign.

import { encodeBase64, join } from "../bytes.ts";
import { ConfigError } from "../errors.ts";
import { structuredField } from "../mime/header.ts";
import type { DkimSigner } from "../signer.ts";
import { CanonicalBody, type Canonicalization } from "./body.ts";
import { ContentReader } from "./content.ts";
import { namesToSign, readFields, signedOctets } from "./header-section.ts";
import type { SigningKey } from "./key.ts";
import { Sha256 } from "./sha256.ts";

type Sign = DkimSigner["sign"];

/** What a signer was told, checked. */
export interface Settings {
  readonly domain: string;
  readonly selector: string;
  readonly canonicalization: `${Canonicalization}/${Canonicalization}`;
  readonly expiresIn: number | undefined;
  readonly headerFields: ReadonlySet<string>;
  readonly key: SigningKey;
}

/** The DKIM-Signature field of a message. */
export async function sign(settings: Settings, content: Parameters<Sign>[0], now: Date): Promise<string> {
  const { domain, selector, canonicalization, expiresIn, headerFields, key } = settings;
  const time = Math.floor(now.getTime() / 1000);
  if (!(time >= 0)) throw new ConfigError("now", "is not a time after 1970");
  const [ofHeader, ofBody] = canonicalization.split("/") as [Canonicalization, Canonicalization];

  const { section, bodyHash } = await read(content, ofBody);
  const fields = readFields(section);
  const names = namesToSign(fields, headerFields);
  const units = [
    "v=1;",
    `a=${key.algorithm};`,
    `c=${canonicalization};`,
    `d=${domain};`,
    `s=${selector};`,
    `t=${time};`,
    ...(expiresIn === undefined ? [] : [`x=${time + expiresIn};`]),
    // RFC 6376 §3.5 lets the list be folded behind a colon.
    ...pieces(`h=${names.join(":")};`, /.{1,70}[:;]|[^:;]+[:;]/g),
    `bh=${encodeBase64(bodyHash)};`,
    // A unit of its own: the line is broken in the same places with nothing behind it, which is how it is signed.
    "b=",
  ];
  const field = (...signature: readonly string[]): string =>
    structuredField("DKIM-Signature", [...units, ...signature], "dkim");
  const signature = await signatureOf(key, signedOctets(fields, names, field(), ofHeader));
  return field(...pieces(encodeBase64(signature), /.{1,72}/g));
}

/** RFC 8463 §3: what Ed25519 signs is the SHA-256 of what is to be signed. */
export function signatureOf(key: SigningKey, octets: Uint8Array): Promise<Uint8Array> {
  return key.sign(key.algorithm === "rsa-sha256" ? octets : new Sha256().update(octets).digest());
}

function pieces(text: string, piece: RegExp): readonly string[] {
  return text.match(piece) ?? [];
}

/** Reads a message once, from its first octet to its last. */
async function read(
  content: Parameters<Sign>[0],
  canonicalization: Canonicalization,
): Promise<{ readonly section: string; readonly bodyHash: Uint8Array }> {
  if (content instanceof Uint8Array && content.length > LARGE) {
    const body: Uint8Array[] = [];
    const reader = new ContentReader(new CanonicalBody(canonicalization, (octets) => body.push(octets)));
    reader.push(content);
    const section = reader.end();
    return { section, bodyHash: new Uint8Array(await crypto.subtle.digest("SHA-256", join(body))) };
  }
  const hash = new Sha256();
  const reader = new ContentReader(new CanonicalBody(canonicalization, (octets) => hash.update(octets)));
  if (content instanceof Uint8Array) reader.push(content);
  else for await (const chunk of content) reader.push(chunk);
  return { section: reader.end(), bodyHash: hash.digest() };
}

/** Octets. WebCrypto takes some 25 µs for any digest, ours 10 µs for each 1000 octets. */
const LARGE = 4096;
