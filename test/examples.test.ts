// The examples, run by the command that their pages name.

import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { ROOT } from "./support/examples.ts";
import { install, type Run, runExample, runtimeFolder, standIn } from "./support/installed.ts";
import { type Answer, polite } from "./support/manners.ts";
import { serve } from "./support/server.ts";
import { hasMiniflare } from "./support/worker.ts";

const NAMES = ["aws-lambda", "bun", "cloudflare-worker", "deno", "vercel-function"];
/** What the examples log in with; the demo's server knows it. */
const PASSWORD = "correct horse";

let folder: string;
beforeAll(async () => {
  folder = await install();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** That it worked, and that nothing of what it knows was said. */
function expectArrival({ code, out }: Run, recipient: string, text: RegExp): void {
  expect(code, out).toBe(0);
  expect(out).toContain(`── arrived for ${recipient}\n`);
  expect(out).toMatch(text);
  expect(out).not.toContain("everybody@example.org");
  for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), btoa(PASSWORD)])
    expect(out).not.toContain(secret);
}

test("there is one for each of these, with a page that says how to run it", () => {
  const found = readdirSync(join(ROOT, "examples")).filter((name) =>
    existsSync(join(ROOT, "examples", name, "local.mjs")),
  );
  expect(found.sort()).toEqual(NAMES);
  expect(readFileSync(join(ROOT, "examples/demo-server.mjs"), "utf8")).toContain(`"${PASSWORD}"`);
  for (const name of NAMES) {
    const page = readFileSync(join(ROOT, `examples/${name}/README.md`), "utf8");
    expect(page, name).toContain(`npm run example -- ${name}\n`);
  }
});

test.each(["examples", ...NAMES.map((name) => `examples/${name}`)])("the page of %s links to what exists", (place) => {
  const page = readFileSync(join(ROOT, place, "README.md"), "utf8");
  for (const [, target = ""] of page.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
    expect(existsSync(join(ROOT, place, target)), target).toBe(true);
});

test("a name that there is not is answered with those that there are", async () => {
  const { code, out } = await runExample(folder, "perl");
  expect([code, out]).toEqual([2, `npm run example -- ${NAMES.join("|")}\n`]);
});

test("the Lambda function sends, and hands back what it could not", { timeout: 60_000 }, async () => {
  const run = await runExample(folder, "aws-lambda");
  expectArrival(run, "bob@example.org", /^Your code is 042137\.$/m);
  expect(run.out).toContain("{ batchItemFailures: [] }");
  expect(run.out).toContain("itemIdentifier: '2e1424d4-f796-459a-8184-9c92662be6da'");
  expect(run.out).not.toContain("271828");
});

test("the function for Vercel sends, and no header of a stranger's", { timeout: 60_000 }, async () => {
  const run = await runExample(folder, "vercel-function");
  expectArrival(run, "owner@example.com", /^Is table 042137 free tonight\?$/m);
  expect(run.out).toMatch(/^Reply-To: bob@example\.org$/m);
  expect(run.out.match(/^\d{3} .*$/gm)?.map((line) => line.slice(0, 3))).toEqual(["202", "400"]);
});

if (!hasMiniflare()) {
  test("the Worker is not run: miniflare is not installed", () => {
    console.info("miniflare is not installed: the Worker of the examples was not run");
  });
} else {
  test("the Worker sends", { timeout: 60_000 }, async () => {
    const run = await runExample(folder, "cloudflare-worker");
    expectArrival(run, "bob@example.org", /^Subject: (\d{6}) is your code\n\nYour code is \1\./m);
    expect(run.out.match(/^\d{3} .*$/gm)?.map((line) => line.slice(0, 3))).toEqual(["202", "400"]);
    // Not even in the answer.
    const [, code = ""] = /^Your code is (\d{6})/m.exec(run.out) ?? [];
    expect(run.out.split("── arrived")[0]).not.toContain(code);
  });
}

describe.each([
  {
    runtime: "bun",
    text: /^Your code to sign in is 042137\.$/m,
    statuses: ["202", "202", "400", "400", "401"],
  },
  { runtime: "deno", text: /\/login\?to=bob%40example\.org&expires=\d+&proof=/, statuses: ["202", "400", "200", "403"] },
])("the example for $runtime", ({ runtime, text, statuses }) => {
  const expectRun = (run: Run): void => {
    expectArrival(run, "bob@example.org", text);
    expect(run.out.match(/^\d{3} .*$/gm)?.map((line) => line.slice(0, 3))).toEqual(statuses);
  };

  test("is portable: Node serves it", { timeout: 60_000 }, async () => {
    expectRun(await runExample(folder, runtime, `${standIn(folder, runtime)}:${process.env.PATH}`));
  });

  const place = runtimeFolder(runtime);
  if (place === undefined) {
    test(`says in one line that ${runtime} is not installed`, { timeout: 60_000 }, async () => {
      console.info(`${runtime} is not installed: its example was run on Node alone`);
      expect(await runExample(folder, runtime)).toEqual({
        code: 77,
        out: `not run: ${runtime} is not installed\n`,
      });
    });
  } else {
    test("sends on the runtime itself", { timeout: 60_000 }, async () => {
      expectRun(await runExample(folder, runtime, `${place}:${process.env.PATH}`));
    });
  }
});

/** What a server may do, and what the endpoints say of the message then. */
const FAULTS: readonly {
  readonly fault: string;
  readonly manners?: { readonly RCPT?: Answer; readonly content?: Answer };
  readonly status: number;
  readonly delivery: string;
}[] = [
  { fault: "takes the message", manners: {}, status: 202, delivery: "sent" },
  {
    fault: "refuses the recipient",
    manners: { RCPT: "550 5.1.1 nobody here" },
    status: 502,
    delivery: "rejected",
  },
  {
    fault: "refuses the recipient for now",
    manners: { RCPT: "450 4.2.1 come back" },
    status: 503,
    delivery: "rejected",
  },
  { fault: "is not there", status: 503, delivery: "not-sent" },
  {
    fault: "hangs up when it has the message",
    manners: {
      content: (peer) => {
        peer.end();
        return undefined;
      },
    },
    status: 504,
    delivery: "unknown",
  },
];

const AUTH = { user: "alice", pass: "canary-examples" };

/** A server with that fault, as a URL; nothing listens where it is not there. */
async function serverThat(manners: (typeof FAULTS)[number]["manners"]): Promise<URL> {
  const server = await serve(polite({ offers: ["AUTH PLAIN", "PIPELINING"], ...manners }));
  if (manners === undefined) await server.close();
  return new URL(`smtp://${AUTH.user}:${AUTH.pass}@127.0.0.1:${server.port}?security=none`);
}

type Endpoint = (request: Request) => Promise<Response>;

let count = 0;

/** A module of the examples, loaded as if for the first time. */
async function load(path: string, environment: Readonly<Record<string, string>>): Promise<unknown> {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  return import(/* @vite-ignore */ `${pathToFileURL(join(folder, "examples", path)).href}?${++count}`);
}

const JSON_TYPE = { "Content-Type": "application/json" };

/** How each is asked to send. */
const ENDPOINTS: Readonly<Record<string, (url: URL) => Promise<Response>>> = {
  "vercel-function": async (url) => {
    const module = await load("vercel-function/api/contact.js", {
      SMTP_URL: url.href,
      MAIL_FROM: "site@example.com",
      MAIL_TO: "owner@example.com",
    });
    const body = new URLSearchParams({ name: "Bob", email: "bob@example.org", message: "Hello." });
    const { POST } = module as { POST: Endpoint };
    return POST(new Request("http://localhost/api/contact", { method: "POST", body }));
  },
  deno: async (url) => {
    const module = await load("deno/main.js", {
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
    const module = await load("bun/main.js", {
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
