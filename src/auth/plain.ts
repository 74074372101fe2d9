import { encodeUtf8 } from "../bytes.ts";
import type { Mechanism } from "./mechanism.ts";

/** PLAIN (RFC 4616): who is acted for, who signs in, and the password, parted by NUL. */
export const plain: Mechanism = {
  name: "PLAIN",
  *exchange({ user, pass = "", authorizationId = "" }) {
    // The first is left empty as a rule: some servers refuse even the user's own name there.
    yield encodeUtf8(`${authorizationId}\0${user}\0${pass}`);
  },
};
