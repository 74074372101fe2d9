// The credentials of a config, field by field; which of them belong together is for the rules to say.

import { ConfigError } from "../errors.ts";
import { describe } from "../input.ts";
import { readSecret, readString, readToken } from "../options/checks.ts";
import {
  checked,
  either,
  type Field,
  flag,
  object,
  PLACEHOLDER,
  PORT_OF_URL,
  refuseExample,
  text,
  whole,
} from "./field.ts";
import type { ConnectorAuth } from "./types.ts";

export type ReadAuth = Partial<Omit<ConnectorAuth, "privateKey">> & { readonly privateKey?: PrivateKey };
type PrivateKey = string | { readonly key?: string; readonly passphrase?: string };

/** The last millisecond that a Date can be (ECMA-262, "Time Values and Time Range"). */
const MAX_DATE = 8_640_000_000_000_000;

const TOKEN = String.raw`^[\x21-\x7e]+$`;
const TYPE = "^(?:[Ll][Oo][Gg][Ii][Nn]|[Oo][Aa][Uu][Tt][Hh]2)$";
const LOOPBACK = String.raw`(?:localhost|127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}|\[::1\])`;
const ACCESS_URL = `^(?:https://[A-Za-z0-9._\\-]+|https?://${LOOPBACK})${PORT_OF_URL}(?:[/?][^\\x00-\\x20\\x7f#]*)?$`;

export function authField(): Field<ReadAuth> {
  const secret = text(undefined, readSecret);
  return object<ReadAuth>(
    {
      type: text(TYPE, (value, path) => {
        if (typeof value === "string" && new RegExp(TYPE).test(value)) return value;
        throw new ConfigError(path, 'is neither "login" nor "OAuth2"');
      }),
      user: secret,
      pass: secret,
      clientId: secret,
      clientSecret: secret,
      refreshToken: text(TOKEN, readToken),
      accessToken: text(TOKEN, readToken),
      expires: whole(0, MAX_DATE),
      accessUrl: text(ACCESS_URL, accessUrl),
      scope: text(),
      serviceClient: text(),
      privateKey: either(["string"], pem(), keyWithPassphrase()),
      allowInsecure: flag(),
    },
    {
      meaningless: {
        method: "say authMethod, beside auth",
        timeout: "say expires, when the accessToken ends",
        provisionCallback: "SmtpClient takes a function that gets tokens in auth.oauth2",
        serviceRequestTimeout: "a token is asked for as long as its server says",
      },
    },
  );
}

function accessUrl(value: unknown, path: string): string {
  const url = readString(value, path);
  if (new RegExp(ACCESS_URL).test(url)) return url;
  throw new ConfigError(path, "is no https: URL, without a user and a fragment");
}

function keyWithPassphrase(): Field<{ readonly key?: string; readonly passphrase?: string }> {
  return object<{ readonly key: string; readonly passphrase: string }>(
    { key: pem(), passphrase: pem() },
    { required: ["key", "passphrase"] },
  );
}

/** Lines are what it is made of. */
function pem(): Field<string> {
  return checked({ type: "string", minLength: 1, not: { pattern: PLACEHOLDER.source } }, (value, path) => {
    refuseExample(value, path);
    if (typeof value !== "string") throw new ConfigError(path, `is ${describe(value)}, not a string`);
    if (value === "") throw new ConfigError(path, "is empty");
    return value;
  });
}
