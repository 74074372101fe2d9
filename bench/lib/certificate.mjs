// A certificate for the sinks, made for each run: none is stored, so none expires in the repository.

import { generate } from "selfsigned";

const HOUR_MS = 3_600_000;
const EC = { keyType: "ec", algorithm: "sha256" };

let made;

/**
 * A certificate for localhost and 127.0.0.1 with its key, and the authority to trust; the same for all who ask.
 * @returns {Promise<{ ca: string, cert: string, key: string }>}  PEM
 */
export function certificate() {
  made ??= make();
  return made;
}

async function make() {
  const period = {
    notBeforeDate: new Date(Date.now() - HOUR_MS),
    notAfterDate: new Date(Date.now() + 24 * HOUR_MS),
  };
  const authority = await generate([{ name: "commonName", value: "bench authority" }], {
    ...EC,
    ...period,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, digitalSignature: true, critical: true },
    ],
  });
  const leaf = await generate([{ name: "commonName", value: "localhost" }], {
    ...EC,
    ...period,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  return { ca: authority.cert, cert: leaf.cert, key: leaf.private };
}
