// What ties a login to its TLS, as far as node:tls tells it.

import type { TLSSocket } from "node:tls";
import { encodeHex } from "../bytes.ts";
import type { ChannelBinding, ChannelBindingType } from "../channel-binding.ts";
import { type Element, elementsOf, elementsWithin, OBJECT_IDENTIFIER, SEQUENCE } from "../der.ts";

/** What there is of the kind asked for; else the exporter, which is of this connection alone, before the certificate. */
export async function bindingOf(
  socket: TLSSocket,
  type?: ChannelBindingType,
): Promise<ChannelBinding | undefined> {
  for (const [kind, find] of [
    ["tls-exporter", exporterOf],
    ["tls-server-end-point", endPointOf],
  ] as const) {
    if (type !== undefined && type !== kind) continue;
    try {
      const data = await find(socket);
      if (data !== undefined) return { type: kind, data };
    } catch {
      // The socket is closed, or this runtime has only the name of what was asked for.
    }
  }
  return undefined;
}

/**
 * RFC 9266 §2, of TLS 1.3 only. Before that somebody between can give two connections the same secret unless both sides
 * took measures (RFC 7627), which Node does not tell; and peers differ on whether an empty context is one.
 */
function exporterOf(socket: TLSSocket): Uint8Array | undefined {
  if (socket.getProtocol() !== "TLSv1.3") return undefined;
  const context = new Uint8Array(0) as never;
  return new Uint8Array(socket.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", context));
}

/** RFC 5929 §4.1. */
async function endPointOf(socket: TLSSocket): Promise<Uint8Array | undefined> {
  const certificate = certificateOf(socket);
  const hash = certificate && hashOf(certificate);
  if (hash === undefined) return undefined;
  return new Uint8Array(await crypto.subtle.digest(hash, certificate as Uint8Array<ArrayBuffer>));
}

/** The server's certificate. None is shown where a session goes on, but the session holds the one that was checked. */
function certificateOf(socket: TLSSocket): Uint8Array | undefined {
  const shown: Uint8Array | undefined = socket.getPeerCertificate()?.raw;
  if (shown !== undefined || !socket.isSessionReused()) return shown;
  // As OpenSSL writes a session down, and BoringSSL too; what is written in another way holds nothing for us.
  const session = elementsWithin(socket.getSession() ?? new Uint8Array(0), SEQUENCE);
  return session?.find(({ tag }) => tag === PEER)?.value;
}

/** `[3]`, with an element within. */
const PEER = 0xa3;

/** By which hash a certificate is told from others: that of its signature, if no weaker than SHA-256. */
function hashOf(certificate: Uint8Array): string | undefined {
  // RFC 5280 §4.1: what is signed, by which algorithm, and the signature.
  const [, algorithm] = elementsWithin(certificate, SEQUENCE) ?? [];
  const [name, parameters] = partsOf(algorithm);
  if (nameOf(name) !== RSASSA_PSS) return HASHES[nameOf(name)];
  // There the hash is the first parameter, unless it is SHA-1 (RFC 4055).
  const first = partsOf(parameters)[0];
  if (first?.tag !== PSS_HASH) return "SHA-256";
  return HASHES[nameOf(partsOf(elementsOf(first.value)?.[0])[0])];
}

const PSS_HASH = 0xa0;

function partsOf(element: Element | undefined): readonly Element[] {
  return element?.tag === SEQUENCE ? (elementsOf(element.value) ?? []) : [];
}

function nameOf(element: Element | undefined): string {
  return element?.tag === OBJECT_IDENTIFIER ? encodeHex(element.value) : "";
}

const RSA = "2a864886f70d0101"; // 1.2.840.113549.1.1
const ECDSA = "2a8648ce3d04"; // 1.2.840.10045.4
const SHA2 = "6086480165030402"; // 2.16.840.1.101.3.4.2
const RSASSA_PSS = `${RSA}0a`;

/** For the signatures that have one hash. Where it is MD5 or SHA-1, SHA-256 stands in. */
const HASHES: Readonly<Record<string, string>> = {
  [`${RSA}04`]: "SHA-256",
  [`${RSA}05`]: "SHA-256",
  [`${RSA}0b`]: "SHA-256",
  [`${RSA}0c`]: "SHA-384",
  [`${RSA}0d`]: "SHA-512",
  [`${ECDSA}01`]: "SHA-256",
  [`${ECDSA}0302`]: "SHA-256",
  [`${ECDSA}0303`]: "SHA-384",
  [`${ECDSA}0304`]: "SHA-512",
  "2b0e03021a": "SHA-256",
  [`${SHA2}01`]: "SHA-256",
  [`${SHA2}02`]: "SHA-384",
  [`${SHA2}03`]: "SHA-512",
};
