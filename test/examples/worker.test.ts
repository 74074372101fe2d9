// The Worker of the examples, in workerd, by miniflare.

import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { FAULTS, serverThat } from "../support/faults.ts";
import { install, load } from "../support/installed.ts";
import { polite } from "../support/manners.ts";
import { serve } from "../support/server.ts";

const KEY = "a key for the tickets of this test";

let folder: string;
let script: string;
beforeAll(async () => {
  folder = await install();
  const { outputFiles } = await build({
    entryPoints: [join(folder, "examples/cloudflare-worker/src/index.js")],
    bundle: true,
    format: "esm",
    target: "es2022",
    conditions: ["workerd", "worker"],
    external: ["cloudflare:*"],
    platform: "neutral",
    write: false,
  });
  script = outputFiles[0]?.text ?? "";
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Ask = (body: unknown, type?: string) => Promise<Response>;

/** Has `use` ask a Worker that sends to `url`, and returns what it logged. */
async function inWorker(url: URL, use: (ask: Ask) => Promise<void>): Promise<string> {
  const logged: Buffer[] = [];
  const worker = new Miniflare({
    modules: true,
    script,
    compatibilityDate: "2026-04-01",
    bindings: { SMTP_URL: url.href, CODE_KEY: KEY, MAIL_FROM: "login@example.com" },
    ratelimits: { LIMITER: { simple: { limit: 5, period: 60 } } },
    outboundService: { network: { allow: ["private"] } },
    cf: false,
    host: "127.0.0.1",
    port: 0,
    handleRuntimeStdio: (out: Readable, errors: Readable) => {
      for (const stream of [out, errors]) stream.on("data", (octets) => logged.push(octets));
    },
  });
  try {
    await use(async (body, type = "application/json") => {
      const headers = { "Content-Type": type };
      const request = { method: "POST", headers, body: JSON.stringify(body) };
      return (await worker.dispatchFetch("http://localhost/code", request)) as unknown as Response;
    });
  } finally {
    await worker.dispose();
  }
  return Buffer.concat(logged).toString();
}

test.each(FAULTS)("says $status where the server $fault", async ({ manners, status, delivery }) => {
  const logged = await inWorker(await serverThat(manners), async (ask) => {
    const response = await ask({ to: "bob@example.org" });
    const { ticket, ...rest } = (await response.json()) as { ticket?: string };
    expect([response.status, rest]).toEqual([status, { delivery }]);
    // With the code that may have come somebody may sign in.
    expect(ticket !== undefined).toBe(status === 202 || status === 504);
  });
  // Neither who gets it nor what: logs are read by others.
  expect(logged).toMatch(status === 202 ? /^$/ : new RegExp(` ${delivery} `));
  expect(logged).not.toMatch(/bob|\d{6}|canary/);
});

test("answers with a ticket for the code that was mailed, and no other", async () => {
  const server = await serve(polite({ offers: ["AUTH PLAIN"] }));
  const url = new URL(`smtp://alice:pass@127.0.0.1:${server.port}?security=none`);
  const { checkTicket } = (await load(folder, "cloudflare-worker/src/ticket.js", {})) as {
    checkTicket(key: string, claim: object): Promise<boolean>;
  };
  await inWorker(url, async (ask) => {
    const { ticket } = (await (await ask({ to: "Bob <bob@example.org>" })).json()) as { ticket: string };
    const to = "bob@example.org";
    const [, code = ""] = /^Your code is (\d{6})\./m.exec(server.messages[0] ?? "") ?? [];
    expect(server.heard).toContain("RCPT TO:<bob@example.org>");
    expect(await checkTicket(KEY, { ticket, to, code })).toBe(true);
    const other = code === "000000" ? "000001" : "000000";
    expect(await checkTicket(KEY, { ticket, to, code: other })).toBe(false);
    expect(await checkTicket(KEY, { ticket, to: "eve@example.org", code })).toBe(false);
    expect(await checkTicket(`${KEY}!`, { ticket, to, code })).toBe(false);
    const later = ticket.replace(/^\d+/, (expires) => String(Number(expires) + 1));
    expect(await checkTicket(KEY, { ticket: later, to, code })).toBe(false);
    vi.useFakeTimers({ now: Date.now() + 601_000, toFake: ["Date"] });
    expect(await checkTicket(KEY, { ticket, to, code })).toBe(false);
    vi.useRealTimers();
  });
});

test("sends to one address, for a program that asks, and not too often", async () => {
  const server = await serve(polite());
  await inWorker(new URL(`smtp://127.0.0.1:${server.port}?security=none`), async (ask) => {
    const refused = [
      { to: ["bob@example.org", "carol@example.org"] },
      { to: "bob@example.org, carol@example.org" },
      { to: "bob@example.org\r\nRCPT TO:<carol@example.org>" },
      {},
      undefined,
    ];
    for (const body of refused) expect((await ask(body)).status).toBe(400);
    expect((await ask({ to: "bob@example.org" }, "text/plain")).status).toBe(415);
    expect(server.messages).toEqual([]);
    const statuses: number[] = [];
    for (let asked = 0; asked < 7; asked++) statuses.push((await ask({ to: "bob@example.org" })).status);
    expect(statuses).toEqual([202, 202, 202, 202, 202, 429, 429]);
    expect(server.messages.length).toBe(5);
  });
});
