// Failures of a login, which concern all who wait for a connection.

import { AuthenticationError, ConfigError, type ErrorCode, ProtocolError, TokenError } from "../errors.ts";

/** A login that failed, for whatever reason but the network: trying again at once would fail alike. */
export type LoginError = AuthenticationError | TokenError | ProtocolError | ConfigError;

/** Tells whether it is the login that failed, and nobody else's connection would fare better. */
export function isLoginError(error: unknown): error is LoginError {
  if (error instanceof AuthenticationError || error instanceof TokenError) return true;
  const isOurs = error instanceof ProtocolError || error instanceof ConfigError;
  return isOurs && error.phase === "auth" && LOGIN_CODES.includes(error.code);
}

const LOGIN_CODES: readonly ErrorCode[] = ["invalid_challenge", "server_unproven", "invalid_option"];

/** The same failure for another message that waited for the same login: each caller gets an error of their own. */
export function copyOf(error: LoginError): LoginError {
  const { message } = error;
  if (error instanceof AuthenticationError) return new AuthenticationError(message, error);
  if (error instanceof TokenError) {
    // Which is no enumerable property, and is not copied with the others.
    return new TokenError(message, { ...error, ...("cause" in error && { cause: error.cause }) });
  }
  if (error instanceof ProtocolError) return new ProtocolError(message, error);
  const { option, phase, hint, cause } = error;
  return new ConfigError(option, message.slice(option.length + 2), { phase, hint, cause });
}
