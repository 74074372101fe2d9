import { encodeHex, encodeUtf8 } from "../bytes.ts";
import { invalidChallenge, later, type Mechanism } from "./mechanism.ts";

/**
 * CRAM-MD5 (RFC 2195): a digest of what the server asks and the password. Whoever hears it can try passwords against it
 * at the speed of MD5, and the server must have them in the clear.
 */
export const cramMd5: Mechanism = {
  name: "CRAM-MD5",
  *exchange({ user, pass = "" }, { digests }) {
    const challenge = yield undefined;
    // What answers nothing answers every time.
    if (challenge?.length === 0) throw invalidChallenge("CRAM-MD5", "is empty");
    // Without a challenge the login was accepted, and what follows tells that it should not have been.
    const asked = challenge ?? new Uint8Array(0);
    const digest = yield* later(() => digests.hmac("MD5", encodeUtf8(pass), asked));
    yield encodeUtf8(`${user} ${encodeHex(digest)}`);
  },
};
