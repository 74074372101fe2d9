// Fields that properties stand for: threads, lists, priorities, codes, and whole messages given as they stand. What
// they are to say is written out by hand.

import type { MessageContent } from "../../../src/message.ts";
import type { Entry } from "./entry.ts";

const from = "news@news.example";
const to = "reader@example.org";

function says(name: string, message: Partial<MessageContent>, fields: Record<string, string>): Entry {
  return {
    name,
    message: { from, to, subject: name, text: "x\n", ...message },
    expected: { fields: Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, [value]])) },
  };
}

const THREAD = Array.from({ length: 100 }, (_, at) => `<${at}.${"r".repeat(20)}@example.org>`);
const RAW = [
  "Received: from nowhere",
  "Date: Sun, 22 Nov 2026 09:00:00 +0000",
  'From: "Raw, Inc." <raw@example.com>',
  "To: reader@example.org",
  "Subject: As =?utf-8?Q?it_is=C2=A0?=",
  " folded",
  "Message-ID: <raw.1@example.com>",
  "X-Kept:  two  blanks",
  "MIME-Version: 1.0",
  "Content-Type: text/plain; charset=us-ascii",
  "",
  "Text.",
  ".",
  "",
];

export const threads: readonly Entry[] = [
  says(
    "an answer",
    { inReplyTo: "<1@example.org>", references: "<0@example.org> <1@example.org>" },
    { "in-reply-to": "<1@example.org>", references: "<0@example.org> <1@example.org>" },
  ),
  says(
    "an answer to two messages",
    { inReplyTo: ["<1@example.org>", "<2@example.org>"] },
    { "in-reply-to": "<1@example.org> <2@example.org>" },
  ),
  says(
    "an answer in a thread of a hundred",
    { inReplyTo: THREAD.at(-1) ?? "", references: THREAD },
    { "in-reply-to": THREAD.at(-1) ?? "", references: THREAD.join(" ") },
  ),
  says(
    "an answer to an identifier of an odd making",
    { inReplyTo: "<a..b@@[x]=?>", references: ["<no-at-sign>"] },
    { "in-reply-to": "<a..b@@[x]=?>", references: "<no-at-sign>" },
  ),
  says(
    "keywords and comments",
    { keywords: ["code", "sign in"], comments: "made by a machine" },
    { keywords: "code, sign in", comments: "made by a machine" },
  ),
  says(
    "keywords and comments beyond ASCII",
    { keywords: ["Größe", "人气"], comments: "für alle – 全部" },
    { keywords: "Größe, 人气", comments: "für alle – 全部" },
  ),
  says(
    "a list with an identifier",
    { list: { id: "news.news.example" } },
    { "list-id": "<news.news.example>" },
  ),
  says(
    "a list with a name",
    { list: { id: { name: "Penny News", id: "news.news.example" } } },
    { "list-id": "Penny News <news.news.example>" },
  ),
  says(
    "a list with a name beyond ASCII",
    { list: { id: { name: "Größte Zeitung 大报", id: "news.news.example" } } },
    { "list-id": "Größte Zeitung 大报 <news.news.example>" },
  ),
  says(
    "a newsletter that is left by one click",
    {
      list: {
        oneClick: "https://news.example/leave?u=0123456789abcdef&t=%3D%3F",
        unsubscribe: "mailto:leave@news.example?subject=leave",
      },
    },
    {
      "list-unsubscribe":
        "<https://news.example/leave?u=0123456789abcdef&t=%3D%3F>, <mailto:leave@news.example?subject=leave>",
      "list-unsubscribe-post": "List-Unsubscribe=One-Click",
    },
  ),
  says(
    "a list with every field",
    {
      list: {
        id: "Penny News <news.news.example>",
        unsubscribe: [
          "https://news.example/leave",
          { url: "mailto:leave@news.example", comment: "or write (please)" },
        ],
        subscribe: "https://news.example/join",
        help: "https://news.example/help#top",
        post: "NO",
        owner: { url: "mailto:owner@news.example" },
        archive: ["https://news.example/archive/1", "http://old.news.example/archive"],
      },
    },
    {
      "list-id": "Penny News <news.news.example>",
      "list-unsubscribe": "<https://news.example/leave>, <mailto:leave@news.example> (or write \\(please\\))",
      "list-subscribe": "<https://news.example/join>",
      "list-help": "<https://news.example/help#top>",
      "list-post": "NO",
      "list-owner": "<mailto:owner@news.example>",
      "list-archive": "<https://news.example/archive/1>, <http://old.news.example/archive>",
    },
  ),
  says(
    "a list with long addresses",
    {
      list: {
        unsubscribe: [
          `https://news.example/${"token".repeat(100)}`,
          `https://news.example/${"t".repeat(900)}`,
        ],
      },
    },
    {
      "list-unsubscribe": `<https://news.example/${"token".repeat(100)}>, <https://news.example/${"t".repeat(900)}>`,
    },
  ),
  says("a message that is urgent", { priority: "high" }, { "x-priority": "1", importance: "high" }),
  says("a message that is not urgent", { priority: "low" }, { "x-priority": "5", importance: "low" }),
  says(
    "a message that a program sends",
    { autoSubmitted: "auto-generated" },
    { "auto-submitted": "auto-generated" },
  ),
  says(
    "a message that a program answers",
    { autoSubmitted: "auto-replied", inReplyTo: "<1@example.org>" },
    { "auto-submitted": "auto-replied", "in-reply-to": "<1@example.org>" },
  ),
  says(
    "a one-time code that programs fill in",
    { otp: { code: "042137", origin: "https://bank.example" } },
    { "otp-token": '"042137"; origin="https://bank.example"' },
  ),
  says(
    "a one-time code with quotes, for a machine of one's own",
    { otp: { code: 'a"b\\c', origin: "http://localhost:8080" } },
    { "otp-token": '"a\\"b\\\\c"; origin="http://localhost:8080"' },
  ),
  says(
    "every field at once",
    {
      inReplyTo: "<1@example.org>",
      references: ["<1@example.org>"],
      keywords: ["a"],
      comments: "b",
      list: { id: "c.example" },
      priority: "normal",
      autoSubmitted: "no",
      otp: { code: "1", origin: "https://a.example" },
      headers: { "X-D": "d" },
    },
    {
      "in-reply-to": "<1@example.org>",
      references: "<1@example.org>",
      keywords: "a",
      comments: "b",
      "list-id": "<c.example>",
      "x-priority": "3",
      importance: "normal",
      "auto-submitted": "no",
      "otp-token": '"1"; origin="https://a.example"',
      "x-d": "d",
    },
  ),
  {
    name: "recipients that are undisclosed",
    message: { from, to: "undisclosed-recipients:;", bcc: [to], subject: "To whom?", text: "x" },
    expected: { to: [{ group: "undisclosed-recipients", members: [] }] },
  },
  {
    name: "a message that comes from nowhere",
    message: { from, to, envelope: { from: "" }, subject: "No report", text: "x" },
  },
  {
    name: "a whole message as text",
    message: { raw: RAW.join("\r\n"), envelope: { from: "raw@example.com", to } },
    expected: RAW_READING(),
  },
  {
    name: "a whole message as octets",
    message: { raw: new TextEncoder().encode(RAW.join("\r\n")), envelope: { from: "raw@example.com", to } },
    expected: RAW_READING(),
  },
  {
    name: "a whole message with the line ends of Unix",
    message: {
      raw: { content: RAW.join("\n"), lineEnds: "normalize" },
      envelope: { from: "raw@example.com", to },
    },
    expected: RAW_READING(),
  },
  {
    name: "a whole message without a body",
    message: { raw: `${RAW.slice(0, 10).join("\r\n")}\r\n\r\n`, envelope: { from: "raw@example.com", to } },
    expected: { ...RAW_READING(), text: "" },
  },
];

function RAW_READING(): NonNullable<Entry["expected"]> {
  return {
    from: [{ name: "Raw, Inc.", address: "raw@example.com" }],
    to: [{ name: "", address: to }],
    date: "2026-11-22T09:00:00Z",
    subject: "As it is\u00a0 folded",
    fields: { received: ["from nowhere"], "x-kept": ["two  blanks"] },
    text: "Text.\n.\n",
    html: undefined,
    files: [],
  };
}
