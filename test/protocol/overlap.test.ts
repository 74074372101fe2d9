// Two transactions on one session, the second begun behind the mail data of the first: whose reply is whose.

import { describe, expect, test } from "vitest";
import { encodeLatin1, encodeUtf8 } from "../../src/bytes.ts";
import { SmtpError } from "../../src/errors.ts";
import type { Effect } from "../../src/protocol/effect.ts";
import type { Extensions } from "../../src/protocol/extensions.ts";
import { Session } from "../../src/protocol/session.ts";
import { transaction } from "../../src/protocol/transaction.ts";

const DATA: Extensions = new Map([["PIPELINING", []]]);
const BDAT: Extensions = new Map([
  ["PIPELINING", []],
  ["CHUNKING", []],
]);

/** What became of each: the code of the reply that accepted it, or of the error and its delivery. */
type Fates = Readonly<Record<string, string>>;

/** Plays what the server says behind the mail data of the first, in one piece and octet by octet. */
function play(
  extensions: Extensions,
  ...replies: readonly string[]
): { fates: Fates; state: string; said: unknown } {
  const [whole, octets] = [once(extensions, [replies.join("")]), once(extensions, [...replies.join("")])];
  expect(octets).toEqual(whole);
  return whole;
}

function once(
  extensions: Extensions,
  pieces: readonly string[],
): { fates: Fates; state: string; said: unknown } {
  const session = new Session();
  const fates: Record<string, string> = {};
  const said: string[] = [];
  const names = new Map<unknown, string>();
  const perform = (effects: readonly Effect[]): void => {
    for (const effect of effects) {
      if (effect.do === "resolve" || effect.do === "reject") {
        const name = names.get(effect.dialogue);
        if (name === undefined) continue;
        expect(fates[name], `${name} is settled once`).toBeUndefined();
        if (effect.do === "resolve") fates[name] = "accepted";
        else if (effect.error instanceof SmtpError)
          fates[name] = `${effect.error.code}, ${effect.error.delivery}`;
        else throw effect.error;
      } else if (session.state !== "closed" && (effect.do === "write" || effect.do === "stream")) {
        said.push(effect.do === "write" ? effect.commands.map(({ verb }) => verb).join(" ") : "content");
        if (effect.content === undefined) continue;
        session.contentEnds();
        perform(session.contentLeft());
      }
    }
  };
  const hear = (text: string): void => perform(session.receive(encodeLatin1(text)));
  const begin = (name: string, manner: "at once" | "behind"): void => {
    const content = encodeUtf8("x\r\n");
    const message = { from: "a@x", to: [`${name}@x`], content, utf8: false };
    const one = transaction(message, extensions, { manner });
    names.set(one, name);
    perform(session.begin(one));
  };
  perform(
    session.begin(
      (function* () {
        yield { kind: "greeting" } as const;
        yield { kind: "commands", commands: [{ verb: "EHLO", line: "", shown: "", secrets: [] }] } as const;
      })(),
    ),
  );
  hear("220 x\r\n");
  hear("250 x\r\n");
  said.length = 0;
  expect(session.mayFollow).toBe(false);
  begin("first", "at once");
  if (extensions === DATA) hear("250 ok\r\n250 ok\r\n354 go\r\n");
  expect(session.mayFollow).toBe(true);
  begin("second", "behind");
  expect(session.mayFollow).toBe(extensions === BDAT);
  for (const piece of pieces) hear(piece);
  if (Object.keys(fates).length < 2) {
    perform(session.ended());
    return { fates, state: "it ended here", said };
  }
  return { fates, state: session.state, said };
}

const OK = "250 ok\r\n";

describe("through DATA", () => {
  test("the first reply is the first's, and the others are the second's", () => {
    expect(play(DATA, "250 queued\r\n", OK, OK, "354 go\r\n")).toMatchObject({
      fates: { first: "accepted", second: "connection_lost, unknown" },
      said: ["MAIL RCPT DATA", "content", "MAIL RCPT DATA", "content"],
    });
  });

  test("a refusal is the first's alone", () => {
    expect(play(DATA, "554 spam\r\n", OK, "550 no\r\n", "554 none\r\n")).toMatchObject({
      fates: { first: "content_refused, rejected", second: "recipients_refused, rejected" },
      said: ["MAIL RCPT DATA", "content", "MAIL RCPT DATA", "RSET"],
    });
  });

  test.each([
    ["the end", "", "connection_lost, unknown", "connection_lost, not-sent"],
    ["421", "421 bye\r\n", "service_closing, rejected", "connection_lost, not-sent"],
    ["garbage", "what?\r\n", "invalid_reply, unknown", "connection_lost, not-sent"],
    ["354", "354 go\r\n", "unexpected_reply, unknown", "connection_lost, not-sent"],
    ["the end, behind the first reply", OK, "accepted", "connection_lost, not-sent"],
    ["421, behind it", `${OK}421 bye\r\n`, "accepted", "service_closing, not-sent"],
    ["garbage, behind it", `${OK}what?\r\n`, "accepted", "invalid_reply, not-sent"],
    ["a reply too many", `${OK}${OK}${OK}${OK}`, "accepted", "unexpected_reply, not-sent"],
  ])("%s is told to each as far as it went", (_, said, first, second) => {
    expect(play(DATA, said).fates).toEqual({ first, second });
  });
});

describe("in chunks", () => {
  test("the replies are the first's and then the second's, behind that to RSET", () => {
    expect(play(BDAT, OK, OK, "250 queued\r\n", OK, OK, OK, "250 queued\r\n")).toMatchObject({
      fates: { first: "accepted", second: "accepted" },
      state: "ready",
      said: ["MAIL RCPT BDAT LAST", "RSET MAIL RCPT BDAT LAST"],
    });
  });

  test("a refusal of the first is put back by the second's RSET, and no other", () => {
    const second = [OK, OK, OK, "250 queued\r\n"];
    for (const [first, code] of [
      [[OK, OK, "554 spam\r\n"], "content_refused"],
      [[OK, "550 no\r\n", "503 none\r\n"], "recipients_refused"],
      [["550 no\r\n", "503 no\r\n", "503 no\r\n"], "sender_refused"],
    ] as const) {
      expect(play(BDAT, ...first, ...second)).toMatchObject({
        fates: { first: `${code}, rejected`, second: "accepted" },
        state: "ready",
        said: ["MAIL RCPT BDAT LAST", "RSET MAIL RCPT BDAT LAST"],
      });
    }
  });

  test("a refusal of the second is told when QUIT has its reply", () => {
    expect(once(BDAT, [`${OK.repeat(6)}552 full\r\n`, "221 bye\r\n"])).toMatchObject({
      fates: { first: "accepted", second: "content_refused, rejected" },
      said: ["MAIL RCPT BDAT LAST", "RSET MAIL RCPT BDAT LAST", "QUIT"],
    });
  });

  test.each([
    ["the end", "", "connection_lost, unknown", "connection_lost, unknown"],
    ["421 to MAIL", "421 bye\r\n", "service_closing, not-sent", "connection_lost, not-sent"],
    ["421 to the chunk", `${OK}${OK}421 bye\r\n`, "service_closing, rejected", "connection_lost, not-sent"],
    ["garbage", "what?\r\n", "invalid_reply, unknown", "connection_lost, unknown"],
    ["the end, between them", `${OK}${OK}${OK}`, "accepted", "connection_lost, unknown"],
    ["421, between them", `${OK}${OK}${OK}421 bye\r\n`, "accepted", "service_closing, not-sent"],
    [
      "RSET refused",
      `${OK}${OK}554 no\r\n502 what?\r\n${OK}`,
      "content_refused, rejected",
      "unexpected_reply, unknown",
    ],
  ])("%s is told to each as far as it went", (_, said, first, second) => {
    expect(play(BDAT, said).fates).toEqual({ first, second });
  });
});
