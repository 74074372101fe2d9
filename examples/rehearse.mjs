// What the examples need to be run on this machine: a server of their own, and eyes for what arrives there.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import PostalMime from "postal-mime";
import { startServer } from "./demo-server.mjs";

const START_LIMIT = 20_000; // ms until a runtime listens; it takes less than a second

/** Has `use` send to a server of its own, and prints each message that arrived there. */
export async function rehearse(use) {
  const server = await startServer();
  try {
    await use(server);
    for (const { to, octets } of server.messages) {
      const { subject, text, replyTo = [] } = await PostalMime.parse(octets);
      console.log(`\n── arrived for ${to.join(", ")}`);
      console.log(`Subject: ${subject}`);
      for (const { address } of replyTo) console.log(`Reply-To: ${address}`);
      console.log(`\n${text?.trim()}`);
    }
    if (server.messages.length === 0) process.exitCode ??= 1;
  } finally {
    await server.close();
  }
}

/** Prints what an endpoint answers. */
export async function show(response) {
  console.log(response.status, (await response.text()).trim());
}

/** Starts a program that listens, has `use` talk to it, and ends it. Says so where the runtime is not installed. */
export async function withProgram(runtime, args, environment, use) {
  const program = find(runtime);
  if (program === undefined) {
    console.log(`not run: ${runtime} is not installed`);
    process.exitCode = 77;
    return;
  }
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NO_COLOR: "1", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const limit = setTimeout(() => child.kill("SIGKILL"), START_LIMIT);
  const stop = () => child.kill();
  process.once("exit", stop);
  const ended = once(child, "exit");
  try {
    const base = await Promise.race([addressSaid(child), ended.then(() => undefined)]);
    if (base === undefined) throw new Error(`${runtime} ended before it listened`);
    await use(base);
  } finally {
    clearTimeout(limit);
    stop();
    await ended;
    process.off("exit", stop);
  }
}

/** Both Bun and Deno say where they listen. What else they say is shown. */
function addressSaid(child) {
  return new Promise((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on("line", (line) => {
        const [, port] = /listening on .*:(\d+)|server: .*:(\d+)/i.exec(line)?.filter(Boolean) ?? [];
        if (port === undefined) console.log(line);
        else resolve(`http://127.0.0.1:${port}`);
      });
    }
  });
}

function find(runtime) {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, runtime))
    .find((path) => existsSync(path));
}
