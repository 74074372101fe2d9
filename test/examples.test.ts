// The examples, run by the command that their pages name.

import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "./support/examples.ts";
import { install, type Run, runExample, runtimeFolder, standIn } from "./support/installed.ts";

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

test.each(["examples", ...NAMES.map((name) => `examples/${name}`)])(
  "the page of %s links to what exists",
  (place) => {
    const page = readFileSync(join(ROOT, place, "README.md"), "utf8");
    for (const [, target = ""] of page.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
      expect(existsSync(join(ROOT, place, target)), target).toBe(true);
  },
);

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

test("the Worker sends", { timeout: 60_000 }, async () => {
  const run = await runExample(folder, "cloudflare-worker");
  expectArrival(run, "bob@example.org", /^Subject: (\d{6}) is your code\n\nYour code is \1\./m);
  expect(run.out.match(/^\d{3} .*$/gm)?.map((line) => line.slice(0, 3))).toEqual(["202", "400"]);
  // Not even in the answer.
  const [, code = ""] = /^Your code is (\d{6})/m.exec(run.out) ?? [];
  expect(run.out.split("── arrived")[0]).not.toContain(code);
});

describe.each([
  {
    runtime: "bun",
    text: /^Your code to sign in is 042137\.$/m,
    statuses: ["202", "202", "400", "400", "401"],
  },
  {
    runtime: "deno",
    text: /\/login\?to=bob%40example\.org&expires=\d+&proof=/,
    statuses: ["202", "400", "200", "403"],
  },
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
