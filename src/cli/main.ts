// The command. It says its version by itself; whatever takes more is loaded for it.

import { EXIT, type ExitCode } from "./command.ts";
import type { World } from "./world.ts";

export async function main(world: World): Promise<ExitCode> {
  const [word] = world.args;
  if (word === "--version" || word === "-v") {
    world.stdout.write(`${world.version}\n`);
    return EXIT.done;
  }
  const { run } = await import("./run.ts");
  return run(world);
}
