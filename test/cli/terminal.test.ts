// The command as a person has it: at a terminal, key by key.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { configFor, folder } from "../support/command.ts";
import { polite } from "../support/manners.ts";
import { serve } from "../support/server.ts";
import { buildCommand, open, whyNoTerminal } from "../support/terminal.ts";

const reason = whyNoTerminal();
let command: Awaited<ReturnType<typeof buildCommand>>;
beforeAll(async () => {
  command = await buildCommand();
});
afterAll(() => command.remove());

const HELLO = ["--to", "bob@example.org", "--subject", "Hello", "--text", "Hi"];

if (reason !== undefined) {
  console.log(`nothing is tried in a pseudo-terminal: ${reason}`);
} else {
  test("asks for the password, shows nothing of it, and leaves the terminal as it was", async () => {
    const server = await serve(polite({ offers: ["AUTH PLAIN"] }));
    const config = folder()("smtp.json", configFor(server.port, { auth: { user: "alice" } }));
    const terminal = open([command.path, "send", "--config", config, ...HELLO]);
    await terminal.shows("Password of alice at 127.0.0.1: ");
    terminal.type("correkt\x7f\x7fct horse\r");
    expect(await terminal.ended).toEqual({ code: 0, echo: true, lines: true });
    expect(terminal.screen).not.toMatch(/corr|horse/);
    expect(terminal.screen).toContain("\x1b[32m✓\x1b[0m sent to bob@example.org: 250 2.0.0 queued\r\n");
    expect(server.heard).toContain(Buffer.from("\0alice\0correct horse").toString("base64"));
  });

  test("Ctrl-C at the question leaves the terminal as it was, too", async () => {
    const server = await serve(polite());
    const config = folder()("smtp.json", configFor(server.port, { auth: { user: "alice" } }));
    const terminal = open([command.path, "send", "--config", config, ...HELLO]);
    await terminal.shows("Password of ");
    terminal.type("corr\x03");
    expect(await terminal.ended).toEqual({ code: 130, echo: true, lines: true });
    expect(terminal.screen).toContain("stopped at the question for the password");
    expect(server.peers).toHaveLength(0);
  });

  test("does not ask where the text was typed: nothing more comes from there", async () => {
    const server = await serve(polite());
    const config = folder()("smtp.json", configFor(server.port, { auth: { user: "alice" } }));
    const terminal = open([
      command.path,
      "send",
      "--config",
      config,
      "--to",
      "bob@example.org",
      "--text",
      "-",
    ]);
    terminal.type("Hi\r\x04");
    expect(await terminal.ended).toEqual({ code: 2, echo: true, lines: true });
    expect(terminal.screen).toContain("auth.pass: is missing, and standard input, where it would be typed");
    expect(terminal.screen).toContain("PENNYPOST_PASSWORD");
    expect(server.peers).toHaveLength(0);
  });

  test("Ctrl-C while the server is silent, after the password: not sent, and said so", async () => {
    const server = await serve((peer) => peer.silence());
    const config = folder()("smtp.json", configFor(server.port, { auth: { user: "alice" } }));
    const terminal = open([command.path, "send", "--config", config, ...HELLO]);
    await terminal.shows("Password of ");
    terminal.type("pass\r");
    await server.peer(0);
    terminal.type("\x03");
    expect(await terminal.ended).toMatchObject({ code: 130 });
    expect(terminal.screen).toContain("not sent: ");
  });

  test("Ctrl-C when the whole message is written: nobody knows, and it is said so", async () => {
    let terminal: ReturnType<typeof open> | undefined;
    const server = await serve(
      polite({
        content: async (peer) => {
          terminal?.type("\x03");
          await peer.silence();
          return undefined;
        },
      }),
    );
    const config = folder()("smtp.json", configFor(server.port));
    terminal = open([command.path, "send", "--config", config, ...HELLO]);
    expect(await terminal.ended).toMatchObject({ code: 3 });
    expect(terminal.screen).toContain("perhaps sent: ");
  });

  test("prints the report as it happens", async () => {
    let terminal: ReturnType<typeof open> | undefined;
    const seen: string[] = [];
    const server = await serve(
      polite({
        offers: ["AUTH PLAIN"],
        MAIL: async () => {
          // Before the server has taken the message, what came before it can be read.
          await terminal?.shows("auth");
          seen.push(terminal?.screen ?? "");
          return "250 ok";
        },
      }),
    );
    const config = folder()("smtp.json", configFor(server.port, { auth: { user: "alice", pass: "pass" } }));
    terminal = open([command.path, "test", "--to", "me@example.com"], { cwd: dirname(config) });
    expect(await terminal.ended).toMatchObject({ code: 0 });
    expect(seen[0]).toMatch(/✓.*greeting[\s\S]*✓.*auth/);
    expect(seen[0]).not.toContain("transaction");
    expect(terminal.screen).toContain("transaction");
    expect(server.messages).toHaveLength(1);
  });

  test("has no colours where they are not wanted", async () => {
    const terminal = open([command.path, "services", "gmail"], { env: { NO_COLOR: "1" } });
    expect(await terminal.ended).toMatchObject({ code: 0 });
    expect(terminal.screen).toContain("smtp.gmail.com");
    expect(terminal.screen).not.toContain("\x1b");
  });
}

test("a reader that has seen enough does not make it fail", async () => {
  const child = spawn(process.execPath, [command.path, "services"], { stdio: ["ignore", "pipe", "pipe"] });
  let err = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  child.stdout.destroy();
  const [code] = await once(child, "close");
  expect([code, err]).toEqual([0, ""]);
});
