// A real submission server: Dovecot, which says itself who may, also by certificate, and has Postfix deliver.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, inject, test, vi } from "vitest";
import { AuthenticationError, SmtpClient } from "../../src/index.ts";
import { errorOf } from "../support/watch.ts";
import { describeLogins } from "./logins.ts";
import { copiesOf, deliveredCopies } from "./maildir.ts";
import { maildir } from "./postfix.ts";
import { shortMessage } from "./sample.ts";
import { witness } from "./witness.ts";

const { ca, directory, log, ports } = inject("submission");
const tls = { ca };
const way = { host: "localhost", port: ports.submission ?? 0, security: "starttls", tls } as const;

let logins = 0;

/** Nobody else signs in here meanwhile: it is the last in the log, as soon as there is one more. */
async function lastLogin(): Promise<string> {
  const found = await vi.waitFor(
    async () => {
      const all = [...(await readFile(log, "utf8")).matchAll(/Login: user=<(\S+)>, method=([\w-]+),/g)];
      expect(all.length).toBeGreaterThan(logins);
      return all;
    },
    { timeout: 5_000, interval: 25 },
  );
  logins = found.length;
  const [, user, method] = found.at(-1) ?? [];
  return `${user} by ${method}`;
}

describeLogins({ name: "submission", way, maildir, loginOf: lastLogin });

describe("with a certificate", () => {
  const saw = witness("submission");

  test.each([
    ["it names", {}],
    ["that is named", { user: "alice" }],
  ])("EXTERNAL signs in whom %s, and the message is delivered", async (whom, named) => {
    const shown = { ...tls, ...(await identity("certs", "alice")) };
    await using client = new SmtpClient({ ...way, tls: shown, auth: { mechanism: "EXTERNAL", ...named } });
    const receipt = await client.send(shortMessage(`EXTERNAL, ${whom}`));
    await deliveredCopies(maildir, receipt.messageId, ["bob@example.test"]);
    expect(await lastLogin()).toBe("alice by EXTERNAL");
    saw(`EXTERNAL, whom ${whom}`, receipt.reply, "delivered");
  });

  test.each([
    ["of somebody nobody knows", "certs", "mallory", undefined],
    ["of somebody else than is named", "certs", "mallory", "alice"],
    ["that somebody made at home", "strangers", "alice", undefined],
  ] as const)("%s, EXTERNAL is refused", async (whose, folder, name, user) => {
    const subject = `EXTERNAL ${whose}`;
    const shown = { ...tls, ...(await identity(folder, name)) };
    const auth = { mechanism: "EXTERNAL", ...(user && { user }) } as const;
    await using client = new SmtpClient({ ...way, tls: shown, auth });
    const error = await errorOf(client.send(shortMessage(subject)));
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error).toMatchObject({ mechanism: "EXTERNAL", delivery: "not-sent", retryable: false });
    expect(await copiesOf(maildir, `Subject: ${subject}`)).toEqual([]);
    saw(subject, (error as AuthenticationError).reply, error.code);
  });
});

async function identity(
  folder: string,
  name: string,
): Promise<{ readonly cert: string; readonly key: string }> {
  const file = (kind: string): Promise<string> =>
    readFile(join(directory, folder, `${name}.${kind}`), "utf8");
  return { cert: await file("crt"), key: await file("key") };
}
