// One client, one connection at a time, real sockets: what a server may do to a session, and what becomes of it.

import { getEventListeners } from "node:events";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { beforeAll, describe, expect, test } from "vitest";
import { type Phase, ReplyError, type SmtpClientOptions, type Wire } from "../src/index.ts";
import { connectNode } from "../src/transport/node.ts";
import { type Certificates, makeCertificates } from "./support/certificates.ts";
import { connectTo, MESSAGE } from "./support/client.ts";
import { type Manners, nth, polite } from "./support/manners.ts";
import { type Script, serve } from "./support/server.ts";
import { errorOf, until, watchProcess } from "./support/watch.ts";

watchProcess();

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});

const USER = { user: "alice", pass: "open sesame" };
const THREE = { ...MESSAGE, to: ["one@example.org", "two@example.org", "three@example.org"] };

/** Nobody was told who we are or who writes to whom. */
function expectNothingSaid(heard: string): void {
  expect(heard).not.toMatch(/^(?:AUTH|MAIL|RCPT|DATA)/im);
}

describe("replies in any number of pieces", () => {
  test("a session goes the same way when each octet comes in a segment of its own", async () => {
    const say = async (peer: Parameters<Script>[0], text: string): Promise<void> => {
      await peer.drip(text.replaceAll("\n", "\r\n"));
    };
    const server = await serve(async (peer) => {
      await say(peer, "220-test.example\n220 ESMTP\n");
      await peer.line();
      await say(peer, "250-test.example\n250-PIPELINING\n250 AUTH PLAIN\n");
      await peer.line();
      await say(peer, "235 2.7.0 welcome\n");
      for (let left = 3; left > 0; left--) await peer.line();
      await say(peer, "250 2.1.0 ok\n250 2.1.5 ok\n354 go\n");
      await peer.data();
      await say(peer, "250-2.0.0 queued\n250 2.0.0 as 42\n");
      await peer.line();
      await say(peer, "221 bye\n");
    });
    const { client } = connectTo(server, { auth: USER });
    const receipt = await client.send(MESSAGE);
    expect(receipt).toMatchObject({
      accepted: ["bob@example.org"],
      rejected: [],
      reply: { code: 250, enhancedStatus: "2.0.0", lines: ["2.0.0 queued", "2.0.0 as 42"] },
      extensions: ["PIPELINING"],
      attempts: 1,
    });
    await client.close();
    expect(server.peers[0]?.lines.map((line) => line.split(" ")[0])).toEqual([
      "EHLO",
      "AUTH",
      "MAIL",
      "RCPT",
      "DATA",
      "QUIT",
    ]);
  });

  test("an EHLO reply that breaks between STARTTLS and AUTH is still one reply: TLS first, then AUTH", async () => {
    const server = await serve(
      polite({
        identity: certificates.good,
        offersInside: ["AUTH PLAIN"],
        EHLO: async (peer) => {
          if (peer.secure) return "250-test.example\n250 AUTH PLAIN";
          await peer.send("250-test.example\r\n250-STARTTLS\r\n");
          for (let turns = 10; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
          await peer.send("250 AUTH PLAIN\r\n");
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server, { security: "opportunistic", auth: USER });
    await client.send(MESSAGE);
    const said = server.peers[0]?.lines.map((line) => line.split(" ")[0]) ?? [];
    expect(said.slice(0, 4)).toEqual(["EHLO", "STARTTLS", "EHLO", "AUTH"]);
  });

  test("replies that come in one piece are paired with the commands of their group, one each", async () => {
    const server = await serve(
      polite({
        offers: ["PIPELINING"],
        MAIL: async (peer) => {
          for (let left = 3; left > 0; left--) await peer.line();
          await peer.line();
          await peer.say("250 sender", "250 one", "550 5.1.1 no two", "451 4.2.1 not now", "354 go");
          await peer.data();
          return "250 queued";
        },
      }),
    );
    const { client } = connectTo(server);
    const receipt = await client.send(THREE);
    expect(receipt.accepted).toEqual(["one@example.org"]);
    expect(receipt.rejected).toEqual([
      {
        recipient: "two@example.org",
        reply: { code: 550, enhancedStatus: "5.1.1", lines: ["5.1.1 no two"] },
      },
      {
        recipient: "three@example.org",
        reply: { code: 451, enhancedStatus: "4.2.1", lines: ["4.2.1 not now"] },
      },
    ]);
  });
});

describe("a server that never stops", () => {
  test("a line without end is cut off after a few kilobytes, and the connection with it", async () => {
    const piece = "2".repeat(16 * 1024);
    const server = await serve(async (peer) => {
      await peer.say("220 test.example");
      await peer.line();
      await peer.send("250-");
      for (;;) await peer.send(piece);
    });
    const before = process.memoryUsage().arrayBuffers;
    const { client } = connectTo(server);
    const error = await errorOf(client.send(MESSAGE));
    expect(error).toMatchObject({
      code: "reply_too_long",
      phase: "ehlo",
      delivery: "not-sent",
      retryable: false,
    });
    await server.peers[0]?.closed;
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024);
    expectNothingSaid(server.heard);
  });

  test("a reply of endless lines is cut off", async () => {
    const lines = "250-x\r\n".repeat(1000);
    const server = await serve(async (peer) => {
      await peer.say("220 test.example");
      await peer.line();
      for (;;) await peer.send(lines);
    });
    const { client } = connectTo(server);
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ code: "reply_too_long", phase: "ehlo" });
    await server.peers[0]?.closed;
    expectNothingSaid(server.heard);
  });

  test.each([
    ["octets", "x"],
    ["lines", "220-still here\r\n"],
  ])("%s that drip in for ever do not put the deadline off", async (_, drop) => {
    const server = await serve(async (peer) => {
      await peer.send("220-");
      if (drop !== "x") await peer.say("hello");
      for (;;) {
        await peer.send(drop);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    });
    const { client } = connectTo(server, { timeouts: { greeting: 60 } });
    const started = performance.now();
    const error = await errorOf(client.send(MESSAGE));
    expect(error).toMatchObject({ code: "deadline", phase: "greeting" });
    expect(performance.now() - started).toBeLessThan(1_000);
    await server.peers[0]?.closed;
  });

  test("challenges without end are broken off", async () => {
    const server = await serve(
      polite({
        offers: ["AUTH LOGIN"],
        AUTH: async (peer) => {
          for (let left = 50; left > 0; left--) {
            await peer.say("334 VXNlcm5hbWU6");
            if ((await peer.line()) === "*") return "501 ok";
          }
          return "235 no";
        },
      }),
    );
    const { client } = connectTo(server, { auth: USER });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ code: "invalid_challenge", phase: "auth" });
    expect(server.peers[0]?.lines.length).toBeLessThan(8);
  });
});

describe("replies that nobody waits for", () => {
  test.each([[[]], [["PIPELINING"]]])(
    "a success told before a message of 8 MB was sent is never believed (offered: %j)",
    async (offers) => {
      const server = await serve(
        polite({
          offers,
          MAIL: async (peer) => {
            await peer.say("250 ok", "250 ok", "354 go", "250 queued");
            await peer.silence();
            return undefined;
          },
        }),
      );
      const { client } = connectTo(server);
      const error = await errorOf(
        client.send({ ...MESSAGE, text: "x".repeat(70).concat("\n").repeat(115_000) }),
      );
      expect(error).toMatchObject({ code: "unsolicited_reply", delivery: "not-sent", retryable: false });
      await server.peers[0]?.closed;
      expect(server.messages).toEqual([]);
      expect(server.heard.length).toBeLessThan(8_000_000);
    },
  );

  test("a success told while the mail data still flows is not believed", async () => {
    const server = await serve(
      polite({
        DATA: async (peer) => {
          await peer.say("354 go");
          await peer.take(100_000);
          peer.pause();
          await peer.say("250 queued");
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server);
    const error = await errorOf(
      client.send({ ...MESSAGE, text: "x".repeat(70).concat("\n").repeat(230_000) }),
    );
    expect(error).toMatchObject({ code: "unsolicited_reply", phase: "content", delivery: "not-sent" });
  });

  test("a reply cannot count before the octets that it answers have left", async () => {
    const server = await serve(polite());
    let stuck: () => void = () => {};
    const isStuck = new Promise<void>((resolve) => {
      stuck = resolve;
    });
    // A wire whose buffer is full when the mail data comes, and which hears of success all the same.
    const { client } = connectTo(server, {
      timeouts: { endOfData: 200, content: 200 },
      connect: async (target) => {
        const wire = await connectNode(target);
        return override(wire, {
          write: (octets) => {
            if (!new TextDecoder().decode(octets).includes("\r\n.\r\n")) return wire.write(octets);
            stuck();
            return new Promise(() => {});
          },
          read: () =>
            Promise.race([wire.read(), isStuck.then(() => new TextEncoder().encode("250 queued\r\n"))]),
        });
      },
    });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ retryable: false });
    expect(server.messages).toEqual([]);
  });

  test("a refusal while the mail data flows ends the message and the connection, and is what is reported", async () => {
    const server = await serve(
      polite({
        DATA: async (peer) => {
          await peer.say("354 go");
          await peer.take(100_000);
          await peer.say("552 5.3.4 too big");
          await peer.silence();
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server);
    const error = await errorOf(
      client.send({ ...MESSAGE, text: "x".repeat(70).concat("\n").repeat(115_000) }),
    );
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ code: "content_refused", delivery: "rejected", retryable: false });
    await server.peers[0]?.closed;
  });

  test("what a server says to an idle connection ends it, and is nobody's error", async () => {
    let whenServed: () => void = () => {};
    const served = new Promise<void>((resolve) => {
      whenServed = resolve;
    });
    const server = await serve(async (peer) => {
      if (peer.index === 0) void served.then(() => peer.say("250 by the way"));
      await polite()(peer);
    });
    const { client, happened } = connectTo(server);
    await client.send(MESSAGE);
    whenServed();
    await happened("closed");
    expect(await client.send(MESSAGE)).toMatchObject({ attempts: 1 });
    expect(server.peers.length).toBe(2);
  });
});

describe("421: the server shuts down", () => {
  const BYE = "421 4.3.2 shutting down";

  test.each<[string, Manners, Phase, string]>([
    ["as a greeting", { greeting: BYE }, "greeting", "GREETING"],
    ["to EHLO", { EHLO: BYE }, "ehlo", "EHLO"],
    ["to STARTTLS", { offers: ["STARTTLS"], STARTTLS: BYE }, "starttls", "STARTTLS"],
    ["to AUTH", { offers: ["AUTH PLAIN"], AUTH: BYE }, "auth", "AUTH"],
    ["to MAIL", { MAIL: BYE }, "mail", "MAIL"],
    ["to the second RCPT of three", { RCPT: nth(2, BYE) }, "rcpt", "RCPT"],
    ["to DATA", { DATA: BYE }, "data", "DATA"],
  ])("%s it ends the session, and nothing was sent", async (_, manners, phase, verb) => {
    const server = await serve(polite(manners));
    const { client } = connectTo(server, { ...loginFor(manners), security: "opportunistic" });
    const error = await errorOf(client.send(THREE));
    expect(error).toMatchObject({
      code: "service_closing",
      phase,
      verb,
      delivery: "not-sent",
      retryable: true,
      enhancedStatus: "4.3.2",
      reply: { code: 421 },
    });
    expect(server.peers.length).toBe(1);
    await server.peers[0]?.closed;
    expect(server.peers[0]?.lines).not.toContain("RSET");
  });

  test("in the middle of the mail data it ends the session, and the message was refused", async () => {
    const server = await serve(
      polite({
        DATA: async (peer) => {
          await peer.say("354 go");
          await peer.take(100_000);
          await peer.say(BYE);
          await peer.silence();
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server);
    const error = await errorOf(
      client.send({ ...MESSAGE, text: "x".repeat(70).concat("\n").repeat(115_000) }),
    );
    expect(error).toMatchObject({ code: "service_closing", phase: "content", retryable: true });
    expect(error.delivery).not.toBe("unknown");
    await server.peers[0]?.closed;
  });

  test("after the dot it is the reply to the message: refused, for now", async () => {
    const server = await serve(polite({ content: BYE }));
    const { client } = connectTo(server);
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({
      code: "service_closing",
      phase: "end-of-data",
      delivery: "rejected",
      retryable: true,
    });
    expect(server.peers.length).toBe(1);
    await server.peers[0]?.closed;
  });

  test("to RSET it ends the session, and the refusal before it is what is reported", async () => {
    const server = await serve(polite({ RCPT: "550 5.1.1 no such user", RSET: BYE }));
    const { client, happened } = connectTo(server);
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({
      code: "recipients_refused",
      delivery: "rejected",
    });
    await happened("closed");
  });

  test("to QUIT it is as good as any goodbye", async () => {
    const server = await serve(polite({ QUIT: BYE }));
    const { client } = connectTo(server);
    await client.send(MESSAGE);
    await client.close();
  });

  test("behind the reply to the message it takes nothing back", async () => {
    const server = await serve(polite({ content: `250 2.0.0 queued\n${BYE}` }));
    const { client, happened } = connectTo(server);
    expect(await client.send(MESSAGE)).toMatchObject({ reply: { code: 250 } });
    await happened("closed");
  });

  test("while idle it is nobody's error, and the next message takes a new connection", async () => {
    const server = await serve(
      polite({
        content: (peer) => {
          if (peer.index === 0) setImmediate(() => void peer.say(BYE).then(() => peer.end()));
          return "250 queued";
        },
      }),
    );
    const { client, happened } = connectTo(server);
    await client.send(MESSAGE);
    await happened("closed");
    expect(await client.send(MESSAGE)).toMatchObject({ attempts: 1 });
    expect(server.peers.length).toBe(2);
  });
});

describe("STARTTLS", () => {
  const REQUIRED: SmtpClientOptions = { security: "starttls", auth: USER };

  test("a server that does not offer it gets neither login nor message", async () => {
    const server = await serve(polite({ offers: ["AUTH PLAIN"] }));
    const { client } = connectTo(server, REQUIRED);
    const error = await errorOf(client.send(MESSAGE));
    expect(error).toMatchObject({
      code: "tls_required",
      phase: "starttls",
      delivery: "not-sent",
      retryable: false,
    });
    expect(error.hint).toContain("security");
    expectNothingSaid(server.heard);
  });

  test.each(["454 4.7.0 not now", "502 5.5.1 what?", "501 5.5.2 how?", "530 5.7.0 no", "500 5.5.2 what?"])(
    "a server that answers it with %s gets nothing more, and is not asked twice",
    async (reply) => {
      for (const security of ["starttls", "opportunistic"] as const) {
        const server = await serve(polite({ offers: ["STARTTLS", "AUTH PLAIN"], STARTTLS: reply }));
        const { client } = connectTo(server, { ...REQUIRED, security });
        expect(await errorOf(client.send(MESSAGE))).toMatchObject({
          code: "starttls_refused",
          phase: "starttls",
          delivery: "not-sent",
          retryable: reply.startsWith("4"),
        });
        await server.peers[0]?.closed;
        expect(server.peers[0]?.lines.filter((line) => line === "STARTTLS").length).toBe(1);
        expectNothingSaid(server.heard);
      }
    },
  );

  test.each([
    ["whole replies", "250-evil\r\n250 AUTH PLAIN\r\n"],
    ["half a line", "250-ev"],
    ["one octet", "2"],
    ["a line end", "\r\n"],
  ])("%s behind the 220 in the clear end it before the handshake", async (_, trail) => {
    const server = await serve(
      polite({
        offers: ["STARTTLS", "AUTH PLAIN"],
        STARTTLS: async (peer) => {
          await peer.send(`220 go ahead\r\n${trail}`);
          await peer.silence();
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server, { ...REQUIRED, tls: { ca: certificates.ca } });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({
      code: "starttls_injection",
      phase: "starttls",
      delivery: "not-sent",
      retryable: false,
    });
    await server.peers[0]?.closed;
    expect(server.heard.endsWith("STARTTLS\r\n")).toBe(true);
  });

  test.each(["250-evil\r\n250 AUTH PLAIN\r\n", "250-ev", "2"])(
    "%j in the clear, in a segment after the 220, breaks the handshake",
    async (trail) => {
      const server = await serve(
        polite({
          offers: ["STARTTLS", "AUTH PLAIN"],
          STARTTLS: async (peer) => {
            await peer.send("220 go ahead\r\n");
            await peer.send(trail);
            await peer.startTls(certificates.good);
            return undefined;
          },
        }),
      );
      const { client } = connectTo(server, {
        ...REQUIRED,
        tls: { ca: certificates.ca },
        timeouts: { tls: 150 },
      });
      const error = await errorOf(client.send(MESSAGE));
      // Which one depends on whether the octets came before the handshake had begun or into it.
      expect(["starttls_injection", "tls", "deadline"]).toContain(error.code);
      expect(error.delivery).toBe("not-sent");
      expectNothingSaid(server.heard);
    },
  );

  test("what the server offered in the clear is forgotten", async () => {
    const server = await serve(
      polite({
        identity: certificates.good,
        offers: ["STARTTLS", "AUTH LOGIN", "PIPELINING", "SIZE 10", "SMTPUTF8"],
        offersInside: ["AUTH PLAIN"],
      }),
    );
    const { client } = connectTo(server, { ...REQUIRED, tls: { ca: certificates.ca } });
    const receipt = await client.send(MESSAGE);
    expect(receipt.extensions).toEqual([]);
    expect(server.heard).toContain("AUTH PLAIN ");
    expect(server.heard).toContain("MAIL FROM:<alice@example.com>\r\n");
  });

  test("AUTH that was offered in the clear only is not on offer", async () => {
    const server = await serve(
      polite({
        identity: certificates.good,
        offers: ["STARTTLS", "AUTH PLAIN"],
        offersInside: ["PIPELINING"],
      }),
    );
    const { client } = connectTo(server, { ...REQUIRED, tls: { ca: certificates.ca } });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ code: "authentication_unavailable" });
    expectNothingSaid(server.heard);
  });
});

describe.each(["tls", "starttls"] as const)("the certificate of the server (security: %s)", (security) => {
  const LOGIN = ["AUTH PLAIN LOGIN"];

  test("a good one lets the session go on, by name and by address", async () => {
    for (const host of ["localhost", "127.0.0.1"]) {
      const identity = certificates.good;
      const server = await serve(polite({ identity, offers: ["STARTTLS"], offersInside: LOGIN }), {
        ...(security === "tls" && { tls: identity }),
      });
      const { client } = connectTo(server, { host, security, auth: USER, tls: { ca: certificates.ca } });
      await client.send(MESSAGE);
      expect(server.peers[0]?.secure).toBe(true);
      expect(server.peers[0]?.servername).toBe(host === "localhost" ? "localhost" : undefined);
    }
  });

  test.each([
    ["localhost", "selfSigned"],
    ["localhost", "unknownAuthority"],
    ["localhost", "expired"],
    ["localhost", "wrongName"],
    ["127.0.0.1", "nameOnly"],
    ["127.0.0.1", "selfSigned"],
  ] as const)("%s with the certificate %s is refused before a word of ours", async (host, which) => {
    const identity = certificates[which];
    const server = await serve(polite({ identity, offers: ["STARTTLS", ...LOGIN] }), {
      ...(security === "tls" && { tls: identity }),
    });
    // The loopback host would let credentials travel in the clear; a certificate that is wrong is refused all the same.
    const { client } = connectTo(server, { host, security, auth: USER, tls: { ca: certificates.ca } });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({
      code: "tls_certificate",
      phase: "tls",
      delivery: "not-sent",
      retryable: false,
    });
    await server.peers[0]?.closed;
    expectNothingSaid(server.heard);
  });
});

describe("TLS options that the runtime refuses", () => {
  test.each([{ minVersion: "SSLv3" }, { ca: 5 }, { cert: "no PEM" }, { ciphers: "NO-SUCH-CIPHER" }])(
    "%j are the caller's to change: no try after this one would do better",
    async (tls) => {
      for (const security of ["tls", "starttls"] as const) {
        const server = await serve(
          polite({ identity: certificates.good, offers: ["STARTTLS"] }),
          security === "tls" ? { tls: certificates.good } : {},
        );
        const { client } = connectTo(server, { security, tls: { ca: certificates.ca, ...tls } as never });
        const error = await errorOf(client.send(MESSAGE));
        expect(error).toMatchObject({ delivery: "not-sent", retryable: false });
        expect(["config", "tls"], `${security}: ${error.code} ${error.message}`).toContain(error.phase);
        await Promise.all(server.peers.map((peer) => peer.closed));
      }
    },
  );
});

describe("credentials", () => {
  /** A name that is not a loopback name, and still leads to the test's server. */
  const ELSEWHERE: SmtpClientOptions = {
    host: "mail.example",
    lookup: (_name, options, done) =>
      (options as { all?: boolean }).all
        ? done(null, [{ address: "127.0.0.1", family: 4 }])
        : done(null, "127.0.0.1", 4),
  };
  const ANY_LOGIN: Manners = { offers: ["AUTH PLAIN LOGIN XOAUTH2"] };

  test.each([
    ["a password", USER],
    ["a token", { user: "alice", accessToken: "ya29.open-sesame" }],
  ])("%s stays unsaid where TLS is missing, though the server would take it", async (_, auth) => {
    const server = await serve(polite(ANY_LOGIN));
    const { client } = connectTo(server, { ...ELSEWHERE, security: "opportunistic", auth });
    const error = await errorOf(client.send(MESSAGE));
    expect(error).toMatchObject({
      code: "authentication_insecure",
      phase: "auth",
      delivery: "not-sent",
      retryable: false,
    });
    expectNothingSaid(server.heard);
  });

  test("a password stays unsaid inside TLS that nobody vouches for", async () => {
    const server = await serve(
      polite({
        ...ANY_LOGIN,
        offers: ["STARTTLS"],
        offersInside: ["AUTH PLAIN"],
        identity: certificates.selfSigned,
      }),
    );
    const { client } = connectTo(server, { ...ELSEWHERE, security: "opportunistic", auth: USER });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ code: "authentication_insecure" });
    expect(server.peers[0]?.secure).toBe(true);
    expectNothingSaid(server.heard);
  });

  test("allowInsecure lets them travel, because the caller said so", async () => {
    const server = await serve(polite(ANY_LOGIN));
    const auth = { ...USER, allowInsecure: true };
    const { client } = connectTo(server, { ...ELSEWHERE, security: "none", auth });
    await client.send(MESSAGE);
    expect(server.heard).toContain("AUTH PLAIN ");
  });

  test("a server that offers no AUTH gets neither login nor message", async () => {
    const server = await serve(polite({ offers: ["PIPELINING"] }));
    const { client } = connectTo(server, { auth: USER });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({
      code: "authentication_unavailable",
      phase: "auth",
      delivery: "not-sent",
    });
    expectNothingSaid(server.heard);
  });

  test("a refused login is told with its mechanism, and the connection is closed", async () => {
    const server = await serve(polite({ ...ANY_LOGIN, AUTH: "535 5.7.8 bad credentials" }));
    const { client } = connectTo(server, { auth: USER });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({
      code: "authentication_refused",
      mechanism: "PLAIN",
      enhancedStatus: "5.7.8",
      delivery: "not-sent",
      retryable: false,
    });
    await server.peers[0]?.closed;
    expect(server.peers.length).toBe(1);
  });
});

describe("deadlines", () => {
  const quiet = async (peer: Parameters<Script>[0]): Promise<undefined> => {
    await peer.silence();
  };
  const LARGE = { ...MESSAGE, text: "x".repeat(70).concat("\n").repeat(230_000) };

  test.each<[string, Manners, SmtpClientOptions["timeouts"], Phase, string]>([
    ["greeting", { greeting: quiet }, { greeting: 40 }, "greeting", "not-sent"],
    ["EHLO", { EHLO: quiet }, { command: 40 }, "ehlo", "not-sent"],
    ["STARTTLS", { offers: ["STARTTLS"], STARTTLS: quiet }, { command: 40 }, "starttls", "not-sent"],
    [
      "handshake",
      {
        offers: ["STARTTLS"],
        STARTTLS: async (peer) => {
          await peer.say("220 go");
          return quiet(peer);
        },
      },
      { tls: 40 },
      "tls",
      "not-sent",
    ],
    ["AUTH", { offers: ["AUTH PLAIN"], AUTH: quiet }, { command: 40 }, "auth", "not-sent"],
    ["MAIL", { MAIL: quiet }, { command: 40 }, "mail", "not-sent"],
    ["RCPT", { RCPT: nth(2, quiet) }, { command: 40 }, "rcpt", "not-sent"],
    ["DATA", { DATA: quiet }, { data: 40 }, "data", "not-sent"],
    ["end of data", { content: quiet }, { endOfData: 40 }, "end-of-data", "unknown"],
  ])(
    "a server that is silent after %s is left when its time is over",
    async (_, manners, timeouts, phase, delivery) => {
      const server = await serve(polite(manners));
      const { client } = connectTo(server, { timeouts: timeouts ?? {}, ...loginFor(manners) });
      const error = await errorOf(client.send(THREE));
      const [name] = Object.keys(timeouts ?? {});
      expect(error).toMatchObject({ code: "deadline", phase, delivery, retryable: delivery === "not-sent" });
      expect(error.hint).toContain(`timeouts.${name}`);
      expect(error.message).toContain("40 ms");
      await server.peers[0]?.closed;
      expect(server.peers.length).toBe(1);
    },
  );

  test("a server that stops reading in the middle of the mail data is left when its time is over", async () => {
    const server = await serve(
      polite({
        DATA: async (peer) => {
          await peer.say("354 go");
          await peer.take(100_000);
          peer.pause();
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server, { timeouts: { content: 100 } });
    const error = await errorOf(client.send(LARGE));
    expect(error).toMatchObject({
      code: "deadline",
      phase: "content",
      delivery: "not-sent",
      retryable: true,
    });
    expect(error.hint).toContain("timeouts.content");
  });

  test("a connection that never comes about is given up when its time is over", async () => {
    const { client } = connectTo(
      { port: 9 },
      { connect: () => new Promise(() => {}), timeouts: { connect: 40 } },
    );
    const error = await errorOf(client.send(MESSAGE));
    expect(error).toMatchObject({
      code: "deadline",
      phase: "connect",
      delivery: "not-sent",
      retryable: true,
    });
    expect(error.hint).toContain("timeouts.connect");
  });

  test("the handshake of implicit TLS is part of connecting", async () => {
    const server = await serve((peer) => peer.silence());
    const { client } = connectTo(server, { security: "tls", timeouts: { connect: 80 } });
    const error = await errorOf(client.send(MESSAGE));
    expect(error).toMatchObject({ code: "deadline", phase: "connect", delivery: "not-sent" });
    await server.peers[0]?.closed;
  });

  test("a wire that comes up after it was given up is closed", async () => {
    const server = await serve((peer) => peer.silence());
    let late: () => void = () => {};
    const { client } = connectTo(server, {
      timeouts: { connect: 30 },
      connect: async ({ signal: _, ...target }) => {
        await new Promise<void>((resolve) => {
          late = resolve;
        });
        return connectNode({ ...target, signal: new AbortController().signal });
      },
    });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ code: "deadline", phase: "connect" });
    late();
    await (await server.peer(0)).closed;
  });

  test("a goodbye that nobody answers is not waited for long, and fails nothing", async () => {
    const server = await serve(polite({ QUIT: quiet }));
    const { client } = connectTo(server, { timeouts: { quit: 40 } });
    await client.send(MESSAGE);
    await client.close();
    await server.peers[0]?.closed;
  });

  test("each reply has the whole of its time: three slow recipients are not one that is late", async () => {
    const slow = async (): Promise<string> => {
      await new Promise((resolve) => setTimeout(resolve, 60));
      return "250 ok";
    };
    const server = await serve(polite({ MAIL: slow, RCPT: slow }));
    const { client } = connectTo(server, { timeouts: { command: 150 } });
    expect((await client.send(THREE)).accepted.length).toBe(3);
  });

  test("timeout is for the whole send, however quick each reply is", async () => {
    const server = await serve(
      polite({
        RCPT: async () => {
          await new Promise((resolve) => setTimeout(resolve, 40));
          return "250 ok";
        },
      }),
    );
    const { client } = connectTo(server, { timeout: 100 });
    const error = await errorOf(client.send(THREE));
    expect(error).toMatchObject({ code: "deadline", phase: "rcpt", delivery: "not-sent", retryable: true });
    expect(error.hint).toContain("timeout");
  });

  test("timeout still counts when the caller gave a signal too, and when memory was collected meanwhile", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const server = await serve(polite({ greeting: quiet }));
    const { client } = connectTo(server, { timeout: 80, timeouts: { greeting: 1_500 } });
    const sending = errorOf(client.send(MESSAGE, { signal: new AbortController().signal }));
    await server.peer(0);
    const collector = setInterval(collect, 10);
    const error = await sending;
    clearInterval(collector);
    expect(error.message).not.toContain("1500 ms");
    expect(error).toMatchObject({ code: "deadline" });
  });
});

describe("a caller who gives up", () => {
  const hush = async (peer: Parameters<Script>[0]): Promise<undefined> => {
    await peer.silence();
  };

  test("before the call nothing is connected", async () => {
    const server = await serve(polite());
    const { client, events } = connectTo(server);
    const cause = new Error("changed my mind");
    const error = await errorOf(client.send(MESSAGE, { signal: AbortSignal.abort(cause) }));
    expect(error).toMatchObject({ code: "aborted", delivery: "not-sent", retryable: false, cause });
    expect(await errorOf(client.verify({ signal: AbortSignal.abort(cause) }))).toMatchObject({
      code: "aborted",
      phase: "connect",
      cause,
    });
    expect(events).toEqual([]);
    expect(server.peers.length).toBe(0);
  });

  test("while connecting the attempt is given up as well", async () => {
    const controller = new AbortController();
    let attempt: AbortSignal | undefined;
    const { client } = connectTo(
      { port: 9 },
      {
        connect: ({ signal }) => {
          attempt = signal;
          setImmediate(() => controller.abort());
          return new Promise(() => {});
        },
      },
    );
    const error = await errorOf(client.send(MESSAGE, { signal: controller.signal }));
    expect(error).toMatchObject({ code: "aborted", delivery: "not-sent" });
    expect(["queue", "connect"]).toContain(error.phase);
    expect(attempt?.aborted).toBe(true);
  });

  test("a check that is given up while connecting says so", async () => {
    const controller = new AbortController();
    const { client } = connectTo(
      { port: 9 },
      {
        connect: () => {
          setImmediate(() => controller.abort());
          return new Promise(() => {});
        },
      },
    );
    expect(await errorOf(client.verify({ signal: controller.signal }))).toMatchObject({
      code: "aborted",
      phase: "connect",
      delivery: "not-sent",
    });
  });

  test.each<[string, Manners]>([
    ["greeting", { greeting: hush }],
    ["EHLO", { EHLO: hush }],
    ["AUTH", { offers: ["AUTH PLAIN"], AUTH: hush }],
  ])("while the session opens (%s) the connection goes with it", async (_, manners) => {
    const server = await serve(polite(manners));
    const controller = new AbortController();
    const { client } = connectTo(server, { ...loginFor(manners) });
    const sending = errorOf(client.send(MESSAGE, { signal: controller.signal }));
    const peer = await server.peer(0);
    await until(
      () => peer.lines.length >= (manners.greeting !== undefined ? 0 : manners.AUTH !== undefined ? 2 : 1),
    );
    controller.abort();
    expect(await sending).toMatchObject({ code: "aborted", delivery: "not-sent", retryable: false });
    await peer.closed;
  });

  test.each<[string, Manners, Phase, string]>([
    ["MAIL", { MAIL: hush }, "mail", "not-sent"],
    ["RCPT", { RCPT: hush }, "rcpt", "not-sent"],
    ["DATA", { DATA: hush }, "data", "not-sent"],
    ["the dot", { content: hush }, "end-of-data", "unknown"],
  ])("after %s the error says what may have become of the message", async (_, manners, phase, delivery) => {
    const server = await serve(polite(manners));
    const controller = new AbortController();
    const { client } = connectTo(server);
    const sending = errorOf(client.send(MESSAGE, { signal: controller.signal }));
    const peer = await server.peer(0);
    const last = phase === "end-of-data" ? "DATA" : phase.toUpperCase();
    await until(
      () =>
        peer.lines.at(-1)?.startsWith(last) === true && (phase !== "end-of-data" || peer.messages.length > 0),
    );
    controller.abort();
    expect(await sending).toMatchObject({ code: "aborted", phase, delivery, retryable: false });
    await peer.closed;
    expect(server.peers.length).toBe(1);
  });

  test("in the middle of the mail data nothing was sent", async () => {
    const controller = new AbortController();
    const server = await serve(
      polite({
        DATA: async (peer) => {
          await peer.say("354 go");
          await peer.take(100_000);
          peer.pause();
          controller.abort();
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server);
    const large = { ...MESSAGE, text: "x".repeat(70).concat("\n").repeat(230_000) };
    expect(await errorOf(client.send(large, { signal: controller.signal }))).toMatchObject({
      code: "aborted",
      phase: "content",
      delivery: "not-sent",
    });
  });

  test("from within the trace is heard at any moment", async () => {
    for (const kind of ["connected", "reply", "command"] as const) {
      const server = await serve(polite());
      const controller = new AbortController();
      const { client } = connectTo(server, {
        trace: (event) => {
          if (event.kind === kind) controller.abort();
        },
      });
      expect(await errorOf(client.verify({ signal: controller.signal })), kind).toMatchObject({
        code: "aborted",
      });
      await server.peers[0]?.closed;
    }
  });

  test("a signal that outlives its send is listened to no more", async () => {
    const server = await serve(polite({ MAIL: nth(2, "550 no") }));
    const { client } = connectTo(server);
    const { signal } = new AbortController();
    await client.send(MESSAGE, { signal });
    await errorOf(client.send(MESSAGE, { signal }));
    await client.verify({ signal });
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

describe("a server that leaves", () => {
  const leaves = (how: "end" | "reset") => (peer: Parameters<Script>[0]) => {
    peer[how]();
    return undefined;
  };

  test.each(["end", "reset"] as const)(
    "after the dot (%s) nobody knows, and nothing is tried again",
    async (how) => {
      const server = await serve(polite({ content: nth(2, leaves(how), "250 queued") }));
      const { client } = connectTo(server);
      await client.send(MESSAGE);
      const error = await errorOf(client.send(MESSAGE));
      expect(error).toMatchObject({
        code: "connection_lost",
        phase: "end-of-data",
        delivery: "unknown",
        retryable: false,
      });
      expect(server.peers.length).toBe(1);
      expect(server.messages.length).toBe(2);
    },
  );

  test("in the middle of its reply to the message nobody knows either", async () => {
    const server = await serve(
      polite({
        content: async (peer) => {
          await peer.send("250-2.0.0 que");
          peer.end();
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server);
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({
      code: "connection_lost",
      delivery: "unknown",
    });
  });

  test.each<[string, Manners, Phase]>([
    ["at once", { greeting: leaves("end") }, "greeting"],
    ["after EHLO", { EHLO: leaves("reset") }, "ehlo"],
    ["after MAIL", { MAIL: leaves("end") }, "mail"],
    ["after RCPT", { RCPT: leaves("reset") }, "rcpt"],
    ["after DATA", { DATA: leaves("end") }, "data"],
  ])("%s on a new connection is an error, and nothing was sent", async (_, manners, phase) => {
    const server = await serve(polite(manners));
    const { client } = connectTo(server);
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({
      code: "connection_lost",
      phase,
      delivery: "not-sent",
      retryable: true,
    });
    expect(server.peers.length).toBe(1);
  });

  test("in the middle of the mail data has not got the message", async () => {
    const server = await serve(
      polite({
        DATA: async (peer) => {
          await peer.say("354 go");
          await peer.take(100_000);
          peer.reset();
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server);
    const large = { ...MESSAGE, text: "x".repeat(70).concat("\n").repeat(230_000) };
    expect(await errorOf(client.send(large))).toMatchObject({
      code: "connection_lost",
      phase: "content",
      delivery: "not-sent",
    });
  });
});

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
      "connected",
      "S: 220",
      "C: EHLO client.example",
      "S: 250",
      "C: STARTTLS",
      "S: 220",
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

/** Credentials for a server that is asked for them. */
function loginFor({ offers = [] }: Manners): SmtpClientOptions {
  return offers.includes("AUTH PLAIN") || offers.includes("STARTTLS") ? { auth: USER } : {};
}

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
