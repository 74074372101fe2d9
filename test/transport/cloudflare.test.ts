// The wire over `cloudflare:sockets`, with a module of the test's own in its place.

import { describe, expect, onTestFinished, test } from "vitest";
import { decodeLatin1, encodeUtf8 } from "../../src/bytes.ts";
import {
  type CloudflareSocket,
  type CloudflareSockets,
  connectBySockets,
} from "../../src/transport/cloudflare.ts";
import type { Target, Wire } from "../../src/transport/wire.ts";
import { errorOf, watchProcess } from "../support/watch.ts";

watchProcess();

const REFUSED = "proxy request failed, cannot connect to the specified address";

/** A socket whose other end is the test. */
class FakeSocket {
  readonly opened: Promise<unknown>;
  readonly closed: Promise<unknown>;
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly written: string[] = [];
  /** What TLS it was upgraded to. */
  upgraded: FakeSocket | undefined;
  isClosed = false;
  says: (text: string) => void = () => {};
  ends: () => void = () => {};
  breaks: (error: Error) => void = () => {};

  constructor(opened: Promise<unknown> = Promise.resolve({})) {
    this.opened = opened;
    let end: (reason: Error) => void = () => {};
    this.closed = new Promise((_, reject) => {
      end = reject;
    });
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.says = (text) => controller.enqueue(encodeUtf8(text));
        this.ends = () => controller.close();
        this.breaks = (error) => {
          controller.error(error);
          end(error);
        };
      },
    });
    this.writable = new WritableStream<Uint8Array>({
      write: (octets) => void this.written.push(decodeLatin1(octets)),
    });
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.breaks(new Error("This socket has been closed."));
  }

  /** As the runtime has it: neither stream may be locked. */
  startTls(): FakeSocket {
    if (this.readable.locked) throw new TypeError("The ReadableStream has been locked to a reader.");
    if (this.writable.locked) throw new TypeError("This WritableStream is currently locked to a writer.");
    this.upgraded = this.next;
    return this.upgraded;
  }

  next: FakeSocket = this;
}

interface Asked {
  readonly hostname: string;
  readonly port: number;
  readonly secureTransport: string;
  readonly allowHalfOpen: boolean;
}

/** A module whose only socket is this one, and what it was asked for. */
function moduleOf(socket: FakeSocket): { asked: Asked[]; load: () => Promise<CloudflareSockets> } {
  const asked: Asked[] = [];
  const connect: CloudflareSockets["connect"] = (address, options) => {
    asked.push({ ...address, ...options });
    return socket as unknown as CloudflareSocket;
  };
  return { asked, load: async () => ({ connect }) };
}

function targetOf(target: Partial<Target> = {}): Target {
  return {
    host: "smtp.example.com",
    port: 587,
    implicitTls: false,
    servername: "smtp.example.com",
    tls: {},
    signal: new AbortController().signal,
    ...target,
  };
}

async function open(socket: FakeSocket, target: Partial<Target> = {}): Promise<Wire> {
  const wire = await connectBySockets(moduleOf(socket).load)(targetOf(target));
  onTestFinished(() => wire.destroy());
  return wire;
}

async function readText(wire: Wire): Promise<string | undefined> {
  const octets = await wire.read();
  return octets && decodeLatin1(octets);
}

describe("a connection", () => {
  test.each([
    [{ implicitTls: false }, "starttls"],
    [{ implicitTls: true }, "on"],
  ])("with %o is asked for as %s", async (target, secureTransport) => {
    const { asked, load } = moduleOf(new FakeSocket());
    const wire = await connectBySockets(load)(targetOf({ host: "smtp.example.com.", ...target }));
    expect(asked).toEqual([
      { hostname: "smtp.example.com", port: 587, secureTransport, allowHalfOpen: false },
    ]);
    expect([wire.secure, wire.verified]).toEqual([target.implicitTls, target.implicitTls]);
    expect(wire.channelBinding).toBeUndefined();
    wire.destroy();
  });

  test("that is refused is a TransportError that keeps the runtime's own, and the socket is closed", async () => {
    const refusal = new Error(REFUSED);
    const socket = new FakeSocket(Promise.reject(refusal));
    const error = await errorOf(open(socket));
    expect(error).toMatchObject({ code: "connection", phase: "connect", cause: refusal });
    expect(error.message).toBe(`no connection to smtp.example.com on port 587: ${REFUSED}`);
    expect(socket.isClosed).toBe(true);
  });

  test("that is refused with TLS from the first octet may be the certificate's fault", async () => {
    const error = await errorOf(
      open(new FakeSocket(Promise.reject(new Error(REFUSED))), { implicitTls: true }),
    );
    expect(error.hint).toContain("that the certificate is for smtp.example.com");
  });

  test("that the runtime throws at is an error like any other", async () => {
    const load = async (): Promise<CloudflareSockets> => ({
      connect: () => {
        throw new TypeError("Specified address could not be parsed.");
      },
    });
    const error = await errorOf(connectBySockets(load)(targetOf()));
    expect(error).toMatchObject({ code: "connection", phase: "connect" });
  });

  test("that does not come about ends with the signal", async () => {
    const attempt = new AbortController();
    const socket = new FakeSocket(new Promise(() => {}));
    const wire = connectBySockets(moduleOf(socket).load)(targetOf({ signal: attempt.signal }));
    const reason = new Error("too late");
    setImmediate(() => attempt.abort(reason));
    await expect(wire).rejects.toBe(reason);
    expect(socket.isClosed).toBe(true);
  });
});

describe("octets", () => {
  test("come and go", async () => {
    const socket = new FakeSocket();
    const wire = await open(socket);
    socket.says("220 hello\r\n");
    expect(await readText(wire)).toBe("220 hello\r\n");
    await wire.write(encodeUtf8("QUIT\r\n"));
    expect(socket.written).toEqual(["QUIT\r\n"]);
    socket.ends();
    expect(await readText(wire)).toBeUndefined();
  });

  test("that were written have left when the stream ends", async () => {
    const socket = new FakeSocket();
    const wire = await open(socket);
    void wire.write(encodeUtf8("QUIT\r\n"));
    wire.close();
    await expect.poll(() => socket.isClosed).toBe(true);
    expect(socket.written).toEqual(["QUIT\r\n"]);
  });

  test("are waited for no more when the wire is destroyed", async () => {
    const wire = await open(new FakeSocket());
    const read = wire.read();
    const reason = new Error("enough");
    wire.destroy(reason);
    await expect(read).rejects.toBe(reason);
    await expect(wire.read()).rejects.toBe(reason);
    await expect(wire.write(encodeUtf8("NOOP\r\n"))).rejects.toBe(reason);
  });

  test("that end in good order under a wire that was destroyed are no end of the stream", async () => {
    const socket = new FakeSocket();
    socket.close = async () => socket.ends();
    const wire = await open(socket);
    const read = wire.read();
    const reason = new Error("enough");
    wire.destroy(reason);
    await expect(read).rejects.toBe(reason);
  });

  test("of a connection that breaks come no more, and the error says so", async () => {
    const socket = new FakeSocket();
    const wire = await open(socket);
    const read = errorOf(wire.read());
    socket.breaks(new Error("Network connection lost."));
    expect(await read).toMatchObject({
      code: "connection_lost",
      message: "the connection broke: Network connection lost.",
    });
  });
});

describe("STARTTLS", () => {
  test("goes on over the socket that the runtime gives for it, which it has verified", async () => {
    const socket = new FakeSocket();
    socket.next = new FakeSocket();
    const wire = await open(socket);
    expect([wire.secure, wire.verified]).toEqual([false, false]);
    void wire.write(encodeUtf8("STARTTLS\r\n"));
    await wire.startTls();
    expect([wire.secure, wire.verified]).toEqual([true, true]);
    await wire.write(encodeUtf8("EHLO\r\n"));
    socket.next.says("250 ok\r\n");
    expect(await readText(wire)).toBe("250 ok\r\n");
    expect([socket.written, socket.next.written]).toEqual([["STARTTLS\r\n"], ["EHLO\r\n"]]);
  });

  test("that fails is a fault of TLS, and leaves nothing secure", async () => {
    const socket = new FakeSocket();
    const cause = new Error("internal error; reference = 7");
    socket.next = new FakeSocket(Promise.reject(cause));
    const wire = await open(socket);
    expect(await errorOf(wire.startTls())).toMatchObject({ code: "tls", phase: "tls", cause });
    expect([wire.secure, wire.verified]).toEqual([false, false]);
  });

  test("that fails with the first read is a fault of TLS too: the handshake may not have been over", async () => {
    const socket = new FakeSocket();
    socket.next = new FakeSocket();
    const wire = await open(socket);
    await wire.startTls();
    const read = errorOf(wire.read());
    socket.next.breaks(new Error("internal error; reference = 7"));
    expect(await read).toMatchObject({ code: "tls", phase: "tls" });
  });

  test("that stalls ends with the wire, also where closing a socket settles nothing", async () => {
    const socket = new FakeSocket();
    socket.next = new FakeSocket(new Promise(() => {}));
    socket.next.close = () => new Promise(() => {});
    const wire = await open(socket);
    const upgrade = wire.startTls();
    await expect.poll(() => socket.upgraded).toBeDefined();
    const reason = new Error("too late");
    wire.destroy(reason);
    await expect(upgrade).rejects.toBe(reason);
    expect([wire.secure, wire.verified]).toEqual([false, false]);
  });

  test.each([
    ["before the runtime calls the socket open", new Promise(() => {})],
    ["when it has, and nothing was heard", Promise.resolve({})],
  ])("that stalls %s ends when its time is over", async (_, opened) => {
    const socket = new FakeSocket();
    socket.next = new FakeSocket(opened);
    socket.next.close = () => new Promise(() => {});
    const wire = await open(socket, { handshakeTimeout: 30 });
    const error = await errorOf(wire.startTls().then(() => wire.read()));
    expect(error).toMatchObject({ code: "deadline", phase: "tls", hint: "timeouts.tls sets this limit" });
    await expect(wire.read()).rejects.toBe(error);
  });

  test("has its time until the first octets, and no longer", async () => {
    const socket = new FakeSocket();
    socket.next = new FakeSocket();
    const wire = await open(socket, { handshakeTimeout: 30 });
    await wire.startTls();
    socket.next.says("250 ok\r\n");
    expect(await readText(wire)).toBe("250 ok\r\n");
    const read = wire.read();
    await new Promise((resolve) => setTimeout(resolve, 60));
    socket.next.says("250 again\r\n");
    expect(decodeLatin1((await read) ?? new Uint8Array())).toBe("250 again\r\n");
  });

  test("that stalls ends with the wire", async () => {
    const socket = new FakeSocket();
    let fail: (error: Error) => void = () => {};
    socket.next = new FakeSocket(
      new Promise((_, reject) => {
        fail = reject;
      }),
    );
    socket.next.close = async () => fail(new Error("This socket has been closed."));
    const wire = await open(socket);
    const upgrade = wire.startTls();
    await expect.poll(() => socket.upgraded).toBeDefined();
    const reason = new Error("too late");
    wire.destroy(reason);
    await expect(upgrade).rejects.toBe(reason);
    expect(wire.secure).toBe(false);
  });
});
