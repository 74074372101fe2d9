// Logins tied to real TLS by the server's certificate, against a server that reckons by the RFCs' formulas.

import { createHash } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import type { SmtpClient } from "../../src/index.ts";
import type { TlsOptions } from "../../src/transport/wire.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { connectTo, MESSAGE } from "../support/client.ts";
import { type Answer, polite } from "../support/manners.ts";
import { answers, base64 } from "../support/scram.ts";
import { type Server, serve } from "../support/server.ts";
import { errorOf, watchProcess } from "../support/watch.ts";

watchProcess();

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});

const PLUS = "AUTH SCRAM-SHA-256 SCRAM-SHA-256-PLUS";
const user = "alice";
const pass = "s3cret pass";

/** SCRAM-SHA-256-PLUS, where the login must be tied to what was shown by this certificate (RFC 5929 §4.1). */
function tiedTo(cert: string): Answer {
  const der = Buffer.from(cert.replace(/-----[^-]+-----|\s/g, ""), "base64");
  const endPoint = createHash("sha256").update(der).digest();
  return async (peer, line) => {
    const clientFirst = Buffer.from(line.split(" ")[2] ?? "", "base64").toString();
    const [, header = "", bare = "", nonce = ""] =
      /^(p=tls-server-end-point,,)(n=[^,]*,r=(.*))$/.exec(clientFirst) ?? [];
    const serverFirst = `r=${nonce}more,s=QSXCR+Q6sek8bf92,i=4096`;
    await peer.say(`334 ${base64(serverFirst)}`);
    const clientFinal = Buffer.from(await peer.line(), "base64").toString();
    const withoutProof = `c=${base64(Buffer.concat([Buffer.from(header), endPoint]))},r=${nonce}more`;
    const { proof, verifier } = answers({ hash: "sha256", pass }, { bare, serverFirst, withoutProof });
    if (clientFinal !== `${withoutProof},p=${proof}`) return "535 5.7.8 no";
    await peer.say(`334 ${base64(`v=${verifier}`)}`);
    await peer.line();
    return "235 2.7.0 welcome";
  };
}

function clientOf(server: Server, { auth, ...tls }: { readonly auth: object } & TlsOptions): SmtpClient {
  return connectTo(server, { security: "tls", tls, auth: { user, pass, ...auth } }).client;
}

test.each([
  ["TLSv1.2", {}],
  ["TLSv1.2", { mechanism: "SCRAM-SHA-256-PLUS" }],
  ["TLSv1.3", { channelBinding: "tls-server-end-point" }],
] as const)("over %s a login is tied to the certificate: %o", async (maxVersion, auth) => {
  const AUTH = tiedTo(certificates.good.cert);
  const server = await serve(polite({ offers: [PLUS], AUTH }), { tls: certificates.good });
  await clientOf(server, { ca: certificates.ca, maxVersion, auth }).send(MESSAGE);
  expect(server.messages).toHaveLength(1);
  expect(server.peers[0]?.lines[1]).toMatch(/^AUTH SCRAM-SHA-256-PLUS /);
});

test("where any certificate is taken, a login is still refused that somebody between would pass on", async () => {
  const AUTH = tiedTo(certificates.good.cert);
  const server = await serve(polite({ offers: [PLUS], AUTH }), { tls: certificates.unknownAuthority });
  const auth = { channelBinding: "tls-server-end-point" };
  const error = await errorOf(clientOf(server, { rejectUnauthorized: false, auth }).send(MESSAGE));
  expect(error).toMatchObject({ code: "authentication_refused", mechanism: "SCRAM-SHA-256-PLUS" });
  expect(error).toMatchObject({ delivery: "not-sent" });
  expect(server.messages).toEqual([]);
});

test("a login that must be tied to what the TLS does not have is not begun", async () => {
  const server = await serve(polite({ offers: [PLUS] }), { tls: certificates.good });
  const auth = { channelBinding: "tls-exporter", mechanism: "SCRAM-SHA-256-PLUS" };
  const client = clientOf(server, { ca: certificates.ca, maxVersion: "TLSv1.2", auth });
  const error = await errorOf(client.send(MESSAGE));
  expect(error).toMatchObject({ code: "authentication_unavailable", delivery: "not-sent" });
  expect(error).toMatchObject({ mechanism: "SCRAM-SHA-256-PLUS" });
  expect(server.heard).not.toContain("AUTH");
});
