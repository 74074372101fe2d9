import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { decodeLatin1, encodeUtf8 } from "../../src/bytes.ts";
import { TransportError } from "../../src/errors.ts";
import { connectNode } from "../../src/transport/node.ts";
import type { Target, Wire } from "../../src/transport/wire.ts";
import { type Certificates, type Identity, makeCertificates } from "../support/certificates.ts";
import { type Script, type Server, serve } from "../support/server.ts";
import { errorOf, until, watchProcess } from "../support/watch.ts";

watchProcess();

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});

const SILENT: Script = (peer) => peer.silence();

/** A wire to `server`, destroyed when the test is over. */
async function open({ port }: { readonly port: number }, target: Partial<Target> = {}): Promise<Wire> {
  const host = target.host ?? "127.0.0.1";
  const wire = await connectNode({
    host,
    port,
    implicitTls: false,
    servername: host,
    tls: { ca: certificates.ca },
    signal: new AbortController().signal,
    ...target,
  });
  onTestFinished(() => wire.destroy());
  return wire;
}

function serveTls(identity: Identity, script: Script = SILENT): Promise<Server> {
  return serve(script, { tls: identity });
}

/** A server that turns to TLS when it has heard a line. */
function serveStartTls(identity: Identity, script: Script = SILENT): Promise<Server> {
  return serve(async (peer) => {
    await peer.line();
    await peer.say("220 go ahead");
    await peer.startTls(identity);
    await script(peer);
  });
}

describe("a wire in the clear", () => {
  test("octets travel both ways, whatever they are", async () => {
    const every = String.fromCharCode(...Array.from({ length: 256 }, (_, octet) => octet));
    const server = await serve(async (peer) => {
      await peer.take(3);
      await peer.send(every);
      await peer.silence();
    });
    const wire = await open(server);
    expect(wire).toMatchObject({ secure: false, verified: false, localAddress: "127.0.0.1" });
    wire.write(Uint8Array.of(0, 255, 10));
    expect(decodeLatin1((await wire.read()) ?? new Uint8Array())).toBe(every);
    expect(server.heard).toBe("\0\xff\n");
  });

  test("what arrives before it is asked for is kept, in order, and the end comes after it", async () => {
    const server = await serve(async (peer) => {
      for (const word of ["one ", "two ", "three"]) await peer.send(word);
      peer.end();
    });
    const wire = await open(server);
    await (await server.peer(0)).closed.catch(() => {});
    let text = "";
    for (let octets = await wire.read(); octets !== undefined; octets = await wire.read())
      text += decodeLatin1(octets);
    expect(text).toBe("one two three");
    expect(await wire.read()).toBeUndefined();
  });

  test("a server that sends more than anyone reads is not listened to until they do", async () => {
    const flood = "x".repeat(64 * 1024);
    let sent = 0;
    const server = await serve(async (peer) => {
      while (sent < 1024) {
        await peer.send(flood);
        sent++;
      }
    });
    const wire = await open(server);
    expect((await wire.read())?.length).toBeGreaterThan(0);
    // Round trips through another connection give the flood every chance to go on.
    const other = await serve(async (peer) => {
      for (;;) await peer.say(await peer.line());
    });
    const clock = await open(other);
    for (let round = 0; round < 200; round++) {
      clock.write(encodeUtf8("tick\r\n"));
      await clock.read();
    }
    expect(sent).toBeLessThan(1024);
  });

  test("a write into a full buffer gives a promise, which is kept when the server reads on", async () => {
    const server = await serve(async (peer) => {
      peer.pause();
      await peer.silence();
    });
    const wire = await open(server);
    const block = new Uint8Array(1024 * 1024);
    let full: Promise<void> | undefined;
    let written = 0;
    // The kernel buffers megabytes for a loopback connection; a full one gives a promise that stays open.
    for (; written < 64; written++) {
      full = wire.write(block);
      if (full !== undefined && (await isOpen(full))) break;
    }
    expect(written).toBeLessThan(64);
    (await server.peer(0)).resume();
    await full;
  });

  test("destroying a wire fails the read and the write that wait, with the reason given", async () => {
    const server = await serve(async (peer) => {
      peer.pause();
      await peer.silence();
    });
    const wire = await open(server);
    const reading = errorOf(wire.read());
    let full: Promise<void> | undefined;
    do full = wire.write(new Uint8Array(1024 * 1024));
    while (full === undefined || !(await isOpen(full)));
    const writing = errorOf(full);
    const reason = new TransportError("enough", { code: "aborted" });
    wire.destroy(reason);
    expect(await reading).toBe(reason);
    expect(await writing).toBe(reason);
    expect(await errorOf(wire.read())).toBe(reason);
    expect(await errorOf(Promise.resolve(wire.write(Uint8Array.of(1))))).toBe(reason);
  });

  test("a wire that was closed says what it was given, then ends in good order", async () => {
    const server = await serve(SILENT);
    const wire = await open(server);
    wire.write(encodeUtf8("QUIT\r\n"));
    wire.close();
    const peer = await server.peer(0);
    await peer.closed;
    expect(peer.heard).toBe("QUIT\r\n");
    expect(peer.hasEnded).toBe(true);
  });

  test("a reset is a lost connection, for the read that waits and for every later one", async () => {
    const server = await serve(async (peer) => {
      await peer.take(1);
      peer.reset();
    });
    const wire = await open(server);
    wire.write(encodeUtf8("x"));
    const lost = { code: "connection_lost", retryable: true };
    expect(await errorOf(wire.read())).toMatchObject(lost);
    expect(await errorOf(wire.read())).toMatchObject(lost);
    expect(await errorOf(Promise.resolve(wire.write(Uint8Array.of(1))))).toMatchObject(lost);
  });

  test("localhost is found by whichever of its addresses listens", async () => {
    const server = await serve(SILENT, { host: "127.0.0.1" });
    const wire = await open(server, { host: "localhost" });
    expect(wire.localAddress).toBe("127.0.0.1");
  });

  test("a lookup of the caller's own is asked, in the form that the runtime uses", async () => {
    const server = await serve(SILENT);
    const asked: string[] = [];
    await open(server, {
      host: "mail.example",
      lookup: (hostname, options, callback) => {
        asked.push(hostname);
        if ((options as { all?: boolean }).all) callback(null, [{ address: "127.0.0.1", family: 4 }]);
        else callback(null, "127.0.0.1", 4);
      },
    });
    expect(asked).toEqual(["mail.example"]);
  });
});

describe("a connection that cannot be made", () => {
  test("a port where nobody listens is named with its host", async () => {
    const { port } = await closedPort();
    const error = await errorOf(open({ port }, { host: "localhost" }));
    expect(error).toMatchObject({
      code: "connection",
      phase: "connect",
      delivery: "not-sent",
      retryable: true,
    });
    expect(error.message).toContain(`localhost on port ${port}`);
    expect(error.message).toContain("ECONNREFUSED");
  });

  test("a name that has no address is a DNS error; another try is of use only where the resolver was at fault", async () => {
    const lookup =
      (code: string) => (_name: string, _options: object, done: (error: Error, address: string) => void) =>
        done(
          Object.assign(new Error(`getaddrinfo ${code} mail.example`), { code, syscall: "getaddrinfo" }),
          "",
        );
    const unknown = await errorOf(open({ port: 25 }, { host: "mail.example", lookup: lookup("ENOTFOUND") }));
    expect(unknown).toMatchObject({ code: "dns", phase: "connect", retryable: false });
    const later = await errorOf(open({ port: 25 }, { host: "mail.example", lookup: lookup("EAI_AGAIN") }));
    expect(later).toMatchObject({ code: "dns", phase: "connect", retryable: true });
  });

  test("an attempt that is aborted leaves no socket behind, before TCP is up and while TLS is made", async () => {
    const reason = new TransportError("never mind", { code: "aborted" });
    const before = AbortSignal.abort(reason);
    expect(await errorOf(open({ port: 9 }, { signal: before }))).toBe(reason);

    const server = await serve(SILENT);
    const controller = new AbortController();
    const attempt = errorOf(open(server, { implicitTls: true, signal: controller.signal }));
    const peer = await server.peer(0);
    await peer.take(1);
    controller.abort(reason);
    expect(await attempt).toBe(reason);
    await peer.closed;
  });

  test("a lookup that never answers is left when the attempt is aborted", async () => {
    const reason = new TransportError("never mind", { code: "aborted" });
    const controller = new AbortController();
    let asked: () => void = () => {};
    const asking = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const attempt = errorOf(
      open({ port: 25 }, { host: "mail.example", lookup: () => asked(), signal: controller.signal }),
    );
    await asking;
    controller.abort(reason);
    expect(await attempt).toBe(reason);
  });

  test("a wire that is up listens to its attempt's signal no more", async () => {
    const server = await serve(async (peer) => peer.say(await peer.line()));
    const controller = new AbortController();
    const wire = await open(server, { signal: controller.signal });
    controller.abort(new Error("too late"));
    wire.write(encodeUtf8("still there\r\n"));
    expect(decodeLatin1((await wire.read()) ?? new Uint8Array())).toBe("still there\r\n");
  });
});

describe.each(["from the first octet", "after STARTTLS"] as const)("TLS %s", (how) => {
  const isImplicit = how === "from the first octet";

  async function secured(
    identity: Identity,
    target: Partial<Target> = {},
    script: Script = SILENT,
  ): Promise<{ wire: Wire; server: Server }> {
    const server = await (isImplicit ? serveTls(identity, script) : serveStartTls(identity, script));
    return { wire: await upgraded(server, target), server };
  }

  async function upgraded(server: Server, target: Partial<Target>): Promise<Wire> {
    const wire = await open(server, { implicitTls: isImplicit, ...target });
    if (!isImplicit) {
      wire.write(encodeUtf8("STARTTLS\r\n"));
      await wire.read();
      await wire.startTls();
    }
    return wire;
  }

  test("octets travel both ways, and the wire knows that it is verified", async () => {
    const { wire } = await secured(certificates.good, { host: "localhost" }, async (peer) => {
      await peer.say(await peer.line());
      await peer.silence();
    });
    expect(wire).toMatchObject({ secure: true, verified: true, tlsVersion: "TLSv1.3" });
    wire.write(encodeUtf8("hello\r\n"));
    expect(decodeLatin1((await wire.read()) ?? new Uint8Array())).toBe("hello\r\n");
  });

  test("the server is told which name is meant", async () => {
    const { server } = await secured(certificates.good, { host: "localhost" });
    expect(server.peers[0]?.servername).toBe("localhost");
  });

  test("servername is the name that is asked for and looked for, not host", async () => {
    const { server, wire } = await secured(certificates.wrongName, { servername: "other.example" });
    expect(server.peers[0]?.servername).toBe("other.example");
    expect(wire.verified).toBe(true);
    const right = isImplicit ? await serveTls(certificates.good) : await serveStartTls(certificates.good);
    const error = await errorOf(upgraded(right, { host: "localhost", servername: "other.example" }));
    expect(error).toMatchObject({ code: "tls_certificate", phase: "tls" });
  });

  test("an IP address is no server name, and is looked for among the addresses of the certificate", async () => {
    const { server, wire } = await secured(certificates.good, { host: "127.0.0.1" });
    expect(server.peers[0]?.servername).toBeUndefined();
    expect(wire.verified).toBe(true);
  });

  test("an IP address that is not in the certificate is refused", async () => {
    const error = await errorOf(secured(certificates.nameOnly, { host: "127.0.0.1" }));
    expect(error).toMatchObject({
      code: "tls_certificate",
      phase: "tls",
      delivery: "not-sent",
      retryable: false,
    });
    expect(error.hint).toContain("servername");
  });

  test.each([
    ["an unknown authority", "unknownAuthority", "tls.ca"],
    ["itself", "selfSigned", "tls.ca"],
  ] as const)("a certificate signed by %s is refused", async (_, which, hint) => {
    const error = await errorOf(secured(certificates[which], { host: "localhost" }));
    expect(error).toMatchObject({ code: "tls_certificate", phase: "tls", retryable: false });
    expect(error.hint).toContain(hint);
  });

  test("a certificate that has expired is refused, and the hint does not send the reader elsewhere", async () => {
    const error = await errorOf(secured(certificates.expired, { host: "localhost" }));
    expect(error).toMatchObject({ code: "tls_certificate", phase: "tls", retryable: false });
    expect(error.message).toContain("expired");
    expect(error.hint ?? "").not.toContain("tls.ca");
  });

  test("a certificate for another name is refused, and the hint names servername", async () => {
    const error = await errorOf(secured(certificates.wrongName, { host: "localhost" }));
    expect(error).toMatchObject({ code: "tls_certificate", phase: "tls", retryable: false });
    expect(error.hint).toContain("servername");
  });

  test.each(["unknownAuthority", "selfSigned", "expired", "wrongName"] as const)(
    "with rejectUnauthorized: false the wire is secure with the certificate %s, and not verified",
    async (which) => {
      const { wire } = await secured(certificates[which], {
        host: "localhost",
        tls: { ca: certificates.ca, rejectUnauthorized: false },
      });
      expect(wire).toMatchObject({ secure: true, verified: false });
    },
  );

  test("with rejectUnauthorized: false a good certificate is still known to be good", async () => {
    const { wire } = await secured(certificates.good, {
      host: "localhost",
      tls: { ca: certificates.ca, rejectUnauthorized: false },
    });
    expect(wire.verified).toBe(true);
  });

  test("a check of the caller's own is asked with the name, and its refusal counts", async () => {
    const asked: string[] = [];
    const checkServerIdentity = (name: string): Error | undefined => {
      asked.push(name);
      return new Error("not pinned");
    };
    const error = await errorOf(
      secured(certificates.good, { host: "localhost", tls: { ca: certificates.ca, checkServerIdentity } }),
    );
    expect(new Set(asked)).toEqual(new Set(["localhost"]));
    expect(error.message).toContain("not pinned");
    expect(error).toMatchObject({ phase: "tls", retryable: false });
  });

  test.each<[string, () => unknown, string]>([
    [
      "throws",
      () => {
        throw new Error("no pins");
      },
      "no pins",
    ],
    ["is asynchronous", () => Promise.reject(new Error("too late")), "neither undefined nor an error"],
    ["returns what is no error", () => null, "neither undefined nor an error"],
  ])("a check of the caller's own that %s refuses, and does no harm", async (_, check, message) => {
    const checkServerIdentity = check as () => undefined;
    const error = await errorOf(
      secured(certificates.good, { host: "localhost", tls: { ca: certificates.ca, checkServerIdentity } }),
    );
    expect(error.message).toContain(message);
    expect(error).toMatchObject({ code: "tls", phase: "tls", retryable: false });
    const tls = { ca: certificates.ca, checkServerIdentity, rejectUnauthorized: false };
    const { wire } = await secured(certificates.good, { host: "localhost", tls });
    expect(wire.verified).toBe(false);
  });

  test("a server that leaves during the handshake is a TLS failure that is worth another try", async () => {
    const server = await serve(async (peer) => {
      await peer.take(1);
      peer.reset();
    });
    const error = await errorOf(
      isImplicit ? open(server, { implicitTls: true }) : open(server).then((wire) => wire.startTls()),
    );
    expect(error).toMatchObject({ code: "tls", phase: "tls", retryable: true });
  });

  test("a server that says in the clear what should be TLS breaks the handshake", async () => {
    const server = await serve(async (peer) => {
      await peer.take(1);
      await peer.say("220 test.example ESMTP");
      await peer.silence();
    });
    const wire = isImplicit ? undefined : await open(server);
    const error = await errorOf(wire === undefined ? open(server, { implicitTls: true }) : wire.startTls());
    expect(error).toMatchObject({ code: "tls", phase: "tls" });
    // Whoever uses STARTTLS already is not helped by the advice to use it.
    if (isImplicit) expect(error.hint).toContain('security: "starttls"');
    else expect(error.hint ?? "").not.toContain('security: "starttls"');
  });

  test("what the server says in the same breath as the end of the handshake is not lost", async () => {
    const { wire } = await secured(certificates.good, { host: "localhost" }, async (peer) => {
      await peer.say("220 first");
      await peer.silence();
    });
    expect(decodeLatin1((await wire.read()) ?? new Uint8Array())).toBe("220 first\r\n");
  });

  test("a wire within TLS ends in good order, and is destroyed without one", async () => {
    const { wire, server } = await secured(certificates.good, { host: "localhost" });
    wire.write(encodeUtf8("QUIT\r\n"));
    wire.close();
    await server.peers[0]?.closed;
    expect(server.peers[0]?.heard.endsWith("QUIT\r\n")).toBe(true);

    const { wire: other, server: left } = await secured(certificates.good, { host: "localhost" });
    other.destroy();
    await left.peers[0]?.closed;
  });
});

describe("STARTTLS on a wire that has said too much", () => {
  test("octets that arrived in the clear and were not read refuse the handshake", async () => {
    const server = await serve(async (peer) => {
      await peer.say("220 go ahead");
      await peer.take(1);
      await peer.say("250 evil");
      await peer.silence();
    });
    const wire = await open(server);
    await wire.read();
    wire.write(encodeUtf8("x"));
    const peer = await server.peer(0);
    await until(() => peer.socket.bytesWritten === "220 go ahead\r\n250 evil\r\n".length);
    await turn();
    const error = await errorOf(wire.startTls());
    expect(error).toMatchObject({ code: "starttls_injection" });
    expect(peer.heard).toBe("x");
  });
});

/** Whether a promise has still not settled after the loop has turned a few times. */
async function isOpen(promise: Promise<unknown>): Promise<boolean> {
  let open = true;
  void promise.then(
    () => {
      open = false;
    },
    () => {
      open = false;
    },
  );
  for (let left = 20; left > 0 && open; left--) await turn();
  return open;
}

/** One turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A port that was free a moment ago. */
async function closedPort(): Promise<{ port: number }> {
  const listener = createServer((socket: Socket) => socket.destroy()).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as { port: number };
  await once(listener.close(), "close");
  return { port };
}
