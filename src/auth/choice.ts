// Which mechanisms there are, and which of them a login may use.

import { anonymous } from "./anonymous.ts";
import { cramMd5 } from "./cram-md5.ts";
import { external } from "./external.ts";
import { login } from "./login.ts";
import type { Mechanism } from "./mechanism.ts";
import { oauthBearer } from "./oauthbearer.ts";
import { plain } from "./plain.ts";
import { scram } from "./scram.ts";
import { xoauth2 } from "./xoauth2.ts";

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
  readonly mechanism: Mechanism;
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
  { mechanism: /* @__PURE__ */ scram("SHA-256", "-PLUS"), means: "pass", hasAuthorizationId: true },
  { mechanism: /* @__PURE__ */ scram("SHA-1", "-PLUS"), means: "pass", hasAuthorizationId: true },
  { mechanism: /* @__PURE__ */ scram("SHA-256"), means: "pass", hasAuthorizationId: true },
  { mechanism: /* @__PURE__ */ scram("SHA-1"), means: "pass", hasAuthorizationId: true },
  { mechanism: plain, means: "pass", hasAuthorizationId: true },
  { mechanism: login, means: "pass" },
  { mechanism: cramMd5, means: "pass", isNamedOnly: true },
  { mechanism: oauthBearer, means: "accessToken", hasAuthorizationId: true },
  { mechanism: xoauth2, means: "accessToken" },
  { mechanism: external, means: "nothing" },
  { mechanism: anonymous, means: "nothing" },
];

/** The names of all mechanisms, the strongest first. */
export const MECHANISM_NAMES: readonly MechanismName[] = /* @__PURE__ */ ENTRIES.map(
  ({ mechanism }) => mechanism.name as MechanismName,
);

/** Whether a mechanism ties the login to the TLS, by its name (RFC 5802 §4). */
export function isBound(name: string): boolean {
  return name.endsWith("-PLUS");
}

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
export function usableMechanisms(choice: Choice): readonly Mechanism[] {
  const { means, allowed, authorizationId, channelBinding } = choice;
  return ENTRIES.filter(({ mechanism: { name }, ...entry }) => {
    const isMeant = allowed?.some((one) => one === name) ?? entry.isNamedOnly !== true;
    const says = !authorizationId || entry.hasAuthorizationId === true;
    return entry.means === means && isMeant && says && (channelBinding || !isBound(name));
  }).map(({ mechanism }) => mechanism);
}
