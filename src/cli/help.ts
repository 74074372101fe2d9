// --help, for a person.

import type { Command } from "./command.ts";
import { COMMON, type Option } from "./options.ts";
import type { Style } from "./style.ts";

const EXIT_CODES = `Exit codes:
  0    done: the server took the message for everybody it is to; the test has passed
  1    it failed, and nobody gets the message
  2    the command line, a file or the config cannot be used as it is; nothing was connected
  3    unknown: the message was written, and no answer came; it may arrive
  4    some recipients get it, others do not, or that is not known
  130  stopped with Ctrl-C; nobody gets the message`;

const ENVIRONMENT = `Secrets that the config leaves out come from the environment:
  PENNYPOST_PASSWORD       auth.pass; without it you are asked, at a terminal
  PENNYPOST_CLIENT_SECRET  auth.clientSecret, beside auth.clientId
  PENNYPOST_REFRESH_TOKEN  auth.refreshToken, beside auth.clientId
  PENNYPOST_ACCESS_TOKEN   auth.accessToken, where auth has a user and a type OAuth2 alone
  PENNYPOST_PRIVATE_KEY    auth.privateKey, beside auth.serviceClient`;

export function generalHelp(commands: readonly Command[], style: Style): string {
  return [
    "Sends mail over SMTP, and says what became of it.",
    "",
    `${style.bold("pennypost")} <command> [options]`,
    "",
    ...table(commands.map(({ name, summary }) => [`  ${name}`, summary])),
    "",
    "Begin with:",
    "  pennypost init --service gmail       then put your own values into smtp.json",
    "  pennypost test                       see whether it can be reached, and logs in",
    "  pennypost test --to me@example.com   and whether a message gets through",
    "",
    EXIT_CODES,
    "",
    ENVIRONMENT,
    "",
    "pennypost <command> --help says more; --version prints the version.",
  ].join("\n");
}

export function helpOf(
  { name, summary, usage, options, examples, notes = [] }: Command,
  style: Style,
): string {
  const rows = Object.entries<Option>({ ...options, ...COMMON }).map(
    ([long, { value, short, help }]): [string, string] => [
      `  ${short === undefined ? "    " : `-${short}, `}--${long}${value === undefined ? "" : ` ${value}`}`,
      help,
    ],
  );
  return [
    summary,
    "",
    `${style.bold(`pennypost ${name}`)} ${usage}`,
    "",
    ...table(rows),
    ...(notes.length > 0 ? ["", ...notes] : []),
    "",
    "Examples:",
    ...examples.map((line) => `  ${line}`),
  ].join("\n");
}

/** Rows whose second column begins in one place. */
export function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`.trimEnd());
}
