// Whole logins over sockets, with the digests that clients use.

import { createHmac } from "node:crypto";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { AuthOptions } from "../../src/index.ts";
import { connectTo, MESSAGE } from "../support/client.ts";
import { polite } from "../support/manners.ts";
import { base64, scramServer, unbase64 } from "../support/scram.ts";
import { serve } from "../support/server.ts";
import { errorOf, watchProcess } from "../support/watch.ts";

watchProcess();

afterEach(() => {
  vi.restoreAllMocks();
});

const ALICE: AuthOptions = { user: "alice@example.com", pass: "p\u00e4ss\u00adwort \u2168" };
/** As SASLprep has it, and a server knows it. */
const PREPARED = "p\u00e4sswort IX";

describe.each([
  ["SCRAM-SHA-256", "sha256"],
  ["SCRAM-SHA-1", "sha1"],
] as const)("%s", (name, hash) => {
  test("signs in, and a message goes out", async () => {
    const server = await serve(
      polite({ offers: [`AUTH PLAIN ${name}`], AUTH: scramServer({ hash, pass: PREPARED }) }),
    );
    const { client } = connectTo(server, { auth: ALICE });
    expect((await client.send(MESSAGE)).accepted).toHaveLength(1);
    expect(server.messages).toHaveLength(1);
  });

  test("with a wrong password is refused, and nothing is sent", async () => {
    const server = await serve(
      polite({ offers: [`AUTH PLAIN ${name}`], AUTH: scramServer({ hash, pass: "another" }) }),
    );
    const { client } = connectTo(server, { auth: ALICE });
    const error = await errorOf(client.send(MESSAGE));
    expect(error).toMatchObject({ code: "authentication_refused", mechanism: name, delivery: "not-sent" });
    expect(server.heard).not.toContain("MAIL");
    expect(server.peers).toHaveLength(1);
  });

  test.each([
    ["a proof that is wrong", () => `334 ${base64("v=AAAA")}`],
    ["no proof at all", () => "235 2.7.0 welcome"],
  ])("accepted by a server with %s is broken off: it may be anybody", async (_, tamper) => {
    const server = await serve(
      polite({ offers: [`AUTH ${name}`], AUTH: scramServer({ hash, pass: PREPARED, tamper }) }),
    );
    const { client } = connectTo(server, { auth: ALICE });
    const error = await errorOf(client.send(MESSAGE));
    expect(error).toMatchObject({
      code: "server_unproven",
      phase: "auth",
      delivery: "not-sent",
      retryable: false,
    });
    expect(error.hint).toContain("tls");
    expect(server.heard).not.toContain("MAIL");
  });
});

test("connections of one client derive the key of a password once", async () => {
  const derive = vi.spyOn(crypto.subtle, "deriveBits");
  const server = await serve(
    polite({ offers: ["AUTH SCRAM-SHA-256"], AUTH: scramServer({ hash: "sha256", pass: PREPARED }) }),
  );
  const { client } = connectTo(server, {
    auth: ALICE,
    maxConnections: 3,
    maxMessagesPerConnection: 1,
  });
  await Promise.all([1, 2, 3, 4, 5].map(() => client.send(MESSAGE)));
  expect(server.peers.length).toBeGreaterThan(1);
  expect(derive).toHaveBeenCalledTimes(1);
});

test("CRAM-MD5 signs in where the user names it", async () => {
  const server = await serve(
    polite({
      offers: ["AUTH PLAIN CRAM-MD5"],
      AUTH: async (peer) => {
        await peer.say(`334 ${base64("<1@test.example>")}`);
        const digest = createHmac("md5", "s3cret pass").update("<1@test.example>").digest("hex");
        return unbase64(await peer.line()) === `alice ${digest}` ? "235 ok" : "535 no";
      },
    }),
  );
  const { client } = connectTo(server, {
    auth: { user: "alice", pass: "s3cret pass", mechanism: "CRAM-MD5" },
  });
  expect((await client.send(MESSAGE)).accepted).toHaveLength(1);
});
