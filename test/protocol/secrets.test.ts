import { expect, test } from "vitest";
import { encodeUtf8 } from "../../src/bytes.ts";
import { auth, rset, saslResponse } from "../../src/commands.ts";
import { Secrets } from "../../src/protocol/secrets.ts";

test("a password that is part of what it is encoded in does not leave the rest of that standing", () => {
  const secrets = new Secrets();
  const { command } = auth("PLAIN", encodeUtf8("\0alice\0GFs"), ["GFs"]);
  secrets.remember([rset(), command]);
  expect(secrets.mask("you said AUTH PLAIN AGFsaWNlAEdGcw==, that is GFs")).toBe(
    "you said AUTH PLAIN ********, that is ********",
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
