// What the examples answer where a message was not sent, or may not have been.

import { rmSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { AUTH, FAULTS, serverThat } from "../support/faults.ts";
import { install, load } from "../support/installed.ts";
import { polite } from "../support/manners.ts";
import { serve } from "../support/server.ts";

let folder: string;
beforeAll(async () => {
  folder = await install();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Endpoint = (request: Request) => Promise<Response>;

const JSON_TYPE = { "Content-Type": "application/json" };

/** How each is asked to send. */
const ENDPOINTS: Readonly<Record<string, (url: URL) => Promise<Response>>> = {
  "vercel-function": async (url) => {
    const module = await load(folder, "vercel-function/api/contact.js", {
      SMTP_URL: url.href,
      MAIL_FROM: "site@example.com",
      MAIL_TO: "owner@example.com",
    });
    const body = new URLSearchParams({ name: "Bob", email: "bob@example.org", message: "Hello." });
    const { POST } = module as { POST: Endpoint };
    return POST(new Request("http://localhost/api/contact", { method: "POST", body }));
  },
  deno: async (url) => {
    const module = await load(folder, "deno/main.js", {
      SMTP_URL: url.href,
      LINK_KEY: "a key for the links of this test",
      MAIL_FROM: "login@example.com",
      ORIGIN: "https://example.com",
    });
    const { fetch } = (module as { default: { fetch: Endpoint } }).default;
    const body = JSON.stringify({ to: "bob@example.org" });
    return fetch(new Request("http://localhost/login", { method: "POST", headers: JSON_TYPE, body }));
  },
  bun: async (url) => {
    const module = await load(folder, "bun/main.js", {
      SMTP_HOST: url.hostname,
      SMTP_PORT: url.port,
      SMTP_USER: AUTH.user,
      SMTP_PASS: AUTH.pass,
      MAIL_FROM: "login@example.com",
      MAILER_TOKEN: "known to both",
    });
    const { fetch } = (module as { default: { fetch: Endpoint } }).default;
    const body = JSON.stringify({ to: "bob@example.org", type: "SignIn", payload: { code: "042137" } });
    const headers = { ...JSON_TYPE, Authorization: "Bearer known to both" };
    return fetch(new Request("http://localhost/", { method: "POST", headers, body }));
  },
};

describe.each(Object.keys(ENDPOINTS))("the endpoint of %s", (name) => {
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  test.each(FAULTS)("says $status where the server $fault", async ({ manners, status, delivery }) => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const response = await ENDPOINTS[name]!(await serverThat(manners));
    expect([response.status, await response.json()]).toEqual([status, { delivery }]);
    expect(log).toHaveBeenCalledTimes(status === 202 ? 0 : 1);
    // Neither who gets it nor what: logs are read by others.
    expect(JSON.stringify(log.mock.calls)).not.toMatch(/bob|042137|canary/);
  });
});

describe("the endpoint of vercel-function", () => {
  afterEach(() => vi.unstubAllEnvs());

  test.each([
    ["a field that nobody sees", { website: "https://example.net" }],
    ["a list of addresses", { email: "bob@example.org, eve@example.org" }],
    ["a header in the name", { name: "Bob\r\nBcc: eve@example.org" }],
    ["a header in the address", { email: "bob@example.org\r\nBcc: eve@example.org" }],
    ["no message", { message: " " }],
    ["too long a message", { message: "x".repeat(10_001) }],
  ])("refuses %s, and says so", async (_, field) => {
    const server = await serve(polite());
    const module = await load(folder, "vercel-function/api/contact.js", {
      SMTP_URL: `smtp://127.0.0.1:${server.port}?security=none`,
      MAIL_FROM: "site@example.com",
      MAIL_TO: "owner@example.com",
    });
    const { POST } = module as { POST: Endpoint };
    const said = { name: "Bob", email: "bob@example.org", message: "Hello.", website: "", ...field };
    const body = new URLSearchParams(said);
    const response = await POST(new Request("http://localhost/api/contact", { method: "POST", body }));
    expect([response.status, await response.json()]).toEqual([400, { error: expect.any(String) }]);
    expect(server.peers).toEqual([]);
  });
});

describe("the endpoint of deno", () => {
  afterEach(() => vi.unstubAllEnvs());

  test.each([
    ["no key", { LINK_KEY: "" }, "LINK_KEY"],
    ["a key that can be guessed", { LINK_KEY: "secret" }, "LINK_KEY"],
    ["nowhere for a link to lead to", { ORIGIN: "" }, "Invalid URL"],
  ])("does not start with %s", async (_, setting, reason) => {
    const environment = {
      SMTP_URL: "smtp://127.0.0.1:1?security=none",
      LINK_KEY: "a key for the links of this test",
      ORIGIN: "https://example.com",
      ...setting,
    };
    await expect(load(folder, "deno/main.js", environment)).rejects.toThrow(reason);
  });

  test("takes its own links, each for one address and until it expires, and no other", async () => {
    const server = await serve(polite());
    const module = await load(folder, "deno/main.js", {
      SMTP_URL: `smtp://127.0.0.1:${server.port}?security=none`,
      LINK_KEY: "a key for the links of this test",
      MAIL_FROM: "login@example.com",
      ORIGIN: "https://example.com",
    });
    const { fetch } = (module as { default: { fetch: Endpoint } }).default;
    const body = JSON.stringify({ to: "bob@example.org" });
    await fetch(new Request("http://evil.example/login", { method: "POST", headers: JSON_TYPE, body }));
    const letter = (server.messages[0] ?? "").replaceAll("=\r\n", "").replaceAll("=3D", "=");
    const [link = ""] = /https:\/\/example\.com\/login\?\S+/.exec(letter) ?? [];
    const follow = async (change: Readonly<Record<string, string>>): Promise<number> => {
      const url = new URL(link);
      for (const [name, value] of Object.entries(change)) url.searchParams.set(name, value);
      return (await fetch(new Request(url))).status;
    };
    expect(await follow({})).toBe(200);
    expect(await follow({ to: "eve@example.org" })).toBe(403);
    expect(await follow({ expires: "9999999999" })).toBe(403);
    expect(await follow({ proof: "" })).toBe(403);
    vi.useFakeTimers({ now: Date.now() + 901_000, toFake: ["Date"] });
    expect(await follow({})).toBe(403);
    vi.useRealTimers();
  });
});

describe("the Lambda function", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  test.each(FAULTS)("where the server $fault: what was $delivery", async ({ manners, delivery }) => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const module = await load(folder, "aws-lambda/index.mjs", {
      SMTP_URL: (await serverThat(manners)).href,
      MAIL_FROM: "login@example.com",
      MAIL_DOMAIN: "example.com",
    });
    const { handler } = module as { handler(event: object): Promise<unknown> };
    const body = JSON.stringify({ to: "bob@example.org", code: "042137" });
    // What may have been sent does not come again.
    const isBack = delivery === "not-sent" || delivery === "rejected";
    expect(await handler({ Records: [{ messageId: "one", body }] })).toEqual({
      batchItemFailures: isBack ? [{ itemIdentifier: "one" }] : [],
    });
    expect(JSON.stringify(log.mock.calls)).not.toMatch(/bob|042137|canary/);
  });
});
