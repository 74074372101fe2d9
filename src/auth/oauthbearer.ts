import { encodeUtf8 } from "../bytes.ts";
import { gs2Header } from "./gs2.ts";
import type { Mechanism } from "./mechanism.ts";

/** OAUTHBEARER (RFC 7628 §3.1): who is acted for, where, and a bearer token. */
export const oauthBearer: Mechanism = {
  name: "OAUTHBEARER",
  *exchange({ user, accessToken = "", authorizationId = user }, { host, port }) {
    const header = gs2Header("n", authorizationId);
    const refusal = yield encodeUtf8(
      `${header}\x01host=${host}\x01port=${port}\x01auth=Bearer ${accessToken}\x01\x01`,
    );
    // RFC 7628 §3.2.3: the refusal itself comes only after this.
    if (refusal !== undefined) yield Uint8Array.of(1);
  },
};
