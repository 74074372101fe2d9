// How a connection comes about, and how it does not.

import assert from "node:assert/strict";
import type { Identity } from "../../support/certificates.ts";
import { polite } from "../../support/manners.ts";
import { type Server, serve } from "../../support/server.ts";
import { AUTH, type Checks, judgeSent, judgeUnsent, plainLogin, secured, to, trusting } from "../check.ts";

const OFFERS = ["AUTH PLAIN", "PIPELINING"];
/** Milliseconds: what a handshake that stalls may take of the runtime's time. */
const PATIENCE = 300;

export const ways: Checks = {
  plain: async () => {
    const server = await serve(polite({ offers: OFFERS, ...plainLogin }));
    return {
      order: { options: to(server, { security: "none", auth: AUTH }) },
      judge: (told) => {
        judgeSent(server, told);
        assert.match(server.heard, /AUTH PLAIN/);
      },
    };
  },
  "implicit TLS": overTls("tls"),
  STARTTLS: overTls("starttls"),
  "wrong host, implicit TLS": refusing("tls", "wrongName", "localhost"),
  "wrong host, STARTTLS": refusing("starttls", "wrongName", "localhost"),
  // An address is in the certificate, or it is not the server's: some runtimes take it for `localhost`.
  "wrong IP address, implicit TLS": refusing("tls", "nameOnly", "127.0.0.1"),
  "wrong IP address, STARTTLS": refusing("starttls", "nameOnly", "127.0.0.1"),
  "unknown CA, implicit TLS": refusing("tls", "unknownAuthority", "localhost"),
  "unknown CA, STARTTLS": refusing("starttls", "unknownAuthority", "localhost"),
  "injection behind the 220": async (setting) => {
    const server = await serve(
      polite({ offers: ["STARTTLS"], STARTTLS: "220 2.0.0 go ahead\n250 2.0.0 injected" }),
    );
    return {
      order: { options: to(server, { ...trusting(setting), security: "starttls" }) },
      judge: (told) => judgeUnsent(server, told, "starttls_injection"),
    };
  },
  "refused port": async () => {
    const server = await serve(polite());
    return {
      order: { options: to(server, { security: "none" }) },
      // Not before: the port could become that of another server.
      begin: () => server.close(),
      judge: (told) => judgeUnsent(server, told, "connection"),
    };
  },
  "stalled handshake, implicit TLS": stalling("tls"),
  "stalled handshake, STARTTLS": stalling("starttls"),
};

function overTls(security: "tls" | "starttls"): Checks[string] {
  return async (setting) => {
    const server = await secured(security, setting.certificates, { offers: OFFERS, ...plainLogin });
    return {
      order: { options: to(server, { ...trusting(setting), security, auth: AUTH }) },
      judge: (told) => {
        judgeSent(server, told);
        assert.equal(server.peers[0]?.secure, true);
        assert.equal(server.peers[0]?.servername, "localhost", "the name asked for in SNI");
        assert.match(server.heard, /AUTH PLAIN/);
      },
    };
  };
}

function refusing(
  security: "tls" | "starttls",
  which: "wrongName" | "nameOnly" | "unknownAuthority",
  host: string,
): Checks[string] {
  return async (setting) => {
    const shown: Identity = setting.certificates[which];
    const server = await secured(security, { good: shown }, { offers: OFFERS });
    // A Worker hears that the connection failed, and not why.
    const silent = security === "tls" ? "connection" : "tls";
    const code = setting.kind === "sockets" ? "tls_certificate" : silent;
    return {
      order: { options: { ...to(server, { ...trusting(setting), security, auth: AUTH }), host } },
      judge: (told) => {
        judgeUnsent(server, told, code);
        assert.equal(server.peers.length, 1, "connections");
      },
    };
  };
}

function stalling(security: "tls" | "starttls"): Checks[string] {
  return async (setting) => {
    const server: Server =
      security === "tls"
        ? await serve((peer) => peer.silence())
        : await serve(
            polite({
              offers: ["STARTTLS"],
              STARTTLS: async (peer) => {
                await peer.say("220 2.0.0 go ahead");
                await peer.silence();
                return undefined;
              },
            }),
          );
    const timeouts = { connect: PATIENCE, tls: PATIENCE };
    return {
      order: { options: to(server, { ...trusting(setting), security, timeouts }) },
      judge: (told) => judgeUnsent(server, told, "deadline"),
    };
  };
}
