import { expect, test } from "vitest";
import { encodeUtf8 } from "../../src/bytes.ts";
import { auth, rset, saslResponse } from "../../src/commands.ts";
import { ReplyParser } from "../../src/protocol/reply.ts";
import { Secrets } from "../../src/protocol/secrets.ts";

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
