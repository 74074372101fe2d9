// STARTTLS over `cloudflare:sockets`, with a module of the test's own in its place.

import { describe, expect, test } from "vitest";
import { encodeUtf8 } from "../../src/bytes.ts";
import { FakeSocket, open, readText } from "../support/cloudflare.ts";
import { errorOf, watchProcess } from "../support/watch.ts";

watchProcess();

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
    const read = readText(wire);
    await new Promise((resolve) => setTimeout(resolve, 60));
    socket.next.says("250 again\r\n");
    expect(await read).toBe("250 again\r\n");
  });

  test("that the server ends in good order without a word is a fault of TLS", async () => {
    const socket = new FakeSocket();
    socket.next = new FakeSocket();
    const wire = await open(socket);
    await wire.startTls();
    socket.next.ends();
    expect(await errorOf(wire.read())).toMatchObject({
      code: "tls",
      phase: "tls",
      message: "the TLS handshake failed: the server closed the connection",
    });
  });

  test("that the runtime throws at leaves no rejection that nobody handles", async () => {
    const socket = new FakeSocket();
    const cause = new TypeError("The socket cannot be upgraded.");
    socket.startTls = () => {
      throw cause;
    };
    const wire = await open(socket);
    expect(await errorOf(wire.startTls())).toMatchObject({ code: "tls", phase: "tls", cause });
    wire.destroy();
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
