// The wire over `cloudflare:sockets`, with a module of the test's own in its place.

import { describe, expect, test } from "vitest";
import { encodeUtf8 } from "../../src/bytes.ts";
import { type CloudflareSockets, connectBySockets } from "../../src/transport/cloudflare.ts";
import { FakeSocket, moduleOf, open, readText, targetOf } from "../support/cloudflare.ts";
import { errorOf, watchProcess } from "../support/watch.ts";

watchProcess();

const REFUSED = "proxy request failed, cannot connect to the specified address";

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

  test("to an IPv6 address is asked for as a URL has it", async () => {
    const { asked, load } = moduleOf(new FakeSocket());
    const wire = await connectBySockets(load)(targetOf({ host: "2001:db8::25", servername: "2001:db8::25" }));
    expect(asked[0]?.hostname).toBe("[2001:db8::25]");
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

  // With TLS from the first octet the handshake is over when the socket is open.
  test.each([false, true])(
    "of a connection that breaks come no more, and the error says so (TLS from the first octet: %s)",
    async (implicitTls) => {
      const socket = new FakeSocket();
      const wire = await open(socket, { implicitTls });
      const read = errorOf(wire.read());
      socket.breaks(new Error("Network connection lost."));
      expect(await read).toMatchObject({
        code: "connection_lost",
        message: "the connection broke: Network connection lost.",
      });
    },
  );
});
