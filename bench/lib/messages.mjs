// The messages of the scenarios, in one neutral form that every contestant translates into its own. The same in every
// run, and several of each kind in turn, so that no figure is that of a message seen before.

import { closeSync, openSync, writeSync } from "node:fs";

/**
 * @typedef {{ name: string, address: string }} Mailbox
 * @typedef {{ filename: string, contentType: string, content?: Buffer, path?: string }} File
 * @typedef {object} NeutralMessage
 * @property {Mailbox} from
 * @property {Mailbox[]} to
 * @property {string} subject
 * @property {string} [text]
 * @property {string} [html]
 * @property {File[]} [attachments]
 */

const KIB = 1024;
const FROM = { name: "Penny Post", address: "login@pennypost.example" };
const FROM_CJK = { name: "便士邮局", address: "login@pennypost.example" };

const MAKERS = {
  otp: { variants: 16, make: otp },
  html: { variants: 8, make: (n) => receipt(n, ASCII_WORDS) },
  "html-qp": { variants: 8, make: (n) => receipt(n, LATIN_WORDS) },
  cjk: { variants: 8, make: cjk },
  mb: { variants: 4, make: (n) => withFile(n, { content: octets(KIB * KIB, 1) }) },
  file25: { variants: 1, make: (n, { file }) => withFile(n, { path: file }) },
};

export const KINDS = Object.keys(MAKERS);

/**
 * Makes the messages of a kind; `file` is the path of the file that "file25" attaches.
 * @param {string} kind
 * @param {{ file?: string }} [options]
 * @returns {NeutralMessage[]}
 */
export function messagesOf(kind, options = {}) {
  const { variants, make } = MAKERS[kind];
  return Array.from({ length: variants }, (_, n) => make(n, options));
}

/**
 * Goes through a list for ever.
 * @template T
 * @param {readonly T[]} items
 * @returns {() => T}
 */
export function rotate(items) {
  let next = 0;
  return () => {
    const item = items[next];
    next = (next + 1) % items.length;
    return item;
  };
}

/** Writes a file of that many octets, which look random and are the same every time. */
export function writeFileOfSize(path, size) {
  const file = openSync(path, "wx");
  try {
    for (let written = 0; written < size; ) {
      const piece = octets(Math.min(KIB * KIB, size - written), 1 + written);
      written += writeSync(file, piece);
    }
  } finally {
    closeSync(file);
  }
}

/** 200 octets of text, as verification codes are sent. */
function otp(n) {
  const code = String(100_000 + n * 7919).padStart(6, "0");
  return {
    from: FROM,
    to: [{ name: `Bob Example ${n}`, address: `bob${n}@example.org` }],
    subject: `Your verification code is ${code}`,
    text: `Hello Bob,

your verification code is ${code}.

It is valid for 10 minutes and for one login. If you did not ask
for it, somebody may have typed your address by mistake: just ignore
this message.
`,
  };
}

const ASCII_WORDS = {
  subject: "Your order",
  dear: "Dear customer",
  item: "Blue writing paper",
  price: "EUR",
};
/** A handful of characters beyond ASCII in ten thousand: what quoted-printable is for. */
const LATIN_WORDS = {
  subject: "Votre reçu",
  dear: "Chère cliente",
  item: "Blue writing paper",
  price: "EUR",
};

/** 10 kB of HTML with tags, attributes and "=" as templates have them, and half a kilobyte of text. */
function receipt(n, words) {
  const rows = [];
  for (let row = 0; row < 52; row++) {
    rows.push(
      `  <tr class="row">`,
      `    <td style="padding:4px 8px">${row + 1}</td>`,
      `    <td style="padding:4px 8px">${words.item}, no. ${n * 100 + row}</td>`,
      `    <td style="padding:4px 8px;text-align:right">${row}.90 ${words.price}</td>`,
      `  </tr>`,
    );
  }
  const page = [
    "<!doctype html>",
    `<html lang="en"><head><meta charset="utf-8"><title>${words.subject} ${n}</title></head><body>`,
    `<p>${words.dear}, this is what you bought.</p>`,
    `<table width="600">`,
    ...rows,
    "</table>",
    `<p><a href="https://shop.example/orders?id=${n}&amp;view=full">See it online</a></p>`,
    "</body></html>",
    "",
  ];
  const lines = Array.from(
    { length: 8 },
    (_, line) => `${words.item}, no. ${n * 100 + line}, ${line}.90 ${words.price}`,
  );
  return {
    from: FROM,
    to: [{ name: `Bob Example ${n}`, address: `bob${n}@example.org` }],
    subject: `${words.subject} no. ${n}`,
    text: `${words.dear}, this is what you bought.\n\n${lines.join("\n")}\n`,
    html: page.join("\n"),
  };
}

/** 10 kB of HTML in UTF-8, nearly all of it Chinese. */
function cjk(n) {
  const sentence = "您好，这是您的订单确认信。我们已经收到您的付款，商品将在三个工作日内发出，请注意查收。";
  const lines = Array.from({ length: 70 }, (_, line) => `<p>${line + 1}、${sentence}</p>`);
  return {
    from: FROM_CJK,
    to: [{ name: `王小明${n}`, address: `wang${n}@example.org` }],
    subject: `订单 ${n} 已确认，请查收`,
    html: `<!doctype html>\n<html lang="zh"><body>\n${lines.join("\n")}\n</body></html>\n`,
  };
}

function withFile(n, source) {
  return {
    from: FROM,
    to: [{ name: `Bob Example ${n}`, address: `bob${n}@example.org` }],
    subject: `Report no. ${n}`,
    text: "The report is attached.\n",
    attachments: [{ filename: "report.pdf", contentType: "application/pdf", ...source }],
  };
}

/** xorshift32: octets that do not compress and have no pattern an encoder could profit from. */
function octets(size, seed) {
  const words = new Uint32Array(Math.ceil(size / 4));
  let x = seed * 2654435761 || 1;
  for (let at = 0; at < words.length; at++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    words[at] = x;
  }
  return Buffer.from(words.buffer, 0, size);
}
