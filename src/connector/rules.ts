// What fields of a config must not say together. A rule is a condition, which the schema gets as it stands, and a
// sentence.

import type { Problem } from "../errors.ts";
import { all, any, type Condition, GIVEN, has, hasAny, lacks, matches, not, TRUE } from "./condition.ts";

export interface Rule {
  /** Where the problem is shown. */
  readonly path: string;
  readonly when: Condition;
  readonly message: string;
  readonly hint?: string;
}

/** The rules that a config breaks. */
export function brokenRules(config: unknown): readonly Problem[] {
  return [...connectionRules(), ...loginRules()]
    .filter(({ when }) => matches(when, config))
    .map(({ path, message, hint }) => ({ path, message, ...(hint !== undefined && { hint }) }));
}

/** RFC 6409 §3.1 and RFC 5321 §4.5.4.2: what IANA has them for begins in the clear. */
const SMTP_PORT = 25;
const STARTTLS_PORTS = [587, SMTP_PORT] as const;
const IMPLICIT_TLS_PORT = 465;

const FALSE: Condition = { const: false };
const isPort = (port: number): Condition => has({ port: { enum: [port, String(port)] } });

/** Which must not both be true; the first of them is named. */
const OPPOSITES = [
  ["ignoreTLS", "requireTLS"],
  ["opportunisticTLS", "requireTLS"],
  ["opportunisticTLS", "ignoreTLS"],
] as const;

export function connectionRules(): readonly Rule[] {
  const saysTls = any(has({ secure: TRUE }), all(isPort(IMPLICIT_TLS_PORT), lacks("secure")));
  return [
    {
      path: "host",
      when: lacks("host", "service"),
      message: "is missing",
      hint: "name the server, or a service such as gmail",
    },
    ...STARTTLS_PORTS.map((port) => ({
      path: "port",
      when: all(isPort(port), has({ secure: TRUE })),
      message: `${port} speaks STARTTLS, secure: true expects TLS from the first octet: set secure to false, or port to ${IMPLICIT_TLS_PORT}`,
    })),
    {
      path: "port",
      when: all(isPort(IMPLICIT_TLS_PORT), has({ secure: FALSE })),
      message: `${IMPLICIT_TLS_PORT} speaks TLS from the first octet, secure: false expects STARTTLS: set secure to true, or port to ${STARTTLS_PORTS[0]}`,
    },
    ...["ignoreTLS", "opportunisticTLS"].map((name) => ({
      path: name,
      when: all(saysTls, has({ [name]: TRUE })),
      message:
        "is true where the connection begins with TLS: leave it out, or set secure to false and port to 587",
    })),
    ...OPPOSITES.map(([one, other]) => ({
      path: one,
      when: has({ [one]: TRUE, [other]: TRUE }),
      message: `is true, and so is ${other}: only one of them can be`,
    })),
    {
      path: "port",
      when: all(isPort(SMTP_PORT), has({ lmtp: TRUE })),
      message: `is ${SMTP_PORT}, where LMTP must not be spoken (RFC 2033 §5)`,
    },
    {
      path: "tls.servername",
      when: has({ servername: GIVEN, tls: has({ servername: GIVEN }) }),
      message: "is given, and so is servername: leave one of them out",
    },
    {
      path: "maxMessages",
      when: has({ pool: FALSE, maxMessages: GIVEN }),
      message: "is given where pool: false opens a connection for each message: leave one of them out",
    },
    {
      path: "rateDelta",
      when: all(has({ rateDelta: GIVEN }), lacks("rateLimit")),
      message: "is given without rateLimit, the number of messages in that time",
    },
    {
      path: "debug",
      when: all(has({ debug: TRUE }), any(lacks("logger"), has({ logger: FALSE }))),
      message: "is true, and there is no logger to tell: set logger to true as well",
    },
    ...insecureRules(),
  ];
}

const LOOPBACK =
  "^(?:[Ll][Oo][Cc][Aa][Ll][Hh][Oo][Ss][Tt]|127(?:\\.(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)){3}|::1)$";

/** Who says so may send credentials where others can read them; who connects to this machine need not say so. */
function insecureRules(): readonly Rule[] {
  const isLocal = all(has({ host: { type: "string", pattern: LOOPBACK } }), lacks("proxy"));
  const isUnsafe = all(
    has({ auth: all(hasAny("user", "pass"), not(has({ allowInsecure: TRUE }))) }),
    not(all(isLocal, has({ auth: lacks("allowInsecure") }))),
  );
  const problem = {
    message: "would send the credentials over a connection that others may read",
    hint: "only if the network is yours, set auth.allowInsecure to true",
  };
  return [
    { path: "ignoreTLS", when: all(isUnsafe, has({ ignoreTLS: TRUE })), ...problem },
    {
      path: "tls.rejectUnauthorized",
      when: all(isUnsafe, has({ tls: has({ rejectUnauthorized: FALSE }) })),
      ...problem,
      hint: `give the server's authority in tls.ca; ${problem.hint}`,
    },
  ];
}

const OAUTH2_TYPE = "^[Oo][Aa][Uu][Tt][Hh]2$";
const REFRESHING = ["clientId", "clientSecret", "refreshToken"] as const;
const SERVING = ["serviceClient", "privateKey"] as const;
const GETTING = ["accessUrl", "scope"] as const;
const OAUTH2 = [...REFRESHING, "accessToken", "expires", ...GETTING, ...SERVING] as const;

/** Of `auth`: which of its three forms it is, and that it is one of them whole. */
export function loginRules(): readonly Rule[] {
  const isOAuth2 = any(has({ type: { type: "string", pattern: OAUTH2_TYPE } }), hasAny(...OAUTH2));
  const isServing = hasAny(...SERVING);
  const rule = (name: string, when: Condition, message: string, hint?: string): Rule => ({
    path: `auth.${name}`,
    when: has({ auth: when }),
    message,
    ...(hint !== undefined && { hint }),
  });
  return [
    rule(
      "pass",
      all(has({ user: GIVEN }), lacks("pass"), not(isOAuth2)),
      "is missing",
      "where the server asks for no login, leave out auth",
    ),
    rule("user", all(lacks("user"), any(has({ pass: GIVEN }), isOAuth2)), "is missing"),
    rule(
      "pass",
      all(has({ pass: GIVEN }), isOAuth2),
      "is a password, and the rest of auth is OAuth2: one of them",
    ),
    rule(
      "type",
      all(has({ type: { type: "string", pattern: "^[Ll][Oo][Gg][Ii][Nn]$" } }), hasAny(...OAUTH2)),
      'is "login", and the rest of auth is OAuth2: set it to "OAuth2", or leave it out',
    ),
    rule(
      "refreshToken",
      all(isOAuth2, lacks("refreshToken", "accessToken", ...SERVING)),
      "is missing",
      "OAuth2 takes a refreshToken, an accessToken, or a serviceClient with its privateKey",
    ),
    rule(
      "clientId",
      all(has({ refreshToken: GIVEN }), lacks("clientId")),
      "is missing: a refreshToken needs it",
    ),
    rule(
      "privateKey",
      all(has({ serviceClient: GIVEN }), lacks("privateKey")),
      "is missing: a serviceClient needs it",
    ),
    rule(
      "serviceClient",
      all(has({ privateKey: GIVEN }), lacks("serviceClient")),
      "is missing: a privateKey is of one",
    ),
    ...REFRESHING.map((name) =>
      rule(
        name,
        all(isServing, has({ [name]: GIVEN })),
        "is given, and so is a service account: one of them",
      ),
    ),
    ...(["clientId", "clientSecret", ...GETTING] as const).map((name) =>
      rule(
        name,
        all(has({ [name]: GIVEN, accessToken: GIVEN }), lacks("refreshToken", ...SERVING)),
        "is given, and there is no refreshToken to use it with",
      ),
    ),
    rule(
      "expires",
      all(has({ expires: GIVEN }), lacks("accessToken")),
      "is given without the accessToken that it is about",
    ),
    {
      path: "authMethod",
      when: all(has({ authMethod: GIVEN }), not(has({ auth: hasAny("user", "pass") }))),
      message: "is given, and auth is not",
    },
    {
      path: "authMethod",
      when: has({ authMethod: { const: "XOAUTH2" }, auth: has({ pass: GIVEN }) }),
      message: "is XOAUTH2, which takes no password",
    },
    {
      path: "authMethod",
      when: all(has({ authMethod: not({ const: "XOAUTH2" }), auth: isOAuth2 })),
      message: "is not XOAUTH2, the one that takes a token",
    },
  ];
}
