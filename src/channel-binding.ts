// What ties a login to the TLS it happens in (RFC 5056), so that nobody between can pass it on.

/** Names a kind of channel binding: RFC 9266, and RFC 5929 §4. */
export type ChannelBindingType = "tls-exporter" | "tls-server-end-point";

export interface ChannelBinding {
  readonly type: ChannelBindingType;
  readonly data: Uint8Array;
}
