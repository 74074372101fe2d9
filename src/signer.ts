// Who signs messages, as a client sees it. The signing itself is not imported from here: a client that is given no
// signer has none in its bundle.

import { ConfigError } from "./errors.ts";
import { describe } from "./input.ts";

/** Signs messages. `createDkimSigner` makes one; whatever else has this method, such as a key service, will do. */
export interface DkimSigner {
  /**
   * Returns a whole DKIM-Signature field, folded and with its line end, to be put before `content`: a message as it is
   * sent, before transparency. `now` is the time of the signature.
   */
  sign(content: Uint8Array | AsyncIterable<Uint8Array>, now: Date): Promise<string>;
}

/** Two keys are usual (RFC 8463 §3), for receivers that cannot verify the newer one. */
const MAX_SIGNERS = 10;

/** The signers of a message: none, one or several. */
export function readSigners(value: unknown, option: string): readonly DkimSigner[] {
  const signers = value === undefined ? [] : Array.isArray(value) ? [...value] : [value];
  if (signers.length > MAX_SIGNERS) {
    throw new ConfigError(option, `has ${signers.length} signers; at most ${MAX_SIGNERS} are allowed`);
  }
  for (const signer of signers) {
    if (typeof (signer as Partial<DkimSigner> | null)?.sign !== "function") {
      throw new ConfigError(option, `is ${describe(signer)}, not a signer`, {
        hint: "createDkimSigner() makes one",
      });
    }
  }
  return signers;
}
