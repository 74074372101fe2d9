// pennypost send: one message, and what became of it.

import { createConnector } from "../connector-door.ts";
import { ConfigError, type Receipt, SmtpClient } from "../index.ts";
import { type Command, EXIT, type ExitCode, type Work } from "./command.ts";
import { password, readConfig } from "./config.ts";
import { describeFailure, exitCodeOf, failureAsJson, printable } from "./failure.ts";
import { type Defaults, type LetterOption, readLetter } from "./letter.ts";
import type { Given } from "./options.ts";
import { readPayload } from "./render.ts";

type SendOption = LetterOption | "config" | "url" | "type" | "locale" | "json";

export const send: Command<SendOption> = {
  name: "send",
  summary: "Sends a message, and says what became of it.",
  usage: "--to ADDRESS [options]",
  options: {
    config: { value: "FILE", help: "the account; smtp.json by default" },
    url: { value: "URL", help: "instead: smtps://user@smtp.example.com, without the password" },
    to: { value: "ADDRESS", many: true, help: "who gets it; more than once for more of them" },
    cc: { value: "ADDRESS", many: true, help: "who gets a copy, for all to see" },
    bcc: { value: "ADDRESS", many: true, help: "who gets a copy that nobody sees" },
    from: { value: "ADDRESS", help: "who writes; fromEmail of the config by default" },
    "reply-to": { value: "ADDRESS", help: "where answers go; replyTo of the config by default" },
    subject: { value: "TEXT", help: "the subject" },
    text: { value: "TEXT", help: "the message; - is standard input, and so is nothing in a pipe" },
    html: { value: "HTML", help: "the message as HTML; - is standard input" },
    template: { value: "FILE", help: "the message from a file, {{code}} in it filled in; .html is HTML" },
    payload: {
      value: "JSON",
      help: 'what to fill in, in the subject too: a file, or {"code":"042137"} itself',
    },
    attach: { value: "FILE", many: true, help: "a file that goes along" },
    type: { value: "NAME", help: "instead: the config's template for Register, SignIn, …" },
    locale: { value: "TAG", help: "the language of that template, such as pt-BR" },
    raw: { value: "FILE", help: "instead: a whole message (.eml) as it stands; - is standard input" },
    json: { help: "what became of it, for machines" },
  },
  notes: [
    "The password comes from the config, from PENNYPOST_PASSWORD, or is asked for. Exit codes: pennypost --help",
  ],
  examples: [
    'pennypost send --to bob@example.org --subject "Hello" --text "Hello, Bob."',
    "uptime | pennypost send --to ops@example.org --subject uptime",
    `pennypost send --to bob@example.org --type SignIn --payload '{"code":"042137"}'`,
    "pennypost send --url smtps://me@smtp.example.com --from me@example.com --to bob@example.org --raw letter.eml",
  ],
  async run(given, work) {
    const deliver = given.has("type") ? await templateOf(given, work) : await letterOf(given, work);
    let receipt: Receipt;
    try {
      receipt = await work.interruptible(deliver);
    } catch (error) {
      const lines = describeFailure(error, work.errorStyle, "message");
      if (given.has("json")) work.print(JSON.stringify({ ok: false, error: failureAsJson(error) }));
      else for (const line of lines) work.world.stderr.write(`${line}\n`);
      return exitCodeOf(error);
    }
    return tell(receipt, given, work);
  },
};

type Deliver = (signal: AbortSignal) => Promise<Receipt>;

/** A template of the config, by its usage type. */
async function templateOf(given: Given<SendOption>, work: Work): Promise<Deliver> {
  given.refuse(
    ["url", "cc", "bcc", "from", "reply-to", "subject", "text", "html", "template", "attach", "raw"],
    "--type, which takes all of it from the config",
  );
  const [to, second] = given.all("to");
  if (to === undefined) throw new ConfigError("--to", "is missing: who gets it?");
  if (second !== undefined)
    throw new ConfigError("--to", "is given twice; with --type the message is for one");
  const type = given.one("type") ?? "";
  const locale = given.one("locale");
  const payload = (await readPayload(given.one("payload"), work)) ?? {};
  const connector = createConnector(await readConfig(given.one("config"), work));
  return async (signal) => {
    try {
      return await connector.send({
        to,
        type,
        payload: payload as Readonly<Record<string, unknown>>,
        ...(locale !== undefined && { locale }),
        signal,
      });
    } finally {
      await closeFor(connector, signal);
    }
  };
}

/** A message of one's own. */
async function letterOf(given: Given<SendOption>, work: Work): Promise<Deliver> {
  given.refuse(["locale"], "a message without --type");
  const letter = await readLetter(given, work);
  const url = given.one("url");
  if (url !== undefined) given.refuse(["config"], "--url");
  const account = url === undefined ? await configured(given, work) : await reached(url, work);
  const message = letter(account.defaults);
  return async (signal) => {
    try {
      return await account.client.send(message, { signal });
    } finally {
      await closeFor(account.client, signal);
    }
  };
}

/**
 * Says goodbye for as long as nobody wants to stop. The message is over by then, and what became of it is told after
 * this: who had to press Ctrl-C twice would never learn it.
 */
async function closeFor(client: Pick<SmtpClient, "close">, signal: AbortSignal): Promise<void> {
  signal.addEventListener("abort", () => void client.close({ force: true }));
  await client.close({ force: signal.aborted });
}

interface Account {
  readonly client: Pick<SmtpClient, "send" | "close">;
  readonly defaults: Defaults;
}

async function configured(given: Given<SendOption>, work: Work): Promise<Account> {
  const config = await readConfig(given.one("config"), work);
  const { client } = createConnector(config);
  // The connector has looked at them.
  const { fromEmail, replyTo, customHeaders } = config;
  return {
    client,
    defaults: {
      from: fromEmail,
      ...(replyTo !== undefined && { replyTo }),
      ...(customHeaders !== undefined && { headers: customHeaders }),
    },
  };
}

async function reached(text: string, { world }: Work): Promise<Account> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // Not quoted, whatever it is.
  if (url === undefined || !/^smtps?:$/.test(url.protocol)) {
    throw new ConfigError("--url", "is no smtp:// or smtps:// URL", {
      hint: "write smtps://user@smtp.example.com",
    });
  }
  if (url.password !== "") {
    throw new ConfigError(
      "--url",
      "has a password in it, and everybody on this machine can read a command line",
      {
        hint: "put it into PENNYPOST_PASSWORD, or leave it out to be asked for it",
      },
    );
  }
  if (url.username !== "") {
    const user = userOf(url);
    url.password = encodeURIComponent(await password(user, url.hostname, world));
  }
  return { client: new SmtpClient(url), defaults: {} };
}

function userOf({ username }: URL): string {
  try {
    return decodeURIComponent(username);
  } catch (cause) {
    throw new ConfigError("--url", "has a user with a % that stands for nothing", {
      cause,
      hint: "a % itself is written %25",
    });
  }
}

function tell(receipt: Receipt, given: Given<SendOption>, { print, style }: Work): ExitCode {
  const { accepted, rejected, reply, messageId, timings } = receipt;
  if (given.has("json")) {
    print(JSON.stringify({ ok: rejected.length === 0, receipt }));
  } else {
    print(
      `${style.sign("ok")} sent to ${accepted.map(printable).join(", ")}: ${reply.code} ${printable(reply.lines.join(" "))}`,
    );
    print(style.dim(`  ${printable(messageId)}, ${Math.round(timings.total)} ms`));
    for (const { recipient, reply } of rejected) {
      print(
        `${style.sign("error")} refused: ${printable(recipient)}: ${reply.code} ${printable(reply.lines.join(" "))}`,
      );
    }
  }
  return rejected.length === 0 ? EXIT.done : EXIT.partly;
}
