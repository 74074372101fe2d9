import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type TLSSocket, type Server as TlsServer } from "node:tls";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { TlsSessions } from "../../src/transport/sessions.ts";
import type { Target, Wire } from "../../src/transport/wire.ts";
import { type Certificates, type Identity, makeCertificates } from "../support/certificates.ts";
import { connectTo, MESSAGE } from "../support/client.ts";
import { errorOf, watchProcess } from "../support/watch.ts";
import { greetedWire } from "../support/wires.ts";

watchProcess();

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});

const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;

interface Host {
  readonly port: number;
  readonly listener: TlsServer;
  /** What the server says of each handshake, in order. */
  readonly resumed: readonly boolean[];
}

/** A server that keeps its ticket keys, says what `greet` says, and takes what it hears for messages. */
async function host(identity: Identity, greet: (socket: TLSSocket) => void): Promise<Host> {
  const sockets = new Set<TLSSocket>();
  const resumed: boolean[] = [];
  const listener = createServer({ ...identity }, (socket) => {
    sockets.add(socket);
    resumed.push(socket.isSessionReused());
    socket.on("error", () => {});
    greet(socket);
  }).listen(0, "127.0.0.1");
  listener.on("tlsClientError", () => {});
  await once(listener, "listening");
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await once(listener.close(), "close");
  });
  return { port: (listener.address() as AddressInfo).port, listener, resumed };
}

function open(to: Host, target: Partial<Target>): Promise<Wire> {
  return greetedWire(to, { certificates, target });
}

function facts({ secure, verified, resumed, tlsVersion }: Wire): object {
  return { secure, verified, resumed, tlsVersion };
}

const GREET = (socket: TLSSocket): void => void socket.write("220 hi\r\n");

describe.each(VERSIONS)("the TLS of a second connection, %s", (maxVersion) => {
  let made: Target["tls"] | undefined;
  const tls = (): Target["tls"] => (made ??= { ca: certificates.ca, maxVersion });

  test("goes on with the session of the first, and is as verified as that was", async () => {
    const server = await host(certificates.good, GREET);
    const sessions = new TlsSessions();
    const first = await open(server, { sessions, tls: tls() });
    expect(facts(first)).toEqual({ secure: true, verified: true, resumed: false, tlsVersion: maxVersion });
    for (let again = 0; again < 2; again++) {
      const wire = await open(server, { sessions, tls: tls() });
      expect(facts(wire)).toEqual({ secure: true, verified: true, resumed: true, tlsVersion: maxVersion });
    }
    // Node's server gives two tickets of TLS 1.3, and none to who comes with one. A session of TLS 1.2 serves on.
    await open(server, { sessions, tls: tls() });
    expect(server.resumed).toEqual([false, true, true, maxVersion === "TLSv1.2"]);
  });

  test("begins anew where the first was not verified", async () => {
    const server = await host(certificates.selfSigned, GREET);
    const sessions = new TlsSessions();
    const lax = { ...tls(), rejectUnauthorized: false };
    for (let time = 0; time < 2; time++) {
      const wire = await open(server, { sessions, tls: lax });
      expect(wire).toMatchObject({ secure: true, verified: false, resumed: false });
    }
    expect(server.resumed).toEqual([false, false]);
    expect(sessions.take({ servername: "localhost", tls: lax })).toBeUndefined();
  });

  test("begins anew where the first had the name of another, although any certificate is taken", async () => {
    const server = await host(certificates.wrongName, GREET);
    const sessions = new TlsSessions();
    const lax = { ...tls(), rejectUnauthorized: false };
    for (let time = 0; time < 2; time++) {
      const wire = await open(server, { sessions, tls: lax });
      expect(wire).toMatchObject({ verified: false, resumed: false });
    }
    expect(sessions.take({ servername: "localhost", tls: lax })).toBeUndefined();
  });

  test("begins anew where the check of the caller's own has refused the first", async () => {
    const server = await host(certificates.good, GREET);
    const sessions = new TlsSessions();
    let isRefused = true;
    const checkServerIdentity = (): Error | undefined => (isRefused ? new Error("not pinned") : undefined);
    const pinned = { ...tls(), checkServerIdentity };
    await errorOf(open(server, { sessions, tls: pinned }));
    isRefused = false;
    const wire = await open(server, { sessions, tls: pinned });
    expect(wire).toMatchObject({ verified: true, resumed: false });
  });

  test("is whole again with a server that has forgotten the session, and the certificate is checked", async () => {
    const server = await host(certificates.good, GREET);
    const sessions = new TlsSessions();
    await open(server, { sessions, tls: tls() });
    server.listener.setTicketKeys(Buffer.alloc(48, 7));
    expect(await open(server, { sessions, tls: tls() })).toMatchObject({ verified: true, resumed: false });

    server.listener.setTicketKeys(Buffer.alloc(48, 8));
    server.listener.setSecureContext(certificates.wrongName);
    const error = await errorOf(open(server, { sessions, tls: tls() }));
    expect(error).toMatchObject({ code: "tls_certificate" });
    const left = sessions.take({ servername: "localhost", tls: tls() });
    expect(left, "a handshake that failed leaves nothing").toBeUndefined();
  });
});

test.each<[string, Partial<Target>]>([
  ["another name is looked for", { servername: "other.example" }],
  ["other options hold, such as a certificate of our own", { tls: {} }],
])("a session is not taken up where %s", async (_, change) => {
  const server = await host(certificates.good, GREET);
  const sessions = new TlsSessions();
  const tls = { ca: certificates.ca };
  await open(server, { sessions, tls });
  // Resumed, it would show no certificate to check.
  expect(await errorOf(open(server, { sessions, tls, ...change }))).toMatchObject({
    code: "tls_certificate",
  });
});

describe("the sessions that are kept", () => {
  const parties = { servername: "localhost", tls: {} };

  test("serve once each, the newest first, and are few", () => {
    const sessions = new TlsSessions();
    for (let number = 0; number < 20; number++) sessions.keep(Uint8Array.of(number), parties);
    const taken: (number | undefined)[] = [];
    for (let one = sessions.take(parties); one !== undefined; one = sessions.take(parties))
      taken.push(one.session[0]);
    expect(taken).toEqual([19, 18, 17, 16, 15, 14, 13, 12]);
  });

  test("are dropped an hour after their certificate was checked, however often they were resumed", () => {
    const now = vi.spyOn(performance, "now");
    onTestFinished(() => now.mockRestore());
    now.mockReturnValue(5_000);
    const sessions = new TlsSessions();
    sessions.keep(Uint8Array.of(1), parties);
    now.mockReturnValue(5_000 + 3_599_999);
    const first = sessions.take(parties);
    expect(first?.session).toEqual(Uint8Array.of(1));
    sessions.keep(Uint8Array.of(2), parties, first?.verifiedAt);
    now.mockReturnValue(5_000 + 3_600_000);
    expect(sessions.take(parties)).toBeUndefined();
  });
});

test("a client's later connections are resumed, and another client knows nothing of its sessions", async () => {
  const server = await host(certificates.good, (socket) => {
    socket.write("220 hi\r\n");
    let heard = "";
    let isData = false;
    socket.on("data", (octets) => {
      heard += octets.toString("latin1");
      for (let at = heard.indexOf("\r\n"); at >= 0; at = heard.indexOf("\r\n")) {
        const line = heard.slice(0, at);
        heard = heard.slice(at + 2);
        if (isData && line !== ".") continue;
        isData = line === "DATA";
        socket.write(isData ? "354 go ahead\r\n" : line === "QUIT" ? "221 bye\r\n" : "250 fine\r\n");
      }
    });
  });
  const options = {
    security: "tls",
    servername: "localhost",
    tls: { ca: certificates.ca },
    maxConnections: 1,
    idleTimeout: 1,
  } as const;
  const { client, happened } = connectTo(server, options);
  await client.send(MESSAGE);
  await happened("closed");
  await client.send(MESSAGE);
  const { client: other } = connectTo(server, options);
  await other.send(MESSAGE);
  expect(server.resumed).toEqual([false, true, false]);
});
