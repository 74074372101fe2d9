// The other side of SCRAM, written from the formulas of RFC 5802 §3 with node:crypto: it shares nothing with the client.

import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import type { Peer } from "./server.ts";

export interface Account {
  readonly hash: "sha1" | "sha256";
  /** As the server knows it: prepared. */
  readonly pass: string;
  readonly salt?: string;
  readonly iterations?: number;
  /** What the server makes of the reply that holds its proof. */
  readonly tamper?: (reply: string) => string;
}

export const base64 = (text: string | Uint8Array): string => Buffer.from(text as string).toString("base64");
export const unbase64 = (text: string): string => Buffer.from(text, "base64").toString();

/** What is to be said, once what came before is known. */
export function answers(
  { hash, pass, salt = "QSXCR+Q6sek8bf92", iterations = 4096 }: Account,
  { bare, serverFirst, withoutProof }: Readonly<Record<"bare" | "serverFirst" | "withoutProof", string>>,
): { readonly proof: string; readonly verifier: string } {
  const hmac = (key: Uint8Array, text: string) => createHmac(hash, key).update(text).digest();
  const length = hash === "sha1" ? 20 : 32;
  const salted = pbkdf2Sync(pass, Buffer.from(salt, "base64"), iterations, length, hash);
  const authMessage = `${bare},${serverFirst},${withoutProof}`;
  const clientKey = hmac(salted, "Client Key");
  const signature = hmac(createHash(hash).update(clientKey).digest(), authMessage);
  const proof = Buffer.from(clientKey.map((octet, at) => octet ^ (signature[at] ?? 0)));
  return { proof: base64(proof), verifier: base64(hmac(hmac(salted, "Server Key"), authMessage)) };
}

/** Signs a client in over a scripted server; its return value is the reply that ends AUTH. */
export function scramServer(account: Account): (peer: Peer, line: string) => Promise<string> {
  const { salt = "QSXCR+Q6sek8bf92", iterations = 4096, tamper = (reply) => reply } = account;
  return async (peer, line) => {
    const clientFirst = unbase64(line.split(" ")[2] ?? "");
    const [, header = "", bare = "", nonce = ""] = /^([^,]*,[^,]*,)(n=[^,]*,r=(.*))$/.exec(clientFirst) ?? [];
    const serverFirst = `r=${nonce}${randomBytes(12).toString("hex")},s=${salt},i=${iterations}`;
    await peer.say(`334 ${base64(serverFirst)}`);
    const clientFinal = unbase64(await peer.line());
    const [, withoutProof = "", channel = "", given = ""] =
      /^(c=([^,]*),r=[^,]*),p=(.*)$/.exec(clientFinal) ?? [];
    const { proof, verifier } = answers(account, { bare, serverFirst, withoutProof });
    if (proof !== given || unbase64(channel) !== header) return "535 5.7.8 no";
    await peer.say(tamper(`334 ${base64(`v=${verifier}`)}`));
    return (await peer.line()) === "" ? "235 2.7.0 welcome" : "501 5.5.2 what?";
  };
}
