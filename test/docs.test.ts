// What the documentation says, held against the code.

import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { SMTPServer } from "smtp-server";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { DEFAULT_TIMEOUTS } from "../src/deadline.ts";
import { ERROR_CODES } from "../src/errors.ts";
import { DEFAULT_LIMITS, resolveOptions } from "../src/options.ts";
import { connectNode } from "../src/transport/node.ts";
import { diagnose, examplesInMarkdown, examplesInSource, ROOT, run } from "./support/examples.ts";

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const docs = readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".md"))
  .map((path) => `docs/${path}`)
  .sort();
const pages = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", ...docs];
const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" }).filter((path) =>
  path.endsWith(".ts"),
);
const examples = [
  // Those of the guides are run with what stands before them on their pages.
  ...["README.md", ...docs.filter((path) => !/^docs\/guides\/.*\//.test(path))].flatMap(examplesInMarkdown),
  ...sources.flatMap((path) => examplesInSource(`src/${path}`)),
];

describe("the examples", () => {
  const server = new SMTPServer({
    disabledCommands: ["STARTTLS"],
    allowInsecureAuth: true,
    authMethods: ["PLAIN", "LOGIN", "XOAUTH2"],
    onAuth: (_auth, _session, done) => done(null, { user: "someone" }),
    onRcptTo: ({ address }, _session, done) =>
      address.startsWith("nobody@") ? done(new Error("no such mailbox")) : done(),
    onData: (stream, _session, done) => {
      stream.on("end", () => done()).resume();
    },
  });
  let port: number;
  beforeAll(async () => {
    server.listen(0, "127.0.0.1");
    await once(server.server, "listening");
    port = (server.server.address() as AddressInfo).port;
    vi.stubGlobal("fetch", async () => Response.json({ access_token: "ya29.fresh", expires_in: 3600 }));
    vi.stubEnv("SERVICE_ACCOUNT", JSON.stringify(serviceAccount()));
  });
  afterAll(async () => {
    vi.unstubAllGlobals();
    vi.unstubAllEnvs();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });

  test("are found", () => {
    expect(examples.map(({ place }) => place.split(":")[0])).toEqual(
      expect.arrayContaining(["README.md", "src/index.ts", "src/templates.ts"]),
    );
  });

  test("compile", { timeout: 30_000 }, () => {
    expect(diagnose(examples)).toEqual([]);
  });

  test.each(examples)("$place runs", async (example) => {
    await run(example, port);
  });

  test("print what they say they print", async () => {
    const [first, , third] = examplesInMarkdown("README.md");
    if (first === undefined || third === undefined) throw new Error("the README has lost its examples");
    expect(await run(first, port)).toEqual([[["bob@example.org"], 250]]);
    expect((await run(third, port)).slice(0, 3)).toEqual([["recipients_refused"], ["rcpt"], ["rejected"]]);
  });
});

describe("the list of error codes", () => {
  test("has a heading for each, and none that there is not", () => {
    const headings = [...read("docs/errors.md").matchAll(/^### (.+)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual([...ERROR_CODES]);
  });

  test("holds no code that nothing throws", () => {
    const code = sources
      .filter((path) => path !== "errors.ts")
      .map((path) => read(`src/${path}`))
      .join();
    const fallbacks = ["invalid_option", "invalid_message"];
    expect(ERROR_CODES.filter((one) => !fallbacks.includes(one) && !code.includes(`"${one}"`))).toEqual([]);
  });
});

describe("the defaults", () => {
  const documented = new Map(
    [...read("README.md").matchAll(/^\| (.+?) \| .* \| ?(.*?) ?\|$/gm)].map(([, option = "", value = ""]) => [
      option.replaceAll("`", ""),
      value,
    ]),
  );

  test("in the README are those of the code", () => {
    for (const [name, limit] of Object.entries(DEFAULT_TIMEOUTS)) {
      expect(documented.get(`timeouts.${name}`), name).toBe(String(limit));
    }
    for (const [name, limit] of Object.entries(DEFAULT_LIMITS))
      expect(documented.get(name), name).toBe(String(limit));
  });

  test("in the comments are those of the code", () => {
    const comments = read("src/deadline.ts") + read("src/options.ts");
    for (const [name, limit] of Object.entries({ ...DEFAULT_TIMEOUTS, ...DEFAULT_LIMITS })) {
      expect(comments, name).toMatch(new RegExp(`@default ${limit}(?: \\*/|\\n)[^@]*?readonly ${name}\\??:`));
    }
  });

  test("are given for every option there is", () => {
    const error = (() => {
      try {
        resolveOptions({ nonsense: true } as never, { connect: connectNode });
      } catch (thrown) {
        return thrown as { hint: string };
      }
      throw new Error("nonsense was accepted");
    })();
    const options = error.hint.replace(/^[^A-Za-z]*the properties are |\.$/g, "").split(", ");
    const listed = [...documented.keys()]
      .flatMap((cell) => cell.split(", "))
      .map((name) => name.split(".")[0]);
    expect(options.filter((option) => !listed.includes(option))).toEqual([]);
  });
});

describe("the pages", () => {
  test.each(pages)("%s links to what exists", (page) => {
    for (const [, target = ""] of read(page).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      expect(existsSync(join(ROOT, page, "..", target)), target).toBe(true);
    }
  });

  test("the changelog begins with the version of the package", () => {
    const { version } = JSON.parse(read("package.json")) as { version: string };
    expect(/^## (\S+)/m.exec(read("CHANGELOG.md"))?.[1]).toBe(version);
  });
});

/** What Google Cloud gives who makes a key for a service account, as far as it is read. */
function serviceAccount() {
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  return { client_email: "mailer@project.iam.gserviceaccount.com", private_key: privateKey };
}
