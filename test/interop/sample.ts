// A message that is hard to carry, and the comparison of what arrived with what was meant.
import { Readable } from "node:stream";
import type { Email } from "postal-mime";
import { expect } from "vitest";
import type { Message } from "../../src/index.ts";
import type { StoredCopy } from "./maildir.ts";

/** The fields used here, each in one of the forms a user may write. */
export interface Sample {
  readonly from: { readonly name: string; readonly address: string };
  readonly to: readonly string[];
  readonly cc?: readonly string[];
  readonly bcc?: readonly string[];
  readonly replyTo?: string;
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly attachments?: readonly {
    readonly filename: string;
    readonly content: Uint8Array;
    readonly contentType: string;
    readonly cid?: string;
  }[];
}

/** A short text for one recipient, for where the message is not what is tested. */
export function shortMessage(subject: string): Sample {
  return {
    from: { name: "Alice", address: "alice@example.test" },
    to: ["bob@example.test"],
    subject,
    text: "Your code is 042137.\n",
  };
}

const ANY_OCTET = Uint8Array.from({ length: 1024 }, (_, index) => index % 256);

/** Everything at once: names and texts beyond ASCII, dots where they end mail data, long lines, files. */
export function fullMessage(subject: string): Sample {
  return {
    from: { name: "Zoë “Ops” Ångström, Ltd.", address: "alice@example.test" },
    to: ["bob@example.test", "carol@example.test"],
    cc: ["dave@example.test"],
    bcc: ["erin@example.test"],
    replyTo: "help@example.test",
    subject: `${subject}: 您的验证码是 042137，请在十分钟内使用，不要告诉任何人，包括我们的客服人员`,
    text: [
      ".",
      "..",
      ".leading dot",
      "From the start",
      "",
      `long ${"line ".repeat(400)}end`,
      "trailing blanks  ",
      ".",
    ]
      .join("\n")
      .concat("\n"),
    html: `<p>您的验证码是 <b>042137</b></p>\n<p>${"这是一行很长的文字，".repeat(150)}</p>\n.\n<img src="cid:logo@example.test" alt="标志">\n`,
    headers: { "X-Campaign": `case ${"word ".repeat(40)}end` },
    attachments: [
      { filename: "报告 “final”.bin", content: ANY_OCTET, contentType: "application/octet-stream" },
      {
        filename: "logo.png",
        content: ANY_OCTET.slice(0, 300),
        contentType: "image/png",
        cid: "logo@example.test",
      },
    ],
  };
}

/** The message with its files as they are, or as streams of them. */
export function inForm(message: Sample, form: "in memory" | "streamed"): Message {
  const { attachments = [], ...others } = message;
  const streams = attachments.map((file) => ({ ...file, content: Readable.from(halves(file.content)) }));
  return { ...others, attachments: form === "streamed" ? streams : attachments };
}

function halves(octets: Uint8Array): readonly Uint8Array[] {
  const middle = octets.length >> 1;
  return [octets.subarray(0, middle), octets.subarray(middle)];
}

/** Compares field by field and part by part, and says how many of each agree. */
export function compare(copy: StoredCopy, sample: Sample, messageId: string): string {
  const { email } = copy;
  const fields: [name: string, actual: unknown, expected: unknown][] = [
    ["From", email.from, sample.from],
    ["To", addresses(email.to), sample.to],
    ["Cc", addresses(email.cc), sample.cc ?? []],
    ["Bcc", email.bcc, undefined],
    ["Reply-To", addresses(email.replyTo), sample.replyTo === undefined ? [] : [sample.replyTo]],
    ["Subject", email.subject, sample.subject],
    ["Message-ID", email.messageId?.replace(/^<|>$/g, ""), messageId.replace(/^<|>$/g, "")],
    ["Date", Math.abs(Date.now() - Date.parse(email.date ?? "")) < 60_000, true],
    ["MIME-Version", field(email, "MIME-Version"), "1.0"],
    ...Object.entries(sample.headers ?? {}).map(([name, value]): [string, unknown, unknown] => [
      name,
      field(email, name),
      value,
    ]),
  ];
  for (const [name, actual, expected] of fields) expect(actual, name).toEqual(expected);

  const files = email.attachments.map(({ filename, mimeType, contentId, content }) => ({
    filename,
    contentType: mimeType,
    ...(contentId === undefined ? {} : { cid: contentId.slice(1, -1) }),
    content: new Uint8Array(content as ArrayBuffer),
  }));
  expect(plainLines(email.text), "text").toBe(sample.text);
  expect(plainLines(email.html), "html").toBe(sample.html);
  expect(byName(files), "attachments").toEqual(byName(sample.attachments ?? []));

  const lines = copy.content.split("\n");
  expect(Math.max(...lines.map((line) => line.length)), "longest line").toBeLessThanOrEqual(998);
  const parts = 1 + (sample.html === undefined ? 0 : 1) + files.length;
  return `${fields.length} fields and ${parts} ${parts === 1 ? "part" : "parts"} agree`;
}

/**
 * Text as it was before it was sent: in base64 its lines end with CRLF (RFC 2045 §6.8), and the parser counts in the
 * line end before a delimiter, though that belongs to the delimiter (RFC 2046 §5.1.1).
 */
function plainLines(text: string | undefined): string | undefined {
  return text?.replaceAll("\r\n", "\n").replace(/\n+$/, "\n");
}

function addresses(list: Email["to"]): (string | undefined)[] {
  return (list ?? []).map((entry) => entry.address);
}

function field(email: Email, name: string): string | undefined {
  const values = email.headers.filter(({ key }) => key === name.toLowerCase()).map(({ value }) => value);
  expect(values, name).toHaveLength(1);
  return values[0];
}

function byName<Item extends { readonly filename: string | null }>(items: readonly Item[]): Item[] {
  return [...items].sort((a, b) => ((a.filename ?? "") < (b.filename ?? "") ? -1 : 1));
}
