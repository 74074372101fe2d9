// Runtimes that open no sockets, such as edge functions: the package is imported, and used for all else. Here it is a
// bundle in a context that has what the web has, and no module of Node's.

import { readFileSync } from "node:fs";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { composeMessage } from "../../src/compose-door.ts";
import type * as Dkim from "../../src/dkim-door.ts";
import type * as Index from "../../src/index.ts";
import { connectNode } from "../../src/transport/node.ts";
import { MESSAGE } from "../support/client.ts";
import { ROOT } from "../support/examples.ts";
import { polite } from "../support/manners.ts";
import { serve } from "../support/server.ts";

const WEB = {
  ...{ AbortController, AbortSignal, ArrayBuffer, Blob, ReadableStream, Response, TextDecoder, TextEncoder },
  ...{
    URL,
    URLSearchParams,
    Uint8Array,
    atob,
    btoa,
    clearTimeout,
    crypto,
    fetch,
    performance,
    queueMicrotask,
  },
  setTimeout: (...given: Parameters<typeof setTimeout>) => Number(setTimeout(...given)),
};

const RSA = {
  ...{ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048 },
  publicExponent: Uint8Array.of(1, 0, 1),
};

/** What no runtime of the web has, and what tells one from another. */
const FOREIGN = ["process", "require", "module", "Deno", "Bun", "navigator", "EdgeRuntime", "WebSocketPair"];

let doors: Readonly<Record<"index" | "workerd", string>>;
beforeAll(async () => {
  const bundle = async (door: string): Promise<string> => {
    const { outputFiles } = await build({
      stdin: {
        contents: `export * from "./src/${door}.ts"; export * from "./src/dkim-door.ts";`,
        resolveDir: ROOT,
      },
      bundle: true,
      format: "esm",
      target: "es2022",
      platform: "neutral",
      external: ["node:*", "cloudflare:*"],
      write: false,
    });
    // As a script, whose imports are left as they are, and whose value is what the module exports.
    const [, code = "", exported = ""] =
      /^([\s\S]*)\nexport \{([^}]*)\};\s*$/.exec(outputFiles[0]?.text ?? "") ?? [];
    return `(() => {${code}\nreturn {${exported.replaceAll(/(\w+) as (\w+)/g, "$2: $1")}};})()`;
  };
  const [index, workerd] = await Promise.all([bundle("index"), bundle("workerd")]);
  doors = { index, workerd };
});

/** The package there, and which of the foreign globals it looked at so far. */
function load(door: keyof typeof doors): {
  readonly pennypost: typeof Index & typeof Dkim;
  readonly looked: string[];
} {
  const looked: string[] = [];
  const context = createContext({ ...WEB });
  for (const name of FOREIGN) {
    Object.defineProperty(context, name, { get: () => void looked.push(name) });
  }
  return { pennypost: runInContext(doors[door], context), looked };
}

describe.each(["index", "workerd"] as const)("where there are no sockets, the door %s", (door) => {
  test("is imported without a look at what runtime there is, and renders and signs", async () => {
    const { pennypost, looked } = load(door);
    expect(looked).toEqual([]);
    expect(pennypost.renderTemplate("It is {{code}}.", { code: "042137" })).toBe("It is 042137.");
    const message = composeMessage(MESSAGE);
    const { privateKey } = await crypto.subtle.generateKey(RSA, false, ["sign", "verify"]);
    const signer = pennypost.createDkimSigner({ domain: "example.com", selector: "s", privateKey });
    expect(await signer.sign(message.content, new Date())).toMatch(/^DKIM-Signature: v=1; /);
    expect(looked).toEqual([]);
  });

  test("makes a client, which says at its first message that it cannot connect, and what to do", async () => {
    const { pennypost } = load(door);
    const client = new pennypost.SmtpClient({ host: "smtp.example.com" });
    const error = await client.send(MESSAGE).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: "ConfigError",
      option: "connect",
      delivery: "not-sent",
      retryable: false,
      message: expect.stringMatching(
        /^connect: is missing, and this runtime (?:opens no sockets|has no cloudflare:sockets)/,
      ),
      hint: expect.stringContaining("or give a connect of your own"),
    });
    for (const page of ["guides/runtimes", "workers"]) {
      const text = readFileSync(`${ROOT}/docs/${page}.md`, "utf8").replaceAll(/\s+/g, " ");
      expect(text).toMatch(/the first message (?:fails|rejects) with a `ConfigError` for `connect`/);
    }
    await client.close();
  });

  test("sends by a connect of the caller's own", async () => {
    const server = await serve(polite());
    const { pennypost } = load(door);
    const client = new pennypost.SmtpClient({
      host: "127.0.0.1",
      port: server.port,
      security: "none",
      timeouts: { quit: 100 },
      connect: connectNode,
    });
    onTestFinished(() => client.close());
    expect(await client.send(MESSAGE)).toMatchObject({ accepted: ["bob@example.org"] });
    expect(server.messages.length).toBe(1);
  });
});
