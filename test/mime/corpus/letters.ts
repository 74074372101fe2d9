// Newsletters and receipts: long lines of HTML, tables of figures, many links, machine-read fields.

import { type Entry, PIXEL, someOctets } from "./entry.ts";

const from = { name: "The Penny Paper", address: "paper@news.example" };
const to = "reader@example.org";

/** Markup as a template makes it: everything on one line. */
function story(paragraphs: number, words: string): string {
  const body = Array.from(
    { length: paragraphs },
    (_, at) => `<p style="margin:0 0 12px;color:#333">${at + 1}. ${words}</p>`,
  ).join("");
  return `<!doctype html><html><head><meta charset="utf-8"><title>News</title></head><body>${body}</body></html>`;
}

const ROWS = [
  ["Postage stamps, 10 pieces", "€ 9.50"],
  ["Envelope “Extra”, C5 — ½ price", "£ 0.45"],
  ["送料・手数料", "¥ 120"],
  ["=SUM(A1:A3) & more", "= 3"],
] as const;

export const letters: readonly Entry[] = [
  {
    name: "a newsletter whose HTML is one line of 40,000 characters",
    message: {
      from,
      to,
      subject: "All the news on one line",
      text: "See the web page.\n",
      html: story(300, "Nothing has happened since yesterday, and we are glad to say so."),
    },
  },
  {
    name: "a newsletter with one umlaut in 30,000 characters",
    message: {
      from,
      to,
      subject: "Almost plain",
      text: "plain\n",
      html: `${story(200, "Plain words all the way to the end, or nearly so.\n")}ü`,
    },
  },
  {
    name: "a newsletter in Chinese on one line",
    message: {
      from,
      to,
      subject: "新闻简报",
      text: "请看网页。",
      html: story(80, "从昨天到今天什么也没有发生，我们很高兴地告诉您这一点。"),
    },
  },
  {
    name: "a newsletter with the fields of a list, and those of its sender",
    message: {
      from,
      to,
      subject: "Weekly",
      text: "News.\n",
      html: "<p>News.</p>\n",
      list: {
        id: "The Penny Paper <paper.news.example>",
        oneClick: "https://news.example/leave?u=0123456789abcdef&t=%3D%3F",
        unsubscribe: "mailto:leave@news.example?subject=leave",
        help: "https://news.example/help",
      },
      headers: {
        "List-Software": "penny",
        Precedence: "bulk",
        "Feedback-ID": "campaign7:customer3:mail:news",
      },
    },
    expected: {
      fields: {
        "list-id": ["The Penny Paper <paper.news.example>"],
        "list-unsubscribe": [
          "<https://news.example/leave?u=0123456789abcdef&t=%3D%3F>, <mailto:leave@news.example?subject=leave>",
        ],
        "list-unsubscribe-post": ["List-Unsubscribe=One-Click"],
        "list-help": ["<https://news.example/help>"],
        "list-software": ["penny"],
        precedence: ["bulk"],
        "feedback-id": ["campaign7:customer3:mail:news"],
      },
    },
  },
  {
    name: "a newsletter with images in its HTML and a picture that is attached",
    message: {
      from,
      to,
      subject: "Pictures",
      text: "[logo]\n",
      html: '<p><img src="cid:logo@news.example" alt="logo"><img src="cid:line"></p>',
      attachments: [
        { filename: "annex.png", content: someOctets(700), contentType: "image/png" },
        { filename: "logo.png", content: PIXEL, cid: "logo@news.example" },
        { filename: "line.gif", content: someOctets(60, 3), cid: "line" },
      ],
    },
  },
  {
    name: "a newsletter with preview text of soft hyphens and joiners",
    message: {
      from,
      to,
      subject: "Preview",
      html: `<div style="display:none">Short${"\u00ad\u034f\u200c\u00a0".repeat(120)}</div><p>Long</p>\n`,
    },
  },
  {
    name: "HTML alone",
    message: { from, to, subject: "HTML alone", html: "<!doctype html>\n<p>Nothing but <b>this</b>.</p>\n" },
  },
  {
    name: "HTML with quotes, equals signs and addresses that look encoded",
    message: {
      from,
      to,
      subject: "=3D is not =",
      html: '<a href="https://news.example/?a=3D&amp;b==20&amp;c=?utf-8?Q?x?=" title=\'"=\'>=</a>=\n=3D\n',
    },
  },
  {
    name: "HTML with scripts, comments and entities that nobody touches",
    message: {
      from,
      to,
      subject: "As it stands",
      html: "<!--[if mso]><table><tr><td><![endif]--><script>if (a < b && c) { }</script>&nbsp;&#x1F600;</td>\t\n",
    },
  },
  {
    name: "a receipt as a table of text",
    message: {
      from: { name: "Corner Shop, Ltd.", address: "receipts@shop.example" },
      to: { name: "Customer № 7", address: "customer@example.org" },
      subject: "Receipt 2026/11-000042: € 9.50 + ¥ 120",
      text: `${ROWS.map(([what, price]) => `${what.padEnd(40, ".")} ${price}`).join("\n")}\n${"=".repeat(60)}\nTotal\t= all of it\n`,
    },
  },
  {
    name: "a receipt as an HTML table with a PDF and a CSV",
    message: {
      from: "receipts@shop.example",
      to: "customer@example.org",
      bcc: "books@shop.example",
      replyTo: "help@shop.example",
      subject: "Your receipt",
      text: ROWS.map((row) => row.join("\t")).join("\r\n"),
      html: `<table>${ROWS.map(([what, price]) => `<tr><td>${what}</td><td align="right">${price}</td></tr>`).join("\n")}</table>`,
      attachments: [
        { filename: "receipt 42.pdf", content: someOctets(4000, 1) },
        {
          filename: "receipt.csv",
          content: `\ufeff${ROWS.map((row) => row.map((cell) => `"${cell}"`).join(";")).join("\r\n")}\r\n`,
        },
      ],
    },
  },
  {
    name: "a receipt with a date of its own and a Message-ID of its own",
    message: {
      from: "receipts@shop.example",
      to: "customer@example.org",
      subject: "Dated",
      date: new Date("2001-02-03T04:05:06.789Z"),
      messageId: "<order.42.$x@[192.0.2.1]>",
      text: "An old one.\n",
    },
  },
  {
    name: "a date in a leap year before computers had them",
    message: {
      from: "a@example.com",
      to: "b@example.org",
      date: new Date("1904-02-29T23:59:59Z"),
      text: "1904\n",
    },
  },
  {
    name: "a date far off",
    message: {
      from: "a@example.com",
      to: "b@example.org",
      date: new Date("9999-12-31T00:00:00Z"),
      text: "9999\n",
    },
  },
  {
    name: "a notice from a machine with tokens in its fields",
    message: {
      from: { name: "Build", address: "build@ci.example" },
      sender: { name: "Mail robot", address: "robot@ci.example" },
      to: "team@example.org",
      subject: "[ci/main] failed: 3 of 1,204 (≈0.25 %)",
      text: "```\n\tAssertionError: 1 == 2\n    at f (x.ts:1:1)\n```\n",
      autoSubmitted: "auto-generated",
      headers: { "X-Auto-Response-Suppress": "All", "X-Build": ["main", "1204"] },
    },
    expected: {
      fields: {
        "auto-submitted": ["auto-generated"],
        "x-auto-response-suppress": ["All"],
        "x-build": ["main", "1204"],
      },
    },
  },
  {
    name: "an invitation as a file",
    message: {
      from: "a@example.com",
      to: "b@example.org",
      subject: "Lunch",
      text: "Lunch?",
      attachments: [
        { filename: "lunch.ics", content: "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n" },
      ],
    },
  },
  {
    name: "a visiting card as a file",
    message: {
      from: "a@example.com",
      to: "b@example.org",
      attachments: [
        { filename: "Zoë.vcf", content: "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Zoë 太郎\r\nEND:VCARD\r\n" },
      ],
    },
  },
  {
    name: "an answer with a quoted text below it",
    message: {
      from: "a@example.com",
      to: "b@example.org",
      subject: "Re: Re: AW: 回复: Lunch",
      text: "Yes.\n\nOn Sunday b wrote:\n> Lunch?\n>\n> > Dinner?\n>From here on it is old.\n>  \n-- \na\n",
    },
  },
];
