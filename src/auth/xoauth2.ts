import { encodeUtf8 } from "../bytes.ts";
import type { Mechanism } from "./mechanism.ts";

/** XOAUTH2, as Google and Microsoft document it: the user name and a bearer token, parted by U+0001. */
export const xoauth2: Mechanism = {
  name: "XOAUTH2",
  *exchange({ user, accessToken = "" }) {
    const refusal = yield encodeUtf8(`user=${user}\x01auth=Bearer ${accessToken}\x01\x01`);
    // A challenge means that the token was refused; the refusal itself comes only after an empty response.
    if (refusal !== undefined) yield new Uint8Array(0);
  },
};
