// Servers of providers as the guides have people meet them: they take every login and every message, unless a test says
// otherwise.

import type { Identity } from "./certificates.ts";
import { type Manners, polite } from "./manners.ts";
import type { Script } from "./server.ts";

function gmail(more: string): Manners {
  const [size, ...others] = [
    "SIZE 35882577",
    "8BITMIME",
    "ENHANCEDSTATUSCODES",
    "PIPELINING",
    "CHUNKING",
    "SMTPUTF8",
  ];
  const login = "AUTH LOGIN PLAIN XOAUTH2 PLAIN-CLIENTTOKEN OAUTHBEARER XOAUTH";
  return {
    greeting: "220 smtp.gmail.com ESMTP 5b1f17b1804b1-47e8 - gsmtp",
    offers: [size ?? "", more || login, ...others],
    offersInside: [size ?? "", login, ...others],
    AUTH: "235 2.7.0 Accepted",
    content: "250 2.0.0 OK  1767225600 5b1f17b1804b1-47e8 - gsmtp",
  };
}

const SENDGRID: Manners = {
  greeting: "220 SG ESMTP service ready at geopod-ismtpd-1",
  offers: ["8BITMIME", "PIPELINING", "SIZE 31457280", "STARTTLS", "AUTH PLAIN LOGIN"],
  offersInside: ["8BITMIME", "PIPELINING", "SIZE 31457280", "AUTH PLAIN LOGIN"],
  AUTH: "235 Authentication successful",
  content: "250 Ok: queued as nhIMmON9SFOPcT0ii4nt2A",
};

const ALIYUN: Manners = {
  greeting: "220 smtp.aliyun-inc.com MX AliMail Server",
  offers: ["8BITMIME", "AUTH PLAIN LOGIN XALIOAUTH", "PIPELINING", "DSN"],
  AUTH: "235 Authentication successful",
  content: "250 Data Ok: queued as freedom ###envid=148316944",
};

const SERVERS: Readonly<Record<string, Manners>> = {
  "smtp.gmail.com:465": gmail(""),
  "smtp.gmail.com:587": gmail("STARTTLS"),
  "smtp.sendgrid.net:587": SENDGRID,
  "smtpdm.aliyun.com:465": ALIYUN,
  "smtpdm.aliyun.com:80": ALIYUN,
};

/** For `internet`: each provider at its `host:port`, with what `others` changes. */
export function providers(others: Manners = {}): Readonly<Record<string, (identity: Identity) => Script>> {
  return Object.fromEntries(
    Object.entries(SERVERS).map(([place, manners]) => [
      place,
      (identity: Identity): Script =>
        async (peer) => {
          if (place.endsWith(":465")) await peer.startTls(identity);
          await polite({ ...manners, identity, ...others })(peer);
        },
    ]),
  );
}
