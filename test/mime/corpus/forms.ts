// The forms of a message beside its text and HTML: for watches, for AMP, for calendars, and whatever else; text that
// readers may wrap, and text that goes unencoded.

import { type Entry, PIXEL, type ReaderFault, someOctets } from "./entry.ts";

const from = { name: "Planner", address: "plan@example.com" };
const to = "b@example.org";
const html = "<!doctype html>\n<p>Lunch at <b>noon</b>?</p>\n";
const text = "Lunch at noon?\n";
const watchHtml = "<b>Lunch at noon?</b>";
const amp =
  '<!doctype html>\n<html ⚡4email data-css-strict><head><meta charset="utf-8"><script async src="https://cdn.ampproject.org/v0.js"></script><style amp4email-boilerplate>body{visibility:hidden}</style></head><body>Lunch at noon?</body></html>\n';

function calendar(method: string | undefined, summary = "Lunch"): string {
  return [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Penny//Planner//EN",
    ...(method === undefined ? [] : [`METHOD:${method}`]),
    "BEGIN:VEVENT",
    "UID:42@example.com",
    "DTSTAMP:20261122T090000Z",
    "DTSTART:20261123T120000Z",
    `SUMMARY:${summary}`,
    "END:VEVENT",
    "END:VCALENDAR",
    "",
  ].join("\r\n");
}

const POSTAL_QUOTES: ReaderFault = {
  reader: "postal-mime",
  why: "it joins lines of flowed text without a look at the depth of their quotes",
  without: ["text"],
};

function flowed(what: string, given: string, read: string, faults: readonly ReaderFault[] = []): Entry {
  return {
    name: `flowed text ${what}`,
    message: { from, to, subject: what, text: given, flowed: true },
    expected: { text: read },
    faults,
  };
}

const PARAGRAPH = "Words that go on for longer than any line, so that they have to be broken somewhere. "
  .repeat(6)
  .trim();

export const forms: readonly Entry[] = [
  { name: "AMP between text and HTML", message: { from, to, subject: "AMP", text, html, amp } },
  { name: "AMP before HTML without text", message: { from, to, subject: "AMP", html, amp } },
  { name: "AMP behind text without HTML", message: { from, to, subject: "AMP", text, amp } },
  { name: "HTML for watches", message: { from, to, subject: "Watch", text, html, watchHtml } },
  {
    name: "every form there is",
    parameters: [
      ...Array(3).fill("charset=utf-8"),
      "charset=utf-8; variant=CommonMark",
      "charset=utf-8",
      "charset=utf-8; method=REQUEST",
      "",
    ],
    message: {
      from,
      to,
      subject: "All",
      text,
      html,
      watchHtml,
      amp,
      calendar: { content: calendar("REQUEST") },
      alternatives: [{ contentType: "text/markdown; variant=CommonMark", content: "Lunch at *noon*?\n" }],
    },
  },
  {
    name: "every form there is, with images, files and messages",
    message: {
      from,
      to,
      subject: "All and more",
      text,
      html: `${html}<img src="cid:dot">`,
      watchHtml,
      amp,
      calendar: { content: calendar("REQUEST", "Mittagessen für alle – 昼食") },
      alternatives: [{ contentType: "text/markdown", content: "Mittagessen für alle" }],
      attachments: [
        { filename: "menu.pdf", content: someOctets(500) },
        { filename: "dot.png", content: PIXEL, cid: "dot" },
      ],
    },
  },
  {
    name: "an invitation without a method",
    message: { from, to, subject: "Lunch", text, calendar: { content: calendar(undefined) } },
  },
  {
    name: "an invitation and nothing else",
    message: { from, to, subject: "Lunch", calendar: { content: calendar("PUBLISH") } },
  },
  {
    name: "an invitation that is cancelled, with a method given twice",
    message: {
      from,
      to,
      subject: "No lunch",
      text,
      html,
      calendar: { content: calendar("CANCEL"), method: "CANCEL", filename: "absage – ü.ics" },
    },
  },
  {
    name: "an answer to an invitation in Chinese",
    message: {
      from,
      to,
      subject: "午餐",
      text: "好的",
      calendar: { content: calendar("REPLY", "午餐".repeat(30)) },
    },
  },
  {
    name: "an alternative of octets",
    message: {
      from,
      to,
      subject: "Octets",
      text,
      alternatives: [{ contentType: "application/x-thing", content: someOctets(200) }],
    },
  },
  {
    name: "an alternative of Latin-1",
    parameters: ["charset=utf-8", "charset=iso-8859-1"],
    message: {
      from,
      to,
      subject: "Latin",
      text,
      alternatives: [
        { contentType: "text/enriched; charset=iso-8859-1", content: Uint8Array.of(0xe9, 0x0d, 0x0a) },
      ],
    },
  },
  {
    name: "alternatives in four languages of markup",
    message: {
      from,
      to,
      subject: "Four",
      text,
      html,
      alternatives: ["markdown", "rtf", "enriched", "asciidoc"].map((subtype) => ({
        contentType: `text/${subtype}`,
        content: `${subtype}: é\r\n.\nFrom\n`,
      })),
    },
  },
  {
    name: "an alternative that is empty",
    message: {
      from,
      to,
      subject: "Empty",
      text,
      html: "",
      alternatives: [{ contentType: "text/markdown", content: "" }],
    },
  },

  flowed("of one paragraph", `${PARAGRAPH}\n`, `${PARAGRAPH}\n`),
  flowed(
    "of several paragraphs",
    `${PARAGRAPH}\n\n${PARAGRAPH}\nshort\n`,
    `${PARAGRAPH}\n\n${PARAGRAPH}\nshort\n`,
  ),
  flowed(
    "in lines that begin with blanks and From",
    ` one\n  two\nFrom three\n`,
    ` one\n  two\nFrom three\n`,
  ),
  flowed("with blanks behind its lines", "one \ntwo  \nthree\n", "one\ntwo\nthree\n"),
  flowed("with a signature", "Bye\n-- \nPenny\n", "Bye\n-- \nPenny\n"),
  flowed(
    "beyond ASCII",
    `${"Größe zählt überall, wo Bücher gewogen werden. ".repeat(8).trim()}\n`,
    `${"Größe zählt überall, wo Bücher gewogen werden. ".repeat(8).trim()}\n`,
  ),
  flowed("with quotes", `> ${PARAGRAPH}\n>> deep\nanswer\n`, `> ${PARAGRAPH}\n>> deep\nanswer\n`, [
    POSTAL_QUOTES,
  ]),
  flowed(
    "with a word longer than a line",
    `${"w".repeat(200)} and ${"v".repeat(100)}\n`,
    `${"w".repeat(200)} and ${"v".repeat(100)}\n`,
  ),

  {
    name: "text that goes unencoded",
    needs: "eightBit",
    message: { from, to, subject: "8bit", text: "Größe: 42 €\n这是八位\n", eightBit: true },
  },
  {
    name: "text and HTML that go unencoded",
    needs: "eightBit",
    message: { from, to, subject: "8bit", text: "Grüße\n", html: "<p>Grüße</p>\n", eightBit: true },
  },
  {
    name: "text that could go unencoded but for its lines",
    message: { from, to, subject: "8bit", text: `${"ü".repeat(500)}\n`, eightBit: true },
  },
  {
    name: "text that need not go unencoded",
    message: { from, to, subject: "7bit", text: "plain\n", eightBit: true },
  },
  {
    name: "text with a NUL that may go unencoded, and does not",
    message: { from, to, subject: "8bit", text: "é\0\n", eightBit: true },
  },
  {
    name: "text that goes unencoded beside a local part of another script",
    needs: "both",
    message: { from: "jörg@example.com", to, subject: "both", text: "Grüße\n", eightBit: true },
  },

  {
    name: "a message that is attached",
    message: {
      from,
      to,
      subject: "Fwd: Lunch",
      text: "See below.\n",
      attachments: [
        {
          contentType: "message/rfc822",
          content:
            "From: a@example.com\r\nDate: Sun, 22 Nov 2026 09:00:00 +0000\r\nSubject: Lunch\r\n\r\nLunch?\r\n",
        },
      ],
    },
  },
  {
    name: "a message that is attached under a name, as octets, with parts of its own",
    message: {
      from,
      to,
      subject: "Fwd",
      html: "<p>x</p>",
      attachments: [
        {
          filename: "größe.eml",
          contentType: "message/rfc822",
          content: new TextEncoder().encode(
            'From: a@example.com\r\nDate: Sun, 22 Nov 2026 09:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary="inner"\r\n\r\n--inner\r\n\r\none\r\n--inner\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0K\r\n--inner--\r\n',
          ),
        },
      ],
    },
  },
  {
    name: "two messages that are attached among files",
    message: {
      from,
      to,
      subject: "Digest",
      text: "Two.\n",
      attachments: [
        { filename: "1.eml", contentType: "message/rfc822", content: "From: a@example.com\r\n\r\none\r\n" },
        { filename: "x.bin", content: someOctets(20) },
        { filename: "2.eml", contentType: "message/rfc822", content: "From: b@example.com\r\n\r\n\r\n" },
      ],
    },
  },
];
