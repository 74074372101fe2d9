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
  /** Where the mail is that the server delivered: a Maildir, or a folder with one for each user. */
  readonly mail: string;
  /** The file the server logs to. */
  readonly log: string;
  /** The certificate of the throw-away authority, in PEM. */
  readonly ca: string;
  /** By the name of the listener. */
  readonly ports: Readonly<Record<string, number>>;
  /** The same, where it is a Unix socket. */
  readonly paths: Readonly<Record<string, string>>;
}

declare module "vitest" {
  export interface ProvidedContext {
    postfix: InteropServer;
    dovecot: InteropServer;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const root = process.env.INTEROP_DIR;
  if (root === undefined) throw new Error("start the interop tests with: npm run test:interop");
  await chmod(root, 0o755); // the servers run as users of their own
  const missing = process.env.INTEROP_MISSING?.split(" ") ?? [];
  const running: string[] = [];
  const stop = async (): Promise<void> => {
    for (const server of running) await script(server, "stop", join(root, server));
  };
  try {
    for (const [server, listeners] of SERVERS) {
      if (missing.includes(server)) continue;
      running.push(server);
      project.provide(server, await start(server, join(root, server), { listeners }));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

/** Each with the number of ports that it listens on. */
const SERVERS = [
  ["postfix", 8],
  ["dovecot", 1],
] as const;

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
  const paths: Record<string, string> = {};
  for (const line of (await readFile(join(directory, "endpoints"), "utf8")).trimEnd().split("\n")) {
    const [name = "", , , place = ""] = line.split(" ");
    if (place.startsWith("/")) paths[name] = place;
    else ports[name] = Number(place);
  }
  return {
    mail: join(directory, "mail"),
    log: join(directory, "log"),
    ca: await readFile(join(directory, "certs/ca.crt"), "utf8"),
    ports,
    paths,
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
