// What a filter makes of how our messages are built: SpamAssassin with the rules that come with it. What they say, and
// from where, is another matter: nobody here has a name in the DNS.
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { composeMessage } from "../../src/compose.ts";
import type { Message } from "../../src/message.ts";

const LIMIT = 60_000; // ms; it takes a second to start, and half a second for each message

/** Rules on the building of a message: its fields, its parts, its encodings, its dates and identifiers. */
const BUILDING =
  /MIME|MISSING|INVALID|FORGED|RATWARE|BASE64|CHARSET|ENC_|_ENC|CTE_|HEADER|HDR|MSGID|MID|DATE|SUBJ|QP_|8BIT|ILLEGAL|UNPARSEABLE|EMPTY|TRACKER|FROM_|TO_|REPLYTO|BOUNDARY/;
const text = "Hello,\n\nYour code is 042137. It is valid for ten minutes.\n\nThe Penny Bank\n";
const html =
  "<!doctype html>\n<html><head><title>Your code</title></head><body>\n<p>Hello,</p>\n<p>Your code is <b>042137</b>. It is valid for ten minutes.</p>\n<p>The Penny Bank</p>\n</body></html>\n";
const base = {
  from: { name: "Penny Bank", address: "codes@bank.example" },
  to: "Customer <customer@example.org>",
};
const ADVICE = "Er gilt zehn Minuten, für Sie allein; geben Sie ihn niemandem weiter, auch uns nicht. ";
const story =
  "Nothing has happened in our town since last week, and the editors are glad to be able to report it again. ";

const PLAIN: Readonly<Record<string, Message>> = {
  "a verification mail of text": { ...base, subject: "Your code is 042137", text },
  "a verification mail of text and HTML": {
    ...base,
    subject: "Your code is 042137",
    text,
    html,
    otp: { code: "042137", origin: "https://bank.example" },
    autoSubmitted: "auto-generated",
  },
  "a verification mail in Chinese": {
    from: { name: "一分钱银行", address: "codes@bank.example" },
    to: { name: "张三", address: "customer@example.org" },
    subject: "您的验证码是 042137，请在十分钟内使用",
    text: "您好：\n\n您的验证码是\n\n042137\n\n十分钟内有效。请勿告诉任何人。\n\n一分钱银行\n",
    html: "<!doctype html>\n<html><body>\n<p>您好：</p>\n<p>您的验证码是</p>\n<p><b>042137</b></p>\n<p>十分钟内有效。请勿告诉任何人。</p>\n<p>一分钱银行</p>\n</body></html>\n",
  },
  "a verification mail in German, with an image": {
    from: { name: "Pfennigbank Österreich", address: "codes@bank.example" },
    to: { name: "Jürgen Größe", address: "customer@example.org" },
    subject: "Ihr Anmeldecode für heute lautet 042137 – bitte geben Sie ihn niemandem weiter",
    text: `Guten Tag,\n\nIhr Anmeldecode lautet 042137. ${ADVICE.repeat(40)}\n`,
    html: `<!doctype html>\n<html><body>\n<p><img src="cid:logo" alt="" width="100" height="40"></p>\n<p>Guten Tag,</p>\n<p>Ihr Anmeldecode lautet <b>042137</b>. ${ADVICE.repeat(40)}</p>\n</body></html>\n`,
    attachments: [
      { filename: "größe.png", content: Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10), cid: "logo" },
    ],
  },
  "a newsletter": {
    from: { name: "The Penny Paper", address: "paper@bank.example" },
    to: "Reader <customer@example.org>",
    replyTo: "editors@bank.example",
    subject: "The Penny Paper, number 42",
    text: `${`${story.repeat(5)}\n\n`.repeat(8)}Leave: https://bank.example/leave\n`,
    html: `<!doctype html><html><head><title>The Penny Paper</title></head><body>${`<p>${story.repeat(5)}</p>`.repeat(8)}<p><a href="https://bank.example/leave">Leave: https://bank.example/leave</a></p></body></html>`,
    list: {
      id: "The Penny Paper <paper.bank.example>",
      oneClick: "https://bank.example/leave?u=0123456789",
      unsubscribe: "mailto:leave@bank.example",
    },
    priority: "normal",
  },
  "a receipt with a file": {
    ...base,
    subject: "Your receipt 2026-42",
    text: "Thank you. Your receipt is attached.\n",
    attachments: [
      { filename: "Beleg – 2026 (42).pdf", content: new TextEncoder().encode("%PDF-1.4\n%%EOF\n") },
    ],
  },
};

/** As it looks where it arrives. The rules know the addresses that are for examples, and count them. */
function delivered(octets: Uint8Array): Uint8Array {
  const date = new Date().toUTCString().replace("GMT", "+0000");
  const trace = [
    "Return-Path: <codes@bank.example>",
    "Received: from mail.bank.example (mail.bank.example [44.55.66.77])",
    "\tby mx.example.org (Postfix) with ESMTPS id 4Zq7Rk1xY3z9",
    `\tfor <customer@example.org>; ${date}`,
    "",
  ].join("\r\n");
  return Buffer.concat([Buffer.from(trace), octets]);
}

/** A message with the faults that such rules are for. */
const BADLY_BUILT = [
  "From: codes@bank.example",
  `Subject: ${"=?utf-8?B?WW91ciBjb2RlIGlzIDA0MjEzNw==?="}`,
  "MIME-Version: 1.0",
  "Content-Type: text/html; charset=utf-8",
  "Content-Transfer-Encoding: base64",
  "",
  Buffer.from("<p>Your code is 042137, and it is valid for ten minutes.</p>".repeat(5)).toString("base64"),
  "",
].join("\r\n");

describe("SpamAssassin", () => {
  const rules = new Map<string, string[]>();
  const points = new Map<string, number>();

  beforeAll(async () => {
    const directory = join(process.env.INTEROP_DIR ?? "", "spamassassin");
    await mkdir(directory, { recursive: true });
    const messages = new Map<string, Uint8Array>([
      ["a message that is badly built", Buffer.from(BADLY_BUILT)],
    ]);
    for (const [name, message] of Object.entries(PLAIN)) {
      const { content } = composeMessage(message);
      messages.set(`${name}, as composed`, content);
      messages.set(`${name}, as delivered`, delivered(content));
    }
    const paths: string[] = [];
    for (const octets of messages.values()) {
      const path = join(directory, `${paths.length}.eml`);
      await writeFile(path, octets);
      paths.push(path);
    }
    const script = fileURLToPath(new URL("spamassassin.sh", import.meta.url));
    const { stdout } = await promisify(execFile)("bash", [script, "score", directory, ...paths], {
      timeout: LIMIT,
    });
    const lines = stdout.trimEnd().split("\n");
    expect(lines.length).toBe(messages.size);
    for (const [at, name] of [...messages.keys()].entries()) {
      const [, score, fired] = /score=(\S+) tests=(\S+) end$/.exec(lines[at] ?? "") ?? [];
      if (fired === undefined) throw new Error(`not a result: ${lines[at]}`);
      console.log(`SpamAssassin: ${name}: ${score} points: ${fired}`);
      rules.set(name, fired.split(","));
      points.set(name, Number(score));
    }
  }, LIMIT);

  test.each(Object.keys(PLAIN))("has nothing to say of how %s is built", (name) => {
    for (const state of ["as composed", "as delivered"]) {
      const fired = rules.get(`${name}, ${state}`) ?? ["nothing was heard"];
      expect(fired.filter((rule) => BUILDING.test(rule))).toEqual([]);
      expect(points.get(`${name}, ${state}`)).toBeLessThanOrEqual(0);
    }
  });

  test("says of a message that is badly built what is wrong with it", () => {
    const fired = rules.get("a message that is badly built") ?? [];
    expect(fired).toEqual(
      expect.arrayContaining(["MISSING_DATE", "MISSING_MID", "MIME_HTML_ONLY", "BASE64_LENGTH_79_INF"]),
    );
  });
});
