// The contract of a SASL mechanism (RFC 4422): one half of a conversation, which knows no clock or chance of its own.

import type { ChannelBinding } from "../channel-binding.ts";
import { ProtocolError } from "../errors.ts";

/** Holds what a mechanism may be fed with. */
export interface Credentials {
  /** Who signs in; empty where the server finds that out by itself. */
  readonly user: string;
  readonly pass?: string | undefined;
  /** An OAuth access token. */
  readonly accessToken?: string | undefined;
  /** On whose behalf, where that is not the user (RFC 4422 §2). */
  readonly authorizationId?: string | undefined;
}

/** Is a value, or what comes to be one. */
export type Eventually<T> = T | PromiseLike<T>;

/** Computes what mechanisms prove their knowledge by. */
export interface Digests {
  hash(name: HashName, octets: Uint8Array): Eventually<Uint8Array>;
  /** RFC 2104. MD5 is not everywhere: it fails with a `ConfigError` where the runtime has none. */
  hmac(name: HashName | "MD5", key: Uint8Array, octets: Uint8Array): Eventually<Uint8Array>;
  /** PBKDF2 with HMAC (RFC 8018 §5.2), as long as the hash is. */
  pbkdf2(
    name: HashName,
    options: { readonly password: Uint8Array; readonly salt: Uint8Array; readonly iterations: number },
  ): Eventually<Uint8Array>;
}

/** Names a hash, as WebCrypto does. */
export type HashName = "SHA-1" | "SHA-256";

/** Holds what a mechanism may know of where it is used. */
export interface Surroundings {
  /** Whom the connection leads to, as the user named them. */
  readonly host: string;
  readonly port: number;
  /** Makes up at least 18 octets that nobody can guess, as visible ASCII without a comma. */
  readonly nonce: () => string;
  readonly digests: Digests;
  /** What the login can be tied to, where the mechanism asks for it by its name (-PLUS). */
  readonly binding: ChannelBinding | undefined;
  /** Whether logins could be tied to this TLS, had the server offered it. */
  readonly canBind: boolean;
}

/** Asks for something that takes its time; the exchange goes on with what comes of it. See `later`. */
export interface Later {
  readonly later: () => unknown;
}

/**
 * Is half a conversation. It yields what the client says, and is resumed with the server's next challenge, decoded. What
 * it yields first is the initial response, or `undefined` where the server speaks first. When the server accepts the
 * login, it is resumed with `undefined`: it returns, or where it had more to say or to hear, the login fails. When it is
 * over, every further challenge is one too many. What it throws breaks the login off.
 */
export type Exchange = Generator<Uint8Array | undefined | Later, void, Uint8Array | undefined>;

/** Is a way to sign in. */
export interface Mechanism {
  /** Its SASL name (RFC 4422 §3.1). */
  readonly name: string;
  exchange(credentials: Credentials, surroundings: Surroundings): Exchange;
}

/** Waits within an exchange: `const value = yield* later(() => fetchIt())`. */
export function* later<T>(work: () => Eventually<T>): Generator<Later, T, unknown> {
  return (yield { later: work }) as T;
}

/** A challenge that its mechanism does not know; nothing of it is shown. */
export function invalidChallenge(mechanism: string, fault: string): ProtocolError {
  return new ProtocolError(`a challenge of ${mechanism} ${fault}`, {
    code: "invalid_challenge",
    phase: "auth",
  });
}
