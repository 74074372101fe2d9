// Ways to a real Postfix: through proxies, and with a TLS session that is known from before.
import { describe, expect, test } from "vitest";
import { SmtpClient, type TraceEvent } from "../../src/index.ts";
import { serveProxy } from "../support/proxy.ts";
import { deliveredCopies } from "./maildir.ts";
import { login, maildir, overStartTls, overTls } from "./postfix.ts";
import { compare, fullMessage, shortMessage } from "./sample.ts";
import { witness } from "./witness.ts";

const saw = witness("postfix");

const SECURED = [
  ["implicit TLS", overTls],
  ["STARTTLS", overStartTls],
] as const;

describe.each(SECURED)("with %s", (security, options) => {
  test.each([
    ["HTTP CONNECT", "http", "http"],
    ["SOCKS 5", "socks5", "socks5"],
  ] as const)("a message goes through a proxy, signed in: %s", async (name, kind, scheme) => {
    const proxy = await serveProxy(kind);
    await using client = new SmtpClient({
      ...options,
      auth: login,
      proxy: `${scheme}://127.0.0.1:${proxy.port}`,
    });
    const message = fullMessage(`through ${name}`);
    const receipt = await client.send(message);
    const second = await client.send(shortMessage("after it"));
    const copies = await deliveredCopies(maildir, receipt.messageId, receipt.accepted);
    for (const copy of copies) {
      expect(copy.trace).toBe("ESMTPSA, TLSv1.3, sender alice");
      compare(copy, message, receipt.messageId);
    }
    await deliveredCopies(maildir, second.messageId, ["bob@example.test"]);
    expect(proxy.asked).toEqual([`localhost:${options.port}`]);
    saw(
      `${security} through ${name}`,
      receipt.reply,
      `delivered to ${copies.length}; the proxy was asked for ${proxy.asked.join()}`,
    );
  });

  test("the second connection goes on with the TLS session of the first, and is as safe", async () => {
    const resumed: boolean[] = [];
    const trace = (event: TraceEvent): void => {
      if (event.kind !== "secured") return;
      expect(event.verified).toBe(true);
      resumed.push(event.resumed);
    };
    await using client = new SmtpClient({ ...options, auth: login, maxMessagesPerConnection: 1, trace });
    for (const number of ["first", "second"]) {
      const { messageId } = await client.send(shortMessage(`${number} session`));
      const [copy] = await deliveredCopies(maildir, messageId, ["bob@example.test"]);
      expect(copy?.trace).toBe("ESMTPSA, TLSv1.3, sender alice");
    }
    expect(resumed).toEqual([false, true]);
    saw(`${security}, two connections`, undefined, "the second resumed the TLS session of the first");
  });
});
