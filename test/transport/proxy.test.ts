import { inspect } from "node:util";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { decodeLatin1, encodeUtf8 } from "../../src/bytes.ts";
import { openWire } from "../../src/connect.ts";
import { DEFAULT_TIMEOUTS } from "../../src/deadline.ts";
import { type SmtpError, TransportError } from "../../src/errors.ts";
import { connectNode } from "../../src/transport/node.ts";
import { type ProxyServer, proxied } from "../../src/transport/proxy.ts";
import type { Target, Wire } from "../../src/transport/wire.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { connectTo, MESSAGE } from "../support/client.ts";
import { serveProxy } from "../support/proxy.ts";
import { type Peer, type Script, type Server, serve } from "../support/server.ts";
import { errorOf, until, watchProcess } from "../support/watch.ts";

watchProcess();

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});

const USER = { user: "canary-user", pass: "canary-päss" };

/** A wire to mail.example through the proxy that `server` plays. */
async function through(
  { port }: { readonly port: number },
  proxy: Partial<ProxyServer>,
  target: Partial<Target> = {},
): Promise<Wire> {
  const connect = proxied(connectNode, {
    kind: "http",
    host: "127.0.0.1",
    port,
    tls: undefined,
    credentials: undefined,
    ...proxy,
  });
  const wire = await connect({
    host: "mail.example",
    port: 587,
    implicitTls: false,
    servername: "localhost",
    tls: { ca: certificates.ca },
    signal: new AbortController().signal,
    ...target,
  });
  onTestFinished(() => wire.destroy());
  return wire;
}

async function head(peer: Peer): Promise<string[]> {
  const lines: string[] = [];
  for (let line = await peer.line(); line !== ""; line = await peer.line()) lines.push(line);
  return lines;
}

function text(octets: Uint8Array | undefined): string {
  return octets === undefined ? "(the end)" : decodeLatin1(octets);
}

/** Everything that an error shows, to a log or to who looks closely. */
function shown(error: SmtpError): string {
  return [inspect(error, { depth: 9, showHidden: true }), error.stack, JSON.stringify(error)].join();
}

const OK = "HTTP/1.1 200 Connection established\r\n\r\n";
const GRANTED = "\x05\x00\x00\x01\x7f\x00\x00\x01\x1f\x90";

const ways = ["whole", "octet by octet"] as const;
type Way = (typeof ways)[number];

function saying(peer: Peer, way: Way, octets: string): Promise<void> {
  return way === "whole" ? peer.send(octets) : peer.drip(octets);
}

/** Answers each client with these octets, once it has asked. */
function answering(octets: string, way: Way = "whole"): Script {
  return async (peer) => {
    await head(peer);
    await saying(peer, way, octets);
    await peer.silence();
  };
}

/** Plays a SOCKS proxy up to its reply, which is given; the request that came is put into `requests`. */
function socks(reply: string, { method = 0, way = "whole" as Way, requests = [] as string[] } = {}): Script {
  return async (peer) => {
    const greeting = await peer.chunk(2);
    await peer.chunk(greeting.charCodeAt(1));
    await saying(peer, way, `\x05${String.fromCharCode(method)}`);
    const start = await peer.chunk(4);
    const type = start.charCodeAt(3);
    const length = type === 1 ? "" : type === 4 ? "" : await peer.chunk(1);
    const address = await peer.chunk(type === 1 ? 4 : type === 4 ? 16 : length.charCodeAt(0));
    requests.push(start + length + address + (await peer.chunk(2)));
    await saying(peer, way, reply);
    await peer.silence();
  };
}

describe.each(ways)("an HTTP proxy that answers %s", (way) => {
  test("is asked for the server by name, and octets behind its answer are the server's", async () => {
    const server = await serve(answering(`${OK}220 mail.example ESMTP\r\n`, way));
    const wire = await through(server, {});
    let heard = "";
    while (!heard.endsWith("\n")) heard += text(await wire.read());
    expect(heard).toBe("220 mail.example ESMTP\r\n");
    expect(server.heard).toBe("CONNECT mail.example:587 HTTP/1.1\r\nHost: mail.example:587\r\n\r\n");
    expect(wire).toMatchObject({ secure: false, verified: false, localAddress: "127.0.0.1" });
  });

  test("may say more in its head, and other 2xx", async () => {
    const server = await serve(
      answering("HTTP/1.0 204\r\nVia: 1.1 proxy\r\nContent-Length: 5\r\nX-Empty:\r\n\r\n220 hi\r\n", way),
    );
    const wire = await through(server, {});
    expect(text(await wire.read()).startsWith("2")).toBe(true);
  });

  test("that wants credentials is named with a hint, and what it repeats of ours is not", async () => {
    const basic = Buffer.from(`${USER.user}:${USER.pass}`).toString("base64");
    const server = await serve(
      answering(`HTTP/1.1 407 ${basic} ${USER.user}\r\nX-Echo: ${basic}\r\n\r\n`, way),
    );
    const error = await errorOf(through(server, { credentials: USER }));
    expect(error).toMatchObject({ code: "proxy", phase: "connect", delivery: "not-sent", retryable: false });
    expect(error.message).toBe(
      `the proxy 127.0.0.1 on port ${server.port} refuses to connect: status 407 (on the way to mail.example on port 587)`,
    );
    expect(error.hint).toContain("password in proxy");
    expect(server.heard).toContain(`Proxy-Authorization: Basic ${basic}\r\n`);
    expect(shown(error)).not.toMatch(new RegExp(`canary|${basic}`));
  });
});

describe("an HTTP proxy", () => {
  test("is told an IPv6 address in brackets", async () => {
    const server = await serve(answering(OK));
    await through(server, {}, { host: "2001:db8::1" });
    expect(server.heard).toContain("CONNECT [2001:db8::1]:587 HTTP/1.1\r\nHost: [2001:db8::1]:587\r\n");
  });

  test.each([
    ["400 Bad Request", false],
    ["301 Moved Permanently", false],
    ["101 Switching Protocols", false],
    ["403 Forbidden", false],
    ["502 Bad Gateway", true],
    ["503 Service Unavailable", true],
  ])("that answers %s gives no wire", async (status, retryable) => {
    const server = await serve(answering(`HTTP/1.1 ${status}\r\n\r\n`));
    const error = await errorOf(through(server, {}));
    expect(error).toMatchObject({ code: "proxy", phase: "connect", retryable });
    expect(error.message).toContain(`status ${status.slice(0, 3)} `);
    await (await server.peer(0)).closed;
  });

  test.each([
    ["SMTP", "220 mail.example ESMTP\r\n"],
    ["another protocol's version", "HTTP/2 200\r\n\r\n"],
    ["a status of two digits", "HTTP/1.1 20\r\n\r\n"],
    ["a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"],
    ["a line that ends with LF alone", "HTTP/1.1 200 OK\n\r\n"],
    ["a blank line of LF alone", "HTTP/1.1 200 OK\r\n\n"],
    ["a CR within a line", "HTTP/1.1 200 OK\rX: y\r\n\r\n"],
    ["a NUL", "HTTP/1.1 200 OK\0\r\n\r\n"],
    ["a line that is no field", "HTTP/1.1 200 OK\r\nhello\r\n\r\n"],
    ["a line folded into the next", "HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n"],
    ["a blank before the colon", "HTTP/1.1 200 OK\r\nX : y\r\n\r\n"],
    ["a blank line first", "\r\nHTTP/1.1 200 OK\r\n\r\n"],
  ])("that says %s is not taken for one", async (_, octets) => {
    const server = await serve(answering(octets));
    const error = await errorOf(through(server, {}));
    expect(error).toMatchObject({ code: "proxy", retryable: false });
    expect(error.message).toContain("did not answer as an HTTP proxy does");
    await (await server.peer(0)).closed;
  });

  test.each([
    ["fields", "HTTP/1.1 200 OK\r\n", "X-Field: and again\r\n"],
    ["a line", "HTTP/1.1 200 OK\r\nX: ", "x".repeat(1000)],
  ])("whose head has %s without end is left after 16 KiB", async (_, first, more) => {
    const server = await serve(async (peer) => {
      await head(peer);
      await peer.send(first);
      for (;;) await peer.send(more);
    });
    const error = await errorOf(through(server, {}));
    expect(error).toMatchObject({ code: "proxy", retryable: false });
    expect(error.message).toContain("16384 octets");
  });
});

describe.each(ways)("a SOCKS proxy that answers %s", (way) => {
  test.each([
    ["an IPv4 address", GRANTED],
    ["an IPv6 address", `\x05\x00\x00\x04${"\x01".repeat(16)}\x00\x19`],
    ["a name", "\x05\x00\x00\x03\x0bproxy.local\x00\x19"],
    ["a name of no length", "\x05\x00\x00\x03\x00\x00\x19"],
  ])("with %s is read to the octet: the next is the server's", async (_, reply) => {
    const requests: string[] = [];
    const server = await serve(socks(`${reply}220 hi\r\n`, { way, requests }));
    const wire = await through(server, { kind: "socks5" });
    let heard = "";
    while (!heard.endsWith("\n")) heard += text(await wire.read());
    expect(heard).toBe("220 hi\r\n");
    expect(requests).toEqual(["\x05\x01\x00\x03\x0cmail.example\x02\x4b"]);
  });

  test("is told user and password where it asks for them, and they are in no error", async () => {
    let login = "";
    const server = await serve(async (peer) => {
      expect(await peer.chunk(4)).toBe("\x05\x02\x00\x02");
      await saying(peer, way, "\x05\x02");
      login = await peer.chunk(3 + 11 + 12);
      await saying(peer, way, "\x01\x01");
      await peer.silence();
    });
    const error = await errorOf(through(server, { kind: "socks5", credentials: USER }));
    expect(Buffer.from(login, "latin1").toString()).toBe("\x01\x0bcanary-user\x0ccanary-päss");
    expect(error).toMatchObject({ code: "proxy", phase: "connect", retryable: false });
    expect(error.message).toContain("refuses the login");
    expect(shown(error)).not.toContain("canary");
  });
});

describe("a SOCKS proxy", () => {
  test("lets us in with the right password, and connects", async () => {
    const server = await serve(async (peer) => {
      await peer.chunk(4);
      await peer.send("\x05\x02");
      await peer.chunk(3 + 11 + 12);
      await peer.send("\x01\x00");
      await peer.chunk(7 + 12);
      await peer.send(GRANTED);
      await peer.say(await peer.line());
    });
    const wire = await through(server, { kind: "socks5", credentials: USER });
    wire.write(encodeUtf8("EHLO there\r\n"));
    expect(text(await wire.read())).toBe("EHLO there\r\n");
  });

  test.each([
    ["192.0.2.7", "\x01\xc0\x00\x02\x07"],
    ["::1", `\x04${"\x00".repeat(15)}\x01`],
    ["2001:db8::8:800:200c:417a", "\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x08\x08\x00\x20\x0c\x41\x7a"],
    ["::ffff:192.0.2.7", `\x04${"\x00".repeat(10)}\xff\xff\xc0\x00\x02\x07`],
    ["fe80::", `\x04\xfe\x80${"\x00".repeat(14)}`],
    ["256.0.2.7", "\x03\x09256.0.2.7"],
  ])("is told the address %s as octets, or what is none as a name", async (host, address) => {
    const requests: string[] = [];
    const server = await serve(socks(GRANTED, { requests }));
    await through(server, { kind: "socks5" }, { host, port: 465 });
    expect(requests).toEqual([`\x05\x01\x00${address}\x01\xd1`]);
  });

  test.each([
    [1, "failed, and does not say why", true],
    [2, "has a rule against this connection", false],
    [3, "finds the network unreachable", true],
    [4, "finds the host unreachable", true],
    [5, "was refused the connection", true],
    [6, "got no answer before the TTL expired", true],
    [7, "does not know CONNECT", false],
    [8, "does not support this type of address", false],
    [9, "reply 9", false],
    [255, "reply 255", false],
  ])("that refuses with %i says that it %s", async (code, sentence, retryable) => {
    // Some send no more than this.
    const server = await serve(socks(`\x05${String.fromCharCode(code)}`));
    const error = await errorOf(through(server, { kind: "socks5" }));
    expect(error).toMatchObject({ code: "proxy", phase: "connect", retryable });
    expect(error.message).toContain(sentence);
    expect(error.message).toContain("on the way to mail.example on port 587");
    await (await server.peer(0)).closed;
  });

  test.each([
    ["a version of its own", "\x04\x5a\x00\x01\x7f\x00\x00\x01\x1f\x90"],
    ["a reserved octet that is set", "\x05\x00\x01\x01\x7f\x00\x00\x01\x1f\x90"],
    ["an address of a type that there is not", "\x05\x00\x00\x02\x7f\x00\x00\x01\x1f\x90"],
  ])("whose reply has %s is not taken for one", async (_, reply) => {
    const server = await serve(socks(reply));
    const error = await errorOf(through(server, { kind: "socks5" }));
    expect(error).toMatchObject({ code: "proxy", retryable: false });
    expect(error.message).toContain("did not answer as a SOCKS 5 proxy does");
  });

  test.each([
    ["none of our methods", "\x05\xff", undefined, "give the user"],
    ["none of our methods though we have a password", "\x05\xff", USER, "leave out the user"],
    ["a method that was not offered", "\x05\x02", undefined, "check host, port and scheme"],
    ["GSSAPI", "\x05\x01", USER, "check host, port and scheme"],
    ["what an SMTP server says", "220 mail.example ESMTP\r\n", undefined, "check host, port and scheme"],
  ])("that answers the greeting with %s is left", async (_, answer, credentials, hint) => {
    const server = await serve(async (peer) => {
      await peer.take(3);
      await peer.send(answer);
      await peer.silence();
    });
    const error = await errorOf(through(server, { kind: "socks5", credentials }));
    expect(error).toMatchObject({ code: "proxy", retryable: false });
    expect(error.hint).toContain(hint);
    expect(shown(error)).not.toContain("canary");
    await (await server.peer(0)).closed;
  });
});

describe.each(["http", "socks5"] as const)("through a proxy that speaks %s", (kind) => {
  const agree: Script = async (peer) => {
    if (kind === "http") {
      await head(peer);
      await peer.send(OK);
    } else {
      await peer.chunk(3);
      await peer.send("\x05\x00");
      await peer.chunk(7 + 12);
      await peer.send(GRANTED);
    }
  };

  test.each(["FIN", "RST"])(
    "a %s at any octet of the dialogue is the proxy's, and worth another try",
    async (how) => {
      const whole = kind === "http" ? OK : `\x05\x00${GRANTED}`;
      for (let at = 0; at < whole.length; at++) {
        const server = await serve(async (peer) => {
          await peer.take(1);
          if (at > 0) await peer.send(whole.slice(0, at));
          if (how === "FIN") peer.end();
          else peer.reset();
        });
        const error = await errorOf(through(server, { kind }));
        expect(error, `at ${at}`).toMatchObject({ code: "proxy", phase: "connect", retryable: true });
      }
    },
  );

  test("silence ends with the time to connect, and the error names both ends", async () => {
    const server = await serve((peer) => peer.silence());
    const proxy = { kind, host: "127.0.0.1", port: server.port, tls: undefined, credentials: USER };
    const error = await errorOf(
      openWire({
        connect: proxied(connectNode, proxy),
        target: {
          host: "mail.example",
          port: 587,
          implicitTls: false,
          servername: "mail.example",
          tls: {},
          via: `127.0.0.1 on port ${server.port}`,
        },
        timeouts: { ...DEFAULT_TIMEOUTS, connect: 60 },
      }),
    );
    expect(error).toMatchObject({ code: "deadline", phase: "connect", retryable: true });
    expect(error.message).toBe(
      `no connection to mail.example on port 587 through the proxy 127.0.0.1 on port ${server.port} within 60 ms`,
    );
    await (await server.peer(0)).closed;
  });

  test("an abort ends the dialogue at once and leaves no socket", async () => {
    const reason = new TransportError("never mind", { code: "aborted" });
    const server = await serve((peer) => peer.silence());
    const controller = new AbortController();
    const attempt = errorOf(through(server, { kind }, { signal: controller.signal }));
    const peer = await server.peer(0);
    await until(() => peer.heard !== "");
    controller.abort(reason);
    expect(await attempt).toBe(reason);
    await peer.closed;

    expect(await errorOf(through(server, { kind }, { signal: AbortSignal.abort(reason) }))).toBe(reason);
  });

  test("a wire that is up listens to its attempt's signal no more", async () => {
    const server = await serve(async (peer) => {
      await agree(peer);
      await peer.say(await peer.line());
    });
    const controller = new AbortController();
    const wire = await through(server, { kind }, { signal: controller.signal });
    controller.abort(new Error("too late"));
    wire.write(encodeUtf8("still there\r\n"));
    expect(text(await wire.read())).toBe("still there\r\n");
  });

  test("TLS is made with the server's name, from the first octet or later", async () => {
    const server = await serve(async (peer) => {
      await agree(peer);
      if (peer.index === 1) {
        await peer.line();
        await peer.say("220 go ahead");
      }
      await peer.startTls(certificates.nameOnly);
      await peer.say(await peer.line());
      await peer.silence();
    });
    const implicit = await through(server, { kind }, { implicitTls: true });
    const later = await through(server, { kind });
    expect(later).toMatchObject({ secure: false, verified: false, tlsVersion: undefined });
    later.write(encodeUtf8("STARTTLS\r\n"));
    expect(text(await later.read())).toBe("220 go ahead\r\n");
    await later.startTls();
    for (const wire of [implicit, later]) {
      expect(wire).toMatchObject({ secure: true, verified: true, tlsVersion: "TLSv1.3" });
      wire.write(encodeUtf8("hello\r\n"));
      expect(text(await wire.read())).toBe("hello\r\n");
    }
    expect(server.peers.map(({ servername }) => servername)).toEqual(["localhost", "localhost"]);
  });

  test("a certificate that is not the server's is refused", async () => {
    const server = await serve(async (peer) => {
      await agree(peer);
      await peer.startTls(certificates.wrongName);
      await peer.silence();
    });
    const error = await errorOf(through(server, { kind }, { implicitTls: true }));
    expect(error).toMatchObject({ code: "tls_certificate", phase: "tls" });
    expect(error.message).toContain("localhost");
    await (await server.peer(0)).closed;
  });

  test.each(["from the first octet", "after STARTTLS"])("octets before TLS %s are refused", async (when) => {
    const server = await serve(async (peer) => {
      await agree(peer);
      await peer.silence();
    });
    // In one write with the answer, or they may come too late to be early.
    const early = await serve(async (peer) => {
      if (kind === "http") {
        await head(peer);
        await peer.send(`${OK}220 evil\r\n`);
      } else {
        await peer.chunk(3);
        await peer.send("\x05\x00");
        await peer.chunk(7 + 12);
        await peer.send(`${GRANTED}220 evil\r\n`);
      }
      await peer.silence();
    });
    expect((await through(server, { kind })).secure).toBe(false);
    const attempt =
      when === "after STARTTLS"
        ? through(early, { kind }).then((wire) => wire.startTls())
        : through(early, { kind }, { implicitTls: true });
    expect(await errorOf(attempt)).toMatchObject({ code: "starttls_injection", phase: "tls" });
  });

  test("a client sends its message, and the proxy's sockets go with the client's", async () => {
    const proxy = await serveProxy(kind);
    const server = await serveMessages();
    const { client } = connectTo(server, {
      host: "mail.example",
      security: "starttls",
      servername: "localhost",
      tls: { ca: certificates.ca },
      proxy: `${kind}://127.0.0.1:${proxy.port}`,
      auth: { user: "alice", pass: "open sesame" },
    });
    await client.send(MESSAGE);
    expect(server.messages).toHaveLength(1);
    expect(proxy.asked).toEqual([`mail.example:${server.port}`]);
    await client.close();
    await until(() => proxy.open.size === 0);
  });
});

describe("a proxy behind TLS", () => {
  test("protects nothing beyond itself: the server's own TLS is made within, and only then it is secure", async () => {
    const proxy = await serveProxy("http", { tls: certificates.good });
    const server = await serve(async (peer) => {
      await peer.line();
      await peer.say("220 go ahead");
      await peer.startTls(certificates.nameOnly);
      await peer.say(await peer.line());
      await peer.silence();
    });
    const wire = await through(proxy, { tls: { ca: certificates.ca } }, { port: server.port });
    expect(wire).toMatchObject({ secure: false, verified: false, tlsVersion: undefined, resumed: false });
    wire.write(encodeUtf8("STARTTLS\r\n"));
    await wire.read();
    await wire.startTls();
    expect(wire).toMatchObject({ secure: true, verified: true, tlsVersion: "TLSv1.3" });
    wire.write(encodeUtf8("hello\r\n"));
    expect(text(await wire.read())).toBe("hello\r\n");
    wire.write(encodeUtf8("QUIT\r\n"));
    wire.close();
    await server.peers[0]?.closed;
    expect(server.heard.endsWith("QUIT\r\n")).toBe(true);
    await until(() => proxy.open.size === 0);
  });

  test("whose server's certificate is not to be trusted gives a wire that is not verified", async () => {
    const proxy = await serveProxy("http", { tls: certificates.good });
    const server = await serve((peer) => peer.silence(), { tls: certificates.selfSigned });
    const wire = await through(
      proxy,
      { tls: { ca: certificates.ca } },
      { port: server.port, implicitTls: true, tls: { rejectUnauthorized: false } },
    );
    expect(wire).toMatchObject({ secure: true, verified: false });
    const error = await errorOf(
      through(proxy, { tls: { ca: certificates.ca } }, { port: server.port, implicitTls: true }),
    );
    expect(error).toMatchObject({ code: "tls_certificate", phase: "tls" });
    wire.destroy();
    await until(() => proxy.open.size === 0);
  });

  test.each(["selfSigned", "wrongName", "expired"] as const)(
    "is verified itself, before it hears our credentials: %s",
    async (which) => {
      const server = await serve((peer) => peer.silence(), { tls: certificates[which] });
      const error = await errorOf(through(server, { tls: { ca: certificates.ca }, credentials: USER }));
      expect(error).toMatchObject({ code: "proxy", phase: "connect", cause: { code: "tls_certificate" } });
      expect(error.message).toContain("the proxy cannot be reached");
      expect(error.hint).toContain("proxy.tls");
      expect(server.heard).toBe("");
      expect(shown(error)).not.toContain("canary");
    },
  );
});

describe("which of the two cannot be reached", () => {
  test("is the proxy, where nobody listens there", async () => {
    const gone = await serve(async () => {});
    await gone.close();
    const error = await errorOf(through(gone, { credentials: USER }));
    expect(error).toMatchObject({ code: "proxy", phase: "connect", retryable: true, hint: "check proxy" });
    expect(error.message).toContain(
      `the proxy cannot be reached: no connection to 127.0.0.1 on port ${gone.port}`,
    );
    expect(shown(error)).not.toContain("canary");
  });

  test("is the proxy, where its name has no address", async () => {
    const lookup = (_name: string, _options: object, done: (error: Error, address: string) => void): void =>
      done(Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" }), "");
    const error = await errorOf(through({ port: 1080 }, { host: "proxy.example" }, { lookup }));
    expect(error).toMatchObject({ code: "proxy", phase: "connect", cause: { code: "dns" } });
    expect(error.message).toContain("proxy.example");
  });
});

/** Takes a message behind STARTTLS. */
function serveMessages(): Promise<Server> {
  return serve(async (peer) => {
    await peer.say("220 mail.example ESMTP");
    await peer.line();
    await peer.say("250-mail.example", "250 STARTTLS");
    await peer.line();
    await peer.say("220 go ahead");
    await peer.startTls(certificates.nameOnly);
    await peer.line();
    await peer.say("250-mail.example", "250 AUTH PLAIN");
    for (;;) {
      const line = await peer.line();
      if (line.startsWith("AUTH")) await peer.say("235 welcome");
      else if (line === "DATA") {
        await peer.say("354 go ahead");
        await peer.data();
        await peer.say("250 taken");
      } else await peer.say("250 fine");
    }
  });
}
