// Who signs in, and by what; and the connector, which signs in like anybody else.

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { type Answer, polite } from "../../support/manners.ts";
import { answers, base64, scramServer, unbase64 } from "../../support/scram.ts";
import { serve } from "../../support/server.ts";
import { issued, serveTokens } from "../../support/token-server.ts";
import { AUTH, assertDone, type Checks, judgeSent, plainLogin, secured, to, trusting } from "../check.ts";

const { user, pass } = AUTH;

export const logins: Checks = {
  "SCRAM-SHA-256": async () => {
    const login = scramServer({ hash: "sha256", pass });
    const server = await serve(polite({ offers: ["AUTH PLAIN SCRAM-SHA-256"], AUTH: login }));
    return {
      order: { options: to(server, { security: "none", auth: AUTH }) },
      judge: (told) => {
        judgeSent(server, told);
        assert.match(server.heard, /AUTH SCRAM-SHA-256 /);
        assert.ok(!server.heard.includes(pass));
      },
    };
  },
  "SCRAM-SHA-256-PLUS": async (setting) => {
    const { good } = setting.certificates;
    const offers = ["AUTH SCRAM-SHA-256 SCRAM-SHA-256-PLUS"];
    const server = await secured("tls", setting.certificates, { offers, AUTH: tied(good.cert) });
    const auth = { ...AUTH, mechanism: "SCRAM-SHA-256-PLUS" };
    return {
      order: { options: to(server, { ...trusting(setting), security: "tls", auth }) },
      judge: (told) => judgeSent(server, told),
    };
  },
  "CRAM-MD5": async () => {
    const challenge = "<1896.697170952@test.example>";
    const login: Answer = async (peer) => {
      await peer.say(`334 ${base64(challenge)}`);
      const digest = createHmac("md5", pass).update(challenge).digest("hex");
      return unbase64(await peer.line()) === `${user} ${digest}` ? "235 2.7.0 welcome" : "535 5.7.8 no";
    };
    const server = await serve(polite({ offers: ["AUTH CRAM-MD5"], AUTH: login }));
    return {
      order: { options: to(server, { security: "none", auth: { ...AUTH, mechanism: "CRAM-MD5" } }) },
      judge: (told) => judgeSent(server, told),
    };
  },
  "OAuth2 refresh": async () => {
    // The first token is refused, as one is that was revoked; with it came the refresh token that gets the second.
    const endpoint = await serveTokens(({ form }) =>
      form.refresh_token === "r1"
        ? issued("first", { refresh_token: "r2" })
        : issued(form.refresh_token === "r2" ? "second" : "none"),
    );
    const AUTH: Answer = (_, line) =>
      unbase64(line.split(" ")[2] ?? "").includes("\u0001auth=Bearer second\u0001")
        ? "235 2.7.0 welcome"
        : "535 5.7.8 expired";
    const server = await serve(polite({ offers: ["AUTH XOAUTH2"], AUTH }));
    const grant = { tokenUrl: endpoint.url, clientId: "app", clientSecret: "secret", refreshToken: "r1" };
    return {
      order: { options: to(server, { security: "none" }), user: "alice@example.com", grant },
      judge: (told) => {
        assertDone(told);
        assert.deepEqual(told.renewed, ["r2"]);
        assert.deepEqual(
          endpoint.heard.map(({ form }) => form.refresh_token),
          ["r1", "r2"],
        );
        assert.equal(server.messages.length, 1, "messages");
      },
    };
  },
  connector: async (setting) => {
    const server = await secured("starttls", setting.certificates, { offers: ["AUTH PLAIN"], ...plainLogin });
    const config = {
      ...to(server, trusting(setting)),
      requireTLS: true,
      auth: { type: "login", user, pass },
      fromEmail: "Example <login@example.com>",
      templates: ["Register", "SignIn", "ForgotPassword", "Generic"].map((usageType) => ({
        usageType,
        contentType: "text/plain",
        subject: `${usageType}: {{code}}`,
        content: "Your code is {{code}}.",
      })),
    };
    return {
      order: { config, to: "bob@example.org", type: "SignIn", payload: { code: "042137" } },
      judge: (told) => {
        assertDone(told);
        assert.equal(told.refused, "missing_value");
        assert.equal(told.ok, true, told.steps?.join("\n"));
        assert.equal(server.messages.length, 1, "messages");
        assert.match(server.messages[0] ?? "", /^Subject: SignIn: 042137\r\n/m);
        assert.match(server.messages[0] ?? "", /\r\n\r\nYour code is 042137\./);
      },
    };
  },
};

/** SCRAM-SHA-256-PLUS: the login must be tied to the TLS it happens in, by what the client says it is tied by. */
function tied(cert: string): Answer {
  const der = Buffer.from(cert.replace(/-----[^-]+-----|\s/g, ""), "base64");
  return async (peer, line) => {
    const clientFirst = unbase64(line.split(" ")[2] ?? "");
    const [, header = "", type = "", bare = "", nonce = ""] =
      /^(p=(tls-exporter|tls-server-end-point),,)(n=[^,]*,r=(.*))$/.exec(clientFirst) ?? [];
    const data = type === "tls-exporter" ? peer.exported() : createHash("sha256").update(der).digest();
    const serverFirst = `r=${nonce}more,s=QSXCR+Q6sek8bf92,i=4096`;
    await peer.say(`334 ${base64(serverFirst)}`);
    const clientFinal = unbase64(await peer.line());
    const withoutProof = `c=${base64(Buffer.concat([Buffer.from(header), data]))},r=${nonce}more`;
    const { proof, verifier } = answers({ hash: "sha256", pass }, { bare, serverFirst, withoutProof });
    if (clientFinal !== `${withoutProof},p=${proof}`) return "535 5.7.8 no";
    await peer.say(`334 ${base64(`v=${verifier}`)}`);
    await peer.line();
    return "235 2.7.0 welcome";
  };
}
