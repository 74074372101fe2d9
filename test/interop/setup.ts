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
  /** The server's folder, with whatever else `NAME.sh start` puts there. */
  readonly directory: string;
  /** By the name of the listener. */
  readonly ports: Readonly<Record<string, number>>;
  /** The same, where it is a Unix socket. */
  readonly paths: Readonly<Record<string, string>>;
}

declare module "vitest" {
  export interface ProvidedContext {
    postfix: InteropServer;
    dovecot: InteropServer;
    submission: InteropServer;
    /** The program of gsasl.sh. */
    gsasl: string;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const root = process.env.INTEROP_DIR;
  if (root === undefined) throw new Error("start the interop tests with: npm run test:interop");
  await chmod(root, 0o755); // the servers run as users of their own
  const missing = process.env.INTEROP_MISSING?.split(" ") ?? [];
  const running: string[] = [];
  const ports = new Map<string, Readonly<Record<string, number>>>();
  const stop = async (): Promise<void> => {
    for (const server of running) await script(server, "stop", join(root, server));
  };
  try {
    if (!missing.includes("gsasl")) {
      await script("gsasl", "build", join(root, "gsasl-server"));
      project.provide("gsasl", join(root, "gsasl-server"));
    }
    for (const { server, listeners, behind } of SERVERS) {
      if (missing.includes(server)) continue;
      running.push(server);
      const relay = behind === undefined ? undefined : ports.get(behind)?.plain;
      const started = await start(server, join(root, server), { listeners, relay });
      ports.set(server, started.ports);
      project.provide(server, started);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

/** Each with the number of ports that it listens on, and the one whose plain listener gets what it takes. */
const SERVERS: readonly {
  readonly server: "postfix" | "dovecot" | "submission";
  readonly listeners: number;
  readonly behind?: string;
}[] = [
  { server: "postfix", listeners: 8 },
  { server: "dovecot", listeners: 1 },
  { server: "submission", listeners: 1, behind: "postfix" },
];

const ATTEMPTS = 3;

async function start(
  server: string,
  directory: string,
  { listeners, relay }: { readonly listeners: number; readonly relay: number | undefined },
): Promise<InteropServer> {
  // Between our asking for free ports and the server's binding them another program may take one: then ask again.
  for (let attempt = 1; ; attempt++) {
    try {
      const places = await freePorts(listeners);
      if (relay !== undefined) places.push(String(relay));
      await script(server, "start", directory, ...places);
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
    directory,
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
