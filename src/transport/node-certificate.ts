// What there is to tell of a handshake, and of the certificate that was shown in it.

import type { PeerCertificate, TLSSocket } from "node:tls";
import { escapeText } from "../excerpt.ts";
import type { CertificateDetails, Tell } from "../trace.ts";

/** Some certificates have thousands, and nobody reads more. */
const MAX_NAMES = 100;

export function handshakeEvent(socket: TLSSocket): Parameters<Tell>[0] {
  const certificate = socket.getPeerCertificate();
  return {
    kind: "handshake",
    version: socket.getProtocol() ?? undefined,
    // Some runtimes do not tell.
    cipher: socket.getCipher?.()?.standardName,
    // An empty object where the session of an earlier connection goes on.
    certificate: certificate?.valid_to === undefined ? undefined : detailsOf(certificate),
  };
}

function detailsOf({
  subject,
  issuer,
  subjectaltname = "",
  valid_from,
  valid_to,
}: PeerCertificate): CertificateDetails {
  return {
    subject: nameOf(subject),
    issuer: nameOf(issuer),
    names: namesIn(subjectaltname),
    validFrom: timeOf(valid_from),
    validTo: timeOf(valid_to),
  };
}

/** RFC 4514 writes the parts in reverse; this is their order in the certificate, as people expect it. */
function nameOf(parts: object | undefined): string {
  return escapeText(
    Object.entries(parts ?? {})
      .flatMap(([key, value]) => [value].flat().map((one) => `${key}=${one}`))
      .join(", "),
  );
}

// Node quotes what could be taken for the end of a name. All kinds are read: within the URI of somebody else's making
// there may stand what looks like a host name.
const NAME = /(?:^|, )([^:,"]*):((?:[^,"]|"(?:[^"\\]|\\.)*")*)/g;
const QUOTED = /^"(.*)"$/;

function namesIn(text: string): readonly string[] {
  const names: string[] = [];
  for (const [, kind, name = ""] of text.matchAll(NAME)) {
    if (kind !== "DNS" && kind !== "IP Address") continue;
    if (names.push(escapeText(name.replace(QUOTED, "$1"))) === MAX_NAMES) break;
  }
  return names;
}

/** As OpenSSL writes it: `Nov 22 16:15:00 2025 GMT`. */
function timeOf(text: string | undefined): string | undefined {
  const time = new Date(text ?? "");
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
