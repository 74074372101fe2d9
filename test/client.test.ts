// The client as a user holds it, against a server that somebody else wrote, and as part of a process.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { MessageError, type SmtpClient } from "../src/index.ts";
import { type Certificates, makeCertificates } from "./support/certificates.ts";
import { connectTo, MESSAGE } from "./support/client.ts";
import { polite, takeTime } from "./support/manners.ts";
import { serve } from "./support/server.ts";
import { errorOf, until, watchProcess } from "./support/watch.ts";

watchProcess();

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});

describe("with a server that somebody else wrote", () => {
  interface Mailbox {
    readonly port: number;
    readonly mails: { from: string; to: string[]; user: string | undefined; secure: boolean; text: string }[];
  }

  async function mailServer(options: SMTPServerOptions = {}): Promise<Mailbox> {
    const mails: Mailbox["mails"] = [];
    const server = new SMTPServer({
      ...certificates.good,
      authMethods: ["PLAIN", "LOGIN", "XOAUTH2"],
      authOptional: true,
      onAuth: ({ username, password, accessToken }, _session, done) => {
        if (username === "alice" && (password === "open sesame" || accessToken === "ya29.token"))
          done(null, { user: username });
        else done(new Error("wrong password"));
      },
      onRcptTo: ({ address }, _session, done) =>
        done(
          address.startsWith("nobody@")
            ? Object.assign(new Error("no such user"), { responseCode: 550 })
            : null,
        ),
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("end", () => {
          if (stream.sizeExceeded) return done(Object.assign(new Error("too big"), { responseCode: 552 }));
          const { mailFrom, rcptTo } = session.envelope;
          mails.push({
            from: mailFrom === false ? "" : mailFrom.address,
            to: rcptTo.map(({ address }) => address),
            user: session.user,
            secure: session.secure,
            text: Buffer.concat(chunks).toString("latin1"),
          });
          return done();
        });
      },
      ...options,
    });
    server.on("error", () => {});
    const listener = server.listen(0, "127.0.0.1");
    await once(listener, "listening");
    onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
    return { port: (listener.address() as AddressInfo).port, mails };
  }

  test.each([
    ["PLAIN", { user: "alice", pass: "open sesame" }],
    ["LOGIN", { user: "alice", pass: "open sesame", mechanism: "LOGIN" }],
    ["XOAUTH2", { user: "alice", accessToken: "ya29.token" }],
  ] as const)("a message goes out over STARTTLS after AUTH %s", async (_, auth) => {
    const { port, mails } = await mailServer();
    const { client } = connectTo({ port }, { security: "starttls", tls: { ca: certificates.ca }, auth });
    const receipt = await client.send({ ...MESSAGE, bcc: "carol@example.net", text: "Hi\n.\n..dots" });
    expect(receipt).toMatchObject({
      accepted: ["bob@example.org", "carol@example.net"],
      rejected: [],
      envelope: { from: "alice@example.com", to: ["bob@example.org", "carol@example.net"] },
      attempts: 1,
      reply: { code: 250 },
    });
    expect(receipt.extensions).toContain("PIPELINING");
    expect(receipt.timings.total).toBeGreaterThanOrEqual(receipt.timings.transaction);
    expect(mails).toHaveLength(1);
    expect(mails[0]).toMatchObject({
      from: "alice@example.com",
      to: ["bob@example.org", "carol@example.net"],
      user: "alice",
      secure: true,
    });
    expect(mails[0]?.text).toContain(`Message-ID: ${receipt.messageId}\r\n`);
    expect(mails[0]?.text).toContain("\r\n\r\nHi\r\n.\r\n..dots");
    expect(mails[0]?.text).not.toContain("carol");
  });

  test("a message goes out over implicit TLS, and another behind it", async () => {
    const { port, mails } = await mailServer({ secure: true });
    const { client } = connectTo(
      { port },
      { host: "localhost", security: "tls", tls: { ca: certificates.ca } },
    );
    await client.send(MESSAGE);
    await client.send({ ...MESSAGE, subject: "Again" });
    expect(mails.map(({ secure }) => secure)).toEqual([true, true]);
  });

  test("a loopback server with any certificate is good enough for a try-out", async () => {
    const { port, mails } = await mailServer(certificates.selfSigned);
    const { client } = connectTo({ port });
    await client.send(MESSAGE);
    expect(mails[0]?.secure).toBe(true);
  });

  test("a refused recipient among accepted ones is data, not an error", async () => {
    const { port, mails } = await mailServer();
    const { client } = connectTo({ port });
    const receipt = await client.send({ ...MESSAGE, to: ["nobody@example.org", "bob@example.org"] });
    expect(receipt.accepted).toEqual(["bob@example.org"]);
    expect(receipt.rejected).toMatchObject([{ recipient: "nobody@example.org", reply: { code: 550 } }]);
    expect(mails[0]?.to).toEqual(["bob@example.org"]);
  });

  test("when every recipient is refused nothing is sent, and the next message goes out", async () => {
    const { port, mails } = await mailServer();
    const { client, events } = connectTo({ port });
    const error = await errorOf(client.send({ ...MESSAGE, to: "nobody@example.org" }));
    expect(error).toMatchObject({
      code: "recipients_refused",
      delivery: "rejected",
      retryable: false,
      recipient: "nobody@example.org",
    });
    await client.send(MESSAGE);
    expect(mails).toHaveLength(1);
    expect(events.filter(({ kind }) => kind === "connected")).toHaveLength(1);
  });

  test("a wrong password is refused with what the server said", async () => {
    const { port } = await mailServer();
    const { client } = connectTo({ port }, { auth: { user: "alice", pass: "open sesamee" } });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({
      code: "authentication_refused",
      name: "AuthenticationError",
      reply: { code: 535 },
    });
  });

  test("a message over the server's limit is not even begun", async () => {
    const { port, mails } = await mailServer({ size: 1_000 });
    const { client } = connectTo({ port });
    const error = await errorOf(client.send({ ...MESSAGE, text: "x".repeat(2_000) }));
    expect(error).toBeInstanceOf(MessageError);
    expect(error).toMatchObject({ code: "message_too_large", delivery: "not-sent" });
    expect(mails).toHaveLength(0);
  });

  test("a hundred messages over five connections all arrive", async () => {
    const { port, mails } = await mailServer({ hideSTARTTLS: true });
    const { client, events } = connectTo({ port });
    const names = Array.from({ length: 100 }, (_, at) => `n${at}@example.org`);
    await Promise.all(names.map((to) => client.send({ ...MESSAGE, to })));
    expect(mails.flatMap(({ to }) => to).sort()).toEqual([...names].sort());
    expect(events.filter(({ kind }) => kind === "connected")).toHaveLength(5);
  });
});

describe("verify", () => {
  test("connects, secures, logs in and says goodbye; nothing is sent", async () => {
    const server = await serve(
      polite({ identity: certificates.good, offers: ["STARTTLS"], offersInside: ["AUTH PLAIN"] }),
    );
    const { client } = connectTo(server, {
      security: "starttls",
      tls: { ca: certificates.ca },
      auth: { user: "alice", pass: "open sesame" },
    });
    await expect(client.verify()).resolves.toBeUndefined();
    await server.peers[0]?.closed;
    expect(server.peers[0]?.lines.map((line) => line.split(" ")[0])).toEqual([
      "EHLO",
      "STARTTLS",
      "EHLO",
      "AUTH",
      "QUIT",
    ]);
  });

  test("looks anew each time, though a connection is open", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server);
    await client.send(MESSAGE);
    await client.verify();
    await client.verify();
    expect(server.peers.length).toBe(3);
    await client.send(MESSAGE);
    expect(server.peers.length).toBe(3);
  });

  test("fails with what a send would fail with, and leaves nothing open", async () => {
    const server = await serve(polite({ offers: ["AUTH PLAIN"], AUTH: "535 5.7.8 no" }));
    const { client } = connectTo(server, { auth: { user: "alice", pass: "x" } });
    expect(await errorOf(client.verify())).toMatchObject({ code: "authentication_refused" });
    await server.peers[0]?.closed;
  });

  test("keeps to timeout", async () => {
    const server = await serve(polite({ greeting: (peer) => peer.silence() as Promise<never> }));
    const { client } = connectTo(server, { timeout: 50 });
    expect(await errorOf(client.verify())).toMatchObject({
      code: "deadline",
      delivery: "not-sent",
      retryable: true,
    });
    await server.peers[0]?.closed;
  });
});

describe("a message that cannot be sent", () => {
  test("is refused before anything is connected", async () => {
    const { client, events } = connectTo({ port: 9 });
    const error = await errorOf(client.send({ ...MESSAGE, to: "bob@example.org\r\nRCPT TO:<x@y.example>" }));
    expect(error).toMatchObject({ name: "MessageError", phase: "message", delivery: "not-sent" });
    expect(events).toEqual([]);
  });

  test("is a rejection and never an exception, whatever it is", async () => {
    const { client } = connectTo({ port: 9 });
    for (const message of [undefined, null, 5, "x", [], {}]) {
      const sending = client.send(message as never);
      expect(sending).toBeInstanceOf(Promise);
      expect(await errorOf(sending)).toMatchObject({ name: "MessageError" });
    }
  });
});

describe("the stack of an error", () => {
  /** The first frame that is not of the runtime itself. */
  const top = (error: Error): string =>
    (error.stack ?? "").split("\n").find((line) => /^ +at /.test(line) && !line.includes("node:internal")) ??
    "";
  const here = /client\.test\.ts/;

  test("begins where send was called, for errors born on a socket", async () => {
    const server = await serve(polite({ content: "554 no" }));
    const { client } = connectTo(server);
    async function sendsTheMessage(): Promise<void> {
      await client.send(MESSAGE);
    }
    const error = await errorOf(sendsTheMessage());
    expect(error.stack).toContain(error.message);
    expect(top(error)).toMatch(/sendsTheMessage/);
    expect(top(error)).toMatch(here);
  });

  test("begins where verify was called", async () => {
    const server = await serve(polite({ greeting: "554 no" }));
    const { client } = connectTo(server);
    async function verifies(): Promise<void> {
      await client.verify();
    }
    expect(top(await errorOf(verifies()))).toMatch(/verifies/);
  });

  test("is of its own for each of many messages that fail together", async () => {
    const server = await serve(polite({ offers: ["AUTH PLAIN"], AUTH: "535 5.7.8 no" }));
    const { client } = connectTo(server, { maxConnections: 1, auth: { user: "alice", pass: "x" } });
    const one = async (): Promise<unknown> => await client.send(MESSAGE);
    const two = async (): Promise<unknown> => await client.send(MESSAGE);
    const [first, second] = await Promise.all([errorOf(one()), errorOf(two())]);
    expect(top(first)).toMatch(/one/);
    expect(top(second)).toMatch(/two/);
  });
});

describe("a process", () => {
  let folder: string;
  let library: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pennypost-"));
    library = join(folder, "pennypost.mjs");
    await build({
      entryPoints: [fileURLToPath(new URL("../src/index.ts", import.meta.url))],
      outfile: library,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20",
      logLevel: "error",
    });
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Runs a program to its end, which it must find by itself. */
  async function run(port: number, program: string): Promise<string> {
    const file = join(folder, `program-${port}.mjs`);
    await writeFile(
      file,
      `import { SmtpClient } from ${JSON.stringify(library)};
       const client = new SmtpClient({ host: "127.0.0.1", port: ${port} });
       const MESSAGE = ${JSON.stringify(MESSAGE)};
       ${program}`,
    );
    const child = spawn(process.execPath, ["--unhandled-rejections=strict", file], { timeout: 4_500 });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    const [code, signal] = (await once(child, "close")) as [number, string];
    return `${output}${signal === null ? `exit ${code}` : `killed`}`;
  }

  test("is not kept alive by a client that is idle, in the clear or with TLS", async () => {
    for (const identity of [undefined, certificates.selfSigned]) {
      const server = await serve(
        polite(identity === undefined ? {} : { identity, offers: ["STARTTLS"], offersInside: [] }),
      );
      const output = await run(
        server.port,
        `const { reply } = await client.send(MESSAGE);
         console.log(reply.code);`,
      );
      expect(output).toBe("250\nexit 0");
      expect(server.peers[0]?.secure).toBe(identity !== undefined);
    }
  });

  test("is kept alive by a message under way, and by those that wait for their turn", async () => {
    const server = await serve(
      polite({
        content: async () => {
          await takeTime(50);
          return "250 queued";
        },
      }),
    );
    const output = await run(
      server.port,
      `for (const n of [1, 2, 3, 4, 5, 6, 7]) void client.send(MESSAGE).then(() => console.log("sent"));`,
    );
    expect(output).toBe(`${"sent\n".repeat(7)}exit 0`);
  });

  test("is kept alive by a message that goes over a connection that was idle", async () => {
    const server = await serve(
      polite({
        content: async () => {
          await takeTime(50);
          return "250 queued";
        },
      }),
    );
    const output = await run(
      server.port,
      `await client.send(MESSAGE);
       setImmediate(() => void client.send(MESSAGE).then(({ attempts }) => console.log("again", attempts)));`,
    );
    expect(output).toBe("again 1\nexit 0");
  });

  test("is not brought down by a connection that breaks while idle", async () => {
    const server = await serve(polite());
    const running = run(
      server.port,
      `await client.send(MESSAGE);
       process.stdout.write("idle ");
       setTimeout(() => console.log("alive"), 300);`,
    );
    const peer = await server.peer(0);
    await until(() => peer.messages.length > 0);
    setTimeout(() => peer.reset(), 100);
    expect(await running).toBe("idle alive\nexit 0");
  });

  test("loads nothing of the network before the first connection", async () => {
    const server = await serve(polite());
    const output = await run(
      server.port,
      `const loaded = () => process.moduleLoadList.some((name) => name === "NativeModule tls");
       const before = loaded();
       await client.send(MESSAGE);
       console.log(before);`,
    );
    expect(output).toBe("false\nexit 0");
  });
});

describe("the public client", () => {
  test("shows nothing but its methods", () => {
    const { client } = connectTo({ port: 9 });
    expect(Object.keys(client)).toEqual([]);
    const methods = new Set<string>();
    for (let at: object | null = Object.getPrototypeOf(client); at !== Object.prototype && at !== null; ) {
      for (const name of Object.getOwnPropertyNames(at)) methods.add(name);
      at = Object.getPrototypeOf(at) as object | null;
    }
    const expected: readonly (keyof SmtpClient)[] = [
      "send",
      "sendMany",
      "verify",
      "vrfy",
      "noop",
      "close",
      "stats",
    ];
    expect([...methods].sort()).toEqual(["constructor", ...expected].sort());
  });
});
