// Where tokens are asked for, and what is said there besides the grant.

import { ConfigError } from "../../errors.ts";
import { describe, isToken } from "../../input.ts";
import { optional, readChoice, readFunction, readString } from "../../options/checks.ts";

/** Says how a token endpoint is spoken to. */
export interface EndpointOptions {
  /** Further fields of the request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Further parameters of the form. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Replaces `globalThis.fetch`: with one that goes through a proxy, or trusts an authority of its own. */
  readonly fetch?: typeof globalThis.fetch;
}

export interface Endpoint {
  readonly url: string;
  /** As errors name it: there may be secrets in the rest. */
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly parameters: Readonly<Record<string, string>>;
  readonly fetch: typeof globalThis.fetch | undefined;
}

type Given = Partial<Record<"tokenUrl" | "headers" | "parameters" | "fetch", unknown>>;

/** Reads what `options` say of the endpoint at `url`; `own` are the parameters that the grant says itself. */
export function readEndpoint(options: Given, url: string | undefined, own: readonly string[]): Endpoint {
  const target = readTokenUrl(options.tokenUrl ?? url);
  return {
    url: target.href,
    host: target.host,
    headers: readFields(options.headers),
    parameters: readParameters(options.parameters, own),
    fetch: optional(options.fetch, "fetch", readFunction<typeof globalThis.fetch>),
  };
}

// 127/8 as the URL parser writes it, whatever form it was given in. Names below localhost, and "localhost.", are asked of
// the network's DNS by many resolvers, whatever RFC 6761 §6.3 says.
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** RFC 6749 §3.2. What is wrong with it is told without it: there may be secrets in it. */
function readTokenUrl(value: unknown): URL {
  const option = "tokenUrl";
  if (value === undefined) {
    throw new ConfigError(option, "is missing", { hint: "give it, or a provider that is known" });
  }
  let url: URL;
  try {
    url = new URL(value instanceof URL ? value.href : readString(value, option));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(option, "is not a URL", { hint: "such as https://login.example.com/oauth2/token" });
  }
  const { protocol, hostname, username, password, hash } = url;
  if (protocol !== "https:" && !(protocol === "http:" && LOOPBACK.test(hostname))) {
    throw new ConfigError(
      option,
      `is ${protocol}, which would show the secrets to others; it must be https:`,
    );
  }
  if (username !== "" || password !== "") {
    throw new ConfigError(option, "holds credentials", { hint: "give them as clientId and clientSecret" });
  }
  if (hash !== "" || url.href.endsWith("#")) throw new ConfigError(option, "holds a fragment");
  return url;
}

/** RFC 9110 §5.5, in ASCII: fetch would show a value that it refuses. */
const FIELD_VALUE = /^[\t\x20-\x7e]*$/;
/** What is said already, or what fetch says of the connection. */
const NOT_THE_CALLERS =
  /^(?:accept|accept-encoding|connection|content-length|content-type|expect|host|te|trailer|transfer-encoding|upgrade)$/i;

function readFields(value: unknown): Readonly<Record<string, string>> {
  return readRecord(value, "headers", (name, text, option) => {
    if (!isToken(name)) throw new ConfigError("headers", "has a key that names no field");
    if (NOT_THE_CALLERS.test(name)) throw new ConfigError(option, "is not the caller's to say");
    if (!FIELD_VALUE.test(text)) throw new ConfigError(option, "holds more than printable ASCII");
  });
}

function readParameters(value: unknown, own: readonly string[]): Readonly<Record<string, string>> {
  return readRecord(value, "parameters", (name, text, option) => {
    if (own.includes(name)) throw new ConfigError(option, "is said by the grant itself");
    if (!text.isWellFormed()) throw new ConfigError(option, "holds half of a surrogate pair");
  });
}

/** Own properties with text in them, each read once. */
function readRecord(
  value: unknown,
  option: string,
  check: (name: string, text: string, option: string) => void,
): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  if (typeof value !== "object" || value === null || Symbol.iterator in value) {
    throw new ConfigError(option, `is ${describe(value)}, not an object`);
  }
  const entries = Object.keys(value).map((name): [string, string] => {
    const text = (value as Readonly<Record<string, unknown>>)[name];
    const path = isToken(name) ? `${option}.${name.slice(0, 80)}` : option;
    if (typeof text !== "string") throw new ConfigError(path, `is ${describe(text)}, not a string`);
    check(name, text, path);
    return [name, text];
  });
  return Object.fromEntries(entries);
}

/** RFC 6749 A.1: what the endpoint knows the client by. */
export function readClientId(value: unknown): string {
  if (typeof value === "string" && /^[\x20-\x7e]{1,1024}$/.test(value)) return value;
  throw new ConfigError("clientId", "is not the id of a client: ASCII characters, at least one");
}

// RFC 6749 §3.3: words of visible ASCII, without the double quote and the backslash, a space between two.
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/;

export function readScope(value: unknown, option: string): string {
  if (typeof value === "string" && SCOPE.test(value)) return value;
  throw new ConfigError(option, "is not a scope: words with a space between two");
}

/** What a grant does not need to be told of providers that are known. */
export const GOOGLE_TOKENS = "https://oauth2.googleapis.com/token";
export const GOOGLE_SCOPE = "https://mail.google.com/";

export type Provider = "google" | "microsoft";

export function readProvider<P extends Provider>(value: unknown, providers: readonly P[]): P | undefined {
  return optional(value, "provider", (given, option) => readChoice(given, option, providers));
}

/** A directory by its id or a domain, or a word for several; it becomes a part of the path. */
const TENANT = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/;
const TENANT_HINT = "it is the directory (tenant) id, or a domain of the organisation";

/** The endpoint of Microsoft for a tenant; none where the caller names one. */
export function microsoftTokens(
  { provider, tenant, tokenUrl }: Partial<Record<"provider" | "tenant" | "tokenUrl", unknown>>,
  usual?: string,
): string | undefined {
  if (provider !== "microsoft" || tokenUrl !== undefined) {
    if (tenant === undefined) return undefined;
    throw new ConfigError("tenant", 'goes with provider: "microsoft" alone, and without tokenUrl');
  }
  const name = tenant ?? usual;
  if (name === undefined) throw new ConfigError("tenant", "is missing", { hint: TENANT_HINT });
  if (typeof name !== "string" || !TENANT.test(name)) {
    throw new ConfigError("tenant", "is not the name or id of a tenant", { hint: TENANT_HINT });
  }
  if (usual === undefined && /^(?:common|organizations|consumers)$/i.test(name)) {
    throw new ConfigError("tenant", "names no one tenant, and an app signs in to one", { hint: TENANT_HINT });
  }
  return `https://login.microsoftonline.com/${name}/oauth2/v2.0/token`;
}
