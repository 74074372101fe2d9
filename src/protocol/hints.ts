// What to do about refusals that people meet often, by the words of those who send them: each from test/transcripts.
// A hint is a sentence of ours; nothing that the server said is repeated in it.

import type { Reply } from "../errors.ts";

/** What was refused: a login by password, by access token or by neither, the sender, or the message. */
export type Refused = "password" | "token" | "login" | "sender" | "message";

const APP_PASSWORD = "an app password (https://myaccount.google.com/apppasswords)";

// The first that matches counts. Many servers share a code and an enhanced status, and some use those of RFC 4954 §6 for
// what they do not say there, such as 534 5.7.9 at Gmail: the words tell who speaks.
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/^\w+ (538|530 .*STARTTLS)/i, 'the server wants TLS before that: set security: "starttls" or "tls"'],
  [/^sender 530 /, "the server takes mail from those it knows only: set auth"],
  [
    /^(password|token|login) 504 /,
    "the server does not take this mechanism: name another in auth.mechanism, or use auth.oauth2",
  ],
  [
    /^(password|token|login) 454 .*too many login/i,
    "log in less often: one client for all messages, a smaller maxConnections, a longer idleTimeout",
  ],
  [
    /^(password|token|login) 454 /,
    "the server cannot check logins now, and the credentials may be right: try again later",
  ],
  [/^\w+ 534 .*application-specific password/i, `set auth.pass to ${APP_PASSWORD}, or use auth.oauth2`],
  [/^\w+ 534 5\.7\.14 /, `Google mistrusts this login: use ${APP_PASSWORD} or auth.oauth2`],
  [
    /^password 535 .*support\.google\.com/,
    `Gmail takes no account password: set auth.pass to ${APP_PASSWORD}, or use auth.oauth2`,
  ],
  [
    /^\w+ 535 5\.7\.139 .*SmtpClientAuthentication is disabled/i,
    "an administrator must switch on SMTP AUTH for this mailbox: https://aka.ms/smtp_auth_disabled",
  ],
  [/^\w+ 550 5\.7\.30 /, "Exchange Online takes no passwords: use auth.oauth2"],
  [
    /^password 535 5\.7\.(3|139) /,
    "check auth.user and auth.pass; where security defaults or a policy forbid passwords, use auth.oauth2",
  ],
  [
    /^password 535 .*(Bad username \/ password|authorization grant is invalid)/,
    'with SendGrid, auth.user is the word "apikey", and auth.pass an API key that may send mail',
  ],
  [
    /^password 5(26|35) Authentication failure/,
    "with Aliyun DirectMail, auth.user is the sender address, auth.pass its SMTP password, host its region's",
  ],
  [
    /^token 53[45] /,
    "the token must be fresh, of auth.user, and of the scope for SMTP; detail has what the server says of it",
  ],
  [
    /^\w+ 550 .*verified Sender Identity/i,
    "verify the address of from, or its domain, under Sender Authentication in SendGrid's settings",
  ],
  [
    /^\w+ 5\d\d .*(5\.7\.60 |SendAsDenied)/,
    "auth.user may not send as from: use its own address, or have Send As granted",
  ],
  [
    /^\w+ \d+ .*(conform with authentication|must equal authorized user|same as authorization user)/i,
    "the server wants auth.user for a sender: set from, or envelope.from, to it",
  ],
];

/** What may help; `undefined` where nothing is known of it. */
export function hintOf(refused: Refused, { code, lines }: Reply): string | undefined {
  const said = `${refused} ${code} ${lines.join(" ")}`;
  return HINTS.find(([pattern]) => pattern.test(said))?.[1];
}
