// What the mechanisms do, each by its name.

import { anonymous } from "./anonymous.ts";
import type { MechanismName, Usable } from "./choice.ts";
import { cramMd5 } from "./cram-md5.ts";
import { external } from "./external.ts";
import { login } from "./login.ts";
import type { Mechanism } from "./mechanism.ts";
import { oauthBearer } from "./oauthbearer.ts";
import { plain } from "./plain.ts";
import { scram } from "./scram.ts";
import { xoauth2 } from "./xoauth2.ts";

const MECHANISMS: Readonly<Record<MechanismName, Mechanism>> = {
  "SCRAM-SHA-256-PLUS": /* @__PURE__ */ scram("SHA-256", "-PLUS"),
  "SCRAM-SHA-1-PLUS": /* @__PURE__ */ scram("SHA-1", "-PLUS"),
  "SCRAM-SHA-256": /* @__PURE__ */ scram("SHA-256"),
  "SCRAM-SHA-1": /* @__PURE__ */ scram("SHA-1"),
  PLAIN: plain,
  LOGIN: login,
  "CRAM-MD5": cramMd5,
  OAUTHBEARER: oauthBearer,
  XOAUTH2: xoauth2,
  EXTERNAL: external,
  ANONYMOUS: anonymous,
};

/** The mechanism itself. */
export function mechanismOf(usable: Usable): Mechanism {
  return "exchange" in usable ? usable : MECHANISMS[usable.name];
}
