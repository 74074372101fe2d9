// Ways to get access tokens (RFC 6749), for those who say so: the only door to oauth2/. Nothing here is reached from a
// client that is given none.

export { type ClientCredentialsOptions, clientCredentialsGrant } from "./oauth2/client-credentials.ts";
export type { EndpointOptions } from "./oauth2/endpoint.ts";
export { type RefreshTokenOptions, refreshTokenGrant } from "./oauth2/refresh-token.ts";
export { type ServiceAccountOptions, serviceAccountGrant } from "./oauth2/service-account.ts";
