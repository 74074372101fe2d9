// Certificates made when they are needed: none is stored, so none expires in the repository.

import { generate } from "selfsigned";

/** A certificate with its key, PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  /** The authority to trust, PEM. */
  readonly ca: string;
  /** For localhost, 127.0.0.1 and ::1, signed by `ca`. */
  readonly good: Identity;
  /** For localhost alone. */
  readonly nameOnly: Identity;
  readonly wrongName: Identity;
  readonly expired: Identity;
  /** Like `good`, signed by an authority nobody trusts. */
  readonly unknownAuthority: Identity;
  /** Like `good`, signed by itself. */
  readonly selfSigned: Identity;
}

const DAY = 86_400_000;
const HERE: readonly AltName[] = [
  { type: 2, value: "localhost" },
  { type: 7, ip: "127.0.0.1" },
  { type: 7, ip: "::1" },
];

type AltName = { readonly type: 2; readonly value: string } | { readonly type: 7; readonly ip: string };

export async function makeCertificates(): Promise<Certificates> {
  const [authority, stranger] = await Promise.all([makeAuthority("test CA"), makeAuthority("other CA")]);
  const [good, nameOnly, wrongName, expired, unknownAuthority, selfSigned] = await Promise.all([
    makeLeaf(HERE, { authority }),
    makeLeaf([{ type: 2, value: "localhost" }], { authority }),
    makeLeaf([{ type: 2, value: "other.example" }], { authority }),
    makeLeaf(HERE, { authority, from: -3 * DAY, to: -2 * DAY }),
    makeLeaf(HERE, { authority: stranger }),
    makeLeaf(HERE, {}),
  ]);
  return { ca: authority.cert, good, nameOnly, wrongName, expired, unknownAuthority, selfSigned };
}

/** A certificate for the name of a server elsewhere, whose part a test has another play; and the authority to trust. */
export async function certify(name: string): Promise<Identity & { readonly ca: string }> {
  const authority = await makeAuthority(`test CA of ${name}`);
  return { ...(await makeLeaf([{ type: 2, value: name }], { authority })), ca: authority.cert };
}

async function makeAuthority(name: string): Promise<Identity> {
  const made = await generate([{ name: "commonName", value: name }], {
    ...period(-DAY, DAY),
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, digitalSignature: true, critical: true },
    ],
  });
  return { cert: made.cert, key: made.private };
}

async function makeLeaf(
  altNames: readonly AltName[],
  {
    authority,
    from = -DAY,
    to = DAY,
  }: { readonly authority?: Identity; readonly from?: number; readonly to?: number },
): Promise<Identity> {
  const made = await generate([{ name: "commonName", value: "a test server" }], {
    ...period(from, to),
    keyType: "ec",
    algorithm: "sha256",
    ...(authority !== undefined && { ca: { ...authority } }),
    extensions: [
      { name: "basicConstraints", cA: false },
      { name: "keyUsage", digitalSignature: true },
      { name: "extKeyUsage", serverAuth: true },
      { name: "subjectAltName", altNames: [...altNames] },
    ],
  });
  return { cert: made.cert, key: made.private };
}

function period(from: number, to: number): { notBeforeDate: Date; notAfterDate: Date } {
  const now = Date.now();
  return { notBeforeDate: new Date(now + from), notAfterDate: new Date(now + to) };
}
