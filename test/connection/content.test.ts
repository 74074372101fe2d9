// One client, one connection, real sockets: mail data on its way, and what a trace shows.

import { beforeAll, describe, expect, test } from "vitest";
import type { Wire } from "../../src/index.ts";
import { connectNode } from "../../src/transport/node.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { connectTo, MESSAGE } from "../support/client.ts";
import { polite } from "../support/manners.ts";
import { serve } from "../support/server.ts";
import { watchProcess } from "../support/watch.ts";

watchProcess();

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});

const USER = { user: "alice", pass: "open sesame" };

describe("mail data", () => {
  test("a body that looks like the end of the message and more commands arrives as one message", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server);
    const text =
      "x\r\n.\r\nMAIL FROM:<evil@example.net>\r\nRCPT TO:<victim@example.net>\r\nDATA\r\n.\r\n..\r\n.";
    await client.send({ ...MESSAGE, text });
    await client.close();
    expect(server.messages.length).toBe(1);
    expect(server.messages[0]).toContain(`\r\n\r\n${text}`);
    expect(server.peers[0]?.lines.map((line) => line.split(" ")[0])).toEqual([
      "EHLO",
      "MAIL",
      "RCPT",
      "DATA",
      "QUIT",
    ]);
  });

  test("dots and line ends that fall on the borders of blocks arrive as they are", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server);
    for (let shift = 0; shift < 8; shift++) {
      const text = `${"y".repeat(shift)}${".\r\n..x\r\nz\r\n".repeat(24_000)}`;
      await client.send({ ...MESSAGE, text });
      expect(server.messages.at(-1)?.endsWith(`\r\n\r\n${text}`), `shifted by ${shift}`).toBe(true);
    }
  });

  test("a large message arrives whole at a server that reads slowly, and is not piled up in memory", async () => {
    const attachment = Uint8Array.from({ length: 4_000_000 }, (_, at) => (at * 7 + (at >> 8)) & 0xff);
    let most = 0;
    const server = await serve(
      polite({
        DATA: async (peer) => {
          await peer.say("354 go");
          const ebb = setInterval(() => {
            peer.pause();
            setImmediate(() => peer.resume());
          }, 1);
          await peer.data();
          clearInterval(ebb);
          return "250 queued";
        },
      }),
    );
    const { client } = connectTo(server, {
      connect: async (target) => {
        const wire = await connectNode(target);
        let pending = 0;
        return override(wire, {
          write: (octets) => {
            const full = wire.write(octets);
            pending += octets.length;
            most = Math.max(most, pending);
            if (full === undefined) pending = 0;
            return full?.then(() => {
              pending = 0;
            });
          },
        });
      },
    });
    await client.send({ ...MESSAGE, attachments: [{ filename: "a.bin", content: attachment }] });
    const [message = ""] = server.messages;
    const body = message.slice(message.indexOf("\r\n\r\n", message.indexOf("a.bin")) + 4);
    const base64 = body.slice(0, body.indexOf("\r\n--")).replaceAll("\r\n", "");
    expect(Buffer.from(base64, "base64").equals(attachment)).toBe(true);
    expect(most).toBeLessThan(512 * 1024);
  });
});

describe("the trace", () => {
  test("tells what happens, in order, and counts the mail data instead of showing it", async () => {
    const server = await serve(
      polite({ identity: certificates.good, offers: ["STARTTLS"], offersInside: ["AUTH PLAIN"] }),
    );
    const { client, events } = connectTo(server, {
      security: "starttls",
      tls: { ca: certificates.ca },
      auth: USER,
      name: "client.example",
    });
    await client.send(MESSAGE);
    await client.close();
    const told = events.map((event) => {
      if (event.kind === "command") return `C: ${event.line}`;
      if (event.kind === "reply") return `S: ${event.reply.code}`;
      return event.kind;
    });
    expect(told).toEqual([
      "connecting",
      "attempt",
      "attempt",
      "connected",
      "S: 220",
      "C: EHLO client.example",
      "S: 250",
      "C: STARTTLS",
      "S: 220",
      "handshake",
      "secured",
      "C: EHLO client.example",
      "S: 250",
      "C: AUTH PLAIN ********",
      "S: 235",
      "C: MAIL FROM:<alice@example.com>",
      "S: 250",
      "C: RCPT TO:<bob@example.org>",
      "S: 250",
      "C: DATA",
      "S: 354",
      "content",
      "S: 250",
      "C: QUIT",
      "S: 221",
      "closed",
    ]);
    expect(events.find(({ kind }) => kind === "secured")).toMatchObject({
      version: "TLSv1.3",
      verified: true,
    });
  });

  test("a listener that throws changes nothing", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server, {
      trace: () => {
        throw new Error("oops");
      },
    });
    expect((await client.send(MESSAGE)).reply.code).toBe(250);
  });

  test("without a name of our own the server is told our address", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server);
    await client.send(MESSAGE);
    expect(server.peers[0]?.lines[0]).toBe("EHLO [127.0.0.1]");
  });
});

/** A wire with some of its methods replaced. */
function override(wire: Wire, methods: Partial<Wire>): Wire {
  return new Proxy(wire, {
    get(target, key) {
      if (Object.hasOwn(methods, key)) return methods[key as keyof Wire];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
