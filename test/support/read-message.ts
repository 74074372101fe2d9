// Two readers that know nothing of the composer, postal-mime and Python's email package, and one form for what they
// read, so that it can be compared with what was meant.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import PostalMime, { type Address, decodeWords } from "postal-mime";

export interface Mailbox {
  readonly name: string;
  readonly address: string;
}

export interface Group {
  readonly group: string;
  readonly members: readonly Mailbox[];
}

/** A part that is neither the plain text nor the HTML of a message. */
export interface File {
  readonly type: string;
  readonly disposition: string | undefined;
  readonly filename: string | undefined;
  /** Without its angle brackets. */
  readonly cid: string | undefined;
  readonly description: string | undefined;
  readonly octets: Uint8Array;
}

/** A message as it is understood. */
export interface Reading {
  readonly from: readonly (Mailbox | Group)[];
  readonly sender: readonly (Mailbox | Group)[];
  readonly replyTo: readonly (Mailbox | Group)[];
  readonly to: readonly (Mailbox | Group)[];
  readonly cc: readonly (Mailbox | Group)[];
  readonly subject: string | undefined;
  /** To the second, as ISO 8601 writes it. */
  readonly date: string;
  readonly messageId: string;
  /** The fields of the message itself that have no property above and no part in MIME, by their names in lower case. */
  readonly fields: Readonly<Record<string, readonly string[]>>;
  /** Lines end in LF. */
  readonly text: string | undefined;
  readonly html: string | undefined;
  readonly files: readonly File[];
}

/** What Python's reader tells beyond that. */
export interface PythonReading extends Reading {
  /** `mixed(alternative(text/plain, text/html), image/png)`. */
  readonly tree: string;
  /** The parameters of Content-Type, part by part, as `name=value`. */
  readonly parameters: readonly string[];
  /** Whatever the reader found wrong. */
  readonly defects: readonly string[];
}

const NOT_CUSTOM =
  /^(?:from|sender|reply-to|to|cc|bcc|subject|date|message-id|mime-version|content-type|content-transfer-encoding)$/;

/**
 * Reads with postal-mime. It writes a line end of its own behind a text that was not base64, and does not tell an empty
 * text from none: line ends behind a text are left to the other reader.
 */
export async function readWithPostalMime(octets: Uint8Array): Promise<Reading> {
  const email = await PostalMime.parse(octets, { forceRfc822Attachments: true });
  const fields: Record<string, string[]> = Object.create(null);
  for (const { key, value } of email.headers) {
    if (!NOT_CUSTOM.test(key)) fields[key] = [...(fields[key] ?? []), decodeWords(value)];
  }
  return {
    from: simplify(email.from === undefined ? [] : [email.from]),
    sender: simplify(email.sender === undefined ? [] : [email.sender]),
    replyTo: simplify(email.replyTo),
    to: simplify(email.to),
    cc: simplify(email.cc),
    subject: email.subject ?? (email.headers.some(({ key }) => key === "subject") ? "" : undefined),
    date: toSecond(email.date ?? ""),
    messageId: email.messageId ?? "",
    fields,
    text: email.text?.replaceAll("\r\n", "\n"),
    html: email.html?.replaceAll("\r\n", "\n"),
    files: email.attachments.map(({ mimeType, disposition, filename, contentId, description, content }) => ({
      type: mimeType,
      disposition: disposition ?? undefined,
      filename: filename ?? undefined,
      cid: contentId?.replace(/^<(.*)>$/, "$1"),
      description,
      octets: typeof content === "string" ? new TextEncoder().encode(content) : new Uint8Array(content),
    })),
  };
}

function simplify(addresses: readonly Address[] | undefined): (Mailbox | Group)[] {
  return (addresses ?? []).map(({ name, address, group }) =>
    group === undefined ? { name, address } : { group: name, members: group.map(plain) },
  );
}

function plain({ name, address }: { readonly name: string; readonly address: string }): Mailbox {
  return { name, address };
}

interface PythonMessage {
  readonly addresses: Readonly<Record<string, readonly PythonGroup[]>>;
  readonly fields: Readonly<Record<string, readonly string[]>>;
  readonly date: readonly string[];
  readonly tree: string;
  readonly defects: readonly string[];
  readonly leaves: readonly {
    readonly type: string;
    readonly parameters: Readonly<Record<string, string>>;
    readonly disposition: string | null;
    readonly filename: string | null;
    readonly cid: string | null;
    readonly description: string | null;
    readonly octets: string;
  }[];
}

interface PythonGroup {
  readonly name: string | null;
  readonly members: readonly Mailbox[];
}

const SCRIPT = fileURLToPath(new URL("read-message.py", import.meta.url));

/** Reads all messages with one process of `python3`; a string is why there is none. */
export function readWithPython(messages: readonly Uint8Array[]): PythonReading[] | string {
  const { error, status, stdout, stderr } = spawnSync("python3", [SCRIPT], {
    input: messages
      .map((octets) => JSON.stringify({ octets: Buffer.from(octets).toString("base64") }))
      .join("\n"),
    encoding: "utf8",
    maxBuffer: 1 << 30,
  });
  if (error !== undefined) return `python3 cannot be run: ${error.message}`;
  if (status !== 0) throw new Error(stderr);
  if (stdout === "") return [];
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => fromPython(JSON.parse(line) as PythonMessage));
}

function fromPython({ addresses, fields, date, tree, defects, leaves }: PythonMessage): PythonReading {
  const list = (name: string): (Mailbox | Group)[] =>
    (addresses[name] ?? []).flatMap(({ name: group, members }): (Mailbox | Group)[] =>
      group === null ? members.map(plain) : [{ group, members: members.map(plain) }],
    );
  const body = (type: string) =>
    leaves.find((leaf) => leaf.type === type && leaf.disposition === null && leaf.filename === null);
  const text = body("text/plain");
  const html = body("text/html");
  return {
    from: list("from"),
    sender: list("sender"),
    replyTo: list("reply-to"),
    to: list("to"),
    cc: list("cc"),
    subject: fields.subject?.[0],
    date: toSecond(date[0] ?? ""),
    messageId: fields["message-id"]?.[0] ?? "",
    fields: Object.fromEntries(Object.entries(fields).filter(([name]) => !NOT_CUSTOM.test(name))),
    text: text && unflow(decode(text.octets), text.parameters.format),
    html: html && decode(html.octets),
    files: leaves
      .filter((leaf) => leaf !== text && leaf !== html)
      .map(({ type, disposition, filename, cid, description, octets }) => ({
        type,
        disposition: disposition ?? undefined,
        filename: filename ?? undefined,
        cid: cid?.replace(/^<(.*)>$/, "$1"),
        description: description ?? undefined,
        octets: new Uint8Array(Buffer.from(octets, "base64")),
      })),
    tree,
    parameters: leaves.map(({ parameters }) =>
      Object.entries(parameters)
        .map(([name, value]) => `${name}=${value}`)
        .join("; "),
    ),
    defects,
  };
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(base64: string): string {
  return strict.decode(Buffer.from(base64, "base64")).replaceAll("\r\n", "\n");
}

/** RFC 3676 §4.1: what a reader makes of flowed text. */
function unflow(text: string, format: string | undefined): string {
  if (format !== "flowed") return text;
  const paragraphs: { depth: number; text: string; isOpen: boolean }[] = [];
  for (const line of text.split("\n")) {
    const depth = /^>*/.exec(line)?.[0].length ?? 0;
    const content = line.slice(depth).replace(/^ /, "");
    const isOpen = content.endsWith(" ") && content !== "-- ";
    const last = paragraphs.at(-1);
    if (last?.isOpen === true && last.depth === depth && content !== "-- ") {
      last.text += content;
      last.isOpen = isOpen;
    } else {
      paragraphs.push({ depth, text: content, isOpen });
    }
  }
  return paragraphs.map(({ depth, text }) => (depth > 0 ? `${">".repeat(depth)} ${text}` : text)).join("\n");
}

function toSecond(date: string): string {
  return new Date(date).toISOString().replace(/\.\d+Z$/, "Z");
}
