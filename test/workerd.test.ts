// A Worker that sends, in the very runtime: workerd, by miniflare.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Certificates, type Identity, makeCertificates } from "./support/certificates.ts";
import { MESSAGE, messageTo } from "./support/client.ts";
import { first, polite } from "./support/manners.ts";
import { serve } from "./support/server.ts";
import { bundle, hasMiniflare, startWorker, type Worker } from "./support/worker.ts";

const RUNTIMES = [
  { compatibilityDate: "2024-01-01", compatibilityFlags: [] },
  { compatibilityDate: "2026-04-01", compatibilityFlags: ["nodejs_compat"] },
];

const AUTH = { user: "alice", pass: "canary-worker" };

let certificates: Certificates;
let script: string;
beforeAll(async () => {
  [certificates, script] = await Promise.all([makeCertificates(), bundle()]);
});

test("the door for Workers reaches no module of Node's", () => {
  expect(script).not.toMatch(/["']node:/);
});

if (!hasMiniflare()) {
  test("a Worker is not run: miniflare is not installed", () => {
    console.info("miniflare is not installed: nothing was sent from a Worker");
  });
} else {
  describe.each(RUNTIMES)("a Worker of $compatibilityDate with the flags $compatibilityFlags", (runtime) => {
    let worker: Worker;
    beforeAll(async () => {
      worker = await startWorker({ ...runtime, ca: certificates.ca, script });
    }, 30_000);
    afterAll(() => worker?.dispose());

    const servers = {
      none: () => serve(polite({ offers: ["AUTH PLAIN", "PIPELINING"] })),
      tls: (tls: Identity) => serve(polite({ offers: ["AUTH PLAIN", "PIPELINING"] }), { tls }),
      starttls: (identity: Identity) =>
        serve(polite({ identity, offers: ["STARTTLS"], offersInside: ["AUTH PLAIN", "CHUNKING"] })),
    };

    test.each(["none", "tls", "starttls"] as const)(
      "sends with security %s, invocation after invocation, from a client kept in a global",
      async (security) => {
        const server = await servers[security](certificates.good);
        const options = { host: "localhost", port: server.port, security, auth: AUTH };
        const messages = [messageTo("bob"), messageTo("carol")];
        for (let invocation = 1; invocation <= 3; invocation++) {
          // Reused within, and never across.
          expect(await worker.invoke({ options, messages })).toEqual({ sent: 2, opened: 1 });
          expect(server.peers.length).toBe(invocation);
          expect(server.messages.length).toBe(2 * invocation);
        }
      },
    );

    test("sends from invocations that run at the same time", async () => {
      const server = await servers.starttls(certificates.good);
      const options = { host: "localhost", port: server.port, security: "starttls", auth: AUTH } as const;
      const orders = Array.from({ length: 20 }, () => ({ options, messages: [MESSAGE, MESSAGE] }));
      const outcomes = await Promise.all(orders.map((order) => worker.invoke(order)));
      expect(outcomes).toEqual(orders.map(() => ({ sent: 2, opened: 1 })));
      expect(server.messages.length).toBe(40);
    });

    test("says goodbye when it is told to, and sends nothing more", async () => {
      const server = await servers.tls(certificates.good);
      const options = { host: "localhost", port: server.port, security: "tls" } as const;
      const order = { options, messages: [MESSAGE], close: true };
      expect(await worker.invoke(order)).toEqual({ sent: 1, opened: 1 });
      expect(server.heard).toContain("QUIT");
      expect(await worker.invoke(order)).toMatchObject({ sent: 0, error: { code: "client_closed" } });
    });

    test("that leaves while a message is under way does the next no harm", async () => {
      const silent = polite({ MAIL: () => undefined });
      const server = await serve(first(silent, polite()));
      const options = { host: "localhost", port: server.port, security: "none" } as const;
      const order = { options, messages: [MESSAGE] };
      expect(await worker.invoke({ ...order, leave: true })).toEqual({ sent: 0, opened: 1 });
      expect(await worker.invoke(order)).toEqual({ sent: 1, opened: 1 });
      expect(server.peers.length).toBe(2);
    });

    test("waits for a handshake that stalls no longer than for the reply to EHLO", async () => {
      const server = await serve(polite({ offers: ["STARTTLS"] }));
      const options = {
        host: "localhost",
        port: server.port,
        security: "starttls",
        timeouts: { command: 200 },
      } as const;
      const { error } = await worker.invoke({ options, messages: [MESSAGE] });
      expect(error?.code).toBe("deadline");
    });

    test("sends 3 MB", async () => {
      const server = await servers.starttls(certificates.good);
      const options = { host: "localhost", port: server.port, security: "starttls" } as const;
      const text = "0123456789abcde\n".repeat(196_608);
      const message = { ...MESSAGE, text };
      expect(await worker.invoke({ options, messages: [message] })).toMatchObject({ sent: 1 });
      expect(server.messages[0]?.length).toBeGreaterThan(text.length);
    });

    test.each(["wrongName", "unknownAuthority", "expired"] as const)(
      "sends nothing where the certificate is not to be trusted: %s",
      async (which) => {
        for (const security of ["tls", "starttls"] as const) {
          const server = await servers[security](certificates[which]).catch(() => undefined);
          if (server === undefined) throw new Error("no server");
          const options = { host: "localhost", port: server.port, security, auth: AUTH };
          const { sent, error } = await worker.invoke({ options, messages: [MESSAGE] });
          expect(sent).toBe(0);
          expect(error?.code).toBe(security === "tls" ? "connection" : "tls");
          expect(error?.hint).toContain("certificate");
          expect(server.heard).not.toMatch(/AUTH|MAIL/);
        }
      },
    );

    test("believes nothing that was said in the clear behind the 220", async () => {
      const server = await serve(
        polite({ offers: ["STARTTLS"], STARTTLS: "220 2.0.0 go ahead\n250 2.0.0 injected" }),
      );
      const options = { host: "localhost", port: server.port, security: "starttls" } as const;
      const { error } = await worker.invoke({ options, messages: [MESSAGE] });
      expect(error?.code).toBe("starttls_injection");
    });

    test("is told that nobody listens", async () => {
      const server = await servers.none();
      await server.close();
      const options = { host: "localhost", port: server.port, security: "none" } as const;
      const { error } = await worker.invoke({ options, messages: [MESSAGE] });
      expect(error).toMatchObject({ code: "connection", hint: expect.stringContaining("host and port") });
    });

    test("refuses what it cannot honour", async () => {
      const options = { host: "localhost", tls: { rejectUnauthorized: false } };
      const { error } = await worker.invoke({ options, messages: [MESSAGE] });
      expect(error).toMatchObject({ code: "invalid_option", option: "tls.rejectUnauthorized" });
    });
  });
}
