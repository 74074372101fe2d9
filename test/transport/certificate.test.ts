// What is told of the certificate that a server has shown.

import type { TLSSocket } from "node:tls";
import { expect, test } from "vitest";
import { handshakeEvent } from "../../src/transport/node-certificate.ts";

function namesOf(subjectaltname: string): unknown {
  const certificate = { subjectaltname, valid_to: "Nov 22 16:15:00 2025 GMT" };
  const socket = { getPeerCertificate: () => certificate, getProtocol: () => "TLSv1.3" };
  const event = handshakeEvent(socket as unknown as TLSSocket);
  return event.kind === "handshake" && event.certificate?.names;
}

test("its names are those of hosts and addresses", () => {
  expect(
    namesOf("DNS:a.example, email:x@b.example, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1"),
  ).toEqual(["a.example", "192.0.2.1", "2001:DB8:0:0:0:0:0:1"]);
});

test("what looks like a name inside another is none of its own", () => {
  const uri = String.raw`URI:"http://a.example/\u002c DNS:b.example"`;
  const other = 'othername:XmppAddr:"x, DNS:c.example"';
  const host = String.raw`DNS:"d.example\u002c DNS:\"e.example"`;
  expect(namesOf(`${uri}, ${other}, ${host}, DNS:f.example`)).toEqual([
    String.raw`d.example\u002c DNS:\"e.example`,
    "f.example",
  ]);
});

test("a text of any length is read in one pass", () => {
  const begun = performance.now();
  namesOf('URI:"'.repeat(100_000));
  namesOf(', DNS:"'.repeat(100_001));
  namesOf(", ".repeat(300_000));
  expect(performance.now() - begun).toBeLessThan(1000);
});
