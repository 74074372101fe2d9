// Starts the servers before the first test and stops them after the last, however that went.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmod, readFile, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";

/** A running server, as the tests need to know it. */
export interface InteropServer {
  /** The Maildir of everything the server accepted. */
  readonly maildir: string;
  /** The file the server logs to. */
  readonly log: string;
  /** The certificate of the throw-away authority, in PEM. */
  readonly ca: string;
  /** By the name of the listener. */
  readonly ports: Readonly<Record<string, number>>;
}

declare module "vitest" {
  export interface ProvidedContext {
    postfix: InteropServer;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const root = process.env.INTEROP_DIR;
  if (root === undefined) throw new Error("start the interop tests with: npm run test:interop");
  await chmod(root, 0o755); // the servers run as users of their own
  const directory = join(root, "postfix");
  project.provide("postfix", await start("postfix", directory, { listeners: 3 }));
  return () => script("postfix", "stop", directory);
}

const ATTEMPTS = 3;

async function start(
  server: string,
  directory: string,
  options: { readonly listeners: number },
): Promise<InteropServer> {
  // Between our asking for free ports and the server's binding them another program may take one: then ask again.
  for (let attempt = 1; ; attempt++) {
    try {
      await script(server, "start", directory, ...(await freePorts(options.listeners)));
      break;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await rm(directory, { recursive: true, force: true });
    }
  }
  const ports: Record<string, number> = {};
  for (const line of (await readFile(join(directory, "endpoints"), "utf8")).trimEnd().split("\n")) {
    const [name = "", , , port] = line.split(" ");
    ports[name] = Number(port);
  }
  return {
    maildir: join(directory, "mail"),
    log: join(directory, "log"),
    ca: await readFile(join(directory, "certs/ca.crt"), "utf8"),
    ports,
  };
}

async function script(server: string, ...args: readonly string[]): Promise<void> {
  const path = fileURLToPath(new URL(`${server}.sh`, import.meta.url));
  await promisify(execFile)("bash", [path, ...args], { timeout: 25_000 });
}

/** Ports that were free a moment ago, all different. */
async function freePorts(count: number): Promise<string[]> {
  const listeners = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(listeners.map((listener) => once(listener, "listening")));
  const ports = listeners.map((listener) => String((listener.address() as AddressInfo).port));
  await Promise.all(listeners.map((listener) => once(listener.close(), "close")));
  return ports;
}
