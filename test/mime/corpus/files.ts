// Attachments: their names, types and octets, and the images that HTML shows.

import { type Entry, PIXEL, type ReaderFault, someOctets } from "./entry.ts";

const from = "a@example.com";
const to = "b@example.org";

const PYTHON_TRIMS: ReaderFault = {
  reader: "python",
  why: "it strips blanks from file names, encoded ones too",
  without: ["files"],
};
const PYTHON_UNQUOTES: ReaderFault = {
  reader: "python",
  why: "it takes the quotes off a file name once more when it has read it",
  without: ["files"],
};
const POSTAL_DECODES: ReaderFault = {
  reader: "postal-mime",
  why: "it decodes what looks like an encoded-word in a file name that it has decoded already",
  without: ["files"],
};

function file(what: string, filename: string, faults: readonly ReaderFault[] = []): Entry {
  return {
    name: `a file name ${what}`,
    message: {
      from,
      to,
      subject: what,
      text: "see below\n",
      attachments: [{ filename, content: someOctets(100) }],
    },
    faults,
  };
}

function octets(
  what: string,
  content: Uint8Array | string,
  contentType?: string,
  parameters?: string,
): Entry {
  return {
    ...(parameters !== undefined && { parameters: [parameters] }),
    name: `a file ${what}`,
    message: {
      from,
      to,
      subject: what,
      attachments: [{ filename: "file.bin", content, ...(contentType !== undefined && { contentType }) }],
    },
  };
}

const TAG = '<img src="cid:a"><img src="cid:b@c.example"><img src="cid:unused">';

export const files: readonly Entry[] = [
  file("of one word", "report.pdf"),
  file("with blanks", "annual report 2026 final (2).pdf"),
  file("with blanks around", " padded .pdf ", [PYTHON_TRIMS]),
  file("with runs of blanks", "a  b   c.txt"),
  file("with a double quote", 'the "best" one.pdf'),
  file("of double quotes", '"""', [PYTHON_UNQUOTES]),
  file("with semicolons, commas and equals signs", "a;b,c=d; filename=x.exe"),
  file("that closes its own quotes", 'a"; filename="evil.exe'),
  file("with percent signs", "100%25 %41%zz.pdf"),
  file("with apostrophes", "it's 'mine'.pdf"),
  file("that looks like RFC 2231", "utf-8''x%41.pdf"),
  file("that looks like an encoded-word", "=?utf-8?Q?x.pdf?=", [POSTAL_DECODES]),
  file("with stars", "a*0*=b*.pdf"),
  file("with comments", "a (b) (c"),
  file("of every printable sign but those of paths", "!\"#$%&'()*+,-.:;<=>?@[]^_`{|}~ x"),
  file("with umlauts", "Prüfbericht – Größe.pdf"),
  file("in Chinese", "二〇二六年度报告（最终版）.pdf"),
  file("in Japanese", "請求書　第４２号.pdf"),
  file("in Korean", "보고서 최종.pdf"),
  file("in Arabic", "تقرير سنوي.pdf"),
  file("in Hebrew", "דוח שנתי.pdf"),
  file("in Thai", "รายงานประจำปี.pdf"),
  file("in Devanagari", "वार्षिक रिपोर्ट.pdf"),
  file("of emoji", "👩‍👩‍👧 holiday 🏖️🇬🇷.jpg"),
  file("of decomposed letters", "re\u0301sume\u0301.pdf"),
  file("of 255 octets of ASCII", `${"n".repeat(251)}.pdf`),
  file("of 255 octets of Chinese", `${"名".repeat(83)}.pdf`.padEnd(87, "x").slice(0, 89)),
  file("of 255 octets and blanks", `${"ab ".repeat(83)}xx.pdf`),
  file("without an extension", "README"),
  file("of dots", "...a...b..."),
  file("with an extension nobody knows", "x.unheard-of"),
  file("in upper case", "SCAN.PDF"),
  file("beyond the basic plane", "𠮷野家𝒜.pdf"),

  octets("of no octets", new Uint8Array(0)),
  octets("of one octet", Uint8Array.of(0)),
  octets(
    "of every octet",
    Uint8Array.from({ length: 256 }, (_, at) => at),
  ),
  octets("of 56 octets", someOctets(56)),
  octets("of 57 octets, one line", someOctets(57)),
  octets("of 58 octets", someOctets(58)),
  octets("of 57 lines and one octet", someOctets(57 * 57 + 1)),
  octets("of 58,368 octets, one block", someOctets(57 * 1024)),
  octets("of 58,369 octets", someOctets(57 * 1024 + 1, 5)),
  octets("of 300,000 octets", someOctets(300_000, 2)),
  octets("of CR, LF and CRLF, which stay as they are", "a\rb\nc\r\nd\n\r"),
  octets("of text, sent as UTF-8", "Zoë 太郎 👍🏽\n"),
  octets("of text that is a lone dot", "\r\n.\r\n"),
  octets(
    "of Latin-1 with its charset",
    Uint8Array.of(0x5a, 0x6f, 0xeb, 0x0a),
    "text/plain; charset=iso-8859-1",
    "charset=iso-8859-1",
  ),
  octets(
    "of Shift_JIS with its charset",
    Uint8Array.of(0x93, 0xfa, 0x96, 0x7b),
    'text/csv; charset="shift_jis"; header=present',
    "charset=shift_jis; header=present",
  ),
  octets(
    "of UTF-16 with its charset",
    Uint8Array.of(0xff, 0xfe, 0x41, 0x00),
    "text/plain; charset=utf-16",
    "charset=utf-16",
  ),
  octets(
    "with a type of several parameters",
    someOctets(9),
    `Application/X-Thing; a=1; b="two words"; c="q\\"q"; long=${"v".repeat(70)}`,
    `a=1; b=two words; c=q"q; long=${"v".repeat(70)}`,
  ),
  octets("with a type of +json", "{}", "application/vnd.penny+json; version=1", "version=1"),
  octets("of a window on a larger buffer", new Uint8Array(someOctets(1000).buffer, 100, 333)),
  octets("of a Node Buffer", Buffer.from("a Buffer is a Uint8Array")),

  {
    name: "files given as base64 and described",
    message: {
      from,
      to,
      attachments: [
        { filename: "a.bin", content: Buffer.from(someOctets(100)).toString("base64"), encoding: "base64" },
        {
          filename: "b.bin",
          content: "",
          encoding: "base64",
          headers: { "Content-Description": "nothing at all" },
        },
        {
          filename: "c.bin",
          content: "x",
          headers: { "Content-Description": "größer – 更大", "X-Part": ["1", "2"] },
        },
      ],
    },
  },
  {
    name: "a file without a name",
    message: { from, to, text: "x", attachments: [{ content: someOctets(10) }] },
  },
  {
    name: "one file and no text",
    message: { from, to, attachments: [{ filename: "x.zip", content: someOctets(10) }] },
  },
  {
    name: "the same file name twice",
    message: {
      from,
      to,
      text: "x",
      attachments: [
        { filename: "same.txt", content: "first" },
        { filename: "same.txt", content: "second" },
      ],
    },
  },
  {
    name: "two hundred files",
    message: {
      from,
      to,
      text: "many",
      attachments: Array.from({ length: 200 }, (_, at) => ({
        filename: `№ ${at}.json`,
        content: `{"at":${at}}`,
      })),
    },
  },
  {
    name: "text files that are not the text",
    message: {
      from,
      to,
      text: "the text",
      html: "<p>the HTML</p>",
      attachments: [
        { filename: "a.txt", content: "not the text" },
        { filename: "a.html", content: "<p>not the HTML</p>" },
        { filename: "a.csv", content: "a;b\r\n" },
      ],
    },
  },
  {
    name: "a text file that is to be shown in place",
    message: {
      from,
      to,
      text: "the text",
      attachments: [{ filename: "in.txt", content: "in place", disposition: "inline" }],
    },
    faults: [
      {
        reader: "postal-mime",
        why: "it takes text that is shown in place for the body",
        without: ["text", "files"],
      },
    ],
  },
  {
    name: "a picture that is shown in place without a cid",
    message: {
      from,
      to,
      html: "<p>x</p>",
      attachments: [{ filename: "p.png", content: PIXEL, disposition: "inline" }],
    },
  },
  {
    name: "images by cid with a text",
    message: {
      from,
      to,
      text: "x",
      html: `<p>${TAG}</p>`,
      attachments: [
        { filename: "a.png", content: PIXEL, cid: "a" },
        { content: PIXEL, cid: "b@c.example", contentType: "image/png" },
        { filename: "ü.svg", content: "<svg xmlns='http://www.w3.org/2000/svg'/>", cid: "unused" },
      ],
    },
  },
  {
    name: "images by cid without a text",
    message: { from, to, html: TAG, attachments: [{ filename: "a.png", content: PIXEL, cid: "a" }] },
  },
  {
    name: "an image by cid that is to be saved",
    message: {
      from,
      to,
      html: TAG,
      attachments: [{ filename: "a.png", content: PIXEL, cid: "a", disposition: "attachment" }],
    },
  },
  {
    name: "a cid of every sign it may have",
    message: {
      from,
      to,
      html: '<img src="cid:a.b!#$%25&amp;\'*+-/=?^_`{|}~@x.y">',
      attachments: [{ content: PIXEL, contentType: "image/png", cid: "a.b!#$%&'*+-/=?^_`{|}~@x.y" }],
    },
  },
  {
    name: "images, files and both texts, in mixed order",
    message: {
      from,
      to,
      subject: "Everything",
      text: "text",
      html: TAG,
      attachments: [
        { filename: "1.pdf", content: someOctets(31, 1) },
        { filename: "2.png", content: someOctets(32, 2), cid: "a" },
        { filename: "3.pdf", content: someOctets(33, 3) },
        { filename: "4.png", content: someOctets(34, 4), cid: "b@c.example" },
      ],
    },
  },
];
