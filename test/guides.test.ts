// The guides, run as somebody would who follows them: every config is read, every command typed, every program started,
// page by page and from top to bottom. Whatever server they name is one of the test's own.

import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { readConnectorConfig } from "../src/connector.ts";
import { ConfigError } from "../src/errors.ts";
import type { Connect } from "../src/transport/wire.ts";
import { pennypost } from "./support/command.ts";
import { diagnose, examplesInMarkdown, run } from "./support/examples.ts";
import { type Block, blocksOf, type Command, commandsIn, PAGES, wordsOf } from "./support/guides.ts";
import { internet } from "./support/internet.ts";
import { polite } from "./support/manners.ts";
import { providers } from "./support/providers.ts";
import { serve } from "./support/server.ts";

const net = vi.hoisted(() => ({}) as { connect?: Connect | undefined; real?: Connect });
vi.mock("../src/transport/node.ts", async (original) => {
  const node = await original<typeof import("../src/transport/node.ts")>();
  net.real = node.connectNode;
  const connectNode: Connect = (target) => (net.connect ?? node.connectNode)(target);
  return { ...node, connectNode };
});

type Json = Readonly<Record<string, unknown>>;

/** What the parts of a config that the pages show are parts of. */
const BASE: Json = {
  service: "gmail",
  fromEmail: "login@example.com",
  templates: ["Register", "SignIn", "ForgotPassword", "Generic"].map((usageType) => ({
    usageType,
    contentType: "text/plain",
    subject: "Your code",
    content: "Your code is {{code}}.",
  })),
};

/** What is typed where a shell or a command asks for it. */
const PASSWORD = "abcdefghijklmnop";

const home = process.cwd();
let place: string;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "pennypost-"));
  process.chdir(place);
  vi.stubEnv("PENNYPOST_PASSWORD", undefined);
});

afterEach(() => {
  process.chdir(home);
  vi.unstubAllEnvs();
  rmSync(place, { recursive: true, force: true });
  net.connect = undefined;
});

test("the programs in the guides compile", { timeout: 30_000 }, () => {
  // From where the types of Node are found.
  process.chdir(home);
  expect(diagnose(PAGES.flatMap(examplesInMarkdown))).toEqual([]);
});

describe.each(PAGES)("%s", (page) => {
  test("says and does what it says", { timeout: 30_000 }, async () => {
    let config: Json | undefined;
    for (const block of blocksOf(page)) {
      if (block.language === "json") {
        const isWhole = block.text.includes('"fromEmail"') && block.text.includes('"templates"');
        const said = configOf(block, isWhole ? {} : (config ?? BASE));
        if (isWhole) config = said;
        const read = (): unknown => readConnectorConfig(withPassword(said));
        if (block.isRefused) expect(read, block.place).toThrow(ConfigError);
        else expect(read, block.place).not.toThrow();
        // A part is for the command below it; what comes after that goes on with the whole.
        writeFileSync("smtp.json", JSON.stringify(said));
      } else if (block.language === "console") {
        for (const command of commandsIn(block)) {
          expectOutput(await type(command.line, block.server), command, `${block.place}: ${command.line}`);
        }
        if (config !== undefined) writeFileSync("smtp.json", JSON.stringify(config));
      } else if (block.language === "ts") {
        await run(
          { place: block.place, code: block.text },
          (await serve(polite({ offers: ["AUTH PLAIN"] }))).port,
        );
      } else {
        throw new Error(`${block.place}: nobody knows what to do with ${block.language}`);
      }
    }
    expect(existsSync("smtp.json")).toBe(true);
  });
});

/** The config that a block makes, or makes of the one before it. */
function configOf({ text }: Block, before: Json): Json {
  const said = JSON.parse(withKeys(text));
  if (!Array.isArray(said) && said.usageType === undefined) return { ...before, ...said };
  const templates: readonly Json[] = [said].flat();
  const types = templates.map(({ usageType }) => usageType);
  const others = (before.templates as readonly Json[]).filter(({ usageType }) => !types.includes(usageType));
  return { ...before, templates: [...templates, ...others] };
}

/** With whole keys where the pages shorten them. */
function withKeys(text: string): string {
  return text.replace(/"-----BEGIN (ENCRYPTED )?PRIVATE KEY-----\\n…[^"]*"/, (_all, isLocked?: string) => {
    const [, passphrase = ""] = /"passphrase": "([^"]*)"/.exec(text) ?? [];
    const { privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: {
        type: "pkcs8",
        format: "pem",
        ...(isLocked !== undefined && { cipher: "aes-256-cbc", passphrase }),
      },
    });
    return JSON.stringify(privateKey);
  });
}

/** As the command makes it where the config leaves the password out. */
function withPassword(config: Json): Json {
  const { auth } = config as { readonly auth?: Json };
  const isUserAlone = auth !== undefined && Object.keys(auth).join() === "user";
  return isUserAlone ? { ...config, auth: { ...auth, pass: PASSWORD } } : config;
}

/** What somebody sees who types it. */
async function type(line: string, server: Block["server"]): Promise<string> {
  const [, name] = /^read -rs (\w+) && export \1$/.exec(line) ?? [];
  if (name !== undefined) {
    vi.stubEnv(name, PASSWORD);
    return "";
  }
  const [, , piped, command] = /^(echo '([^']*)' \| )?npx pennypost (.*)$/.exec(line) ?? [];
  if (command === undefined) throw new Error(`nobody knows what this does: ${line}`);
  net.connect = (await internet(providers(server), net.real)).connect;
  const { PENNYPOST_PASSWORD } = process.env;
  const { out, err } = await pennypost(wordsOf(command), {
    ...(piped !== undefined && { input: [`${piped}\n`] }),
    ...(PENNYPOST_PASSWORD !== undefined && { env: { PENNYPOST_PASSWORD } }),
  });
  return out + err;
}

/** Without what is another each time. */
function steady(output: string): string {
  return output
    .replace(/\b\d+ ms\b/g, "# ms")
    .replace(/\b(?:127|192)\.0\.\d\.\d+\b/g, "#")
    .replace(/issued by .*?, valid for (?:\d+ days?|less than a day)/g, "issued by #, valid for # days")
    .replace(/<[^@<>\s]+@example\.com>, #/g, "<#@example.com>, #")
    .replace(/"(duration|daysLeft)": [\d.]+/g, '"$1": #')
    .trimEnd();
}

/** Whether this is what the page has; a line with `…` alone stands for any number of lines. */
function expectOutput(actual: string, { output }: Command, at: string): void {
  if (!/^ *…$/m.test(output)) {
    expect(steady(actual), at).toBe(steady(output));
    return;
  }
  let rest = steady(actual);
  for (const part of steady(output)
    .split(/^ *…$/m)
    .map((one) => one.trim())) {
    expect(rest, at).toContain(part);
    rest = rest.slice(rest.indexOf(part) + part.length);
  }
}
