// The server's side of every login, which writes down all of it that nobody else may learn.

import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import type { AuthOptions, Mechanism } from "../../src/index.ts";
import type { Peer } from "./server.ts";

export const base64 = (text: string | Uint8Array): string => Buffer.from(text).toString("base64");

/** What a server has heard of logins, over all of its connections. */
export interface Overheard {
  /** What each line of the last login said, as it was encoded. */
  readonly said: string[];
  /** What passwords can be tried on, or what is as good as one. */
  readonly derived: Set<string>;
}

export interface Account {
  /** What AUTH offers. */
  readonly mechanism: string;
  readonly auth: AuthOptions;
  /** The password or the token, as the server has it. */
  readonly secret: string;
}

const USER = "alice.liddell@example.com";

/** One for each mechanism, with credentials that nobody could guess. */
export function makeAccounts(): readonly Account[] {
  const pass = `p"${randomBytes(15).toString("base64")}% é\\${randomBytes(5).toString("hex")}`;
  const accessToken = `ya29.${randomBytes(90).toString("base64url")}`;
  const own = `own-${randomBytes(20).toString("base64url")}`;
  const passwords = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"] as const;
  return [
    ...passwords.map((mechanism) => ({ mechanism, auth: { user: USER, pass, mechanism }, secret: pass })),
    ...(["XOAUTH2", "OAUTHBEARER"] as const).map((mechanism) => ({
      mechanism,
      auth: { user: USER, accessToken, mechanism },
      secret: accessToken,
    })),
    { mechanism: "X-OWN", auth: { user: USER, custom: ownMechanism(own) }, secret: own },
  ];
}

/** A mechanism of the caller's own, whose secret is in no option. */
function ownMechanism(own: string): Mechanism {
  return {
    name: "X-OWN",
    *exchange({ user }) {
      const challenge = yield new TextEncoder().encode(`hello from ${user}`);
      if (challenge !== undefined) yield new TextEncoder().encode(own);
    },
  };
}

/** Hears a login that began with `line`, up to where the server must say what it makes of it. */
export async function overhear(
  peer: Peer,
  line: string,
  { account, overheard }: { readonly account: Account; readonly overheard: Overheard },
): Promise<void> {
  const { said, derived } = overheard;
  said.length = 0;
  const [, mechanism = "", initial] = line.split(" ");
  const challenge = async (text: string): Promise<string> => {
    await peer.say(`334 ${base64(text)}`);
    const answer = await peer.line();
    if (answer !== "") said.push(answer);
    return Buffer.from(answer, "base64").toString();
  };
  if (initial !== undefined) said.push(initial);
  if (mechanism === "LOGIN") {
    await challenge("Username:");
    await challenge("Password:");
  } else if (mechanism === "CRAM-MD5") {
    const answer = await challenge(`<${randomBytes(8).toString("hex")}@test.example>`);
    derived.add(answer.split(" ")[1] ?? "");
  } else if (mechanism === "X-OWN") {
    await challenge("who?");
  } else if (mechanism.startsWith("SCRAM")) {
    await overhearScram(Buffer.from(initial ?? "", "base64").toString(), { challenge, account, derived });
  }
}

async function overhearScram(
  clientFirst: string,
  {
    challenge,
    account: { mechanism, secret },
    derived,
  }: {
    readonly challenge: (text: string) => Promise<string>;
    readonly account: Account;
    readonly derived: Set<string>;
  },
): Promise<void> {
  const hash = mechanism === "SCRAM-SHA-1" ? "sha1" : "sha256";
  const hmac = (key: Uint8Array, text: string): Buffer => createHmac(hash, key).update(text).digest();
  const bare = clientFirst.replace(/^n,[^,]*,/, "");
  const salt = randomBytes(16);
  const first = `r=${/r=(.*)$/.exec(bare)?.[1]}${randomBytes(12).toString("hex")},s=${base64(salt)},i=4096`;
  const final = await challenge(first);
  const [withoutProof = "", proof = ""] = final.split(",p=");
  const salted = pbkdf2Sync(secret, salt, 4096, hash === "sha1" ? 20 : 32, hash);
  const clientKey = hmac(salted, "Client Key");
  const serverKey = hmac(salted, "Server Key");
  const signature = hmac(serverKey, `${bare},${first},${withoutProof}`);
  for (const key of [salted, clientKey, serverKey, signature, createHash(hash).update(clientKey).digest()]) {
    derived.add(base64(key)).add(key.toString("hex"));
  }
  derived.add(proof);
  await challenge(`v=${base64(signature)}`);
}
