// DKIM (RFC 6376): a signature over a message as it is sent, by which a domain answers for it. The only door to dkim/.
// Nothing here is reached from a client: who makes no signer has no signing in the bundle. What is wrong with the options is
// said at once; what signs (dkim/sign.ts) is loaded with the first message.

import { readSigningKey } from "./dkim/key.ts";
import type { Settings } from "./dkim/sign.ts";
import { ConfigError } from "./errors.ts";
import { describe, isToken, type Keys, readObject } from "./input.ts";
import { optional, readChoice, readInteger, readString } from "./options/checks.ts";
import type { PrivateCryptoKey, PrivateJwk } from "./private-key.ts";
import type { DkimSigner } from "./signer.ts";
import { snapshot } from "./snapshot.ts";

export type { PrivateCryptoKey, PrivateJwk } from "./private-key.ts";

/** Says who signs, with what, and how. */
export interface DkimOptions {
  /** The signing domain (`d=`), in the form that From has: A-labels (`xn--…`) for what is not ASCII. */
  readonly domain: string;
  /** Names the key (`s=`): its public half is published at `selector._domainkey.domain`. */
  readonly selector: string;
  /**
   * An RSA key of at least 1024 bits or an Ed25519 key: the text of a PEM file (PKCS #8 or PKCS #1, not encrypted), a
   * JWK, or a `CryptoKey` for RSASSA-PKCS1-v1_5 with SHA-256 or for Ed25519.
   */
  readonly privateKey: string | PrivateJwk | PrivateCryptoKey;
  /**
   * What relays may change without harm, in the header section and in the body: white space (`relaxed`) or nothing.
   * @default "relaxed/relaxed"
   */
  readonly canonicalization?: "relaxed/relaxed" | "relaxed/simple" | "simple/relaxed" | "simple/simple";
  /** Seconds for which the signature holds (`x=`), a year at most. @default none: as long as the key is published */
  readonly expiresIn?: number;
  /** Names of further fields to sign where they are present, such as `TLS-Report-Domain`. */
  readonly headerFields?: readonly string[];
}

/**
 * Makes a signer, which signs any number of messages with one key (RFC 6376, RFC 8301, RFC 8463).
 *
 * The whole body is signed, and of the header section every field that says who, to whom, when, about what and how to
 * read it. From, To, Cc, Subject, Date, Reply-To, Message-ID, MIME-Version, Content-Type, List-Unsubscribe and
 * List-Unsubscribe-Post cannot be added afterwards either. For two signatures, such as RSA and Ed25519, make two
 * signers.
 *
 * Its `sign` throws a MessageError where the content is not a message with one From field, or holds a bare CR or LF,
 * and a ConfigError where the runtime refuses the key.
 *
 * @throws ConfigError naming the option that cannot be used; a key that cannot sign is refused here and now
 * @example
 * ```ts
 * const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048 };
 * const publicExponent = Uint8Array.of(1, 0, 1);
 * const { privateKey } = await crypto.subtle.generateKey({ ...algorithm, publicExponent }, false, ["sign", "verify"]);
 * // or: const privateKey = await readFile("mail.pem", "utf8");
 *
 * const signer = createDkimSigner({ domain: "example.com", selector: "mail", privateKey });
 * const message = composeMessage({ from: "login@example.com", to: "bob@example.org", text: "042137" });
 * await signer.sign(message.content, new Date()); // "DKIM-Signature: v=1; a=rsa-sha256; …"
 * ```
 */
export function createDkimSigner(options: DkimOptions): DkimSigner {
  const given = readObject(options, OPTIONS, "", { fault: ConfigError, whole: "options" });
  const domain = readDomain(given.domain, "domain");
  const selector = readDomain(given.selector, "selector");
  if (!domain.includes(".")) throw new ConfigError("domain", "has one label; a domain has two at least");
  if (selector.length + domain.length > MAX_NAME - "._domainkey.".length) {
    throw new ConfigError("selector", `makes a name of more than ${MAX_NAME} octets with its domain`);
  }
  const canonicalization =
    optional(given.canonicalization, "canonicalization", (value, option) =>
      readChoice(value, option, CANONICALIZATIONS),
    ) ?? "relaxed/relaxed";
  const expiresIn = optional(given.expiresIn, "expiresIn", (value, option) =>
    readInteger(value, option, 1, MAX_LIFE),
  );
  const headerFields = optional(given.headerFields, "headerFields", readNames) ?? new Set();
  const key = readSigningKey(given.privateKey);
  const settings: Settings = { domain, selector, canonicalization, expiresIn, headerFields, key };
  // What is kept is the module, never the promise of it: in a Worker that is one invocation's, and others may not wait for it.
  let signing: typeof import("./dkim/sign.ts") | undefined;
  return Object.freeze({
    async sign(content, now) {
      if (signing !== undefined) return signing.sign(settings, content, now);
      // Whose memory it is may write the next message there as soon as this one has been handed over.
      const [octets, moment] = snapshot([content, now] as const);
      signing = await import("./dkim/sign.ts");
      return signing.sign(settings, octets, moment);
    },
  } satisfies DkimSigner);
}

const OPTIONS: Keys<keyof DkimOptions> = {
  domain: undefined,
  selector: undefined,
  privateKey: undefined,
  canonicalization: undefined,
  expiresIn: undefined,
  headerFields: undefined,
};

const CANONICALIZATIONS = ["relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple"] as const;
/** RFC 1035 §2.3.4, as text. */
const MAX_NAME = 253;
/** Seconds in 366 days; a key is to be changed more often. */
const MAX_LIFE = 31_622_400;
/** More than any message has kinds of fields. */
const MAX_HEADER_FIELDS = 100;

// RFC 6376 §3.1 and §3.5 take both from RFC 5321 §4.1.2: labels of letters, digits and hyphens.
const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

function readDomain(value: unknown, option: "domain" | "selector"): string {
  const text = readString(value, option);
  if (text.length <= MAX_NAME && text.split(".").every((label) => LABEL.test(label))) return text;
  throw new ConfigError(option, "is not a domain name: labels of letters, digits and hyphens", {
    hint: "one that is not ASCII goes as xn--…, as it stands in From",
  });
}

// Trace fields change on the way; Bcc leaves the message; a signature does not cover others (RFC 6376 §5.4).
const UNSIGNABLE = /^(?:received|return-path|(?:resent-)?bcc|dkim-signature|authentication-results|arc-.*)$/;

/** Field names, in lower case. A `;` or `:`, which a field name may hold, would end the tag or the name in `h=`. */
function readNames(value: unknown, option: string): ReadonlySet<string> {
  if (!Array.isArray(value)) throw new ConfigError(option, `is ${describe(value)}, not an array`);
  if (value.length > MAX_HEADER_FIELDS) {
    throw new ConfigError(option, `has more than ${MAX_HEADER_FIELDS} elements`);
  }
  const names = new Set<string>();
  for (let at = 0; at < value.length; at++) {
    const path = `${option}[${at}]`;
    const name = readString(value[at], path).toLowerCase();
    if (!isToken(name)) throw new ConfigError(path, "is not the name of a field");
    if (UNSIGNABLE.test(name)) throw new ConfigError(path, "names a field that no signature can cover");
    names.add(name);
  }
  return names;
}
