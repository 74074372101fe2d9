// Messages on their way: large ones, many, signed and rendered, given up, and closed upon.

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import PostalMime, { type Email } from "postal-mime";
import { verify } from "../../dkim/verifier.ts";
import { polite, takeTime } from "../../support/manners.ts";
import { type Server, serve } from "../../support/server.ts";
import { assertDone, type Checks, judgeSent, secured, to, trusting } from "../check.ts";

const MEGABYTE = 1_048_576;

export const messages: Checks = {
  "3 MB, implicit TLS": large("tls"),
  "3 MB, STARTTLS": large("starttls"),
  "BDAT (CHUNKING)": async () => {
    const server = await serve(polite({ offers: ["CHUNKING", "PIPELINING"] }));
    return {
      order: { options: to(server, { security: "none" }), octets: MEGABYTE },
      judge: ({ hash, ...told }) => {
        assertDone(told);
        assert.equal(hashOfAttachment(server), hash);
        assert.match(server.heard, /\r\nBDAT \d+ LAST\r\n/);
        assert.doesNotMatch(server.heard, /\r\nDATA\r\n/);
      },
    };
  },
  "pool reuse": async (setting) => {
    const server = await secured("starttls", setting.certificates);
    const options = to(server, { ...trusting(setting), security: "starttls" });
    return {
      order: { options, count: 5 },
      judge: (told) => {
        assertDone(told);
        assert.equal(told.opened, 1, "connections, as the client counts them");
        assert.equal(server.peers.length, 1, "connections");
        assert.equal(server.messages.length, 5, "messages");
      },
    };
  },
  "abort, before the mail data": async () => {
    const server = await serve(polite({ MAIL: () => undefined }));
    return {
      order: { options: to(server, { security: "none" }), kind: "command", line: "MAIL" },
      judge: ({ error }) => {
        assert.equal(error?.code, "aborted", error?.message ?? "it was sent");
        assert.equal(error?.delivery, "not-sent");
        assert.deepEqual(server.messages, []);
      },
    };
  },
  "abort, after the mail data": async () => {
    const server = await serve(polite({ content: () => undefined }));
    return {
      order: { options: to(server, { security: "none" }), kind: "content" },
      judge: ({ error }) => {
        assert.equal(error?.code, "aborted", error?.message ?? "it was sent");
        assert.equal(error?.delivery, "unknown");
      },
    };
  },
  "template mail": async () => {
    const server = await serve(polite());
    const payload = { code: "042137", name: "Bob & <Co>" };
    return {
      order: { options: to(server, { security: "none" }), payload },
      judge: async (told) => {
        judgeSent(server, told);
        const { subject, text, html } = await read(server);
        assert.equal(subject, "042137 is your code");
        assert.equal(text?.trim(), "Hello Bob & <Co>, your code is 042137.");
        assert.equal(html?.trim(), "<p>Hello Bob &amp; &lt;Co&gt;, your code is <b>042137</b>.</p>");
      },
    };
  },
  "compose, without a client": async () => ({
    order: { payload: "Grüße, Bob." },
    judge: async (told) => {
      assertDone(told);
      const { subject, text, from } = await PostalMime.parse(Buffer.from(told.composed ?? "", "latin1"));
      assert.deepEqual([subject, text?.trim(), from?.address], ["Hello", "Grüße, Bob.", "alice@example.com"]);
    },
  }),
  "DKIM, RSA": signed("rsa"),
  "DKIM, Ed25519": signed("ed25519"),
  "1000 sends": async () => {
    const server = await serve(polite({ offers: ["PIPELINING"] }));
    return {
      order: { options: to(server, { security: "none" }) },
      judge: (told) => {
        judgeSent(server, told, 1000);
        const recipients = new Set(server.heard.match(/RCPT TO:<n\d+@/g));
        assert.equal(recipients.size, 1000, "recipients");
        assert.ok(server.peers.length <= 30, `${server.peers.length} connections`);
      },
    };
  },
  "close() settles all": async () => {
    const content = async (): Promise<string> => {
      await takeTime(10);
      return "250 2.0.0 queued";
    };
    const server = await serve(polite({ content }));
    const options = to(server, { security: "none", maxConnections: 2 });
    return {
      order: { options, count: 10 },
      judge: (told) => {
        assertDone(told);
        assert.deepEqual(told.results, Array(10).fill("sent"));
        assert.equal(server.messages.length, 10, "messages");
        assert.equal(told.late, "client_closed");
        assert.equal(server.heard.match(/QUIT/g)?.length, 2, "goodbyes");
      },
    };
  },
  "close({ force }) settles all": async () => {
    const server = await serve(polite({ content: () => undefined }));
    const options = to(server, { security: "none", maxConnections: 2 });
    return {
      order: { options, count: 5 },
      judge: (told) => {
        assertDone(told);
        // Two were all there but for the reply; nothing of the others had left.
        const expected = [...Array(2).fill("aborted, unknown"), ...Array(3).fill("aborted, not-sent")];
        assert.deepEqual(told.results, expected);
        assert.equal(server.messages.length, 2, "messages");
      },
    };
  },
};

function large(security: "tls" | "starttls"): Checks[string] {
  return async (setting) => {
    const server = await secured(security, setting.certificates);
    return {
      order: { options: to(server, { ...trusting(setting), security }), octets: 3 * MEGABYTE },
      judge: ({ hash, ...told }) => {
        assertDone(told);
        assert.equal(hashOfAttachment(server), hash);
      },
    };
  };
}

function signed(kind: "rsa" | "ed25519"): Checks[string] {
  return async () => {
    const { privateKey, publicKey } =
      kind === "rsa" ? generateKeyPairSync("rsa", { modulusLength: 2048 }) : generateKeyPairSync("ed25519");
    const server = await serve(polite());
    const pem = privateKey.export({ type: "pkcs8", format: "pem" });
    return {
      order: {
        options: to(server, { security: "none" }),
        key: { domain: "example.com", selector: "mail", privateKey: pem },
      },
      judge: (told) => {
        judgeSent(server, told);
        const [message = ""] = server.messages;
        assert.equal(verify(message, publicKey), "pass");
        assert.equal(verify(message.replace("042137", "666666"), publicKey), "body");
        assert.equal(verify(message.replace("Subject: Hello", "Subject: Other"), publicKey), "signature");
      },
    };
  };
}

function read(server: Server): Promise<Email> {
  return PostalMime.parse(Buffer.from(server.messages[0] ?? "", "latin1"));
}

/** Of the last part, which is in base64. */
function hashOfAttachment({ messages: [message = ""] }: Server): string {
  const [, encoded = ""] = /\r\n\r\n([\w+/=\r\n]+)\r\n--[^\r\n]*--\r\n$/.exec(message) ?? [];
  return createHash("sha256").update(Buffer.from(encoded, "base64")).digest("hex");
}
