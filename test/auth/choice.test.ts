import { describe, expect, test } from "vitest";
import { MECHANISM_NAMES, type MechanismName } from "../../src/auth/choice.ts";
import { mechanismOf } from "../../src/auth/mechanisms.ts";
import type { ChannelBinding } from "../../src/channel-binding.ts";
import { ConfigError } from "../../src/errors.ts";
import { loginWith } from "../support/login.ts";
import { greeted, signIn } from "../support/sign-in.ts";
import { play, playToError } from "../support/transcript.ts";

const USER = { user: "alice", pass: "s3cret pass" };
const TOKEN = { user: "alice", accessToken: "t0ken" };
const BINDING: ChannelBinding = { type: "tls-exporter", data: new Uint8Array(32) };

/** The mechanism that is begun where these are offered. */
function chosen(
  auth: object,
  offered: string,
  others?: { readonly binding: ChannelBinding | undefined },
): string {
  const { replies: _, ...begun } = play(`${greeted(offered)}`, () => {
    const dialogue = signIn(auth, others)();
    let said = "";
    return (function* () {
      let step = dialogue.next();
      for (let turns = 0; !step.done && turns < 5; turns++) {
        const turn = step.value;
        if (turn.kind === "commands") said = turn.commands[0]?.line ?? "";
        if (said.startsWith("AUTH")) return said.split(" ")[1];
        step = dialogue.next(yield turn);
      }
      throw new Error("nobody signs in");
    })();
  });
  if (begun.error !== undefined) throw begun.error;
  return begun.value ?? "";
}

const all = MECHANISM_NAMES.join(" ");
const usable = (auth: object): readonly string[] => loginWith(auth).mechanisms.map(({ name }) => name);

test.each(MECHANISM_NAMES)("%s is what it is called", (name) => {
  expect(mechanismOf({ name }).name).toBe(name);
});

describe("the mechanism that is used", () => {
  test("is the strongest that both sides know", () => {
    const byPassword: MechanismName[] = [
      "SCRAM-SHA-256-PLUS",
      "SCRAM-SHA-1-PLUS",
      "SCRAM-SHA-256",
      "SCRAM-SHA-1",
      "PLAIN",
      "LOGIN",
    ];
    for (let at = 0; at < byPassword.length; at++) {
      const offered = [...byPassword.slice(at), "CRAM-MD5", "XOAUTH2", "ANONYMOUS", "EXTERNAL"];
      expect(chosen(USER, offered.reverse().join(" "), { binding: BINDING })).toBe(byPassword[at]);
    }
    expect(chosen(TOKEN, all)).toBe("OAUTHBEARER");
    expect(chosen(TOKEN, "XOAUTH2 PLAIN LOGIN")).toBe("XOAUTH2");
  });

  test("is read from the offer in any case, and by its whole name", () => {
    expect(chosen(USER, "plain login scram-sha-256")).toBe("SCRAM-SHA-256");
    const error = playToError(greeted("XPLAIN PLAIN2 SCRAM-SHA-25 SCRAM-SHA-512"), signIn(USER));
    expect(error).toMatchObject({ code: "authentication_unavailable", phase: "auth" });
  });

  test("is tied to the TLS only where there is something to tie it by", () => {
    expect(chosen(USER, all, { binding: BINDING })).toBe("SCRAM-SHA-256-PLUS");
    expect(chosen(USER, all, { binding: undefined })).toBe("SCRAM-SHA-256");
    expect(chosen(USER, all)).toBe("SCRAM-SHA-256");
    expect(chosen({ ...USER, channelBinding: false }, all, { binding: BINDING })).toBe("SCRAM-SHA-256");
  });

  test("is the one that the user names, though a stronger one is offered", () => {
    for (const name of MECHANISM_NAMES) {
      const auth = /OAUTH/.test(name) ? TOKEN : /EXTERNAL|ANONYMOUS/.test(name) ? {} : USER;
      expect(chosen({ ...auth, mechanism: name }, all, { binding: BINDING })).toBe(name);
    }
  });

  test("is none where the one that the user names is not offered", () => {
    for (const [mechanism, offered] of [
      ["SCRAM-SHA-256", "SCRAM-SHA-1 PLAIN LOGIN"],
      ["PLAIN", "LOGIN"],
      ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256 PLAIN"],
    ] as const) {
      const error = playToError(greeted(offered), signIn({ ...USER, mechanism }));
      expect(error).toMatchObject({ code: "authentication_unavailable", mechanism, delivery: "not-sent" });
    }
  });

  test("is one of those that the user allows, the strongest and not the first", () => {
    const allow: MechanismName[] = ["LOGIN", "SCRAM-SHA-1", "PLAIN"];
    expect(chosen({ ...USER, allow }, all)).toBe("SCRAM-SHA-1");
    expect(chosen({ ...USER, allow }, "LOGIN PLAIN SCRAM-SHA-256")).toBe("PLAIN");
    const strict = signIn({ ...USER, allow: ["SCRAM-SHA-256", "SCRAM-SHA-1"] });
    expect(playToError(greeted("PLAIN LOGIN CRAM-MD5"), strict)).toMatchObject({
      code: "authentication_unavailable",
    });
  });

  test("is one that can say on whose behalf, where the user asks for that", () => {
    const auth = { ...USER, authorizationId: "bob" };
    expect(chosen(auth, "LOGIN PLAIN")).toBe("PLAIN");
    expect(playToError(greeted("LOGIN"), signIn(auth))).toMatchObject({ code: "authentication_unavailable" });
    expect(chosen({ ...TOKEN, authorizationId: "bob" }, "XOAUTH2 OAUTHBEARER")).toBe("OAUTHBEARER");
  });

  test("is never one of those that a password alone does not allow", () => {
    expect(usable(USER)).toEqual(MECHANISM_NAMES.slice(0, 6));
    expect(usable({ ...USER, allow: MECHANISM_NAMES })).toEqual(MECHANISM_NAMES.slice(0, 7));
    expect(usable(TOKEN)).toEqual(["OAUTHBEARER", "XOAUTH2"]);
    expect(usable({ mechanism: "EXTERNAL" })).toEqual(["EXTERNAL"]);
  });

  test.each(["535 5.7.8 no", "504 5.5.4 no", "454 4.7.0 no", "500 what?"])(
    "stays the same after it was refused with %s: no weaker one is tried",
    (reply) => {
      const error = playToError(
        `${greeted("SCRAM-SHA-256 PLAIN LOGIN")}
         C: AUTH SCRAM-SHA-256 ${Buffer.from("n,,n=alice,r=fyko+d2lbbFgONRv9qkxdawL").toString("base64")}
         S: ${reply}`,
        signIn(USER),
      );
      expect(error).toMatchObject({ code: "authentication_refused", mechanism: "SCRAM-SHA-256" });
    },
  );

  test("stays the same after a bad challenge: no weaker one is tried", () => {
    const error = playToError(
      `${greeted("SCRAM-SHA-256 PLAIN LOGIN")}
       C: AUTH SCRAM-SHA-256 ${Buffer.from("n,,n=alice,r=fyko+d2lbbFgONRv9qkxdawL").toString("base64")}
       S: 334 !!!
       C: *
       S: 501 cancelled`,
      signIn(USER),
    );
    expect(error).toMatchObject({ code: "invalid_challenge" });
  });
});

describe("what no mechanism can be found for is told before anything is connected", () => {
  test.each<[object, string]>([
    [{ ...USER, mechanism: "XOAUTH2" }, "auth.mechanism"],
    [{ ...TOKEN, mechanism: "SCRAM-SHA-256" }, "auth.mechanism"],
    [{ ...USER, mechanism: "EXTERNAL" }, "auth"],
    [{ ...USER, allow: ["XOAUTH2", "OAUTHBEARER"] }, "auth.allow"],
    [{ ...USER, allow: [] }, "auth.allow"],
    [{ ...USER, allow: ["PLAIN", "plain"] }, "auth.allow[1]"],
    [{ ...USER, allow: "PLAIN" }, "auth.allow"],
    [{ ...USER, mechanism: "PLAIN", allow: ["LOGIN"] }, "auth.mechanism"],
    [{ ...USER, mechanism: "DIGEST-MD5" }, "auth.mechanism"],
    [{ ...USER, mechanism: "SCRAM-SHA-256-PLUS", channelBinding: false }, "auth.channelBinding"],
    [{ ...USER, channelBinding: "tls-unique" }, "auth.channelBinding"],
    [{ ...USER, mechanism: "LOGIN", authorizationId: "bob" }, "auth.authorizationId"],
    [{ ...USER, mechanism: "CRAM-MD5", authorizationId: "bob" }, "auth.authorizationId"],
    [{ mechanism: "EXTERNAL", authorizationId: "bob" }, "auth.authorizationId"],
    [{ ...TOKEN, mechanism: "XOAUTH2", authorizationId: "bob" }, "auth.authorizationId"],
  ])("%j names %s", (auth, option) => {
    expect(() => loginWith(auth)).toThrow(ConfigError);
    expect(() => loginWith(auth)).toThrow(expect.objectContaining({ option, phase: "config" }));
  });
});
