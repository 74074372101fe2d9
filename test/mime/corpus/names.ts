// Mailboxes: display names with everything in them, local parts that are quoted, domains of other scripts, many of each.

import type { Entry } from "./entry.ts";

/** A name as it was meant, in every field that takes one. */
function named(name: string, what: string): Entry {
  const mailbox = { name, address: "someone@example.com" };
  return {
    name: `a display name ${what}`,
    message: {
      from: mailbox,
      to: [mailbox, "other@example.org", { name, address: "third@example.org" }],
      subject: what,
      text: `${name}\n`,
    },
  };
}

const DIALECTS = ["日本 太郎", "Ольга", "مريم", "מרים", "สมชาย", "अमित", "김철수", "Zoë", "Łukasz", "Đặng"];

export const names: readonly Entry[] = [
  named("Alice", "of one word"),
  named("Alice B. Carol", "with a dot"),
  named('Carol, Alice (Sales) <x@y.example>; "Boss": a\\b [1] @home', "with every special of RFC 5322"),
  named('"', "that is a double quote"),
  named("\\", "that is a backslash"),
  named("it's a 'name' `here`", "with apostrophes"),
  named("a@b.example", "that is an address"),
  named("=?utf-8?Q?Alice?=", "that looks like an encoded-word"),
  named("a =? b ?= c", "with the ends of an encoded-word"),
  named("Undisclosed recipients:;", "that looks like a group"),
  named("Zoë Ångström", "with two letters beyond ASCII"),
  named('Zoë "Zoom" Ångström, Ltd. (<Ω>)', "with specials and letters beyond ASCII"),
  named("山田 太郎（営業部）", "in Japanese"),
  named("محمد بن عبد الله", "in Arabic"),
  named("דוד המלך 3.0", "in Hebrew with a number"),
  named("สมชาย ใจดี", "in Thai"),
  named("श्रीमती अनुष्का", "in Devanagari"),
  named("👩‍💻 Ada 🏳️‍🌈🇩🇪👋🏿", "with emoji of several characters"),
  named("𝒜𝓁𝒾𝒸ℯ 𠮷野家", "beyond the basic plane"),
  named("e\u0301e\u0301e\u0301 A\u030a", "of combining characters"),
  named("x".repeat(200), "of 200 letters without a space"),
  named("word ".repeat(60).trim(), "of sixty words"),
  named("長".repeat(120), "of 120 Chinese characters"),
  named("a  b   c", "with runs of blanks"),
  named("é  b   é", "with runs of blanks beyond ASCII"),
  named("!#$%&'*+-/=?^_`{|}~", "of the signs an atom may have"),
  named("percent%20and+plus", "with an escape of URLs"),
  named("Ends in a dot.", "that ends in a dot"),
  {
    name: "mailboxes as strings in every form",
    message: {
      from: "Alice <alice@example.com>",
      sender: '"Carol, of Sales" <carol@example.com>',
      replyTo: ['"a \\"b\\" \\\\ c" <d@example.com>', "e@example.com"],
      to: ["Bob B. <bob@example.org>", "<bare@example.org>", "plain@example.org"],
      cc: "Zoë Ångström <zoe@example.org>",
      subject: "strings",
      text: "x",
    },
  },
  {
    name: "a quoted local part in angle brackets",
    message: {
      from: { name: "Quoted", address: '"john smith"@example.com' },
      to: [
        { name: "At", address: '"a@b"@example.org' },
        { name: "Esc", address: '"q\\"r\\\\s"@example.org' },
        { name: "Comma", address: '"a,b;c:d"@example.org' },
      ],
      text: "x",
    },
  },
  {
    name: "a quoted local part by itself",
    message: { from: "a@example.com", to: ['"john smith"@example.org', '"a@b"@example.org'], text: "x" },
    faults: [
      {
        reader: "postal-mime",
        why: "it drops the quotes of a local part outside angle brackets",
        without: ["to"],
      },
    ],
  },
  {
    name: "a local part with dots where an atom has none",
    message: { from: "a@example.com", to: { name: "Dots", address: '".a..b."@example.org' }, text: "x" },
    faults: [{ reader: "python", why: "it shows such a local part without its quotes", without: ["to"] }],
  },
  {
    name: "quotes around a local part that needs none",
    message: { from: '"alice"@example.com', to: '"b.c+d"@example.org', text: "x" },
    expected: {
      from: [{ name: "", address: "alice@example.com" }],
      to: [{ name: "", address: "b.c+d@example.org" }],
    },
  },
  {
    name: "a local part of every sign that an atom may have",
    message: { from: "!#$%&'*+-/?=^_`{|}~@example.com", to: "o'neil+tag=x@example.org", text: "x" },
  },
  {
    name: "a local part of 64 octets at a domain of many labels",
    message: {
      from: `${"l".repeat(64)}@${"sub.".repeat(30)}example.com`,
      to: "x@y.z.example.org",
      text: "x",
    },
  },
  {
    name: "address literals",
    message: { from: "a@[192.0.2.1]", to: ["b@[IPv6:2001:db8::1]"], messageId: "<1@example.com>", text: "x" },
    faults: [
      {
        reader: "postal-mime",
        why: "it takes the colon of an IPv6 literal for that of a group",
        without: ["to"],
      },
    ],
  },
  {
    name: "domains of other scripts",
    message: {
      from: "a@bücher.example",
      to: ["b@例え.テスト", { name: "رقم", address: "c@مثال.إختبار" }, "d@xn--bcher-kva.example"],
      text: "x",
    },
    expected: {
      from: [{ name: "", address: "a@xn--bcher-kva.example" }],
      to: [
        { name: "", address: "b@xn--r8jz45g.xn--zckzah" },
        { name: "رقم", address: "c@xn--mgbh0fb.xn--kgbechtv" },
        { name: "", address: "d@xn--bcher-kva.example" },
      ],
    },
  },
  {
    name: "a domain in upper case",
    message: { from: "Alice@EXAMPLE.com", to: "Bob@Example.ORG", text: "x" },
  },
  {
    name: "local parts of other scripts",
    message: {
      from: { name: "Jörg", address: "jörg@example.com" },
      to: ["用户@example.org", "δοκιμή@bücher.example"],
      subject: "Grüße",
      text: "x",
    },
    expected: {
      to: [
        { name: "", address: "用户@example.org" },
        { name: "", address: "δοκιμή@xn--bcher-kva.example" },
      ],
    },
    needs: "utf8",
  },
  {
    name: "a local part of another script in the envelope only",
    message: { from: "a@example.com", to: "b@example.org", bcc: "用户@example.org", text: "x" },
    needs: "utf8",
  },
  {
    name: "a thousand recipients",
    message: {
      from: "a@example.com",
      to: Array.from({ length: 700 }, (_, at) => ({
        name: at % 3 === 0 ? `${DIALECTS[at % 10]} ${at}` : `User ${at}`,
        address: `user${at}@example.org`,
      })),
      cc: Array.from({ length: 300 }, (_, at) => `copy${at}@example.net`),
      subject: "To all",
      text: "x",
    },
  },
  {
    name: "blind recipients only",
    message: { from: "a@example.com", bcc: ["b@example.org", "c@example.org"], subject: "Nobody", text: "x" },
  },
  {
    name: "the same recipient in to, cc and bcc",
    message: {
      from: "a@example.com",
      to: ["b@example.org", "b@example.org"],
      cc: "B <b@example.org>",
      bcc: "b@example.org",
      text: "x",
    },
  },
  {
    name: "an envelope that is not what the header section says",
    message: {
      from: "author@example.com",
      to: "list@example.org",
      envelope: { from: "bounces+7@example.com", to: ["b@example.net"] },
      text: "x",
    },
  },
  {
    name: "a display name beyond ASCII before an address that fills a line",
    message: {
      from: { name: "Ö", address: `${"l".repeat(40)}@${"sub.".repeat(7)}example.com` },
      to: Array.from({ length: 3 }, () => ({
        name: "é",
        address: `${"r".repeat(60)}@${"sub.".repeat(10)}example.org`,
      })),
      text: "x",
    },
  },
  {
    name: "addresses that fill lines, without names",
    message: {
      from: `${"l".repeat(25)}@${"sub.".repeat(10)}example.com`,
      to: [
        `${"r".repeat(60)}@example.org`,
        `${"s".repeat(64)}@${"sub.".repeat(40)}example.org`,
        "t@example.org",
      ],
      text: "x",
    },
  },
  {
    name: "an empty display name",
    message: { from: { name: "", address: "a@example.com" }, to: { address: "b@example.org" }, text: "x" },
  },
];
