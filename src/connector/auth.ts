// Credentials as a config has them, as a client takes them.

import { refreshTokenGrant, serviceAccountGrant } from "../auth/oauth2.ts";
import type { AccessToken, TokenSource } from "../auth/token-source.ts";
import { ConfigError, TokenError } from "../errors.ts";
import type { AuthOptions } from "../options/auth.ts";
import type { ReadAuth } from "./auth-table.ts";
import type { ConnectorConfig } from "./types.ts";

/** What the client is told; `undefined` where it is to log in to nothing. Throws what a grant has against its options. */
export function authOptions(
  auth: ReadAuth | undefined,
  authMethod?: ConnectorConfig["authMethod"],
): AuthOptions | undefined {
  if (auth?.user === undefined) return undefined;
  const { user, pass, accessToken, expires, allowInsecure } = auth;
  const manner = allowInsecure === undefined ? {} : { allowInsecure };
  if (pass !== undefined) {
    const mechanism = authMethod === "XOAUTH2" ? undefined : authMethod;
    return { user, pass, ...manner, ...(mechanism !== undefined && { mechanism }) };
  }
  const means = { user, ...manner, ...(authMethod === "XOAUTH2" && { mechanism: authMethod }) };
  const grant = grantOf(auth);
  if (accessToken === undefined) return { ...means, oauth2: grant ?? spent };
  if (grant === undefined && expires === undefined) return { ...means, accessToken };
  return { ...means, oauth2: firstThen({ accessToken, expiresAt: expires }, grant) };
}

function grantOf(auth: ReadAuth): TokenSource | undefined {
  const { clientId, clientSecret, refreshToken, serviceClient, privateKey, accessUrl, scope } = auth;
  const endpoint = {
    ...(accessUrl !== undefined && { tokenUrl: accessUrl }),
    ...(scope !== undefined && { scope }),
  };
  if (refreshToken !== undefined && clientId !== undefined) {
    const secret = clientSecret === undefined ? {} : { clientSecret };
    const provider = accessUrl === undefined ? ({ provider: "google" } as const) : {};
    return named(() => refreshTokenGrant({ clientId, refreshToken, ...secret, ...provider, ...endpoint }));
  }
  if (serviceClient === undefined || privateKey === undefined) return undefined;
  const key = readKey(privateKey);
  if (key === undefined) return undefined;
  return named(() => serviceAccountGrant({ clientEmail: serviceClient, privateKey: key, ...endpoint }));
}

function readKey(
  given: NonNullable<ReadAuth["privateKey"]>,
): string | { readonly key: string; readonly passphrase: string } | undefined {
  if (typeof given === "string") return given;
  const { key, passphrase } = given;
  return key === undefined || passphrase === undefined ? undefined : { key, passphrase };
}

/** What the options of a grant are called in a config. */
const NAMES: Readonly<Record<string, string>> = {
  clientEmail: "serviceClient",
  tokenUrl: "accessUrl",
};

function named(grant: () => TokenSource): TokenSource {
  try {
    return grant();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { option, message, hint } = error;
    const name = Object.hasOwn(NAMES, option) ? NAMES[option] : option;
    throw new ConfigError(`auth.${name}`, message.slice(option.length + 2), { hint });
  }
}

/** The token of the config until it ends or is refused, then what the grant gets. */
function firstThen(first: AccessToken, grant: TokenSource = spent): TokenSource {
  return (request) => {
    const ends = Number(first.expiresAt ?? Number.POSITIVE_INFINITY);
    return request.reason === "first" && ends > Date.now() ? first : grant(request);
  };
}

const spent: TokenSource = () => {
  throw new TokenError("the access token of the config has ended, or was refused", {
    reason: "reauthorise",
    hint: "put a new one in auth.accessToken, or add auth.clientId and auth.refreshToken, by which they are got",
  });
};
