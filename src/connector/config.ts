// A config, read: field by field, then what the fields say together, then the templates. Everything that is wrong is
// told at once.

import { ConfigError, type Problem } from "../errors.ts";
import { readEntries } from "../input.ts";
import { refuseOtherSender } from "../services.ts";
import { authOptions } from "./auth.ts";
import { noting } from "./field.ts";
import { fixedAddress } from "./mailbox.ts";
import { brokenRules } from "./rules.ts";
import { configField, type ReadConfig } from "./table.ts";
import { readTemplates, type TemplateSet } from "./template-set.ts";

/** A config that can be used. */
export interface ResolvedConfig extends ReadConfig {
  readonly fromEmail: NonNullable<ReadConfig["fromEmail"]>;
  readonly compiled: TemplateSet;
}

/** Reads a config. Throws one ConfigError with all its `problems`, of which `option` is the first one's path. */
export function readConnectorConfig(given: unknown): ResolvedConfig {
  const problems: Problem[] = [];
  const config = noting(problems, "config", () => snapshot(given));
  const read = config && configField().read(config, "", problems);
  if (config === undefined || read === undefined) throw refusal(problems);
  problems.push(...brokenRules(config));
  for (const [path, sender] of sendersOf(read))
    noting(problems, path, () => refuseStranger(read, sender, path));
  noting(problems, "auth", () => authOptions(read.auth, read.authMethod));
  const compiled = readTemplates(config.templates, read, problems);
  const { fromEmail } = read;
  if (problems.length > 0 || fromEmail === undefined) throw refusal(problems);
  return { ...read, fromEmail, compiled };
}

/** How deep a config may be: `templates[0].subject`, and one more. */
const MAX_DEPTH = 4;

/**
 * The own properties of a config, each read once, and of what is in it. What is no plain object or array is left as it
 * is: a logger lives, and octets are not copied.
 */
function snapshot(given: unknown): Readonly<Record<string, unknown>> {
  const config: Record<string, unknown> = Object.create(null);
  for (const [name, value] of readEntries(given, "config")) {
    if (value !== undefined) config[name] = name === "logger" ? value : copy(value, MAX_DEPTH);
  }
  return config;
}

function copy(value: unknown, depth: number): unknown {
  if (depth === 0 || typeof value !== "object" || value === null) return value;
  // By index: an array may bring an iterator of its own.
  if (Array.isArray(value))
    return Array.from({ length: value.length }, (_, at) => copy(value[at], depth - 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return value;
  const said: Record<string, unknown> = Object.create(null);
  for (const [name, one] of Object.entries(value)) {
    if (one !== undefined) said[name] = copy(one, depth - 1);
  }
  return said;
}

/** The addresses that mail is sent from, whatever the payload, and where each is said. */
function sendersOf({
  fromEmail,
  templates = [],
}: ReadConfig): readonly (readonly [string, string | undefined])[] {
  const own = templates.map((one, at) => [`templates[${at}].sendFrom`, fixedAddress(one?.sendFrom)] as const);
  return [["fromEmail", fromEmail?.address], ...own];
}

/** Where a provider takes mail from the address that logs in and no other. */
function refuseStranger({ host, service, auth }: ReadConfig, sender: string | undefined, path: string): void {
  const server = host ?? service?.host;
  if (server === undefined || auth?.user === undefined || sender === undefined) return;
  refuseOtherSender(server, auth.user, sender, path);
}

function refusal(problems: readonly Problem[]): ConfigError {
  const [first = { path: "config", message: "is not valid" }, ...others] = problems;
  const lines = [first.message, ...others.map(({ path, message }) => `${path}: ${message}`)];
  return new ConfigError(first.path, lines.join("\n"), { problems, hint: first.hint });
}
