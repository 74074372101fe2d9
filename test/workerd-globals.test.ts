// What people keep in the global scope of a Worker: it is made there, where no chance, timer or connection is allowed,
// and used by invocations that run one after the other, at the same time, or leave before they are done.

import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { makeCertificates } from "./support/certificates.ts";
import { MESSAGE } from "./support/client.ts";
import { polite } from "./support/manners.ts";
import { scramServer } from "./support/scram.ts";
import { type Script, type Server, serve } from "./support/server.ts";
import { type Answering, serveTokens, type TokenServer } from "./support/token-server.ts";
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

const PASSPHRASE = "canary-passphrase";
const pkcs8 = { type: "pkcs8", format: "pem" } as const;
const spki = { type: "spki", format: "pem" } as const;

const rsa = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: spki,
  privateKeyEncoding: pkcs8,
}).privateKey;
const locked = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: spki,
  privateKeyEncoding: { ...pkcs8, cipher: "aes-256-cbc", passphrase: PASSPHRASE },
}).privateKey;
const ed25519 = generateKeyPairSync("ed25519", {
  publicKeyEncoding: spki,
  privateKeyEncoding: pkcs8,
}).privateKey;

let ca: string;
let script: readonly Module[];
beforeAll(async () => {
  [{ ca }, script] = await Promise.all([makeCertificates(), bundle()]);
});

interface House {
  readonly worker: Worker;
  readonly server: Server;
  readonly tokens: TokenServer;
}

const RUNTIMES = [
  { compatibilityDate: "2024-01-01", compatibilityFlags: [] },
  { compatibilityDate: "2026-04-01", compatibilityFlags: ["nodejs_compat"] },
];

if (!hasMiniflare()) {
  test("a Worker is not run: miniflare is not installed", () => {
    console.info("miniflare is not installed: nothing was made in the global scope of a Worker");
  });
} else {
  describe.each(RUNTIMES)(
    "in the global scope of a Worker of $compatibilityDate with the flags $compatibilityFlags",
    (runtime) => {
      let worker: Worker | undefined;
      afterEach(async () => {
        if (worker !== undefined) await expectNoFaults(worker);
        await worker?.dispose();
        worker = undefined;
      });

      async function house(
        manners: Script = polite({ offers: ["AUTH XOAUTH2 OAUTHBEARER"] }),
        answering: Answering = numbered(),
      ): Promise<House> {
        const [server, tokens] = await Promise.all([serve(manners), serveTokens(answering)]);
        const place = { host: "localhost", port: server.port, tokenUrl: tokens.url };
        const keys = { rsa, ed25519, locked, passphrase: PASSPHRASE };
        worker = await startWorker({ ...runtime, ca, script, setup: { ...place, ...keys } });
        return { worker, server, tokens };
      }

      const order = (client: NonNullable<Order["client"]>): Order => ({
        act: "send",
        client,
        messages: [MESSAGE],
      });
      const several = (house: House, one: Order, count: number): Promise<Outcome[]> =>
        Promise.all(Array.from({ length: count }, () => house.worker.invoke(one)));

      test("what is made there does nothing that is forbidden, and renders and sends afterwards", async () => {
        const { worker, server } = await house();
        expect(await worker.invoke({ act: "template" })).toEqual({ value: ["<b>1&lt;2</b>", "7"] });
        for (let sent = 1; sent <= 2; sent++) {
          expect(await worker.invoke({ act: "connector" })).toEqual({ value: ["bob@example.org"] });
          expect(server.messages.length).toBe(sent);
        }
        expect(server.messages[0]).toContain("It is 042137.");
        const { value } = await worker.invoke({ act: "testConnector" });
        expect(value).toContain("config ok");
        expect(JSON.stringify(value)).not.toContain("failed");
        expect(server.messages.length).toBe(3);
      });

      const GRANTS = ["refresh", "application", "account", "locked"] as const;

      test("the token of a grant is asked for once, and every invocation has it", async () => {
        const { worker, server, tokens } = await house();
        for (const [at, client] of GRANTS.entries()) {
          for (let sent = 1; sent <= 3; sent++) {
            expect(await worker.invoke(order(client))).toEqual({ value: 1 });
            expect(server.messages.length).toBe(3 * at + sent);
          }
          expect(tokens.heard.length).toBe(at + 1);
        }
      });

      test("a grant is asked by invocations at the same time, and none waits for another's request", async () => {
        const there = await house();
        for (const client of GRANTS) {
          expect(await several(there, order(client), 8)).toEqual(Array(8).fill({ value: 1 }));
        }
        expect(there.server.messages.length).toBe(8 * GRANTS.length);
      });

      test("a grant goes on where the invocation that asked it first has left", async () => {
        const answer = numbered();
        let isFirst = true;
        const answering: Answering = async (request, response) => {
          if (isFirst) {
            isFirst = false;
            await request.left;
            return undefined;
          }
          return answer(request, response);
        };
        const { worker, server, tokens } = await house(undefined, answering);
        const asked = await gate(() => until(() => tokens.heard.length === 1));
        expect(await worker.invoke({ ...order("refresh"), act: "leave", until: asked })).toEqual({});
        expect(await worker.invoke(order("refresh"))).toEqual({ value: 1 });
        expect(await worker.invoke(order("other"))).toEqual({ value: 1 });
        expect(server.messages.length).toBe(2);
      });

      test("a refresh token that was replaced is used no more, by no client and in no invocation", async () => {
        const { worker, tokens } = await house();
        expect(await worker.invoke(order("refresh"))).toEqual({ value: 1 });
        expect(await worker.invoke(order("other"))).toEqual({ value: 1 });
        expect(tokens.heard.map(({ form }) => form.refresh_token)).toEqual(["refresh-0", "refresh-1"]);
      });

      test("a token that the server refuses in one invocation is renewed, for the next too", async () => {
        const refused = Buffer.from("user=alice@example.com\u0001auth=Bearer access-1\u0001\u0001").toString(
          "base64",
        );
        const script = polite({
          offers: ["AUTH XOAUTH2"],
          AUTH: (_, line) => (line.endsWith(refused) ? "535 5.7.8 expired" : "235 2.7.0 welcome"),
        });
        const { worker, tokens } = await house(script);
        for (let invocation = 0; invocation < 2; invocation++) {
          expect(await worker.invoke(order("application"))).toEqual({ value: 1 });
        }
        expect(tokens.heard.length).toBe(2);
      });

      test("a DKIM key signs in invocation after invocation, at the same time, and behind one that left", async () => {
        const there = await house();
        for (const client of ["rsa", "ed25519"] as const) {
          expect(await there.worker.invoke({ ...order(client), act: "leave" })).toEqual({});
          expect(await several(there, order(client), 8)).toEqual(Array(8).fill({ value: 1 }));
          expect(await there.worker.invoke(order(client))).toEqual({ value: 1 });
        }
        const signed = there.server.messages.filter((message) => message.startsWith("DKIM-Signature: v=1; "));
        expect(signed.length).toBeGreaterThanOrEqual(18);
      });

      test("a login by SCRAM proves itself in invocation after invocation, and at the same time", async () => {
        const account = scramServer({ hash: "sha256", pass: "pencil" });
        const there = await house(polite({ offers: ["AUTH SCRAM-SHA-256"], AUTH: account }));
        expect(await there.worker.invoke({ ...order("scram"), act: "leave" })).toEqual({});
        expect(await several(there, order("scram"), 8)).toEqual(Array(8).fill({ value: 1 }));
        expect(await there.worker.invoke(order("scram"))).toEqual({ value: 1 });
      });

      test("a client that gives up, or is left, in one invocation serves the next", async () => {
        const silent = polite({ MAIL: () => undefined });
        const { worker, server } = await house((peer) => (peer.index < 2 ? silent : polite())(peer));
        for (const [at, act] of (["abort", "leave"] as const).entries()) {
          const heard = await gate(() => until(() => server.peers[at]?.heard.includes("MAIL") === true));
          const { error } = await worker.invoke({ ...order("plain"), act, until: heard });
          expect(error?.code).toBe(act === "abort" ? "aborted" : undefined);
        }
        expect(await worker.invoke(order("plain"))).toEqual({ value: 1 });
      });

      test("attachments of URLs, data URLs and streams are sent, and a path is refused before anything is connected", async () => {
        const { worker, server } = await house();
        const path = { ...MESSAGE, attachments: [{ path: "/etc/passwd" }] } as unknown as typeof MESSAGE;
        const { error } = await worker.invoke({ ...order("plain"), messages: [path] });
        expect(error).toMatchObject({ code: "invalid_message", field: "attachments[0]" });
        expect(error?.message).toMatch(/path/);
        expect(server.peers).toEqual([]);
        expect(await worker.invoke({ ...order("plain"), act: "attachUrls" })).toMatchObject({ value: {} });
        const [message = ""] = server.messages;
        for (const text of ["from a data URL", "from a URL", "from a stream"]) {
          expect(message).toContain(Buffer.from(text).toString("base64"));
        }
      });
    },
  );
}

/** Gives out an access token and a refresh token, each time others, and takes no refresh token that was replaced. */
function numbered(): Answering {
  let count = 0;
  return async ({ form }) => {
    const { refresh_token: given } = form;
    if (given !== undefined && !/^refresh-\d+$/.test(given))
      return { status: 400, body: { error: "invalid_grant" } };
    count++;
    const body = { access_token: `access-${count}`, refresh_token: `refresh-${count}`, expires_in: 3600 };
    return { body: { ...body, token_type: "Bearer" } };
  };
}
