// Which mechanisms there are, and which of them a login may use: by name, for what they do is loaded with the first
// connection (mechanisms.ts).

import type { Mechanism } from "./mechanism.ts";

/** Names a mechanism by its SASL name. */
export type MechanismName =
  | "SCRAM-SHA-256-PLUS"
  | "SCRAM-SHA-1-PLUS"
  | "SCRAM-SHA-256"
  | "SCRAM-SHA-1"
  | "PLAIN"
  | "LOGIN"
  | "CRAM-MD5"
  | "OAUTHBEARER"
  | "XOAUTH2"
  | "EXTERNAL"
  | "ANONYMOUS";

/** What somebody signs in with. */
export type Means = "pass" | "accessToken" | "nothing";

interface Entry {
  readonly name: MechanismName;
  readonly means: Means;
  /** It is used only where the user names it. */
  readonly isNamedOnly?: boolean;
  /** It can say on whose behalf. */
  readonly hasAuthorizationId?: boolean;
}

// The strongest first. Those that are tied to the TLS come before the rest, whatever their hash: nobody between can pass
// them on, and RFC 5802 §6 asks for them wherever both sides can. PLAIN needs a turn less than LOGIN, and has a
// specification. CRAM-MD5 is weaker than either, for inside TLS it protects nothing.
const ENTRIES: readonly Entry[] = [
  { name: "SCRAM-SHA-256-PLUS", means: "pass", hasAuthorizationId: true },
  { name: "SCRAM-SHA-1-PLUS", means: "pass", hasAuthorizationId: true },
  { name: "SCRAM-SHA-256", means: "pass", hasAuthorizationId: true },
  { name: "SCRAM-SHA-1", means: "pass", hasAuthorizationId: true },
  { name: "PLAIN", means: "pass", hasAuthorizationId: true },
  { name: "LOGIN", means: "pass" },
  { name: "CRAM-MD5", means: "pass", isNamedOnly: true },
  { name: "OAUTHBEARER", means: "accessToken", hasAuthorizationId: true },
  { name: "XOAUTH2", means: "accessToken" },
  { name: "EXTERNAL", means: "nothing" },
  { name: "ANONYMOUS", means: "nothing" },
];

/** The names of all mechanisms, the strongest first. */
export const MECHANISM_NAMES: readonly MechanismName[] = /* @__PURE__ */ ENTRIES.map(({ name }) => name);

/** Whether a mechanism ties the login to the TLS, by its name (RFC 5802 §4). */
export function isBound(name: string): boolean {
  return name.endsWith("-PLUS");
}

/** A mechanism that a login may use: one of these by its name, or the caller's own. */
export type Usable = { readonly name: MechanismName } | Mechanism;

export interface Choice {
  readonly means: Means;
  /** The names that the user allows, where not all are. */
  readonly allowed: readonly MechanismName[] | undefined;
  /** Whether the login is to say on whose behalf. */
  readonly authorizationId: boolean;
  /** Whether it may be tied to the TLS. */
  readonly channelBinding: boolean;
}

/** The mechanisms that may be used, the strongest first. */
export function usableMechanisms(choice: Choice): readonly Usable[] {
  const { means, allowed, authorizationId, channelBinding } = choice;
  return ENTRIES.filter(({ name, ...entry }) => {
    const isMeant = allowed?.some((one) => one === name) ?? entry.isNamedOnly !== true;
    const says = !authorizationId || entry.hasAuthorizationId === true;
    return entry.means === means && isMeant && says && (channelBinding || !isBound(name));
  });
}
