// An application with a key of its own, acting for a user (RFC 7523).

import { encodeBase64, encodeUtf8 } from "../../bytes.ts";
import type { Keys } from "../../input.ts";
import { optional, read, readSecret } from "../../options/checks.ts";
import {
  isLocked,
  type LockedKey,
  type PrivateCryptoKey,
  type PrivateJwk,
  type Purpose,
  readLockedKey,
  readPrivateKey,
} from "../../private-key.ts";
import type { TokenSource } from "../token-source.ts";
import { type EndpointOptions, GOOGLE_SCOPE, GOOGLE_TOKENS, readEndpoint, readScope } from "./endpoint.ts";

/** Says which service account signs in, for whom, and where it gets its tokens. */
export interface ServiceAccountOptions extends EndpointOptions {
  /** The account's address: `client_email` in its JSON file. */
  readonly clientEmail: string;
  /**
   * Its RSA key: the text of a PEM file (`private_key` in the JSON file), a JWK, a `CryptoKey` for RSASSA-PKCS1-v1_5 with
   * SHA-256, or the text of an encrypted PEM file with its passphrase.
   */
  readonly privateKey: string | PrivateJwk | PrivateCryptoKey | LockedKey;
  /** Which of the account's keys that is: `private_key_id` in the JSON file. @default not said */
  readonly keyId?: string;
  /** What the token is to allow, parted by spaces. @default "https://mail.google.com/" */
  readonly scope?: string;
  /** For whom it signs in. @default the `user` of `auth` */
  readonly subject?: string;
  /** The endpoint, whom the assertion is for. @default "https://oauth2.googleapis.com/token" */
  readonly tokenUrl?: string | URL;
}

const OPTIONS: Keys<keyof ServiceAccountOptions> = {
  clientEmail: undefined,
  privateKey: undefined,
  keyId: undefined,
  scope: undefined,
  subject: undefined,
  tokenUrl: undefined,
  headers: undefined,
  parameters: undefined,
  fetch: undefined,
};

const KEY: Purpose = {
  option: "privateKey",
  kinds: ["rsa"],
  minBits: 2048,
  weak: "RS256 takes 2048 at least (RFC 7518 §3.3)",
  takes: "a service account signs by RS256, with an RSA key",
  locked: "give it as { key, passphrase }, or decrypt it with: openssl pkey -in encrypted.pem -out key.pem",
};

/** Seconds; Google takes no more. */
const LIFETIME = 3600;
const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const HINT =
  "check clientEmail and privateKey, that subject is a user there, and that the account may act for its users (domain-wide delegation)";
/** Google says so of one that may not act for the user, or not with this scope. */
const UNAUTHORIZED =
  "let the account act for its users (domain-wide delegation), by its client ID and with this very scope; it takes effect after a while";

/**
 * Gets access tokens for a service account that acts for a user (RFC 7523 §2.1), as Google Workspace has them. For another
 * endpoint, which reads the scope outside of the assertion, say it in `parameters` too.
 *
 * @throws ConfigError naming the option that cannot be used; a key that cannot sign is refused here and now, but for one
 * under a passphrase, which is opened when it first signs
 * @example
 * ```ts
 * const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048 };
 * const publicExponent = Uint8Array.of(1, 0, 1);
 * const { privateKey } = await crypto.subtle.generateKey({ ...algorithm, publicExponent }, false, ["sign", "verify"]);
 * // or: const { private_key: privateKey } = JSON.parse(await readFile("account.json", "utf8"));
 *
 * const client = new SmtpClient({
 *   host: "smtp.gmail.com",
 *   auth: {
 *     user: "alice@example.com",
 *     oauth2: serviceAccountGrant({ clientEmail: "mailer@project.iam.gserviceaccount.com", privateKey }),
 *   },
 * });
 * ```
 */
export function serviceAccountGrant(options: ServiceAccountOptions): TokenSource {
  const given = read(options, OPTIONS, "");
  const issuer = readSecret(given.clientEmail, "clientEmail");
  const key = isLocked(given.privateKey)
    ? readLockedKey(given.privateKey, KEY)
    : readPrivateKey(given.privateKey, KEY);
  const keyId = optional(given.keyId, "keyId", readSecret);
  const scope = optional(given.scope, "scope", readScope) ?? GOOGLE_SCOPE;
  const subject = optional(given.subject, "subject", readSecret);
  const endpoint = readEndpoint(given, GOOGLE_TOKENS, ["grant_type", "assertion"]);

  return async ({ user, signal }) => {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: issuer,
      sub: subject ?? user,
      aud: endpoint.url,
      scope,
      iat: now,
      exp: now + LIFETIME,
    };
    const assertion = await signedToken({ alg: "RS256", typ: "JWT", kid: keyId }, claims, key);
    const grant = {
      own: { grant_type: GRANT_TYPE, assertion },
      hint: HINT,
      unauthorized: UNAUTHORIZED,
      tellsTime: true,
    };
    const { issue } = await import("./grant.ts");
    const { accessToken, expiresIn } = await issue(endpoint, grant, signal);
    return { accessToken, expiresIn };
  };
}

/** RFC 7515 §3.1. */
async function signedToken(
  header: object,
  claims: object,
  key: { sign(octets: Uint8Array): Promise<Uint8Array> },
): Promise<string> {
  const input = [header, claims].map((part) => encodeBase64Url(encodeUtf8(JSON.stringify(part)))).join(".");
  return `${input}.${encodeBase64Url(await key.sign(encodeUtf8(input)))}`;
}

/** RFC 4648 §5, without padding. */
function encodeBase64Url(octets: Uint8Array): string {
  return encodeBase64(octets).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
