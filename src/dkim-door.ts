// The door `pennypost/dkim`: what signs messages. It is the same in every runtime, and whoever signs none loads none of it.

export { createDkimSigner, type DkimOptions, type PrivateCryptoKey, type PrivateJwk } from "./dkim.ts";
export type { DkimSigner } from "./signer.ts";
