// pennypost init: a config to begin with.

import { exampleConfig } from "../connector-door.ts";
import { type Command, EXIT } from "./command.ts";
import { DEFAULT_CONFIG } from "./config.ts";
import { writePrivate } from "./files.ts";
import { serviceCalled } from "./services.ts";

export const init: Command<"service" | "out" | "force"> = {
  name: "init",
  summary: "Writes an example config: every parameter, and a template for each usage type.",
  usage: "[options]",
  options: {
    service: { value: "NAME", help: "gmail, sendgrid, aliyun or another that pennypost services lists" },
    out: { value: "FILE", help: `where to; ${DEFAULT_CONFIG} by default, - is standard output` },
    force: { help: "overwrites the file" },
  },
  examples: ["pennypost init --service gmail", "pennypost init --service aliyun --out mail/aliyun.json"],
  async run(given, { print, style }) {
    const name = given.one("service");
    const service = name === undefined ? undefined : serviceCalled(name, "--service").id;
    const config = exampleConfig(service);
    const text = JSON.stringify(config, undefined, 2);
    const out = given.one("out") ?? DEFAULT_CONFIG;
    if (out === "-") {
      print(text);
      return EXIT.done;
    }
    await writePrivate(out, `${text}\n`, { option: "--out", overwrite: given.has("force") });
    const yours = placeholders(config, "");
    print(`${style.sign("ok")} wrote ${style.bold(out)}`);
    if (yours.length > 0) print(`  put your own values into ${yours.join(", ")}`);
    print(`  then: pennypost test${out === DEFAULT_CONFIG ? "" : ` --config ${out}`} --to you@example.com`);
    return EXIT.done;
  },
};

/** Where the example says `<your …>`. */
function placeholders(value: unknown, path: string): string[] {
  if (typeof value === "string") return /^<[^<>{}]+>$/.test(value) ? [path] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    placeholders(inner, path === "" ? name : `${path}.${name}`),
  );
}
