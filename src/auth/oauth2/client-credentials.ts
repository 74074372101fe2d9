// An application that signs in by itself (RFC 6749 §4.4).

import type { Keys } from "../../input.ts";
import { optional, read, readSecret } from "../../options/checks.ts";
import type { TokenSource } from "../token-source.ts";
import {
  type EndpointOptions,
  microsoftTokens,
  readClientId,
  readEndpoint,
  readProvider,
  readScope,
} from "./endpoint.ts";

/** Says which application signs in, and where it gets its tokens. */
export interface ClientCredentialsOptions extends EndpointOptions {
  /** Knows the endpoint and the scope of Exchange Online. */
  readonly provider?: "microsoft";
  /** The endpoint (RFC 6749 §3.2): `https:`, or `http:` on a loopback host. @default that of the provider */
  readonly tokenUrl?: string | URL;
  /** The directory (tenant) id or a domain of the organisation: Microsoft's endpoint is one for each. */
  readonly tenant?: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** What the token is to allow, parted by spaces. @default that of the provider */
  readonly scope?: string;
}

const OPTIONS: Keys<keyof ClientCredentialsOptions> = {
  provider: undefined,
  tokenUrl: undefined,
  tenant: undefined,
  clientId: undefined,
  clientSecret: undefined,
  scope: undefined,
  headers: undefined,
  parameters: undefined,
  fetch: undefined,
};

const SCOPE = "https://outlook.office365.com/.default";

/**
 * Gets access tokens for an application that signs in by itself (RFC 6749 §4.4), such as one that sends for a mailbox of
 * Microsoft 365 without anybody there to consent.
 *
 * @throws ConfigError naming the option that cannot be used
 * @example
 * ```ts
 * const client = new SmtpClient({
 *   host: "smtp.office365.com",
 *   auth: {
 *     user: "alice@example.com",
 *     oauth2: clientCredentialsGrant({
 *       provider: "microsoft",
 *       tenant: "example.com",
 *       clientId: "5f3c9b1e-8d2a-4c6f-9e0b-1a7d4e2f6c80",
 *       clientSecret: "the value of the secret, not its id",
 *     }),
 *   },
 * });
 * ```
 */
export function clientCredentialsGrant(options: ClientCredentialsOptions): TokenSource {
  const given = read(options, OPTIONS, "");
  const provider = readProvider(given.provider, ["microsoft"]);
  const own = {
    grant_type: "client_credentials",
    client_id: readClientId(given.clientId),
    client_secret: readSecret(given.clientSecret, "clientSecret"),
    scope: optional(given.scope, "scope", readScope) ?? (provider && SCOPE),
  };
  const endpoint = readEndpoint(given, microsoftTokens(given), Object.keys(own));
  const hint = "check clientId, clientSecret and tenant";
  return async ({ signal }) => {
    const { issue } = await import("./grant.ts");
    const { accessToken, expiresIn } = await issue(endpoint, { own, hint }, signal);
    return { accessToken, expiresIn };
  };
}
