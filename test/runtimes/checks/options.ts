// Options that not every runtime can honour: those that cannot must refuse them, and those that can must not ignore them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { polite } from "../../support/manners.ts";
import { serveProxy } from "../../support/proxy.ts";
import { serve } from "../../support/server.ts";
import { assertDone, type Checks, judgeSent, judgeUnsent, secured, to, trusting } from "../check.ts";

/** Linux answers on all of 127.0.0.0/8. */
const HERE = process.platform === "linux" ? "127.0.0.2" : "127.0.0.1";

export const options: Checks = {
  "tls.ca": async ({ certificates }) => {
    const server = await secured("tls", certificates);
    return {
      order: { options: to(server, { security: "tls", tls: { ca: certificates.ca } }) },
      judge: (told) => judgeSent(server, told),
    };
  },
  "tls.rejectUnauthorized: false": async ({ certificates }) => {
    const server = await secured("tls", { good: certificates.selfSigned });
    return {
      order: { options: to(server, { security: "tls", tls: { rejectUnauthorized: false } }) },
      judge: (told) => judgeSent(server, told),
    };
  },
  "tls.cert (EXTERNAL)": async ({ certificates: { ca, good } }) => {
    // Without a certificate of the client's there is no handshake.
    const asking = { ...good, ca, requestCert: true, rejectUnauthorized: true };
    const server = await serve(polite({ offers: ["AUTH EXTERNAL"] }), { tls: asking });
    const auth = { mechanism: "EXTERNAL" };
    return {
      order: { options: to(server, { security: "tls", tls: { ca, ...good }, auth }) },
      judge: (told) => {
        judgeSent(server, told);
        assert.match(server.heard, /AUTH EXTERNAL/);
      },
    };
  },
  "tls.maxVersion": async (setting) => {
    const { good } = setting.certificates;
    const server = await serve(polite(), { tls: { ...good, ...{ minVersion: "TLSv1.3" } } });
    const { tls } = trusting(setting);
    return {
      order: { options: to(server, { security: "tls", tls: { ...tls, maxVersion: "TLSv1.2" } }) },
      judge: (told) => judgeUnsent(server, told, "tls"),
    };
  },
  "security: opportunistic": async ({ certificates }) => {
    const server = await secured("starttls", { good: certificates.selfSigned });
    return {
      order: { options: to(server, { security: "opportunistic" }) },
      judge: (told) => {
        judgeSent(server, told);
        assert.equal(server.peers[0]?.secure, true);
      },
    };
  },
  "proxy (HTTP)": async (setting) => {
    const [server, proxy] = await Promise.all([
      secured("starttls", setting.certificates),
      serveProxy("http"),
    ]);
    const url = `http://127.0.0.1:${proxy.port}`;
    return {
      order: { options: to(server, { ...trusting(setting), security: "starttls", proxy: url }) },
      judge: (told) => {
        judgeSent(server, told);
        assert.deepEqual(proxy.asked, [`localhost:${server.port}`]);
      },
    };
  },
  localAddress: async () => {
    let from: string | undefined;
    const script = polite();
    const server = await serve((peer) => {
      from = peer.socket.remoteAddress;
      return script(peer);
    });
    return {
      order: { options: to(server, { security: "none", localAddress: HERE }) },
      judge: (told) => {
        judgeSent(server, told);
        assert.equal(from, HERE);
      },
    };
  },
  // Nobody is connected to: whether a client may be made for it is all there is to see.
  "port 25": async () => ({
    order: { options: to({ port: 25 }) },
    judge: (told) => {
      assertDone(told);
      assert.equal(told.made, true);
    },
  }),
  "attachment.file": async ({ file }) => {
    const server = await serve(polite());
    return {
      order: { options: to(server, { security: "none" }), path: file },
      judge: (told) => {
        judgeSent(server, told);
        assert.ok(server.messages[0]?.replaceAll("\r\n", "").includes(readFileSync(file).toString("base64")));
      },
    };
  },
};
