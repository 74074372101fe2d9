// The checks that options share. Each returns the value, or throws a ConfigError that names the option.

import { ConfigError } from "../errors.ts";
import { describe, type Keys, readObject } from "../input.ts";

/** C0 and DEL: in no host, name, URL or secret. */
export const CONTROLS: RegExp = /[\x00-\x1f\x7f]/;

/** What `read` makes of a value, where there is one. */
export function optional<T>(
  value: unknown,
  option: string,
  read: (value: unknown, option: string) => T,
): T | undefined {
  return value === undefined ? undefined : read(value, option);
}

export function readString(value: unknown, option: string): string {
  if (typeof value !== "string") throw new ConfigError(option, `is ${describe(value)}, not a string`);
  if (value === "") throw new ConfigError(option, "is empty");
  if (CONTROLS.test(value)) throw new ConfigError(option, "holds a control character");
  return value;
}

/** A user name or password; never shown, whatever is wrong with it. */
export function readSecret(value: unknown, option: string): string {
  if (typeof value !== "string") throw new ConfigError(option, `is ${describe(value)}, not a string`);
  // RFC 4616 §2 has at least one octet in each; an empty one is mostly an environment variable that is not set.
  if (value === "") throw new ConfigError(option, "is empty");
  // RFC 4616 §2: NUL parts the fields of PLAIN. A line end is a slip of copy and paste.
  if (CONTROLS.test(value)) throw new ConfigError(option, "holds a control character, perhaps a line end");
  if (!value.isWellFormed()) throw new ConfigError(option, "holds half of a surrogate pair");
  return value;
}

/** A bearer token (RFC 6750 §2.1), also never shown. */
export function readToken(value: unknown, option: string): string {
  if (typeof value === "string" && /^[\x21-\x7e]+$/.test(value)) return value;
  throw new ConfigError(option, "is not a token: visible ASCII characters, at least one");
}

export function readChoice<T extends string>(value: unknown, option: string, choices: readonly T[]): T {
  const choice = choices.find((one) => one === value);
  if (choice !== undefined) return choice;
  throw new ConfigError(option, `is none of ${choices.map((one) => `"${one}"`).join(", ")}`);
}

export function readInteger(value: unknown, option: string, least: number, most: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new ConfigError(option, `is not a whole number from ${least} to ${most}`);
}

/** The longest that a timer can wait: setTimeout fires at once beyond 31 bits. */
const MAX_TIMER = 2_147_483_647;

export function readMilliseconds(value: unknown, option: string): number {
  return readInteger(value, option, 1, MAX_TIMER);
}

export function readFlag(value: unknown, option: string): boolean {
  if (typeof value === "boolean") return value;
  throw new ConfigError(option, `is ${describe(value)}, not true or false`);
}

/** A function of the caller's; that it is of the right kind is for the compiler to say. */
export function readFunction<F>(value: unknown, option: string): F {
  if (typeof value === "function") return value as F;
  throw new ConfigError(option, `is ${describe(value)}, not a function`);
}

// Letters, digits, hyphens, dots and underscores; or an IPv6 address with its zone. Anything else goes as A-labels.
const HOST = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?\.?$/;
const IPV4 = /^(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;
// At least two colons, or it would be a host with its port.
const IPV6 = /^(?=[^:]*:[^:]*:)[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?$/;

export function readIpAddress(value: unknown, option: string): string {
  const address = readString(value, option);
  if (IPV4.test(address) || IPV6.test(address)) return address;
  throw new ConfigError(option, "is not an IP address");
}

export function readHost(value: unknown, option: string): string {
  const host = readString(value, option);
  if (HOST.test(host) || IPV6.test(host)) return host;
  throw new ConfigError(option, "is neither a host name nor an IP address", {
    hint: "give the name alone, without a scheme or port; one that is not ASCII goes as xn--…",
  });
}

const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
const ADDRESS_LITERAL = /^\[(?:\d{1,3}(?:\.\d{1,3}){3}|IPv6:[0-9A-Fa-f:.]{2,45})\]$/;

/** What EHLO says we are: a domain name or an address literal (RFC 5321 §4.1.1.1); Gmail refuses anything else. */
export function readEhloName(value: unknown, option: string): string {
  const name = readString(value, option);
  const isDomain = name.length <= 255 && name.split(".").every((label) => LABEL.test(label));
  if (isDomain || ADDRESS_LITERAL.test(name)) return name;
  throw new ConfigError(option, "is neither a domain name nor an address literal", {
    hint: "write mail.example.com or [192.0.2.1], or leave it out",
  });
}

/** The own properties of an option that is an object, each read once; an unknown one is refused. */
export function read<K extends string>(
  value: unknown,
  keys: Keys<K>,
  option: string,
): Partial<Record<K, unknown>> {
  return readObject(value, keys, option, { fault: ConfigError, whole: "options" });
}

/**
 * The properties that say something: `{ port: undefined }` is no port. Without a prototype, for what is not there must
 * not be found on a polluted Object.prototype either.
 */
export function defined<T extends object>(options: T): T {
  const said: T = Object.create(null);
  return Object.assign(
    said,
    Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
  );
}
