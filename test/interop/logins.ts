// Every way to sign in with a password or a token, for whichever server is behind it.
import { createHmac } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
  AuthenticationError,
  type AuthOptions,
  type MechanismName,
  type Receipt,
  SmtpClient,
  type SmtpClientOptions,
  type TokenRequest,
} from "../../src/index.ts";
import { errorOf } from "../support/watch.ts";
import { copiesOf, deliveredCopies } from "./maildir.ts";
import { shortMessage } from "./sample.ts";
import { witness } from "./witness.ts";

/** A server that knows alice and zoe, and takes tokens. */
export interface LoginServer {
  readonly name: string;
  readonly way: SmtpClientOptions;
  /** Where what it takes is delivered. */
  readonly maildir: string;
  /** Who signed in for this message, and how, as the server has it in its log. */
  loginOf(receipt: Receipt): Promise<string>;
}

const ALICE = { user: "alice", pass: "s3cret pass" };
const ZOE = { user: "zoe", pass: "pässwörd 密码" };
const BY_PASSWORD = ["PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "CRAM-MD5"] as const;
const BY_TOKEN = ["OAUTHBEARER", "XOAUTH2"] as const;
/** More than a command line may have, so that it is said in a line of its own. */
const LONG = 3_000;

export function describeLogins({ name, way, maildir, loginOf }: LoginServer): void {
  const saw = witness(name);

  async function expectSent(auth: AuthOptions, login: string): Promise<void> {
    await using client = new SmtpClient({ ...way, auth });
    const receipt = await client.send(shortMessage(`${name}, ${login}`));
    await deliveredCopies(maildir, receipt.messageId, ["bob@example.test"]);
    expect(await loginOf(receipt)).toBe(login);
    saw(login, receipt.reply, "delivered");
  }

  async function expectRefused(
    auth: AuthOptions,
    { mechanism, given }: { readonly mechanism: MechanismName; readonly given: string },
  ): Promise<AuthenticationError> {
    const subject = `${name}, ${mechanism} with ${given}`;
    await using client = new SmtpClient({ ...way, auth });
    const error = await errorOf(client.send(shortMessage(subject)));
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error).toMatchObject({ code: "authentication_refused", mechanism, phase: "auth" });
    expect(error).toMatchObject({ delivery: "not-sent", retryable: false });
    expect(error).toMatchObject({ reply: { code: 535, enhancedStatus: "5.7.8" } });
    expect(await copiesOf(maildir, `Subject: ${subject}`)).toEqual([]);
    saw(`${mechanism} with ${given}`, (error as AuthenticationError).reply, "not sent");
    return error as AuthenticationError;
  }

  describe("with a password", () => {
    test.each(BY_PASSWORD)("%s signs in, and the message is delivered", async (mechanism) => {
      await expectSent({ ...ALICE, mechanism }, `alice by ${mechanism}`);
    });

    test.each(BY_PASSWORD)("%s signs in with one that is not ASCII", async (mechanism) => {
      await expectSent({ ...ZOE, mechanism }, `zoe by ${mechanism}`);
    });

    test("the strongest is chosen of all that is offered", async () => {
      await expectSent(ALICE, "alice by SCRAM-SHA-256");
    });

    test.each(BY_PASSWORD)(
      "that is wrong, %s is refused, and it is nowhere in the error",
      async (mechanism) => {
        const pass = "wr0ng pass";
        const error = await expectRefused(
          { user: "alice", pass, mechanism },
          { mechanism, given: "a wrong password" },
        );
        expectUntold(error, [pass, `\0alice\0${pass}`]);
      },
    );
  });

  describe("with a token", () => {
    test.each(BY_TOKEN)("%s signs in, and the message is delivered", async (mechanism) => {
      await expectSent({ user: "alice", accessToken: jwt(), mechanism }, `alice by ${mechanism}`);
    });

    test.each(BY_TOKEN)("that is longer than a command line may be, %s signs in", async (mechanism) => {
      const accessToken = jwt({ padding: "x".repeat(LONG) });
      await expectSent({ user: "alice", accessToken, mechanism }, `alice by ${mechanism}`);
    });

    test.each(BY_TOKEN)(
      "of somebody else, %s is refused, and says what the server says",
      async (mechanism) => {
        const accessToken = jwt({ email: "mallory" });
        const given = "somebody else's token";
        const error = await expectRefused({ user: "alice", accessToken, mechanism }, { mechanism, given });
        expectUntold(error, [accessToken]);
        expect(error.detail).toMatchObject({ status: expect.any(String) });
      },
    );

    test.each(BY_TOKEN)("that was signed by nobody known, %s is refused", async (mechanism) => {
      const accessToken = jwt({}, "another-secret");
      const given = "a token of nobody known";
      const error = await expectRefused({ user: "alice", accessToken, mechanism }, { mechanism, given });
      expectUntold(error, [accessToken]);
    });

    test.each(BY_TOKEN)(
      "that has expired, %s is given a new one, once, and the message goes",
      async (mechanism) => {
        const reasons: TokenRequest["reason"][] = [];
        const oauth2 = ({ reason }: TokenRequest): string => {
          reasons.push(reason);
          return jwt(reason === "rejected" ? {} : { exp: now() - 60 });
        };
        await expectSent({ user: "alice", oauth2, mechanism }, `alice by ${mechanism}`);
        expect(reasons).toEqual(["first", "rejected"]);
      },
    );

    test.each(BY_TOKEN)("that has expired, and the new one too, %s is refused", async (mechanism) => {
      const reasons: TokenRequest["reason"][] = [];
      const oauth2 = ({ reason }: TokenRequest): string => {
        reasons.push(reason);
        return jwt({ exp: now() - 60 - reasons.length });
      };
      await expectRefused({ user: "alice", oauth2, mechanism }, { mechanism, given: "expired tokens" });
      expect(reasons).toEqual(["first", "rejected"]);
    });
  });
}

/** A token as the servers take it: RFC 7519, signed by HS256. */
function jwt(claims: object = {}, secret = "jwt-secret"): string {
  const stated = { sub: "alice", email: "alice", iat: now(), exp: now() + 60, ...claims };
  const signed = [{ alg: "HS256", typ: "JWT" }, stated]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** None of the secrets is in the error, as it is or encoded. */
function expectUntold(error: Error, secrets: readonly string[]): void {
  const told = inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true });
  for (const secret of secrets) {
    expect(told).not.toContain(secret);
    expect(told).not.toContain(btoa(secret));
  }
}
