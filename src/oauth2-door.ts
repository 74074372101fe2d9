// The door `pennypost/oauth2`: what gets access tokens, for `auth.oauth2`. It is the same in every runtime.

export {
  type ClientCredentialsOptions,
  clientCredentialsGrant,
  type EndpointOptions,
  type RefreshTokenOptions,
  refreshTokenGrant,
  type ServiceAccountOptions,
  serviceAccountGrant,
} from "./auth/oauth2.ts";
export type { AccessToken, TokenRequest, TokenSource } from "./auth/token-source.ts";
export type { LockedKey, PrivateCryptoKey, PrivateJwk } from "./private-key.ts";
