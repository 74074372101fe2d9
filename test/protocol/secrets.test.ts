import { expect, test } from "vitest";
import { encodeUtf8 } from "../../src/bytes.ts";
import { auth, rset, saslResponse } from "../../src/commands.ts";
import { ReplyParser } from "../../src/protocol/reply.ts";
import { formsOf, Secrets, secretsOf } from "../../src/protocol/secrets.ts";

test("a password that is part of what it is encoded in does not leave the rest of that standing", () => {
  const secrets = new Secrets();
  const { command } = auth("PLAIN", encodeUtf8("\0alice\0GFs"), ["GFs"]);
  secrets.remember([rset(), command]);
  expect(secrets.mask("you said AUTH PLAIN AGFsaWNlAEdGcw==, that is GFs")).toBe(
    "you said AUTH PLAIN ********, that is ********",
  );
});

test("what a server repeats of a secret before it cuts it off is masked too", () => {
  const secrets = new Secrets();
  const token = "ya29.a0AfH6SMBx-a-long-token-that-goes-on-for-quite-a-while";
  const { command } = auth("XOAUTH2", encodeUtf8(`user=alice\x01auth=Bearer ${token}\x01\x01`), [token]);
  secrets.remember([command]);
  const said = command.line.replace("\r\n", "");
  expect(
    secrets.mask(`what is "${said.slice(0, 50)}..."? And ${token.slice(0, 20)}, ${token.slice(0, 13)}?`),
  ).toBe('what is "AUTH XOAUTH2 ********..."? And ********, ********?');
});

test("a long line that is cut within a secret does not show the rest of it", () => {
  const secrets = new Secrets();
  const token = "0123456789abcdef".repeat(200);
  secrets.remember([saslResponse(encodeUtf8(token), [token])]);
  const parser = new ReplyParser((text) => secrets.mask(text));
  parser.push(encodeUtf8(`535 ${token}`));
  expect(() => parser.next()).toThrow(expect.objectContaining({ excerpt: "535 ********" }));
});

test("a secret is masked in whatever case it comes, and whatever stands beside it", () => {
  const secrets = new Secrets();
  secrets.add(secretsOf({ pass: "ΟΔΥΣΣΕΥΣ" }));
  expect(secrets.mask("no ΟΔΥΣΣΕΥΣ, Οδυσσευς, οδυσσευσ or xΟΔΥΣΣΕΥΣx")).toBe(
    "no ********, ********, ******** or x********x",
  );
});

test("an empty response to a challenge masks nothing", () => {
  const secrets = new Secrets();
  secrets.remember([saslResponse(new Uint8Array(0), [])]);
  expect(secrets.mask("535 no")).toBe("535 no");
});

test("a challenge is masked where a secret is encoded in it, and else left to be read", () => {
  const secrets = new Secrets();
  secrets.remember([saslResponse(encodeUtf8("t0ken"), ["t0ken"])]);
  const shown = (text: string) =>
    secrets.maskReply({ code: 334, lines: [Buffer.from(text).toString("base64")] }).lines;
  expect(shown('{"got":"t0ken"}')).toEqual(["********"]);
  expect(shown("Password:")).toEqual(["UGFzc3dvcmQ6"]);
});

const PASS = 'c0rrect "horse" 100% böttery\\staple';
const TOKEN = `ya29.${"0123456789-abcdefghij_KLMNOPQRST.".repeat(60)}`;
const base64 = (text: string): string => Buffer.from(text).toString("base64");

function knowing(...secrets: readonly string[]): Secrets {
  const known = new Secrets();
  known.add(secrets.flatMap(formsOf));
  return known;
}

test.each<[string, string]>([
  ["as it is", PASS],
  ["in capitals", PASS.toUpperCase()],
  ["in a line that is no UTF-8", Buffer.from(PASS).toString("latin1")],
  ["in base64", base64(PASS)],
  ["in JSON", JSON.stringify(PASS).slice(1, -1)],
  ["percent-encoded", encodeURIComponent(PASS)],
  ["in a form", encodeURIComponent(PASS).replaceAll("%20", "+")],
  ["in hexadecimal", Buffer.from(PASS).toString("hex").toUpperCase()],
])("a password is masked %s, and nothing beside it", (_, form) => {
  expect(knowing(PASS).mask(`no: <${form}>, Alice`)).toBe("no: <********>, Alice");
});

test("a secret is masked within base64 of more than itself, whatever precedes it", () => {
  for (const before of ["a", "ab", "abc", "n,a=al,\x01"]) {
    for (const encoding of ["base64", "base64url"] as const) {
      const masked = knowing(PASS).mask(Buffer.from(`${before}${PASS}???`).toString(encoding));
      expect(masked).toContain("********");
      // No more than the bits of an octet at either end, and what does not belong to it.
      expect(masked.length).toBeLessThan("********".length + 18);
    }
  }
});

test("what is left of a long token is masked, wherever it was cut", () => {
  for (const [from, to] of [
    [0, 40],
    [900, 1300],
    [1950, undefined],
  ] as const) {
    expect(knowing(TOKEN).mask(`no: ${TOKEN.slice(from, to)}!`)).toBe("no: ********!");
  }
});

test("a secret that is folded over the lines of a reply is masked on each of them", () => {
  const shown = (...lines: readonly string[]) => knowing(PASS).maskReply({ code: 535, lines }).lines;
  expect(shown(`5.7.8 no: ${PASS.slice(0, 4)}`, `5.7.8 ${PASS.slice(4)} it was`)).toEqual([
    "5.7.8 no: ********",
    "5.7.8 ******** it was",
  ]);
  expect(shown("5.7.8 no", PASS.slice(0, 9), PASS.slice(9, 12), PASS.slice(12), "yes")).toEqual([
    "5.7.8 no",
    "********",
    "********",
    "********",
    "yes",
  ]);
});

test("secrets that overlap are masked as one", () => {
  expect(knowing("one-two-three", "three-four-five", "two").mask("<one-two-three-four-five>")).toBe(
    "<********>",
  );
});

test("a reply in which nothing is hidden comes out as it went in", () => {
  const reply = { code: 250, enhancedStatus: "2.0.0", lines: ["2.0.0 Ok: queued", "2.0.0 as 4bXyZ"] };
  expect(knowing(PASS, TOKEN).maskReply(reply)).toEqual(reply);
});

test("the proof of a server is masked, on which passwords could be tried, and its question is not", () => {
  const shown = (text: string) => knowing(PASS).maskReply({ code: 334, lines: [base64(text)] }).lines;
  expect(shown("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")).toEqual(["********"]);
  expect(shown("Password:")).toEqual([base64("Password:")]);
});

test("masking takes time that grows with the reply alone, however much it looks like a secret", () => {
  const secrets = knowing("a".repeat(2_000), TOKEN);
  const measure = (size: number): number => {
    const text = ["a".repeat(size), TOKEN.slice(0, 11).repeat(size / 11), base64("a".repeat(size / 2))].join(
      " ",
    );
    const from = performance.now();
    secrets.mask(text);
    return performance.now() - from;
  };
  const best = (size: number): number => Math.min(...Array.from({ length: 5 }, () => measure(size)));
  best(3_000);
  // Sixteen times as much; were it the square, it would take 256 times as long.
  expect(best(48_000)).toBeLessThan(80 * best(3_000));
});

test.each([
  ["a", "5.7.8 no: alice a", "5.7.8 no: alice ********"],
  ["5", "5.7.1 mail 5550.5 is too much: <5>", "********.7.1 mail 5550.******** is too much: <********>"],
  ["ok", "2.0.0 Ok: token ok\0", "2.0.0 ********: token ********\0"],
  ["250", "code 2502, size 250", "code 2502, size ********"],
])(
  "a password as short as %j is masked where it stands alone, and words go on to be words",
  (pass, said, shown) => {
    const secrets = new Secrets();
    secrets.add(secretsOf({ pass }));
    expect(secrets.mask(said)).toBe(shown);
  },
);

test("what stands alone at the end of a line does so whatever the next begins with", () => {
  const secrets = new Secrets();
  secrets.add(secretsOf({ pass: "abc" }));
  const lines = ["no abc", "5.7.8 abc", "5.7.8 defabc", "5.7.8 abcdef"];
  expect(secrets.maskReply({ code: 535, lines }).lines).toEqual([
    "no ********",
    "5.7.8 ********",
    "5.7.8 defabc",
    "5.7.8 abcdef",
  ]);
});

test("a secret on each of many lines is masked on each", () => {
  const secrets = new Secrets();
  secrets.add(secretsOf({ pass: "sesame" }));
  const lines = Array.from({ length: 50 }, (_, at) => `${at} sesame, ${at} sesa`);
  lines.push("me", "open ses", "ame");
  const { lines: shown } = secrets.maskReply({ code: 535, lines });
  expect(shown.slice(0, 49)).toEqual(lines.slice(0, 49).map((line) => line.replace("sesame", "********")));
  expect(shown.slice(49)).toEqual(["49 ********, 49 ********", "********", "open ********", "********"]);
});

test("secrets are masked in a time that grows with the reply, and no faster", () => {
  const secrets = new Secrets();
  secrets.add(secretsOf({ pass: "x" }));
  const measure = (length: number): number => {
    const lines = Array.from({ length }, () => "x ".repeat(60));
    const times = Array.from({ length: 8 }, () => {
      const before = performance.now();
      secrets.maskReply({ code: 535, lines });
      return performance.now() - before;
    });
    return Math.min(...times);
  };
  measure(64); // lets the engine compile first
  const [small, large] = [measure(64), measure(512)];
  // Eight times the length: linear is 8 times the time, quadratic 64.
  expect(large / small).toBeLessThan(40);
});
