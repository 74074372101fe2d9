// A Worker that sends, in the very runtime: workerd, by miniflare.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Timeouts } from "../src/deadline.ts";
import { type Certificates, type Identity, makeCertificates } from "./support/certificates.ts";
import { MESSAGE, messageTo } from "./support/client.ts";
import { first, polite } from "./support/manners.ts";
import { serve } from "./support/server.ts";
import { until } from "./support/watch.ts";
import {
  bundle,
  expectNoFaults,
  gate,
  hasMiniflare,
  type Module,
  startWorker,
  type Worker,
} from "./support/worker.ts";
import type { Order, Outcome } from "./support/worker-script.ts";

const RUNTIMES = [
  { compatibilityDate: "2024-01-01", compatibilityFlags: [] },
  { compatibilityDate: "2026-04-01", compatibilityFlags: ["nodejs_compat"] },
];

/** The first octet of it: that of a handshake record. */
const CLIENT_HELLO = "\x16";

const AUTH = { user: "alice", pass: "canary-worker" };

let certificates: Certificates;
let script: readonly Module[];
beforeAll(async () => {
  [certificates, script] = await Promise.all([makeCertificates(), bundle()]);
});

test("the door for Workers reaches no module of Node's", () => {
  expect(script.length).toBeGreaterThan(1);
  for (const { contents } of script) expect(contents).not.toMatch(/["']node:/);
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
    afterEach(() => expectNoFaults(worker));

    test("is seen to leave a rejection that nobody handles", async () => {
      await worker.invoke({ act: "fault" });
      expect(await worker.invoke({ act: "faults" })).toEqual({ value: ["Error: nobody handles this"] });
    });

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
          expect(await worker.invoke({ act: "send", options, messages })).toEqual({ value: 1 });
          expect(server.peers.length).toBe(invocation);
          expect(server.messages.length).toBe(2 * invocation);
        }
      },
    );

    test("sends from invocations that run at the same time", async () => {
      const server = await servers.starttls(certificates.good);
      const options = { host: "localhost", port: server.port, security: "starttls", auth: AUTH } as const;
      const orders = Array.from(
        { length: 20 },
        (): Order => ({ act: "send", options, messages: [MESSAGE, MESSAGE] }),
      );
      const outcomes = await Promise.all(orders.map((order) => worker.invoke(order)));
      expect(outcomes).toEqual(orders.map(() => ({ value: 1 })));
      expect(server.messages.length).toBe(40);
    });

    test("says goodbye when it is told to, and sends nothing more", async () => {
      const server = await servers.tls(certificates.good);
      const options = { host: "localhost", port: server.port, security: "tls" } as const;
      const order: Order = { act: "sendAndClose", options, messages: [MESSAGE] };
      expect(await worker.invoke(order)).toEqual({ value: 1 });
      expect(server.heard).toContain("QUIT");
      expect(await worker.invoke(order)).toMatchObject({ error: { code: "client_closed" } });
    });

    test("that leaves while a message is under way does the next no harm", async () => {
      const silent = polite({ MAIL: () => undefined });
      const server = await serve(first(silent, polite()));
      const options = { host: "localhost", port: server.port, security: "none" } as const;
      const order = { options, messages: [MESSAGE] };
      const left = await gate(() => until(() => server.heard.includes("MAIL")));
      expect(await worker.invoke({ ...order, act: "leave", until: left })).toEqual({});
      expect(await worker.invoke({ ...order, act: "send" })).toEqual({ value: 1 });
      expect(server.peers.length).toBe(2);
    });

    async function stall(timeouts: Partial<Timeouts>): Promise<Outcome> {
      const server = await serve(polite({ offers: ["STARTTLS"] }));
      const options = { host: "localhost", port: server.port, security: "starttls", timeouts } as const;
      const outcome = await worker.invoke({ act: "send", options, messages: [MESSAGE] });
      await server.peers[0]?.closed;
      return outcome;
    }

    test("waits for a handshake behind STARTTLS that stalls until timeouts.tls is over, in every version", async () => {
      const { error } = await stall({ tls: 200, command: 60_000 });
      expect(error).toMatchObject({ code: "deadline", hint: "timeouts.tls sets this limit" });
    });

    test("waits for such a handshake until timeouts.command is over, too, where the socket is called open before it is", async () => {
      const server = await serve(async (peer) => peer.silence());
      const stalled = await gate(() => until(() => server.heard.startsWith(CLIENT_HELLO)));
      const place = { host: "localhost", port: server.port };
      const { value: isEarly } = await worker.invoke({ act: "opensEarly", options: place, until: stalled });
      expect(typeof isEarly).toBe("boolean");
      const { error } = await stall({ tls: 1000, command: 200 });
      const [limit, phase] = isEarly === true ? ["command", "ehlo"] : ["tls", "tls"];
      expect(error).toMatchObject({ code: "deadline", phase, hint: `timeouts.${limit} sets this limit` });
    });

    test("waits for a handshake from the first octet that stalls until timeouts.connect is over", async () => {
      const server = await serve(async (peer) => peer.silence());
      const options = { host: "localhost", port: server.port, security: "tls" } as const;
      const timeouts = { connect: 200, greeting: 60_000 };
      const { error } = await worker.invoke({
        act: "send",
        options: { ...options, timeouts },
        messages: [MESSAGE],
      });
      expect(error).toMatchObject({
        code: "deadline",
        phase: "connect",
        hint: expect.stringContaining("timeouts.connect"),
      });
      await server.peers[0]?.closed;
    });

    test.each(["abort", "closeByForce"] as const)("%s ends a handshake that stalls", async (act) => {
      const server = await serve(polite({ offers: ["STARTTLS"] }));
      const options = { host: "localhost", port: server.port, security: "starttls" } as const;
      const stalled = await gate(() => until(() => server.heard.includes(`STARTTLS\r\n${CLIENT_HELLO}`)));
      const { error } = await worker.invoke({ act, options, messages: [MESSAGE], until: stalled });
      expect(error).toMatchObject({ code: "aborted" });
      await server.peers[0]?.closed;
    });

    test("settles what it gave to waitUntil", async () => {
      const server = await servers.tls(certificates.good);
      const options = { host: "localhost", port: server.port, security: "tls" } as const;
      expect(await worker.invoke({ act: "answerFirst", options, messages: [MESSAGE] })).toEqual({});
      await until(() => server.messages.length === 1);
    });

    test("settles a message and the goodbye that it gave to waitUntil", async () => {
      const server = await servers.starttls(certificates.good);
      const options = { host: "localhost", port: server.port, security: "starttls" } as const;
      expect(await worker.invoke({ act: "answerFirstAndClose", options, messages: [MESSAGE] })).toEqual({});
      await until(() => server.messages.length === 1 && server.heard.includes("QUIT"));
      await server.peers[0]?.closed;
    });

    test("sends 3 MB", async () => {
      const server = await servers.starttls(certificates.good);
      const options = { host: "localhost", port: server.port, security: "starttls" } as const;
      const text = "0123456789abcde\n".repeat(196_608);
      const message = { ...MESSAGE, text };
      expect(await worker.invoke({ act: "send", options, messages: [message] })).toEqual({ value: 1 });
      expect(server.messages[0]?.length).toBeGreaterThan(text.length);
    });

    test.each(["wrongName", "unknownAuthority", "expired"] as const)(
      "sends nothing where the certificate is not to be trusted: %s",
      async (which) => {
        for (const security of ["tls", "starttls"] as const) {
          const server = await servers[security](certificates[which]).catch(() => undefined);
          if (server === undefined) throw new Error("no server");
          const options = { host: "localhost", port: server.port, security, auth: AUTH };
          const { value, error } = await worker.invoke({ act: "send", options, messages: [MESSAGE] });
          expect(value).toBeUndefined();
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
      const { error } = await worker.invoke({ act: "send", options, messages: [MESSAGE] });
      expect(error?.code).toBe("starttls_injection");
    });

    test.each(["none", "tls"] as const)("sends to an IPv6 address, with security %s", async (security) => {
      const tls = security === "tls" ? { tls: certificates.good } : {};
      const server = await serve(polite(), { host: "::1", ...tls });
      const options = { host: "::1", port: server.port, security };
      expect(await worker.invoke({ act: "send", options, messages: [MESSAGE] })).toEqual({ value: 1 });
      expect(server.messages.length).toBe(1);
    });

    test("is told that the connection broke, and nothing of TLS, where that was in place", async () => {
      const server = await serve(async (peer) => peer.destroy(), { tls: certificates.good });
      const options = { host: "localhost", port: server.port, security: "tls" } as const;
      const { error } = await worker.invoke({ act: "send", options, messages: [MESSAGE] });
      expect(error).toMatchObject({ code: "connection_lost", phase: "greeting" });
    });

    test("is told that nobody listens", async () => {
      const server = await servers.none();
      await server.close();
      const options = { host: "localhost", port: server.port, security: "none" } as const;
      const { error } = await worker.invoke({ act: "send", options, messages: [MESSAGE] });
      expect(error).toMatchObject({ code: "connection", hint: expect.stringContaining("host and port") });
    });

    test("refuses what it cannot honour", async () => {
      const options = { host: "localhost", tls: { rejectUnauthorized: false } };
      const { error } = await worker.invoke({ act: "send", options, messages: [MESSAGE] });
      expect(error).toMatchObject({ code: "invalid_option", option: "tls.rejectUnauthorized" });
    });
  });
}
