// Further header fields: folded where they are long, encoded where they are text, left alone where machines read them.

import type { Entry } from "./entry.ts";

function fields(what: string, headers: Record<string, string | string[]>): Entry {
  return {
    name: what,
    message: { from: "a@example.com", to: "b@example.org", subject: what, text: "x\n", headers },
  };
}

export const fieldEntries: readonly Entry[] = [
  fields("a field of one word", { "X-One": "word" }),
  fields("a field that is empty", { "X-Empty": "" }),
  fields("a field given many times", { "X-Many": Array.from({ length: 50 }, (_, at) => `value ${at}`) }),
  {
    ...fields("a field with a name of 74 characters", {
      [`X-${"n".repeat(72)}`]: "value in two words",
      [`Y-${"n".repeat(72)}`]: "ü",
    }),
    faults: [
      {
        reader: "python",
        why: "before 3.13 it keeps the blank of a field that is folded right behind its colon",
        without: ["fields"],
      },
    ],
  },
  fields("a field with every sign a name may have", { "X-!#$%&'*+-.^_`|~09": "1", '(),/;<=>?@[\\]{}"': "2" }),
  fields("a field of JSON", {
    "X-SMTPAPI": JSON.stringify({ to: ["a@b.example"], category: "codes", unique: { n: 42, ü: "é" } }),
  }),
  fields("a field of long JSON without a space", {
    "X-Data": JSON.stringify(Array.from({ length: 150 }, (_, at) => at)),
  }),
  fields("a field of 10,000 words", { "X-Long": "lorem ".repeat(10_000).trim() }),
  fields("a field of numbers and dates", { "X-When": "Sun, 22 Nov 2026 09:00:00 +0000", "X-Count": "0042" }),
  fields("a field of base64", {
    "X-Signature": Buffer.from("s".repeat(600)).toString("base64").replace(/.{60}/g, "$& ").trim(),
  }),
  fields("a field of emoji", { "X-Mood": "😀 😐 🙁 👩🏽‍🚀" }),
  fields("a field in Arabic", { "X-Title": "عنوان الرسالة الأسبوعية الطويلة جدا في هذا الأسبوع المبارك" }),
  fields("a field that begins and ends with blanks", { "X-Blank": "  x  ", "X-Only": "   " }),
  fields("a field with quotes and comments", { "X-Quote": 'a "b (c" d) \\e', "X-Comment": "(not a comment" }),
  fields("fields that ask for receipts", {
    "Disposition-Notification-To": "a@example.com",
    "Return-Receipt-To": "a@example.com",
    "X-Confirm-Reading-To": "a@example.com",
  }),
  fields("fields of other programs", {
    Organization: "Penny & Söhne",
    "User-Agent": "penny/1.0 (+https://example.com)",
    "X-Mailer": "penny",
    "X-Auto-Response-Suppress": "All",
  }),
  fields("fields whose names are those of object properties", {
    constructor: "1",
    toString: "2",
    hasOwnProperty: "3",
  }),
];
