import { encodeUtf8 } from "../bytes.ts";
import type { Mechanism } from "./mechanism.ts";

/** LOGIN (draft-murchison-sasl-login): the server asks for the user name, then for the password. */
export const login: Mechanism = {
  name: "LOGIN",
  *exchange({ user, pass = "" }) {
    // The wording of the two questions differs from server to server, their order does not.
    yield undefined;
    yield encodeUtf8(user);
    yield encodeUtf8(pass);
  },
};
