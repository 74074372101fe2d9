// SCRAM (RFC 5802, and with SHA-256 RFC 7677): each side proves that it knows the password, and neither says it.

import { decodeBase64, decodeText, encodeBase64, encodeUtf8, joinAlone } from "../bytes.ts";
import { ConfigError, ProtocolError } from "../errors.ts";
import { gs2Header, saslName } from "./gs2.ts";
import { type HashName, invalidChallenge, later, type Mechanism } from "./mechanism.ts";
import { saslprep } from "./saslprep.ts";

/** SCRAM with a hash; what ends in -PLUS is tied to the TLS it goes through. */
export function scram(hash: HashName, suffix: "" | "-PLUS" = ""): Mechanism {
  const name = `SCRAM-${hash}${suffix}`;
  return {
    name,
    *exchange({ user, pass = "", authorizationId }, { nonce, digests, binding, canBind }) {
      const hmac = (key: Uint8Array, text: string) => later(() => digests.hmac(hash, key, encodeUtf8(text)));
      const username = saslName(prepare(user, "auth.user", name));
      const password = encodeUtf8(prepare(pass, "auth.pass", name));

      const header = gs2Header(binding ? `p=${binding.type}` : canBind ? "y" : "n", authorizationId);
      const clientNonce = nonce();
      const clientFirstBare = `n=${username},r=${clientNonce}`;
      const first = yield encodeUtf8(header + clientFirstBare);
      if (first === undefined) throw unproven(EARLY);

      const serverFirst = decodeText(first);
      const { serverNonce, salt, iterations } = readServerFirst(serverFirst, clientNonce, name);
      const channel = encodeBase64(joinAlone(binding ? [header, binding.data] : [header]));
      const clientFinal = `c=${channel},r=${serverNonce}`;
      const authMessage = `${clientFirstBare},${serverFirst},${clientFinal}`;

      const saltedPassword = yield* later(() => digests.pbkdf2(hash, { password, salt, iterations }));
      const clientKey = yield* hmac(saltedPassword, "Client Key");
      const storedKey = yield* later(() => digests.hash(hash, clientKey));
      const clientSignature = yield* hmac(storedKey, authMessage);
      const clientProof = clientKey.map((octet, at) => octet ^ (clientSignature[at] ?? 0));
      const final = yield encodeUtf8(`${clientFinal},p=${encodeBase64(clientProof)}`);
      if (final === undefined) throw unproven(EARLY);

      const serverFinal = decodeText(final);
      if (serverFinal.startsWith("e=")) {
        // RFC 5802 §5.1: why it refuses. The refusal itself comes only after an empty response.
        if ((yield EMPTY) === undefined) throw unproven(EARLY);
        return;
      }
      const serverKey = yield* hmac(saltedPassword, "Server Key");
      const serverSignature = yield* hmac(serverKey, authMessage);
      const [, verifier = ""] = SERVER_FINAL.exec(serverFinal) ?? [];
      if (!isSame(decodeBase64(verifier), serverSignature)) throw unproven("its proof is wrong");
      // RFC 4954 §4: SMTP has no data with its 235, so that it waits behind one more response.
      yield EMPTY;
    },
  };
}

const EMPTY = /* @__PURE__ */ new Uint8Array(0);

// RFC 5802 §7. The order is fixed; what comes behind is ignored, but for m, which asks that it be understood.
const SERVER_FIRST = /^r=([!-+\--~]+),s=([^,]+),i=([1-9][0-9]*)(?:,(?!m)[A-Za-z]=[^,\0]+)*$/;
const SERVER_FINAL = /^v=([^,]+)(?:,(?!m)[A-Za-z]=[^,\0]+)*$/;

/**
 * What RFC 5802 §5.1 and RFC 7677 §3 ask of servers. Whoever answers in the place of one and asks for fewer would get a
 * proof that passwords are quickly tried against.
 */
const MIN_ITERATIONS = 4096;
/** More than anybody asks for; it takes about a second, and a thread. */
const MAX_ITERATIONS = 2_000_000;

interface ServerFirst {
  readonly serverNonce: string;
  readonly salt: Uint8Array;
  readonly iterations: number;
}

function readServerFirst(message: string, clientNonce: string, name: string): ServerFirst {
  const [, serverNonce = "", encodedSalt = "", count] = SERVER_FIRST.exec(message) ?? [];
  const salt = decodeBase64(encodedSalt);
  if (salt === undefined || count === undefined) {
    throw invalidChallenge(name, "is not what RFC 5802 §7 has there");
  }
  // Else what was said in another login could be said again in this one.
  if (!serverNonce.startsWith(clientNonce) || serverNonce === clientNonce) {
    throw invalidChallenge(name, "does not continue our nonce");
  }
  const iterations = Number(count);
  if (iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS) {
    const bounds =
      iterations < MIN_ITERATIONS ? `fewer than ${MIN_ITERATIONS}` : `more than ${MAX_ITERATIONS}`;
    throw invalidChallenge(name, `asks for ${bounds} iterations`);
  }
  return { serverNonce, salt, iterations };
}

function prepare(text: string, option: "auth.user" | "auth.pass", name: string): string {
  const prepared = saslprep(text);
  if (prepared !== undefined) return prepared;
  throw new ConfigError(option, `cannot be said by ${name}: SASLprep (RFC 4013) forbids what it holds`, {
    phase: "auth",
    hint: 'name another mechanism, such as auth.mechanism: "PLAIN"',
  });
}

/** Compares in a time that does not tell where the difference is. */
function isSame(given: Uint8Array | undefined, expected: Uint8Array): boolean {
  if (given?.length !== expected.length) return false;
  return expected.reduce((difference, octet, at) => difference | (octet ^ (given[at] ?? 0)), 0) === 0;
}

const EARLY = "it accepted the login without";

function unproven(how: string): ProtocolError {
  return new ProtocolError(`the server did not prove that it knows the password: ${how}`, {
    code: "server_unproven",
    phase: "auth",
    hint: "whoever answers may not be the server that is meant: see that host is right, and tls verifies it",
  });
}
