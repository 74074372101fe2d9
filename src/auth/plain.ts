import { encodeUtf8 } from "../bytes.ts";
import type { Mechanism } from "./mechanism.ts";

/** PLAIN (RFC 4616): no authorization identity, the user name and the password, parted by NUL. */
export const plain: Mechanism = {
  name: "PLAIN",
  secret: ({ pass }) => pass,
  *exchange({ user, pass = "" }) {
    yield encodeUtf8(`\0${user}\0${pass}`);
  },
};
