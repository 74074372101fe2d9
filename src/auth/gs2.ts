// The header that mechanisms begin with which GSS-API could have (RFC 5801 §4).

/** Whether the login is tied to what it goes through, and on whose behalf it is, where that is said. */
export function gs2Header(flag: `p=${string}` | "n" | "y", authorizationId: string | undefined): string {
  return `${flag},${authorizationId === undefined ? "" : `a=${saslName(authorizationId)}`},`;
}

/** A name among attributes: a comma would end it, and an equals sign is what the comma is written with. */
export function saslName(name: string): string {
  return name.replaceAll("=", "=3D").replaceAll(",", "=2C");
}
