// The command, with streams of the test's own: what is printed, and the exit code.

import { generateKeyPairSync } from "node:crypto";
import { chmodSync, readFileSync, statSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { listServices } from "../src/connector-door.ts";
import { configFor, folder, pennypost } from "./support/command.ts";
import { type Manners, polite } from "./support/manners.ts";
import { type Server, serve } from "./support/server.ts";
import { watchProcess } from "./support/watch.ts";

watchProcess();

const { privateKey: KEY } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});

const NAMES = ["init", "test", "send", "render", "services"];

describe("help", () => {
  test("lists every command, and every exit code", async () => {
    for (const args of [["--help"], ["-h"], ["help"]]) {
      const { code, out, err } = await pennypost(args);
      expect([code, err]).toEqual([0, ""]);
      for (const name of NAMES) expect(out).toMatch(new RegExp(`^ {2}${name} +\\w`, "m"));
      for (const number of [0, 1, 2, 3, 4, 130]) expect(out).toMatch(new RegExp(`^ {2}${number} +\\w`, "m"));
      expect(out).toContain("PENNYPOST_PASSWORD");
    }
  });

  test.each(NAMES)("of %s has examples, and fits on a screen", async (name) => {
    const { out } = await pennypost([name, "--help"]);
    expect(out).toContain(`pennypost ${name}`);
    expect(out).toContain("Examples:\n");
    expect(out.split("\n").length).toBeLessThan(40);
    for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
    expect(await pennypost(["help", name])).toMatchObject({ code: 0, out });
    expect(await pennypost([name, "-h", "--nonsense"])).toMatchObject({ code: 0, out });
  });

  test("has the version", async () => {
    expect(await pennypost(["--version"])).toMatchObject({ code: 0, out: "1.2.3\n" });
  });
});

describe("a command line that cannot be understood", () => {
  test.each([
    [[], "what to do?"],
    [["sned"], "is send meant?"],
    [["nonsense"], "the commands are init, test, send, render, services"],
    [["render", "--tempalte", "x"], "--tempalte: is no option of render; is --template meant?"],
    [["render", "--template"], "--template: needs a value: --template=FILE"],
    [["render", "--template", "--payload", "x"], "--template: needs a value"],
    [["render", "--template", "a", "--template", "b"], "--template: is given twice"],
    [["init", "--force=yes"], "--force: takes no value"],
    [["init", "surplus"], "init: takes no words besides its options"],
    [["services", "gmail", "surplus"], "services: takes one word besides its options"],
    [["send", "--subject", "Hello"], "--to: is missing"],
    [["send", "--to", "a@example.org", "--raw", "-", "--subject", "x"], "--subject: does not go with --raw"],
    [["send", "--to", "a@example.org", "--type", "SignIn", "--text", "x"], "--text: does not go with --type"],
    [["test", "--type", "SignIn"], "--type: does not go with a test without --to"],
    [["render"], "--template: is missing"],
  ])("%j: %s", async (args, words) => {
    const { code, out, err } = await pennypost(args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(words);
    expect(err.trimEnd().split("\n").length).toBeLessThanOrEqual(2);
  });

  test("a password is refused as an option, and never shown", async () => {
    for (const args of [
      ["send", "--password", "hunter2"],
      ["test", "--pass=hunter2"],
      ["send", "--passw0rd=hunter2"],
      ["send", "--url", "smtps://me:hunter2@smtp.example.com", "--to", "bob@example.org", "--text", "x"],
      ["send", "--url", "me:hunter2@smtp.example.com", "--to", "bob@example.org", "--text", "x"],
      ["send", "--to", "bob@example.org", "hunter2"],
    ]) {
      const { code, out, err } = await pennypost(args);
      expect(code).toBe(2);
      expect(out + err).not.toContain("hunter2");
    }
    const { err } = await pennypost(["send", "--password", "hunter2"]);
    expect(err).toContain("--password: a password on the command line can be read by everybody");
    const url = ["--url", "smtps://me:hunter2@smtp.example.com", "--from", "me@example.com"];
    const sending = await pennypost(["send", ...url, "--to", "bob@example.org", "--text", "x"]);
    expect(sending.err).toContain("--url: has a password in it");
    expect(err).toContain("hint: put it into the config or into PENNYPOST_PASSWORD");
  });

  test("is told as JSON to whoever reads JSON", async () => {
    const { code, out, err } = await pennypost(["send", "--json"]);
    expect([code, err]).toEqual([2, ""]);
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      error: { code: "invalid_option", delivery: "not-sent" },
    });
  });
});

describe("colours", () => {
  const COLOUR = /\x1b\[/;

  test("are for terminals, and only where they are wanted", async () => {
    const args = ["services", "gmail"];
    const terminal = ["stdout"] as const;
    expect((await pennypost(args, { terminal })).out).toMatch(COLOUR);
    expect((await pennypost(args)).out).not.toMatch(COLOUR);
    expect((await pennypost([...args, "--no-color"], { terminal })).out).not.toMatch(COLOUR);
    expect((await pennypost(args, { terminal, env: { NO_COLOR: "1" } })).out).not.toMatch(COLOUR);
    expect((await pennypost(args, { terminal, env: { NO_COLOR: "" } })).out).toMatch(COLOUR);
    expect((await pennypost(args, { terminal, env: { TERM: "dumb" } })).out).not.toMatch(COLOUR);
  });
});

describe("services", () => {
  test("lists them all", async () => {
    const { code, out } = await pennypost(["services"]);
    expect(code).toBe(0);
    expect(out.trimEnd().split("\n")).toHaveLength(listServices().length);
    expect(out).toMatch(/^gmail +Gmail, smtp\.gmail\.com:465$/m);
  });

  test("says what is known of one, by any of its names", async () => {
    const { out } = await pennypost(["services", "jane@gmail.com"]);
    expect(out).toMatch(/^Gmail\n {2}service +gmail\n {2}host +smtp\.gmail\.com\n {2}port +465, TLS from/);
    expect(JSON.parse((await pennypost(["services", "gmail", "--json"])).out)).toMatchObject({ id: "gmail" });
  });

  test("says which may be meant", async () => {
    const { code, err } = await pennypost(["services", "gmial"]);
    expect(code).toBe(2);
    expect(err).toContain("is gmail meant?");
  });
});

describe("init", () => {
  test("writes an example that only its owner can read, and says what is left to do", async () => {
    const at = folder();
    const { code, out } = await pennypost(["init", "--service", "Google Mail", "--out", at("smtp.json")]);
    expect(code).toBe(0);
    expect(out).toContain("put your own values into fromEmail, auth.user, auth.pass");
    const config = JSON.parse(readFileSync(at("smtp.json"), "utf8"));
    expect(config.host).toBe("smtp.gmail.com");
    expect(config.templates).toHaveLength(4);
    expect(statSync(at("smtp.json")).mode & 0o777).toBe(0o600);
  });

  test("never overwrites a file unless it is told to", async () => {
    const at = folder();
    const file = at("smtp.json", "mine");
    const { code, err } = await pennypost(["init", "--out", file]);
    expect(code).toBe(2);
    expect(err).toContain("it is there already");
    expect(err).toContain("--force");
    expect(readFileSync(file, "utf8")).toBe("mine");
    chmodSync(file, 0o644);
    expect((await pennypost(["init", "--out", file, "--force"])).code).toBe(0);
    expect(readFileSync(file, "utf8")).toContain("templates");
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("says that the folder is missing, where it is", async () => {
    const at = folder();
    const { code, err } = await pennypost(["init", "--out", at("mail/smtp.json")]);
    expect([code, err]).toEqual([2, expect.stringMatching(/cannot be written: there is no such folder\n$/)]);
  });

  test("writes to standard output, too", async () => {
    const { out } = await pennypost(["init", "--out", "-"]);
    expect(JSON.parse(out)).toHaveProperty("templates");
  });

  test("what it writes is refused for as long as something is still to be filled in, each by its name", async () => {
    const at = folder();
    await pennypost(["init", "--service", "gmail", "--out", at("smtp.json")]);
    const { code, out } = await pennypost(["test", "--config", at("smtp.json")]);
    expect(code).toBe(2);
    for (const path of ["fromEmail", "auth.user", "auth.pass"])
      expect(out).toMatch(new RegExp(`^error: ${path}: is still`, "m"));
  });
});

describe("test", () => {
  test("without a recipient ends when the login was accepted, and sends nothing", async () => {
    const server = await serve(polite(LOGIN));
    const auth = { user: "alice", pass: "pass" };
    const config = folder()("smtp.json", configFor(server.port, { auth }));
    const { code, out } = await pennypost(["test", "--config", config]);
    expect(code).toBe(0);
    expect(out).toMatch(/^ok {6}auth +logged in by PLAIN/m);
    expect(out).toContain("The settings work; nothing was sent.");
    expect(server.heard).not.toContain("MAIL");
  });

  test("tells the step that fails, the words of the server, and what to do", async () => {
    const server = await serve(polite({ ...LOGIN, AUTH: "535 5.7.8 bad \x1b[31mcredentials" }));
    const auth = { user: "alice", pass: "pass" };
    const config = folder()("smtp.json", configFor(server.port, { auth }));
    const { code, out, err } = await pennypost(["test", "--config", config, "--to", "me@example.com"]);
    expect([code, err]).toEqual([1, ""]);
    expect(out).toMatch(/^failed {2}auth /m);
    expect(out).toContain("535 5.7.8 bad \\u{1b}[31mcredentials");
    expect(out).toMatch(/^hint: /m);
    expect(out).toMatch(/^skipped transaction /m);
    expect(out).toContain("The settings do not work; the message is not sent.\n");
    const json = await pennypost(["test", "--config", config, "--to", "me@example.com", "--json"]);
    expect([json.code, json.err]).toEqual([1, ""]);
    expect(JSON.parse(json.out)).toMatchObject({ ok: false, error: { code: "authentication_refused" } });
    expect(json.out).not.toContain('"pass"');
  });

  test("Ctrl-C stops it", async () => {
    const server = await serve((peer) => peer.silence());
    const config = folder()("smtp.json", configFor(server.port));
    const { code, out } = await pennypost(["test", "--config", config], {
      onListening: (interrupt) => void server.peer(0).then(interrupt),
    });
    expect(code).toBe(130);
    expect(out).toContain("Stopped; nothing was sent.");
  });
});

describe("render", () => {
  test("fills in a template from files", async () => {
    const at = folder();
    const template = at("t.html", "<p>{{name}}: <<code>></p>\n");
    const payload = at("p.json", '{"name":"A & B","code":"042137"}');
    expect(await pennypost(["render", "--template", template, "--payload", payload])).toMatchObject({
      code: 0,
      out: "<p>A &amp; B: 042137</p>\n",
    });
  });

  test("takes the template from standard input and the payload from the command line", async () => {
    const args = ["render", "--template", "-", "--payload", '{"code":"1 < 2"}'];
    expect((await pennypost(args, { input: ["{{co", "de}}"] })).out).toBe("1 < 2");
    expect((await pennypost([...args, "--content-type", "text/html"], { input: ["{{code}}"] })).out).toBe(
      "1 &lt; 2",
    );
  });

  test("says what is missing, unless it may be", async () => {
    const args = ["render", "--template", "-"];
    const { code, err } = await pennypost(args, { input: ["{{code}}"] });
    expect(code).toBe(2);
    expect(err).toContain("code: the payload has no value for it");
    expect((await pennypost([...args, "--missing", "keep"], { input: ["{{code}}"] })).out).toBe("{{code}}");
    expect((await pennypost([...args, "--missing", "other"], { input: ["{{code}}"] })).code).toBe(2);
  });

  test.each([
    ["no such file", "there is no such file", undefined],
    ["no UTF-8", "is not UTF-8", "\xff\xfe"],
  ])("names a file that cannot be read: %s", async (_, words, content) => {
    const input = content === undefined ? [] : [Buffer.from(content, "latin1")];
    const { code, err } = await pennypost(
      ["render", "--template", content === undefined ? "/nonexistent.txt" : "-"],
      { input },
    );
    expect(code).toBe(2);
    expect(err).toContain(words);
  });

  test("standard input is read once", async () => {
    const { code, err } = await pennypost(["render", "--template", "-", "--payload", "-"], { input: ["{}"] });
    expect(code).toBe(2);
    expect(err).toContain("standard input is read for --payload already");
  });
});

describe("send", () => {
  test("sends what the options say, by the account of a config", async () => {
    const server = await serve(polite());
    const config = folder()(
      "smtp.json",
      configFor(server.port, { replyTo: "help@example.com", customHeaders: { "X-Kind": "test" } }),
    );
    const { code, out } = await pennypost([
      ...["send", "--config", config, "--to", "bob@example.org", "--to", "carol@example.org"],
      ...["--subject", "Hello", "--text", "Hello, {{Bob}}."],
    ]);
    expect(code).toBe(0);
    expect(out).toContain("ok sent to bob@example.org, carol@example.org: 250 2.0.0 queued\n");
    const [message = ""] = server.messages;
    for (const line of [
      "From: Example <login@example.com>",
      "Reply-To: help@example.com",
      "X-Kind: test",
      "Subject: Hello",
      "Hello, {{Bob}}.",
    ]) {
      expect(message.split("\r\n")).toContain(line);
    }
  });

  test("takes the text from a pipe", async () => {
    const { code, message } = await sent(["--to", "bob@example.org"], { input: ["up 3 days\n"] });
    expect(code).toBe(0);
    expect(message).toContain("\r\n\r\nup 3 days\r\n");
  });

  test("fills in a template of a file, and the subject", async () => {
    const template = folder()("t.html", "<b>{{code}}</b>");
    const { message } = await sent([
      ...[
        "--to",
        "bob@example.org",
        "--subject",
        "{{code}}",
        "--template",
        template,
        "--payload",
        '{"code":"<1>"}',
      ],
    ]);
    expect(message).toContain("Subject: <1>\r\n");
    expect(message).toContain("<b>&lt;1&gt;</b>");
  });

  test("sends a template of the config by its usage type", async () => {
    const { code, message } = await sent([
      "--to",
      "bob@example.org",
      "--type",
      "SignIn",
      "--payload",
      '{"code":"042137"}',
    ]);
    expect(code).toBe(0);
    expect(message).toContain("042137");
  });

  test("sends a whole message as it stands, with the line ends of mail", async () => {
    const raw =
      "From: a@example.com\nDate: Thu, 1 Jan 2026 00:00:00 +0000\nMessage-ID: <1@example.com>\nX: y\n\nHi\n";
    const { code, message } = await sent(["--to", "bob@example.org", "--raw", "-"], { input: [raw] });
    expect(code).toBe(0);
    expect(message).toBe(raw.replaceAll("\n", "\r\n"));
  });

  test("reaches a server by its URL, with a password of the environment", async () => {
    const server = await serve(polite({ offers: ["AUTH PLAIN"] }));
    const args = ["send", "--url", `smtp://alice@127.0.0.1:${server.port}`, "--from", "alice@example.com"];
    const env = { PENNYPOST_PASSWORD: "pass/word%?#" };
    const { code } = await pennypost([...args, "--to", "bob@example.org", "--text", "Hi"], { env });
    expect(code).toBe(0);
    expect(server.heard).toContain(
      `AUTH PLAIN ${Buffer.from("\0alice\0pass/word%?#").toString("base64")}\r\n`,
    );
  });

  test("a user in the URL that cannot be read is told before anybody is asked", async () => {
    const args = ["--from", "a@example.com", "--to", "bob@example.org", "--text", "Hi"];
    const { code, err } = await pennypost(["send", "--url", "smtp://%zz@127.0.0.1:1", ...args]);
    expect(code).toBe(2);
    expect(err).toBe(
      "error: --url: has a user with a % that stands for nothing\nhint: a % itself is written %25\n",
    );
  });

  test("tells machines the same", async () => {
    const { code, out, err } = await sent(["--to", "bob@example.org", "--text", "Hi", "--json"]);
    expect([code, err]).toEqual([0, ""]);
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      receipt: { accepted: ["bob@example.org"], reply: { code: 250 } },
    });
  });

  const refused = {
    RCPT: (_: unknown, line: string) => (line.includes("<no") ? "550 5.1.1 no such \x1b[31muser" : "250 ok"),
  };
  const TWO = ["--to", "bob@example.org", "--to", "nobody@example.org", "--text", "Hi"];

  test("some refused: 4, and which", async () => {
    const { code, out } = await sent(TWO, {}, refused);
    expect(code).toBe(4);
    expect(out).toContain("ok sent to bob@example.org");
    expect(out).toContain("error: refused: nobody@example.org: 550 5.1.1 no such \\u{1b}[31muser");
  });

  test("all refused: 1", async () => {
    const { code, err } = await sent(["--to", "nobody@example.org", "--text", "Hi"], {}, refused);
    expect(code).toBe(1);
    expect(err).toContain("error: refused, and not sent: ");
  });

  test("no answer to the end of the message: 3, and that it may arrive", async () => {
    const { code, err, out } = await sent(
      ["--to", "bob@example.org", "--text", "Hi"],
      {},
      { content: (peer) => void peer.destroy() },
    );
    expect([code, out]).toEqual([3, ""]);
    expect(err).toContain("error: perhaps sent: ");
  });

  test("Ctrl-C before the message is written: 130, and that it is not sent", async () => {
    const server = await serve((peer) => peer.silence());
    const { code, err } = await interrupted(server, () => server.peer(0));
    expect(code).toBe(130);
    expect(err).toContain("error: not sent: ");
  });

  test("Ctrl-C while the server does not say goodbye: it is told at once that the message is sent", async () => {
    for (const command of ["send", "test"]) {
      let parted = (): void => {};
      const goodbye = new Promise<void>((resolve) => {
        parted = resolve;
      });
      const server = await serve(
        polite({
          QUIT: async (peer) => {
            parted();
            await peer.silence();
            return undefined;
          },
        }),
      );
      const config = folder()("smtp.json", configFor(server.port));
      const to = command === "send" ? HELLO : ["--to", "bob@example.org"];
      let asked = Number.NaN;
      const { code, out } = await pennypost([command, "--config", config, ...to], {
        onListening: (interrupt) =>
          void goodbye.then(() => {
            asked = performance.now();
            interrupt();
          }),
      });
      // The goodbye has two seconds.
      expect(performance.now() - asked).toBeLessThan(1500);
      expect([code, out]).toEqual([0, expect.stringContaining("bob@example.org")]);
    }
  });

  test("Ctrl-C behind the end of the message: 3, and that it may arrive", async () => {
    let written = (): void => {};
    const end = new Promise<void>((resolve) => {
      written = resolve;
    });
    const server = await serve(
      polite({
        content: async (peer) => {
          written();
          await peer.silence();
          return undefined;
        },
      }),
    );
    const { code, err } = await interrupted(server, () => end);
    expect(code).toBe(3);
    expect(err).toContain("error: perhaps sent: ");
  });
});

describe("a config", () => {
  test.each([
    ['{\n  "host": "a",\n}', "line 3, column 1", "the comma before it is one too many"],
    ['{ "host": "a" "port": 1 }', "line 1, column 15", "a comma is missing before it"],
    ['{ "port": 1, "port": 2 }', "line 1, column 14: this name stands twice in one object", ""],
    ["{ 'host': 1 }", "line 1, column 3", "JSON has double quotes only"],
    ['{\n// mine\n"host": 1 }', "line 2, column 1", "JSON has no comments"],
    ['{ "pass": "hunter2', "line 1, column 11: the text that begins here does not end", ""],
    ['{ "pass": "hunter2\n" }', "line 1, column 19", "a line end in a text is written \\n"],
    ['{ "pass": hunter2 }', "line 1, column 11: a value is expected here", ""],
    ['{ "key": "C:\\hunter2" }', "line 1, column 13", "a backslash itself is written \\\\"],
    ['{ "a": [1, 2 }', 'line 1, column 14: "," or "]" is expected here', ""],
    ['{ "a": 1 } hunter2', "line 1, column 12: nothing more is expected here", ""],
    ['{ "a": 01 }', "line 1, column 8", ""],
    ["", "line 1, column 1: the end came too early", ""],
    ["[]", "is not an object", ""],
  ])("that is not JSON is told by its place, and not by its words: %j", async (text, place, hint) => {
    const { code, err } = await pennypost(["test", "--config", folder()("smtp.json", text)]);
    expect(code).toBe(2);
    expect(err).toContain(place);
    expect(err).toContain(hint);
    expect(err).not.toContain("hunter2");
  });

  test("that is not there is told with how to get one", async () => {
    const { code, err } = await pennypost(["test", "--config", folder()("nothing.json")]);
    expect(code).toBe(2);
    expect(err).toContain("there is no such file");
  });

  test("without a password has it from the environment", async () => {
    const { server, code } = await sent(HELLO, { env: { PENNYPOST_PASSWORD: "from env" } }, LOGIN, {
      auth: { user: "alice" },
    });
    expect(code).toBe(0);
    expect(server.heard).toContain(`AUTH PLAIN ${Buffer.from("\0alice\0from env").toString("base64")}\r\n`);
  });

  test("keeps its own password, whatever the environment says", async () => {
    const { server } = await sent(HELLO, { env: { PENNYPOST_PASSWORD: "from env" } }, LOGIN, {
      auth: { user: "alice", pass: "own" },
    });
    expect(server.heard).toContain(`AUTH PLAIN ${Buffer.from("\0alice\0own").toString("base64")}\r\n`);
  });

  const BEARER = { user: "alice", accessToken: "token", expires: 4_000_000_000_000 };
  test.each([
    ["PENNYPOST_ACCESS_TOKEN", "token", { user: "alice", type: "oauth2" }, "accessToken"],
    ["PENNYPOST_REFRESH_TOKEN", "refresh", { ...BEARER, clientId: "id", clientSecret: "s" }, "refreshToken"],
    ["PENNYPOST_CLIENT_SECRET", "secret", { ...BEARER, clientId: "id", refreshToken: "r" }, undefined],
    ["PENNYPOST_PRIVATE_KEY", KEY, { ...BEARER, serviceClient: "a@b.example" }, "privateKey"],
  ])("has a secret of OAuth2 from %s, too", async (variable, value, auth, missing) => {
    const manners = { offers: ["AUTH XOAUTH2"] };
    const changes = { auth: { ...auth, allowInsecure: true } };
    const { code, server } = await sent(HELLO, { env: { [variable]: value } }, manners, changes);
    expect(code).toBe(0);
    expect(server.heard).toContain(
      Buffer.from("user=alice\x01auth=Bearer token").toString("base64").slice(0, 30),
    );
    const without = await sent(HELLO, {}, manners, changes);
    expect(without.code).toBe(missing === undefined ? 0 : 2);
    if (missing !== undefined) expect(without.err).toContain(missing);
  });

  test("with a logger tells it on standard error, so that machines can read what is printed", async () => {
    const { out, err } = await sent([...HELLO, "--json"], {}, {}, { logger: true, debug: true });
    expect(JSON.parse(out)).toMatchObject({ ok: true });
    expect(err).toContain("debug: command {");
  });

  test("that is looked for where nobody named one is told with how to get one", async () => {
    const { err } = await pennypost(["test"]);
    expect(err).toContain(
      "--config: smtp.json cannot be read: there is no such file\nhint: pennypost init writes one",
    );
  });

  test("without a password and without a terminal is an error that names the variable", async () => {
    const { code, err } = await sent(HELLO, {}, LOGIN, { auth: { user: "alice" } });
    expect(code).toBe(2);
    expect(err).toContain("auth.pass: is missing, and there is no terminal to ask for it");
    expect(err).toContain("PENNYPOST_PASSWORD");
  });
});

describe("the question for the password", () => {
  const terminal = ["stdin", "stderr"] as const;
  const asked = (input: readonly (string | Uint8Array)[]) =>
    sent(HELLO, { terminal, input }, LOGIN, { auth: { user: "alice" } });

  test.each([
    ["typed key by key", ["o", "w", "n", "\r"], "own"],
    ["pasted", ["own\n"], "own"],
    ["corrected", ["oxx\x7f\bwn\r"], "own"],
    ["begun anew", ["wrong\x15own\r"], "own"],
    ["with arrows in between", ["o\x1b[D", "\x1b[3~", "\x1bOPwn\r"], "own"],
    [
      "in UTF-8 that comes in pieces",
      [Buffer.from("密").subarray(0, 1), Buffer.from("密").subarray(1), "\r"],
      "密",
    ],
  ])("takes what is %s", async (_, input, password) => {
    const { server, code, err, raw } = await asked(input);
    expect(code).toBe(0);
    expect(err).toBe("Password of alice at 127.0.0.1: \n");
    expect(raw).toEqual([true, false]);
    expect(server.heard).toContain(
      `AUTH PLAIN ${Buffer.from(`\0alice\0${password}`).toString("base64")}\r\n`,
    );
  });

  test.each([
    ["Ctrl-C", ["ow\x03"]],
    ["Ctrl-D", ["\x04"]],
    ["the end of the input", ["ow"]],
  ])("%s stops it, and the terminal is as it was", async (_, input) => {
    const { server, code, raw } = await asked(input);
    expect(code).toBe(130);
    expect(raw).toEqual([true, false]);
    expect(server.peers).toHaveLength(0);
  });

  test("comes when nothing else is wrong", async () => {
    const { code, err, raw } = await sent(HELLO, { terminal }, LOGIN, {
      auth: { user: "alice" },
      fromEmail: "no address",
    });
    expect(code).toBe(2);
    expect(err).toContain("fromEmail");
    expect(raw).toEqual([]);
  });
});

const HELLO = ["--to", "bob@example.org", "--text", "Hi"];
const LOGIN: Manners = { offers: ["AUTH PLAIN"] };

/** Sends by a config for a server of these manners. */
async function sent(
  args: readonly string[],
  circumstances: Parameters<typeof pennypost>[1] = {},
  manners: Manners = {},
  changes: object = {},
) {
  const server = await serve(polite(manners));
  const config = folder()("smtp.json", configFor(server.port, changes));
  const outcome = await pennypost(["send", "--config", config, ...args], circumstances);
  return { ...outcome, server, message: server.messages[0] };
}

async function interrupted(server: Server, moment: () => Promise<unknown>) {
  const config = folder()("smtp.json", configFor(server.port));
  return pennypost(["send", "--config", config, ...HELLO], {
    onListening: (interrupt) => void moment().then(interrupt),
  });
}
