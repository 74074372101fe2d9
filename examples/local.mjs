// Runs an example on this machine, against a server that is started for it, and shows what arrived:
//
//   npm run example -- bun
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const names = readdirSync(here).filter((name) => existsSync(join(here, name, "local.mjs")));
const [name = ""] = process.argv.slice(2);
if (names.includes(name)) {
  await import(`./${name}/local.mjs`);
} else {
  console.log(`npm run example -- ${names.join("|")}`);
  process.exitCode = 2;
}
