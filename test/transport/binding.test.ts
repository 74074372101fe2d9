import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { connect as connectSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type SecureVersion, type TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { ChannelBinding } from "../../src/channel-binding.ts";
import { connectNode } from "../../src/transport/node.ts";
import { bindingOf } from "../../src/transport/node-binding.ts";
import { connectOver } from "../../src/transport/node-runtime.ts";
import { proxied } from "../../src/transport/proxy.ts";
import { TlsSessions } from "../../src/transport/sessions.ts";
import type { Connect, Target, Wire } from "../../src/transport/wire.ts";
import { type Certificates, type Identity, makeCertificates } from "../support/certificates.ts";
import { serveProxy } from "../support/proxy.ts";
import { watchProcess } from "../support/watch.ts";
import { greetedWire } from "../support/wires.ts";

watchProcess();

let certificates: Certificates;
let directory: string;
beforeAll(async () => {
  certificates = await makeCertificates();
  directory = await mkdtemp(join(tmpdir(), "pennypost-binding-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

interface Host {
  readonly port: number;
  readonly certificate: Buffer;
  /** The server's side of each connection, in order. */
  readonly sockets: readonly TLSSocket[];
}

async function host({ cert, key }: Identity = certificates.good, maxVersion?: SecureVersion): Promise<Host> {
  const sockets: TLSSocket[] = [];
  const listener = createServer({ cert, key, ...(maxVersion && { maxVersion }) }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => {}).write("220 hi\r\n");
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await once(listener.close(), "close");
  });
  const certificate = Buffer.from(cert.replace(/-----[^-]+-----|\s/g, ""), "base64");
  return { port: (listener.address() as AddressInfo).port, certificate, sockets };
}

function open(to: { readonly port: number }, target?: Partial<Target>, connect?: Connect): Promise<Wire> {
  return greetedWire(to, { certificates, target, connect });
}

/** What the server's end of a connection makes of RFC 9266. */
function exporter(socket: TLSSocket | undefined): ChannelBinding {
  const data = socket?.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", Buffer.of()) ?? [];
  return { type: "tls-exporter", data: Uint8Array.from(data) };
}

/** What it makes of RFC 5929 §4.1, where the certificate is signed by this hash. */
function endPoint({ certificate }: Host, hash = "sha256"): ChannelBinding {
  const data = Uint8Array.from(createHash(hash).update(certificate).digest());
  return { type: "tls-server-end-point", data };
}

describe("over TLS 1.3", () => {
  test("both ends export the same, and another connection exports something else", async () => {
    const server = await host();
    const first = await open(server);
    const second = await open(server);
    expect(first.tlsVersion).toBe("TLSv1.3");
    expect(await first.channelBinding?.()).toEqual(exporter(server.sockets[0]));
    expect(await first.channelBinding?.("tls-exporter")).toEqual(exporter(server.sockets[0]));
    expect(await second.channelBinding?.()).toEqual(exporter(server.sockets[1]));
    expect(await second.channelBinding?.()).not.toEqual(await first.channelBinding?.());
  });

  test("the certificate is what a login is tied to where that is asked for", async () => {
    const server = await host();
    const wire = await open(server);
    expect(await wire.channelBinding?.("tls-server-end-point")).toEqual(endPoint(server));
  });
});

describe("over TLS 1.2", () => {
  test("nothing is exported, for it may not be of this connection alone: there is the certificate", async () => {
    const server = await host(certificates.good, "TLSv1.2");
    const wire = await open(server);
    expect(wire.tlsVersion).toBe("TLSv1.2");
    expect(await wire.channelBinding?.("tls-exporter")).toBeUndefined();
    expect(await wire.channelBinding?.()).toEqual(endPoint(server));
    expect(await wire.channelBinding?.("tls-server-end-point")).toEqual(endPoint(server));
  });
});

test.each(["TLSv1.2", "TLSv1.3"] as const)(
  "where a session of %s goes on, its certificate holds, and what is exported is new",
  async (maxVersion) => {
    const server = await host(certificates.good, maxVersion);
    const shared = { sessions: new TlsSessions(), tls: { ca: certificates.ca } };
    const first = await open(server, shared);
    const second = await open(server, shared);
    expect([first.resumed, second.resumed]).toEqual([false, true]);
    expect(await second.channelBinding?.("tls-server-end-point")).toEqual(endPoint(server));
    if (maxVersion === "TLSv1.3") {
      expect(await second.channelBinding?.()).toEqual(exporter(server.sockets[1]));
      expect(await second.channelBinding?.()).not.toEqual(exporter(server.sockets[0]));
    }
  },
);

describe("the hash of a certificate that is", () => {
  const RSA = ["-key", "rsa.pem"];
  const EC = ["-key", "ec.pem"];
  const PSS = ["-sigopt", "rsa_padding_mode:pss"];

  test.each<[signed: string, hash: string, options: readonly string[]]>([
    ["RSA with SHA-1", "sha256", [...RSA, "-sha1"]],
    ["RSA with MD5", "sha256", [...RSA, "-md5"]],
    ["RSA with SHA-256", "sha256", [...RSA, "-sha256"]],
    ["RSA with SHA-384", "sha384", [...RSA, "-sha384"]],
    ["RSA with SHA-512", "sha512", [...RSA, "-sha512"]],
    ["RSA-PSS with SHA-1, which goes without saying", "sha256", [...RSA, "-sha1", ...PSS]],
    ["RSA-PSS with SHA-256", "sha256", [...RSA, "-sha256", ...PSS]],
    ["RSA-PSS with SHA-384", "sha384", [...RSA, "-sha384", ...PSS]],
    ["RSA-PSS with SHA-512", "sha512", [...RSA, "-sha512", ...PSS]],
    ["ECDSA with SHA-1", "sha256", [...EC, "-sha1"]],
    ["ECDSA with SHA-256", "sha256", [...EC, "-sha256"]],
    ["ECDSA with SHA-384", "sha384", [...EC, "-sha384"]],
    ["ECDSA with SHA-512", "sha512", [...EC, "-sha512"]],
  ])("signed by %s is %s", async (_, hash, options) => {
    const server = await host(await selfSigned(options));
    const wire = await open(server, { tls: { rejectUnauthorized: false, ciphers: "DEFAULT:@SECLEVEL=0" } });
    expect(await wire.channelBinding?.("tls-server-end-point")).toEqual(endPoint(server, hash));
  });

  test.each<[signed: string, options: readonly string[]]>([
    ["Ed25519, which names no hash", ["-key", "ed25519.pem"]],
    ["a hash that WebCrypto has not", [...RSA, "-sha224"]],
    ["RSA-PSS with a hash that WebCrypto has not", [...RSA, "-sha224", ...PSS]],
  ])("signed by %s is none, and only the exporter is left", async (_, options) => {
    const server = await host(await selfSigned(options));
    const wire = await open(server, { tls: { rejectUnauthorized: false } });
    expect(await wire.channelBinding?.("tls-server-end-point")).toBeUndefined();
    expect(await wire.channelBinding?.()).toEqual(exporter(server.sockets[0]));
  });

  const openssl = (...args: readonly string[]): Promise<{ stdout: string }> =>
    promisify(execFile)("openssl", args, { cwd: directory });

  beforeAll(async () => {
    await openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "rsa.pem");
    await openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "ec.pem");
    await openssl("genpkey", "-algorithm", "ED25519", "-out", "ed25519.pem");
  });

  async function selfSigned(options: readonly string[]): Promise<Identity> {
    const { stdout } = await openssl("req", "-x509", "-subj", "/CN=localhost", "-days", "2", ...options);
    return { key: await readFile(join(directory, options[1] ?? ""), "utf8"), cert: stdout };
  }
});

describe("over wires of other kinds", () => {
  test("behind a proxy that is reached by TLS, it is the TLS with the server that counts", async () => {
    const server = await host();
    const { port } = await serveProxy("http", { tls: certificates.nameOnly });
    const tls = { ca: certificates.ca };
    const proxy = { kind: "http", host: "localhost", port, tls, credentials: undefined } as const;
    const through = proxied(connectNode, proxy);
    const wire = await open(server, {}, through);
    expect(await wire.channelBinding?.()).toEqual(exporter(server.sockets[0]));
    expect(await wire.channelBinding?.("tls-server-end-point")).toEqual(endPoint(server));
  });

  test("the TLS with a proxy ties to nothing beyond it", async () => {
    const server = await host();
    const { port } = await serveProxy("http", { tls: certificates.nameOnly });
    const tls = { ca: certificates.ca };
    const proxy = { kind: "http", host: "localhost", port, tls, credentials: undefined } as const;
    const wire = await proxied(
      connectNode,
      proxy,
    )({
      host: "127.0.0.1",
      port: server.port,
      implicitTls: false,
      servername: "localhost",
      tls,
      signal: new AbortController().signal,
    });
    onTestFinished(() => wire.destroy());
    expect(await wire.channelBinding?.()).toBeUndefined();
    await wire.startTls();
    await wire.read();
    expect(await wire.channelBinding?.()).toEqual(exporter(server.sockets[0]));
  });

  test("over a socket of the caller's own it is the TLS that was put on top", async () => {
    const server = await host();
    const wire = await open(
      server,
      {},
      connectOver(({ host, port }) => connectSocket({ host, port })),
    );
    expect(await wire.channelBinding?.()).toEqual(exporter(server.sockets[0]));
  });

  test("without TLS there is nothing, nor when it is gone", async () => {
    const server = await host();
    const wire = await connectNode({
      host: "127.0.0.1",
      port: server.port,
      implicitTls: false,
      servername: "localhost",
      tls: { ca: certificates.ca },
      signal: new AbortController().signal,
    });
    onTestFinished(() => wire.destroy());
    expect(await wire.channelBinding?.()).toBeUndefined();
    await wire.startTls();
    expect(await wire.channelBinding?.()).toMatchObject({ type: "tls-exporter" });
    wire.destroy();
    expect(await wire.channelBinding?.()).toBeUndefined();
  });
});

describe("in a runtime that has less of node:tls", () => {
  const fails = (): never => {
    throw new Error("not implemented");
  };
  const known = {
    getProtocol: () => "TLSv1.3",
    isSessionReused: () => false,
    getFinished: (): never => expect.fail("it is of no use since TLS 1.3"),
  };

  test.each<[how: string, lacking: object]>([
    ["has no exporter", {}],
    ["has one that only throws", { exportKeyingMaterial: fails }],
  ])("and %s, there is the certificate", async (_, lacking) => {
    const server = await host();
    const socket = { ...known, ...lacking, getPeerCertificate: () => ({ raw: server.certificate }) };
    expect(await bindingOf(socket as never)).toEqual(endPoint(server));
    expect(await bindingOf(socket as never, "tls-exporter")).toBeUndefined();
  });

  test.each<[how: string, lacking: object]>([
    ["shows no certificate either", { getPeerCertificate: () => ({}) }],
    ["shows none at all", { getPeerCertificate: () => null }],
    ["throws for it", { getPeerCertificate: fails }],
    ["shows something else", { getPeerCertificate: () => ({ raw: Uint8Array.of(0x30, 0x03, 0x02, 0x01) }) }],
    [
      "keeps its sessions in a way of its own",
      {
        getPeerCertificate: () => ({}),
        isSessionReused: () => true,
        getSession: () => new Uint8Array(34).fill(7),
      },
    ],
    [
      "keeps none",
      { getPeerCertificate: () => ({}), isSessionReused: () => true, getSession: () => undefined },
    ],
  ])("and %s, there is nothing", async (_, lacking) => {
    expect(await bindingOf({ ...known, ...lacking } as never)).toBeUndefined();
  });
});
