// One client, one connection, real sockets: how a connection is secured, and to whom the credentials are said.

import { beforeAll, describe, expect, test } from "vitest";
import type { SmtpClientOptions } from "../../src/index.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { connectTo, MESSAGE } from "../support/client.ts";
import { type Manners, polite } from "../support/manners.ts";
import { serve } from "../support/server.ts";
import { errorOf, watchProcess } from "../support/watch.ts";

watchProcess();

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});

const USER = { user: "alice", pass: "open sesame" };

/** Nobody was told who we are or who writes to whom. */
function expectNothingSaid(heard: string): void {
  expect(heard).not.toMatch(/^(?:AUTH|MAIL|RCPT|DATA)/im);
}

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
