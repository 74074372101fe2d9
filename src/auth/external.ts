import { encodeUtf8 } from "../bytes.ts";
import type { Mechanism } from "./mechanism.ts";

/** EXTERNAL (RFC 4422 Appendix A): the server knows us by our certificate; the user is whom we act as, if anybody. */
export const external: Mechanism = {
  name: "EXTERNAL",
  *exchange({ user }) {
    yield encodeUtf8(user);
  },
};
