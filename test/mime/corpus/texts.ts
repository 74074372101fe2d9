// Texts: what lines may hold, and where they may end.

import type { Entry } from "./entry.ts";

function text(what: string, text: string): Entry {
  return {
    name: `a text ${what}`,
    message: { from: "a@example.com", to: "b@example.org", subject: what, text },
  };
}

/** The same inside a multipart, where its last line is followed by a boundary, as HTML too. */
function twice(what: string, text: string): Entry[] {
  return [
    { name: `a text ${what}`, message: { from: "a@example.com", to: "b@example.org", subject: what, text } },
    {
      name: `a text and its HTML ${what}`,
      message: { from: "a@example.com", to: "b@example.org", subject: what, text, html: text },
    },
  ];
}

const EVERY_CHARACTER = Array.from({ length: 0x500 }, (_, at) => String.fromCodePoint(at))
  .join("")
  .replace(/[\r\n]/g, "");

export const texts: readonly Entry[] = [
  ...twice("of nothing", ""),
  ...twice("of one line end", "\n"),
  ...twice("of line ends only", "\r\n\n\r\r\n\n"),
  ...twice("without a line end behind", "no end"),
  ...twice("with three line ends behind", "end\n\n\n"),
  ...twice("with CR, LF and CRLF", "lf\ncr\rcrlf\r\nlfcr\n\rcrcrlf\r\r\nend"),
  ...twice("of lines of dots", ".\n..\n...\n.\r\n.leading\n. \n.."),
  ...twice("with blanks behind its lines", "one \ntwo  \ntab\t\n \n\t\n  \n end "),
  ...twice("with blanks behind lines beyond ASCII", "é \né\t\n \né  "),
  ...twice("with From at the start of lines", "From here\n>From there\nFrom: x\nfrom\nFrom "),
  ...twice("of equals signs", "=\n==\n=3D\n=20\na=\n= =\n=E9=\n"),
  ...twice("that looks like boundaries", "--\n--=_0\n--=_00000000000000000000000000000000_0--\n-- \n"),
  text("of 998 octets in a line", `${"x".repeat(998)}\nend\n`),
  text("of 999 octets in a line", `${"x".repeat(999)}\nend\n`),
  text("of 100,000 characters in a line", "0123456789".repeat(10_000)),
  text("of 100,000 blanks in a line", `${" ".repeat(100_000)}x`),
  text("of 998 octets in a line beyond ASCII", `${"é".repeat(499)}\né\n`),
  text(
    "with 75, 76 and 77 characters in lines beyond ASCII",
    `é\n${"a".repeat(75)}\n${"a".repeat(76)}\n${"a".repeat(77)}\n${"a".repeat(75)}=\n${"a".repeat(74)}é\n${"a".repeat(75)} \n`,
  ),
  text("with tabs in every place", "\ta\t\tb\t\n\t\n\t\t\n"),
  text("with every character up to U+04FF", EVERY_CHARACTER.replaceAll("\0", "")),
  text("with a NUL", "before\0after\n"),
  text(
    "with control characters",
    "bell\x07 backspace\x08 escape\x1b[31mred\x1b[0m del\x7f form\x0cfeed vt\x0b\n",
  ),
  text("with separators of lines that are none in mail", "nel\u0085ls\u2028ps\u2029end\n"),
  text("that is one emoji", "👩🏽‍🚀"),
  text("of emoji without an end", "👨‍👩‍👧‍👦".repeat(500)),
  text("in three directions", "English עברית العربية\n\u2067isolate\u2069 \u202boverride\u202c\n"),
  text("in Thai on one line", "ภาษาไทยเขียนติดกันโดยไม่เว้นวรรคระหว่างคำ".repeat(60)),
  text("in Latin with few accents", "Une phrase écrite à la main, sans façon.\n".repeat(40)),
  text("in Chinese", "这是一封很长的信。\n".repeat(100)),
  text("in halves of width", "ｶﾀｶﾅ ＡＢＣ １２３\n"),
  text("of combining characters in both orders", "é e\u0301 Å A\u030a q\u0307\u0323 q\u0323\u0307\n"),
  text("that is base64", `${Buffer.from("not to be decoded").toString("base64")}\n`),
  text("that is a message", "From: a@b.example\nTo: c@d.example\nContent-Type: text/html\n\n<p>no</p>\n"),
  text("that ends mail data, if nobody looks", "a\r\n.\r\nMAIL FROM:<x@y.example>\r\n.\r\n\n.\n"),
  text("with the signature line", "text\n-- \nme\n"),
  text("of a byte order mark within", "a\ufeffb\n"),
  text("of 20,000 short lines", "x\n".repeat(20_000)),
  text("of 20,000 line ends", "\n".repeat(20_000)),
  text("with encoded-words", "=?utf-8?B?eA==?=\n=?utf-8?Q?=C3=A9?= é\n"),
  {
    name: "a text that begins with a byte order mark",
    message: { from: "a@example.com", to: "b@example.org", text: "\ufeffmarked\n" },
    faults: [{ reader: "postal-mime", why: "it drops a byte order mark", without: ["text"] }],
  },
];
