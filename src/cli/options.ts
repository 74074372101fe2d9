// What may stand on a command line: declared once, for the reader and for --help.

import { parseArgs } from "node:util";
import { ConfigError } from "../index.ts";

/** One option of a command. */
export interface Option {
  /** What stands for its value in --help; an option without is there or not. */
  readonly value?: string;
  /** Whether it may be given more than once. */
  readonly many?: true;
  readonly short?: string;
  readonly help: string;
}

/** Has a key of its own for each option, so that the compiler knows a name that is not declared. */
export type Options<Name extends string = string> = Readonly<Record<Name, Option>>;

/** Are understood by every command. */
export const COMMON: Options<"help" | "no-color"> = {
  "no-color": { help: "no colours (so does NO_COLOR in the environment)" },
  help: { short: "h", help: "this text" },
};

/** A command line, read. */
export class Given<Name extends string = string> {
  readonly operands: readonly string[];
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>, operands: readonly string[]) {
    this.#values = values;
    this.operands = operands;
  }

  has(name: Name | keyof typeof COMMON): boolean {
    return this.#values.has(name);
  }

  all(name: Name): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  one(name: Name): string | undefined {
    return this.#values.get(name)?.[0];
  }

  /** Refuses options that would have no effect beside the one called `reason`. */
  refuse(names: readonly Name[], reason: string): void {
    const found = names.find((name) => this.#values.has(name));
    if (found !== undefined) throw new ConfigError(`--${found}`, `does not go with ${reason}`);
  }
}

/** Reads `args` as `command` has them. */
export function readOptions<Name extends string>(
  args: readonly string[],
  {
    name: command,
    options,
    operands = 0,
  }: { readonly name: string; readonly options: Options<Name>; readonly operands?: number },
): Given<Name> {
  const known: Readonly<Record<string, Option>> = { ...options, ...COMMON };
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Object.entries(known).map(([name, { value, short }]) => [
        name,
        {
          type: value === undefined ? ("boolean" as const) : ("string" as const),
          ...(short !== undefined && { short }),
        },
      ]),
    ),
    // What is wrong is told here, for the words of others may hold what was given.
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values = new Map<string, string[]>();
  const rest: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") rest.push(token.value);
    if (token.kind !== "option") continue;
    const { name, rawName, value, inlineValue } = token;
    const option = Object.hasOwn(known, name) ? known[name] : undefined;
    if (option === undefined) throw unknownOption(name, rawName, command, Object.keys(known));
    const given = values.get(name);
    if (given !== undefined && option.many !== true) throw new ConfigError(rawName, "is given twice");
    if (option.value === undefined) {
      if (value !== undefined) throw new ConfigError(rawName, "takes no value");
    } else if (value === undefined || (inlineValue !== true && /^-./.test(value))) {
      // The next option, taken for a value, would be lost.
      throw new ConfigError(rawName, `needs a value: ${rawName}=${option.value}`);
    }
    values.set(name, [...(given ?? []), value ?? ""]);
  }
  const surplus = rest[operands];
  // Not quoted: it may be half of a password that was not quoted on the command line.
  if (surplus !== undefined) {
    throw new ConfigError(command, `takes ${operands === 0 ? "no words" : "one word"} besides its options`, {
      hint: `text with blanks stands in quotes; see pennypost ${command} --help`,
    });
  }
  return new Given(values, rest);
}

const SECRETS = ["password", "pass", "passwd", "pw", "token", "secret"];

function unknownOption(
  name: string,
  rawName: string,
  command: string,
  known: readonly string[],
): ConfigError {
  const shown = rawName.slice(0, 40);
  if (SECRETS.includes(name)) {
    return new ConfigError(
      shown,
      "a password on the command line can be read by everybody on this machine, and stays in the shell's history",
      {
        hint: "put it into the config or into PENNYPOST_PASSWORD, or leave it out to be asked for it",
      },
    );
  }
  const near = nearest(name, known);
  const meant = near === undefined ? "" : `; is --${near} meant?`;
  return new ConfigError(shown, `is no option of ${command}${meant}`, {
    hint: `see pennypost ${command} --help`,
  });
}

/** The name that `word` is one slip away from, or that it begins. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  if (word.length < 2) return undefined;
  return names.find((name) => isNear(word, name)) ?? names.find((name) => name.startsWith(word));
}

/** One letter added, left out or changed, or two exchanged. */
function isNear(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1 || Math.min(a.length, b.length) < 2) return false;
  let head = 0;
  while (head < a.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < Math.min(a.length, b.length) - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const [left, right] = [a.slice(head, a.length - tail), b.slice(head, b.length - tail)];
  return Math.max(left.length, right.length) <= 1 || (left.length === 2 && left === `${right[1]}${right[0]}`);
}
