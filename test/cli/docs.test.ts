// docs/cli.md: its sessions are run by a shell, and must show what they say; its tables are those of --help.

import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { folder, pennypost } from "../support/command.ts";
import { ROOT } from "../support/examples.ts";
import { polite } from "../support/manners.ts";
import { serve } from "../support/server.ts";
import { buildCommand } from "../support/terminal.ts";

const page = readFileSync(join(ROOT, "docs/cli.md"), "utf8");
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(
    ([, text = ""]) => text,
  );
const sessions = blocks("console").flatMap((block) => block.split(/^(?=\$ )/m));

let command: Awaited<ReturnType<typeof buildCommand>>;
beforeAll(async () => {
  command = await buildCommand();
  writeFileSync(
    join(dirname(command.path), "pennypost"),
    `#!/bin/sh\nexec '${process.execPath}' '${command.path}' "$@"\n`,
    {
      mode: 0o755,
    },
  );
});
afterAll(() => command.remove());

describe("the sessions", () => {
  test("are found", () => {
    expect(sessions.length).toBeGreaterThan(6);
  });

  test.each(sessions)("%s", async (session) => {
    const [line = "", ...shown] = session.trimEnd().split("\n");
    const server = await serve(
      polite({
        offers: ["AUTH PLAIN"],
        RCPT: (_, said) => (said.includes("<nobody@") ? "550 5.1.1 no such mailbox" : "250 2.1.5 ok"),
      }),
    );
    const [config = ""] = blocks("json");
    const at = folder()("smtp.json", config.replace("2525", String(server.port)));
    const printed = await shell(line.slice(2), dirname(at));
    expect(printed.replaceAll(String(server.port), "2525").trimEnd()).toMatch(pattern(shown.join("\n")));
  });
});

describe("the tables", () => {
  const rows = [...page.matchAll(/^\| `?(\w+)`? \| (.+) \|$/gm)].map(([, name = "", says = ""]) => [
    name,
    says,
  ]);

  test("have the exit codes and the variables of --help, and no others", async () => {
    const { out } = await pennypost(["--help"]);
    const listed = [...out.matchAll(/^ {2}(\d+|PENNYPOST_\w+) +(.+)$/gm)].map(([, name = "", says = ""]) => [
      name,
      says,
    ]);
    expect(
      rows
        .map(([name]) => name)
        .filter((name) => !/^(?:variable|code)$/.test(name ?? ""))
        .sort(),
    ).toEqual(listed.map(([name]) => name).sort());
    for (const [name = "", says = ""] of listed.filter(([name]) => /^\d/.test(name ?? ""))) {
      expect(rows).toContainEqual([name, says]);
    }
  });
});

/** Both streams, as a terminal would show them. */
function shell(line: string, cwd: string): Promise<string> {
  const env = {
    PATH: `${dirname(command.path)}:${process.env.PATH ?? ""}`,
    PENNYPOST_PASSWORD: "correct horse",
  };
  return new Promise((resolve) => {
    execFile("sh", ["-c", `exec 2>&1; ${line}`], { cwd, env }, (_, out) => resolve(out));
  });
}

/** "…" stands for what is never the same, and so do milliseconds. */
function pattern(text: string): RegExp {
  const literal = text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${literal.replace(/…/g, "[^\\n]+").replace(/\b\d+ ms\b/g, "\\d+ ms")}$`);
}
