import { encodeUtf8 } from "../bytes.ts";
import { ConfigError } from "../errors.ts";
import type { Mechanism } from "./mechanism.ts";

/** RFC 4505 §2: at most 255 characters, however many octets; §3: no controls. */
const TRACE = /^\P{Cc}{0,255}$/u;

/** ANONYMOUS (RFC 4505): nobody signs in; the user is what the server may write into its log. */
export const anonymous: Mechanism = {
  name: "ANONYMOUS",
  *exchange({ user }) {
    if (!TRACE.test(user)) {
      throw new ConfigError("auth.user", "is no trace information: at most 255 characters, and no control", {
        phase: "auth",
      });
    }
    yield encodeUtf8(user);
  },
};
