// A message as the options of `send` write it.

import { attachment, ConfigError, type Message, parseMailbox } from "../index.ts";
import type { Work } from "./command.ts";
import type { Given } from "./options.ts";
import { fill, readPayload, typeOf } from "./render.ts";

export type LetterOption =
  | "to"
  | "cc"
  | "bcc"
  | "from"
  | "reply-to"
  | "subject"
  | "text"
  | "html"
  | "template"
  | "payload"
  | "attach"
  | "raw";

/** What the account says where the options do not. */
export interface Defaults {
  readonly from?: string;
  readonly replyTo?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

/**
 * Reads all that files and standard input have to do with a message, before anybody is asked for a password; what comes
 * of it makes the message once the account is known.
 */
export async function readLetter(
  given: Given<LetterOption>,
  work: Work,
): Promise<(defaults: Defaults) => Message> {
  if ((["to", "cc", "bcc"] as const).every((name) => !given.has(name))) {
    throw new ConfigError("--to", "is missing: who gets it?");
  }
  const raw = given.one("raw");
  return raw === undefined ? readContent(given, work) : readWhole(raw, given, work);
}

async function readWhole(
  path: string,
  given: Given<LetterOption>,
  work: Work,
): Promise<(defaults: Defaults) => Message> {
  given.refuse(
    ["cc", "bcc", "reply-to", "subject", "text", "html", "template", "payload", "attach"],
    "--raw, which is sent as it stands",
  );
  const to = given.all("to").map((recipient) => parseMailbox(recipient).address);
  const content = await work.files.octets(path, "--raw");
  return (defaults) => ({
    // Files have the line ends of their system, and mail has CRLF.
    raw: { content, lineEnds: "normalize" },
    envelope: { from: parseMailbox(senderOf(given, defaults)).address, to },
  });
}

async function readContent(given: Given<LetterOption>, work: Work): Promise<(defaults: Defaults) => Message> {
  const template = given.one("template");
  if (template !== undefined) given.refuse(["text", "html"], "--template");
  const payload = await readPayload(given.one("payload"), work);
  const body =
    template === undefined
      ? await bodyOf(given, work)
      : { [keyOf(template)]: await work.files.text(template, "--template") };
  const subject = given.one("subject");
  // Without a payload, text is sent as it is written: there may be braces in it.
  const isFilled = template !== undefined || payload !== undefined;
  const content = isFilled ? filled({ ...body, subject }, payload ?? {}) : { ...body, subject };
  return (defaults) => ({
    from: senderOf(given, defaults),
    ...defined({ ...content, replyTo: given.one("reply-to") ?? defaults.replyTo, headers: defaults.headers }),
    to: given.all("to"),
    cc: given.all("cc"),
    bcc: given.all("bcc"),
    attachments: given.all("attach").map((path) => attachment.file(path)),
  });
}

function senderOf(given: Given<LetterOption>, defaults: Defaults): string {
  const from = given.one("from") ?? defaults.from;
  if (from === undefined) throw new ConfigError("--from", "is missing: who writes?");
  return from;
}

interface Content {
  readonly subject?: string | undefined;
  readonly text?: string | undefined;
  readonly html?: string | undefined;
}

function filled({ subject, text, html }: Content, payload: object): Content {
  return {
    subject: subject === undefined ? undefined : fill(subject, payload, { contentType: "header" }),
    text: text === undefined ? undefined : fill(text, payload, { contentType: "text/plain" }),
    html: html === undefined ? undefined : fill(html, payload, { contentType: "text/html" }),
  };
}

type Defined<T> = { readonly [Key in keyof T]?: Exclude<T[Key], undefined> };

function defined<T extends object>(given: T): Defined<T> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Defined<T>;
}

function keyOf(path: string): "text" | "html" {
  return typeOf(path) === "text/html" ? "html" : "text";
}

async function bodyOf(given: Given<LetterOption>, { files, world }: Work): Promise<Content> {
  const [text, html] = [given.one("text"), given.one("html")];
  if (text === undefined && html === undefined && !given.has("attach")) {
    if (world.stdin.isTTY === true) {
      throw new ConfigError("--text", "is missing: what does the message say?", {
        hint: "write --text, --html or --template, or send the text through a pipe; --text - reads it from here",
      });
    }
    return { text: await files.text("-", "--text") };
  }
  return {
    ...(text !== undefined && { text: text === "-" ? await files.text("-", "--text") : text }),
    ...(html !== undefined && { html: html === "-" ? await files.text("-", "--html") : html }),
  };
}
