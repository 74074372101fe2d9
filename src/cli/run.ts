// Finds which command is meant, loads it, does it, and tells what it came to. Nothing here throws, and nothing ends the
// process: the exit code is returned.

import { ConfigError } from "../index.ts";
import { type Command, EXIT, type ExitCode, type Work } from "./command.ts";
import { describeFailure, exitCodeOf, failureAsJson } from "./failure.ts";
import { Files } from "./files.ts";
import { generalHelp, helpOf } from "./help.ts";
import { COMMON, nearest, readOptions } from "./options.ts";
import { styleOf } from "./style.ts";
import type { World } from "./world.ts";

const COMMANDS: ReadonlyMap<string, () => Promise<Command>> = new Map<string, () => Promise<Command>>([
  ["init", async () => (await import("./init.ts")).init],
  ["test", async () => (await import("./test.ts")).test],
  ["send", async () => (await import("./send.ts")).send],
  ["render", async () => (await import("./render.ts")).render],
  ["services", async () => (await import("./services.ts")).services],
]);

export async function run(world: World): Promise<ExitCode> {
  const color = !world.args.includes("--no-color");
  const style = styleOf(world.stdout, world, { color });
  const errorStyle = styleOf(world.stderr, world, { color });
  const print = (line = ""): void => void world.stdout.write(`${line}\n`);
  try {
    const [word, ...rest] = world.args;
    const name = word === "help" ? rest[0] : word;
    const load = COMMANDS.get(name ?? "");
    if (load === undefined) {
      const isHelp = word === "--help" || word === "-h" || (word === "help" && rest.length === 0);
      if (!isHelp) refuse(name);
      print(generalHelp(await Promise.all([...COMMANDS.values()].map((one) => one())), style));
      return EXIT.done;
    }
    const command = await load();
    if (word === "help" || wantsHelp(rest)) {
      print(helpOf(command, style));
      return EXIT.done;
    }
    const work: Work = {
      world,
      files: new Files(world),
      style,
      errorStyle,
      print,
      interruptible: (does) => interruptible(world, does),
    };
    return await command.run(readOptions(rest, command), work);
  } catch (error) {
    // A machine reads standard output, and nothing else.
    if (world.args.includes("--json")) {
      print(JSON.stringify({ ok: false, error: failureAsJson(error) }));
    } else {
      for (const line of describeFailure(error, errorStyle)) world.stderr.write(`${line}\n`);
    }
    return exitCodeOf(error);
  }
}

function wantsHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args
    .slice(0, end < 0 ? args.length : end)
    .some((arg) => arg === "--help" || arg === `-${COMMON.help.short}`);
}

function refuse(word: string | undefined): never {
  const names = [...COMMANDS.keys()];
  if (word === undefined)
    throw new ConfigError("pennypost", "what to do?", {
      hint: `one of ${names.join(", ")}; pennypost --help says more`,
    });
  const near = nearest(word, names);
  throw new ConfigError(
    "pennypost",
    near === undefined ? "there is no such command" : `there is no such command; is ${near} meant?`,
    {
      hint: `the commands are ${names.join(", ")}`,
    },
  );
}

/** The first Ctrl-C asks to stop, and what became of the message is told; the second one ends the process. */
async function interruptible<T>(world: World, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const quiet = world.onInterrupt(() => {
    quiet();
    controller.abort();
  });
  try {
    return await work(controller.signal);
  } finally {
    quiet();
  }
}
