// The door `pennypost/compose`: messages that are composed and not sent. It is the same in every runtime, and a client
// loads what is behind it with its first message only.

export { type ComposedStream, type ComposeStreamOptions, composeMessage, composeStream } from "./compose.ts";
export type { ComposedMessage, Needs } from "./mime.ts";
