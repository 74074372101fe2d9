// Ways to a server that are not a host and a port: a socket's path, a stream of the caller's own, one family alone.

import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex, PassThrough } from "node:stream";
import { connect as connectTls } from "node:tls";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { decodeLatin1, encodeUtf8 } from "../../src/bytes.ts";
import { openWire } from "../../src/connect.ts";
import { DEFAULT_TIMEOUTS } from "../../src/deadline.ts";
import { TransportError } from "../../src/errors.ts";
import { connectOver, SmtpClient } from "../../src/index.ts";
import { connectNode } from "../../src/transport/node.ts";
import type { Connect, Lookup, Target, Wire } from "../../src/transport/wire.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { connectTo, MESSAGE } from "../support/client.ts";
import { type Script, serve } from "../support/server.ts";
import { errorOf, watchProcess } from "../support/watch.ts";

watchProcess();

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});

async function open(connectBy: Connect, target: Partial<Target>): Promise<Wire> {
  const wire = await connectBy({
    host: "127.0.0.1",
    port: 0,
    implicitTls: false,
    servername: "localhost",
    tls: { ca: certificates.ca },
    signal: new AbortController().signal,
    ...target,
  });
  onTestFinished(() => wire.destroy());
  return wire;
}

const ECHO: Script = async (peer) => {
  for (;;) await peer.say(await peer.line());
};

async function echoed(wire: Wire): Promise<string> {
  wire.write(encodeUtf8("hello\r\n"));
  return decodeLatin1((await wire.read()) ?? new Uint8Array());
}

describe("a Unix socket", () => {
  /** A server that takes every message, and the path that leads to it. */
  async function listen(): Promise<{ path: string; heard: () => string }> {
    const folder = await mkdtemp(join(tmpdir(), "pennypost-"));
    const path = join(folder, "lmtp");
    const sockets = new Set<Socket>();
    let heard = "";
    const listener = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {}).write("220 here ESMTP\r\n");
      let isData = false;
      socket.setEncoding("latin1").on("data", (text: string) => {
        heard += text;
        if (isData && !text.endsWith("\r\n.\r\n")) return;
        isData = text.endsWith("DATA\r\n");
        socket.write(
          isData
            ? "354 go ahead\r\n"
            : text.startsWith("AUTH")
              ? "235 welcome\r\n"
              : "250-here\r\n250 AUTH PLAIN\r\n",
        );
      });
    }).listen(path);
    await once(listener, "listening");
    onTestFinished(async () => {
      for (const socket of sockets) socket.destroy();
      await once(listener.close(), "close");
      await rm(folder, { recursive: true });
    });
    return { path, heard: () => heard };
  }

  test("takes messages, and credentials too: nobody on the network can listen in", async () => {
    const { path, heard } = await listen();
    const client = new SmtpClient({ path, auth: USER });
    onTestFinished(() => client.close());
    await client.send(MESSAGE);
    expect(heard()).toContain("EHLO [127.0.0.1]\r\nAUTH PLAIN ");
    expect(heard()).toContain("Subject: Hello\r\n");
  });

  test("where nobody listens is named by its path", async () => {
    const path = join(tmpdir(), "pennypost-nobody", "lmtp");
    const error = await errorOf(open(connectNode, { path }));
    expect(error).toMatchObject({ code: "connection", phase: "connect", retryable: true });
    expect(error.message).toContain(`no connection to the socket ${path}: `);
    expect(error.message).toContain("ENOENT");
    expect(error.hint).toContain("check path");
  });
});

const USER = { user: "alice", pass: "open sesame" };

describe("a socket of the caller's own", () => {
  test.each(["that connects still", "that is connected", "that is promised"])(
    "%s becomes a wire",
    async (how) => {
      const server = await serve(ECHO);
      const socket = connect({ host: "127.0.0.1", port: server.port });
      if (how === "that is connected") await once(socket, "connect");
      const wire = await open(
        connectOver(() => (how === "that is promised" ? Promise.resolve(socket) : socket)),
        {},
      );
      expect(wire).toMatchObject({ secure: false, verified: false, localAddress: "127.0.0.1" });
      expect(await echoed(wire)).toBe("hello\r\n");
      wire.hold(false);
      wire.hold(true);
      wire.close();
      await server.peers[0]?.closed;
    },
  );

  test("is given the target, so that it may lead there", async () => {
    const server = await serve(ECHO);
    const { port } = server;
    const asked: Target[] = [];
    const over = connectOver((target) => {
      asked.push(target);
      return connect({ host: "127.0.0.1", port });
    });
    await open(over, { host: "mail.example", port: 2525 });
    expect(asked).toMatchObject([{ host: "mail.example", port: 2525, signal: expect.any(AbortSignal) }]);
  });

  test.each(["from the first octet", "later"])("carries TLS %s", async (when) => {
    const server = await serve(async (peer) => {
      if (when === "later") await peer.say(await peer.line());
      await peer.startTls(certificates.nameOnly);
      await ECHO(peer);
    });
    const wire = await open(
      connectOver(() => connect({ host: "127.0.0.1", port: server.port })),
      { implicitTls: when !== "later" },
    );
    if (when === "later") {
      await echoed(wire);
      await wire.startTls();
    }
    expect(wire).toMatchObject({ secure: true, verified: true });
    expect(await echoed(wire)).toBe("hello\r\n");
  });

  test("may be any stream of octets, in the clear and within TLS", async () => {
    const server = await serve(async (peer) => {
      await peer.say(await peer.line());
      await peer.startTls(certificates.nameOnly);
      await ECHO(peer);
    });
    const wire = await open(
      connectOver(() => wrapped(connect({ host: "127.0.0.1", port: server.port }))),
      {},
    );
    wire.hold(false);
    expect(await echoed(wire)).toBe("hello\r\n");
    expect(wire.localAddress).toBeUndefined();
    await wire.startTls();
    expect(wire).toMatchObject({ secure: true, verified: true });
    expect(await echoed(wire)).toBe("hello\r\n");
    wire.close();
    await server.peers[0]?.closed;
  });

  test("that ends without an error in the middle of the handshake is worth another try", async () => {
    const server = await serve(async (peer) => {
      await peer.take(5);
      peer.reset();
    });
    const over = connectOver(() => {
      const socket = connect({ host: "127.0.0.1", port: server.port });
      const stream = wrapped(socket);
      socket.on("error", () => {}).on("close", () => stream.destroy());
      return stream;
    });
    const error = await errorOf(open(over, { implicitTls: true }));
    expect(error).toMatchObject({ code: "tls", retryable: true });
  });

  test("that is a plain stream ends in good order after what was written", async () => {
    const server = await serve((peer) => peer.silence());
    const wire = await open(
      connectOver(() => wrapped(connect({ host: "127.0.0.1", port: server.port }))),
      {},
    );
    wire.write(encodeUtf8("QUIT\r\n"));
    wire.close();
    const peer = await server.peer(0);
    await peer.closed;
    expect(peer).toMatchObject({ heard: "QUIT\r\n", hasEnded: true });
  });

  test("that is TLS already does not count as secure: who was asked for is not known here", async () => {
    const server = await serve(ECHO, { tls: certificates.nameOnly });
    const { port } = server;
    const over = connectOver(() =>
      connectTls({ host: "127.0.0.1", port, servername: "localhost", ca: certificates.ca }),
    );
    const wire = await open(over, {});
    expect(wire).toMatchObject({ secure: false, verified: false });
    expect(await echoed(wire)).toBe("hello\r\n");
  });

  test.each([
    ["nothing", undefined, "it has no on()"],
    ["an object that is no socket", { on() {} }, "it has no off()"],
    ["a stream of objects", new PassThrough({ objectMode: true }), "text or objects"],
    ["a stream of text", new PassThrough().setEncoding("utf8"), "text or objects"],
  ])("is an error of the option where it is %s", async (_, given, fault) => {
    const error = await errorOf(
      open(
        connectOver(() => given as never),
        {},
      ),
    );
    expect(error).toMatchObject({ code: "invalid_option", option: "connect" });
    expect(error.message).toContain(fault);
  });

  test("that is closed already, or cannot connect, is a connection that cannot be made", async () => {
    const closed = new Socket().destroy();
    const lost = { code: "connection", phase: "connect" };
    expect(
      await errorOf(
        open(
          connectOver(() => closed),
          {},
        ),
      ),
    ).toMatchObject(lost);
    const gone = await serve(ECHO);
    await gone.close();
    const refused = connectOver(() => connect({ host: "127.0.0.1", port: gone.port }));
    expect(await errorOf(open(refused, {}))).toMatchObject(lost);
  });

  test("that comes after the attempt was aborted is closed", async () => {
    const server = await serve((peer) => peer.silence());
    const reason = new TransportError("never mind", { code: "aborted" });
    const controller = new AbortController();
    const over = connectOver(async () => {
      const socket = connect({ host: "127.0.0.1", port: server.port });
      await once(socket, "connect");
      controller.abort(reason);
      return socket;
    });
    expect(await errorOf(open(over, { signal: controller.signal }))).toBe(reason);
    await (await server.peer(0)).closed;
  });

  test("serves a client", async () => {
    const server = await serve(async (peer) => {
      await peer.say("220 here ESMTP");
      for (;;) {
        const line = await peer.line();
        await peer.say(line === "DATA" ? "354 go ahead" : "250 fine");
        if (line !== "DATA") continue;
        await peer.data();
        await peer.say("250 taken");
      }
    });
    const { port } = server;
    const { client } = connectTo(
      { port: 25 },
      { connect: connectOver(() => connect({ host: "127.0.0.1", port, noDelay: true })) },
    );
    await client.send(MESSAGE);
    expect(server.messages).toHaveLength(1);
  });
});

describe("of several addresses", () => {
  const ALL = [
    { address: "::1", family: 6 },
    { address: "127.0.0.2", family: 4 },
    { address: "127.0.0.3", family: 4 },
  ];
  /** Answers as dns.lookup does, with those of the family that is asked for. */
  function lookupOf(asked: object[]): Lookup {
    return (_name, options, done) => {
      asked.push(options);
      const { all, family = 0 } = options as { readonly all?: boolean; readonly family?: number };
      const found = ALL.filter((one) => family === 0 || one.family === family);
      const [first] = found;
      if (all) done(null, found);
      else done(null, first?.address ?? "", first?.family);
    };
  }
  /** A port that is open on one address alone. */
  async function listenOn(host: string): Promise<number> {
    const sockets = new Set<Socket>();
    const listener = createServer((socket) => sockets.add(socket)).listen(0, host);
    await once(listener, "listening");
    onTestFinished(async () => {
      for (const socket of sockets) socket.destroy();
      await once(listener.close(), "close");
    });
    return (listener.address() as AddressInfo).port;
  }

  test("the one that answers is taken, whichever it is", async () => {
    for (const { address } of ALL) {
      const port = await listenOn(address);
      const wire = await open(connectNode, { host: "mail.example", port, lookup: lookupOf([]) });
      expect(wire.localAddress).toBe(address === "::1" ? "::1" : "127.0.0.1");
    }
  });

  test("all that were tried are in the one error", async () => {
    const port = await closedPort();
    const error = await errorOf(open(connectNode, { host: "mail.example", port, lookup: lookupOf([]) }));
    expect(error).toMatchObject({ code: "connection", phase: "connect", retryable: true });
    expect(error.message).toContain(`mail.example on port ${port}: `);
    for (const address of [`::1:${port}`, `127.0.0.2:${port}`, `127.0.0.3:${port}`])
      expect(error.message).toContain(address);
  });

  test.each([
    [4, ["127.0.0.2", "127.0.0.3"]],
    [6, ["::1"]],
  ] as const)("only those of family %i are asked for and tried, all of them", async (family, tried) => {
    const asked: object[] = [];
    const port = await closedPort();
    const target = { host: "mail.example", port, family, lookup: lookupOf(asked) };
    const error = await errorOf(open(connectNode, target));
    expect(asked).toMatchObject([{ family }]);
    for (const { address } of ALL) {
      if ((tried as readonly string[]).includes(address))
        expect(error.message).toContain(`${address}:${port}`);
      else expect(error.message).not.toContain(`${address}:${port}`);
    }
  });

  test.each<[string, Partial<Target>]>([
    ["for a family", { family: 6 }],
    ["for those that a local address can reach", { localAddress: "::1" }],
  ])("those are left that a lookup finds although it was asked %s alone", async (_, asked) => {
    const heedless: Lookup = (_name, options, done) => {
      if ("all" in options) done(null, ALL.slice(1));
      else done(null, "127.0.0.2", 4);
    };
    const port = await listenOn("127.0.0.2");
    const error = await errorOf(
      open(connectNode, { host: "mail.example", port, lookup: heedless, ...asked }),
    );
    expect(error).toMatchObject({ code: "dns", retryable: false });
    expect(error.message).toBe("no address was found for mail.example: none of IPv6");
  });

  test("none is an error, which a lookup need not make of it", async () => {
    const lookup: Lookup = (_name, _options, done) => void setImmediate(() => done(null, []));
    const error = await errorOf(open(connectNode, { host: "mail.example", port: 25, lookup }));
    expect(error).toMatchObject({ code: "dns", phase: "connect" });
    expect(error.message).toBe("no address was found for mail.example: none");
  });

  test("only those are tried that a local address can reach", async () => {
    const port = await listenOn("127.0.0.3");
    const asked: object[] = [];
    const open4 = { host: "mail.example", port, localAddress: "127.0.0.1", lookup: lookupOf(asked) };
    const error = await errorOf(open(connectNode, open4)).catch(() => undefined);
    expect(asked).toMatchObject([{ family: 4 }]);
    expect(error?.message ?? "").not.toContain("EINVAL");
  });

  test("the runtime's own lookup is asked for one family as well", async () => {
    const port = await listenOn("127.0.0.1");
    const wire = await open(connectNode, { host: "localhost", port, family: 4 });
    expect(wire.localAddress).toBe("127.0.0.1");
    expect(await errorOf(open(connectNode, { host: "localhost", port, family: 6 }))).toMatchObject({
      phase: "connect",
    });
  });
});

describe("the time to connect", () => {
  const trickling: Script = async (peer) => {
    // A handshake record of 16 KiB, of which each octet keeps the connection busy.
    await peer.drip(`\x16\x03\x03\x40\x00${"\0".repeat(0x4000)}`);
    await peer.silence();
  };

  test.each([
    ["a handshake that trickles", trickling],
    ["a handshake that nobody answers", (peer) => peer.silence()],
  ] as [string, Script][])("ends %s, and nothing is left of it", async (_, script) => {
    const server = await serve(script);
    const target = {
      host: "127.0.0.1",
      port: server.port,
      implicitTls: true,
      servername: "localhost",
      tls: {},
    };
    const timeouts = { ...DEFAULT_TIMEOUTS, connect: 50 };
    const error = await errorOf(openWire({ connect: connectNode, target, timeouts }));
    expect(error).toMatchObject({ code: "deadline", phase: "connect", retryable: true });
    await (await server.peer(0)).closed;
  });

  test("ends a lookup that nobody answers, and one that answers later connects to nobody", async () => {
    const server = await serve((peer) => peer.silence());
    let answer: () => void = () => {};
    const lookup: Lookup = (_name, options, done) => {
      const found = { address: "127.0.0.1", family: 4 };
      answer = () =>
        (options as { all?: boolean }).all ? done(null, [found]) : done(null, found.address, found.family);
    };
    const target = {
      host: "mail.example",
      port: server.port,
      implicitTls: false,
      servername: "localhost",
      tls: {},
      lookup,
    };
    const timeouts = { ...DEFAULT_TIMEOUTS, connect: 50 };
    const error = await errorOf(openWire({ connect: connectNode, target, timeouts }));
    expect(error).toMatchObject({ code: "deadline", phase: "connect" });
    answer();
    // A connection of the test's own comes after any that the answer could have made.
    const wire = await open(connectNode, { port: server.port });
    await server.peer(0);
    expect(wire.secure).toBe(false);
    expect(server.peers).toHaveLength(1);
  });
});

describe("an idle wire", () => {
  test.each([
    ["FIN", "the end"],
    ["RST", "connection_lost"],
  ])("tells of a %s at once, to the read that waits", async (how, told) => {
    const server = await serve((peer) => peer.silence());
    const wire = await open(connectNode, { port: server.port });
    wire.hold(false);
    const reading = wire.read().then(
      (octets) => octets ?? "the end",
      (error: TransportError) => error.code,
    );
    const peer = await server.peer(0);
    if (how === "FIN") peer.end();
    else peer.reset();
    expect(await reading).toBe(told);
  });
});

/** A socket without anything that a Duplex has not. */
function wrapped(socket: Socket): Duplex {
  socket.on("error", () => {});
  const stream = new Duplex({
    read: () => void socket.resume(),
    write: (octets, _encoding, done) => void socket.write(octets, done),
    final: (done) => void socket.end(done),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on("data", (octets) => {
    if (!stream.push(octets)) socket.pause();
  });
  socket.on("end", () => stream.push(null));
  return stream;
}

/** A port that nobody listens on, on no address. */
async function closedPort(): Promise<number> {
  const listener = createServer().listen(0);
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  await once(listener.close(), "close");
  return port;
}
