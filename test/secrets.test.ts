// A canary: credentials nobody could guess, looked for in everything that a program may print or log.

import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { type AuthOptions, SmtpClient, type SmtpClientOptions } from "../src/index.ts";
import { connectTo, MESSAGE } from "./support/client.ts";
import { type Manners, polite } from "./support/manners.ts";
import { type Peer, serve } from "./support/server.ts";
import { errorOf, watchProcess } from "./support/watch.ts";

watchProcess();

const base64 = (text: string): string => Buffer.from(text).toString("base64");

const PASS = `p-${randomBytes(15).toString("hex")}`;
const TOKEN = `t-${randomBytes(60).toString("hex")}`;
const LOGIN: AuthOptions = { user: "alice", pass: PASS };
const BEARER: AuthOptions = { user: "alice", accessToken: TOKEN };

const PLAIN = base64(`\0alice\0${PASS}`);
const XOAUTH2 = base64(`user=alice\x01auth=Bearer ${TOKEN}\x01\x01`);

/** Every form in which a secret may show, and what is within anything that looks like base64. */
function expectNoSecret(text: string, where: string): void {
  for (const secret of [PASS, TOKEN]) {
    expect(text.includes(secret), `${where}: as it is\n${text}`).toBe(false);
    expect(text.includes(base64(secret)), `${where}: in base64\n${text}`).toBe(false);
    for (const run of text.match(/[A-Za-z0-9+/]{16,}={0,2}/g) ?? [])
      expect(Buffer.from(run, "base64").toString("latin1").includes(secret), `${where}: within ${run}`).toBe(
        false,
      );
  }
  expect(text).not.toContain(PLAIN.slice(0, 40));
  expect(text).not.toContain(XOAUTH2.slice(30, 100));
}

function expectQuiet(error: Error, where = "the error"): void {
  const options = { depth: 9, showHidden: true, getters: true } as const;
  expectNoSecret(inspect(error, options), `${where}, inspected`);
  expectNoSecret(JSON.stringify(error), `${where}, as JSON`);
  expectNoSecret(`${error.message}\n${error.stack}\n${String(error)}`, `${where}, its texts`);
  for (const key of Reflect.ownKeys(error)) {
    const value: unknown = Reflect.get(error, key);
    expectNoSecret(inspect(value, options), `${where}.${String(key)}`);
  }
  if (error.cause instanceof Error) expectQuiet(error.cause, `${where}.cause`);
}

/** Sends one message to a server of these manners and looks everywhere. */
async function listen(auth: AuthOptions, manners: Manners, options: SmtpClientOptions = {}): Promise<Error> {
  const server = await serve(polite(manners));
  const { client, events } = connectTo(server, { auth, timeouts: { command: 150 }, ...options });
  const error = await errorOf(client.send(MESSAGE));
  expectQuiet(error);
  for (const event of events) expectNoSecret(inspect(event, { depth: 9 }), "the trace");
  expectNoSecret(JSON.stringify(events), "the trace, as JSON");
  expectNoSecret(inspect(client, { depth: 9, showHidden: true, getters: true }), "the client");
  expect(server.heard).toContain("AUTH ");
  return error;
}

const OFFER = { PLAIN: ["AUTH PLAIN"], LOGIN: ["AUTH LOGIN"], XOAUTH2: ["AUTH XOAUTH2"] };

/** Hears the login to its end, and answers what `how` makes of the line that held the secret. */
function echo(how: (line: string) => string): (peer: Peer, line: string) => Promise<string> {
  return async (peer, line) => {
    if (line !== "AUTH LOGIN") return how(line);
    await peer.say("334 VXNlcm5hbWU6");
    await peer.line();
    await peer.say("334 UGFzc3dvcmQ6");
    return how(await peer.line());
  };
}

const LOGINS = [
  ["PLAIN", LOGIN],
  ["LOGIN", LOGIN],
  ["XOAUTH2", BEARER],
] as const;

describe.each(LOGINS)("a server that repeats the login (%s)", (mechanism, auth) => {
  const offers = OFFER[mechanism];
  const decoded = (line: string): string =>
    Buffer.from(line.split(" ").at(-1) ?? "", "base64").toString("latin1");

  test.each<[string, (line: string) => string]>([
    ["as it came", (line) => `535 5.7.8 cannot do <${line}>`],
    ["on a line of its own", (line) => `535-5.7.8 no\n535-${line}\n535 ${line}`],
    ["decoded", (line) => `535 5.7.8 no: ${decoded(line).replaceAll("\0", " ")}`],
    ["as a secret in base64", () => `535 5.7.8 no: ${base64(auth === LOGIN ? PASS : TOKEN)}`],
    ["in a reply that is none", (line) => line],
    ["decoded, with its NULs", (line) => `535 no: ${decoded(line)}`],
    ["in a reply that goes on with another code", (line) => `535-no\n501 ${line}`],
    ["in a reply that is too long", (line) => `535 ${line} ${"x".repeat(3000)}`],
    ["in a 421", (line) => `421 4.7.0 go away, ${line}`],
    ["in a reply that the protocol does not know", (line) => `250 ${line}`],
  ])("%s shows it to nobody", async (_, how) => {
    await listen(auth, { offers, AUTH: echo(how) });
  });

  test("in a reply with a bare line end shows it to nobody", async () => {
    await listen(auth, {
      offers,
      AUTH: async (peer, line) => {
        const said = await echo((heard) => heard)(peer, line);
        await peer.send(`535 no: ${said}\n`);
        return undefined;
      },
    });
  });

  test("in a later reply, long after it logged us in, shows it to nobody", async () => {
    let login = "";
    await listen(auth, {
      offers,
      AUTH: echo((line) => {
        login = line;
        return "235 ok";
      }),
      MAIL: () => `550 you are ${login} ${decoded(login).replaceAll("\0", " ")}`,
    });
  });

  test("as a recipient's refusal shows it to nobody", async () => {
    let login = "";
    await listen(auth, {
      offers,
      AUTH: echo((line) => {
        login = line;
        return "235 ok";
      }),
      RCPT: () => `550 5.1.1 ${login}`,
    });
  });
});

describe("credentials that go no further", () => {
  test("a challenge that holds the token shows it to nobody", async () => {
    await listen(BEARER, {
      offers: OFFER.XOAUTH2,
      AUTH: async (peer) => {
        await peer.say(`334 ${base64(JSON.stringify({ status: "401", token: TOKEN }))}`);
        await peer.line();
        return "535 5.7.8 no";
      },
    });
  });

  test.each(LOGINS)(
    "a server that is silent or gone after the login learns it alone (%s)",
    async (mechanism, auth) => {
      const offers = OFFER[mechanism];
      await listen(auth, { offers, AUTH: (peer) => peer.silence() as Promise<never> });
      await listen(auth, {
        offers,
        AUTH: (peer) => {
          peer.reset();
          return undefined;
        },
      });
    },
  );

  test("a client shows its credentials to no one who looks at it", () => {
    for (const options of [
      { host: "mail.example", auth: LOGIN },
      { host: "mail.example", auth: BEARER },
      `smtps://alice:${PASS}@mail.example`,
    ]) {
      const client = new SmtpClient(options);
      expectNoSecret(inspect(client, { depth: 9, showHidden: true, getters: true }), "the client");
      expectNoSecret(JSON.stringify(client), "the client, as JSON");
      expectNoSecret(Reflect.ownKeys(client).map(String).join(" "), "its properties");
    }
  });

  test.each<[string, unknown]>([
    ["a host that is none", { host: "ma il", auth: LOGIN }],
    ["a password with a line end", { host: "mail.example", auth: { user: "a", pass: `${PASS}\n` } }],
    ["a token with a blank", { host: "mail.example", auth: { user: "a", accessToken: `${TOKEN} ` } }],
    ["security none", { host: "mail.example", security: "none", auth: LOGIN }],
    ["a misspelt option", { host: "mail.example", auth: { user: "a", pass: PASS, pas: PASS } }],
    [
      "both kinds of credentials",
      { host: "mail.example", auth: { user: "a", pass: PASS, accessToken: TOKEN } },
    ],
    ["a login that is a string", { host: "mail.example", auth: `alice:${PASS}` }],
    ["a URL with a bad scheme", `http://alice:${PASS}@mail.example`],
    ["a URL without one", `alice:${PASS}@mail.example`],
    ["a URL with a bad port", `smtp://alice:${PASS}@mail.example:99999`],
    ["a URL with a path", `smtp://alice:${PASS}@mail.example/inbox`],
    ["a URL with an unknown parameter", `smtp://alice:${PASS}@mail.example?sekurity=tls`],
    ["a URL with a bad escape", `smtp://alice:%zz${PASS}@mail.example`],
    ["a URL with a line end", `smtp://alice:${PASS}\r\n@mail.example`],
    ["a URL whose password holds a question mark", `smtp://alice:12?${PASS}@mail.example`],
    ["a URL whose password holds a slash", `smtp://alice:12/${PASS}@mail.example`],
    ["a URL whose password holds a hash", `smtp://alice:12#${PASS}@mail.example`],
    ["a URL whose password holds an equals sign", `smtp://alice:12?${PASS}=1@mail.example`],
    ["a URL whose password follows security", `smtp://alice:12?security=${PASS}@mail.example`],
  ])("%s is refused without a word of the secret", (_, options) => {
    let error: unknown;
    try {
      new SmtpClient(options as SmtpClientOptions);
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ name: "ConfigError" });
    expectQuiet(error as Error);
  });
});
