// The options of node:tls in a config. Beyond what JSON can say a program may give octets, and a function.

import { ConfigError } from "../errors.ts";
import { describe } from "../input.ts";
import { readFunction, readString } from "../options/checks.ts";
import { checked, choice, type Field, flag, object, textSchema } from "./field.ts";
import type { ConnectorConfig } from "./types.ts";

type Tls = NonNullable<ConnectorConfig["tls"]>;
type Material = string | Uint8Array;

export function tlsField(servername: Field<string>): Field<Partial<Tls>> {
  const several = checked(
    { anyOf: [MATERIAL, { type: "array", items: MATERIAL }] },
    (value, path): Material | readonly Material[] =>
      Array.isArray(value) ? value.map((one, at) => material(one, `${path}[${at}]`)) : material(value, path),
  );
  const one = checked(MATERIAL, material);
  const words = checked(textSchema(), readString);
  const version = choice(["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]);
  return object<Tls>(
    {
      ca: several,
      cert: several,
      key: one,
      passphrase: checked(MATERIAL, (value, path) => String(material(value, path))),
      pfx: one,
      crl: several,
      minVersion: version,
      maxVersion: version,
      ciphers: words,
      sigalgs: words,
      ecdhCurve: words,
      rejectUnauthorized: flag(),
      checkServerIdentity: checked(NOTHING, readFunction<NonNullable<Tls["checkServerIdentity"]>>),
      servername,
    },
    { meaningless: { secureProtocol: "say minVersion and maxVersion" } },
  );
}

const MATERIAL = { type: "string", minLength: 1 };
/** No JSON is a function. */
const NOTHING = { not: {} };

function material(value: unknown, path: string): Material {
  if (typeof value !== "string" && !(value instanceof Uint8Array)) {
    throw new ConfigError(path, `is ${describe(value)}, not a string`);
  }
  if (value.length === 0) throw new ConfigError(path, "is empty");
  return value;
}
