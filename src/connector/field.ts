// What a config is made of: each kind of field reads a value, and says in JSON Schema what it reads, so that the
// validator and the schema cannot come apart. Nothing is thrown here: whoever fills in a form wants to hear it all.

import { ConfigError, MessageError, type Problem, SmtpError } from "../errors.ts";
import { type Keys, readArray, readEntries, readObject } from "../input.ts";
import { readFlag, readInteger, readString } from "../options/checks.ts";

/** JSON Schema 2020-12. */
export type Schema = Readonly<Record<string, unknown>>;

/** One field of a config, of whatever kind. */
export interface Field<T> {
  readonly schema: Schema;
  /** What `value` says; `undefined` where that cannot be used, and `problems` have got why. */
  readonly read: (value: unknown, path: string, problems: Problem[]) => T | undefined;
}

/** A field for each property. */
export type Fields<T> = { readonly [K in keyof T]-?: Field<NonNullable<T[K]>> };

/**
 * A value of the example config that nobody has replaced: words in angle brackets. No digit, for a password may well
 * begin and end with a bracket, and hardly ever has nothing but letters in between.
 */
export const PLACEHOLDER: RegExp = /^<[A-Za-z]+(?:[ _.,@'-]+[A-Za-z]+)*>$/;

/** The port in a URL, where there is one: to 65535, as the parser of URLs takes it. */
export const PORT_OF_URL: string = String.raw`(?::(?:\d{1,4}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5]))?`;

/** A field that `check` reads, which throws what is wrong. */
export function checked<T>(schema: Schema, check: (value: unknown, path: string) => T): Field<T> {
  return { schema, read: (value, path, problems) => noting(problems, path, () => check(value, path)) };
}

/** What `work` returns; what it throws of this library's becomes a problem at `path`, or where it says itself. */
export function noting<T>(problems: Problem[], path: string, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SmtpError)) throw error;
    problems.push(problemOf(error, path));
    return undefined;
  }
}

/** An error that names its place, as a problem of `path`: there, or deeper in. */
function problemOf(error: SmtpError, path: string): Problem {
  const place = placeOf(error);
  const { hint } = error;
  return {
    path: place?.startsWith(path) ? place : path,
    message: reasonOf(error),
    ...(hint !== undefined && { hint }),
  };
}

/** What every option of text is held to: not empty, in one line. */
const LINE = String.raw`^[^\x00-\x1f\x7f]+$`;

/** Text that `check` takes, which matches `pattern`, and that is not still what the example says. */
export function text(
  pattern: string = LINE,
  check: (value: unknown, path: string) => string = readString,
): Field<string> {
  return checked(textSchema(pattern), (value, path) => {
    refuseExample(value, path);
    return check(value, path);
  });
}

export function textSchema(pattern: string = LINE): Schema {
  return { type: "string", pattern, not: { pattern: PLACEHOLDER.source } };
}

export function refuseExample(value: unknown, path: string): void {
  if (typeof value !== "string" || !PLACEHOLDER.test(value)) return;
  // Not quoted: it is not certain that it is no password.
  throw new ConfigError(path, "is still what the example says", {
    hint: "put your own value there, without < and >, or leave the line out where it need not be there",
  });
}

export function flag(): Field<boolean> {
  return checked({ type: "boolean" }, readFlag);
}

export function whole(least: number, most: number): Field<number> {
  return checked({ type: "integer", minimum: least, maximum: most }, (value, path) =>
    readInteger(value, path, least, most),
  );
}

export function choice<T extends string>(choices: readonly T[]): Field<T> {
  return checked({ enum: choices }, (value, path) => {
    const found = choices.find((one) => one === value);
    if (found !== undefined) return found;
    refuseExample(value, path);
    const listed = choices.map((one) => `"${one}"`).join(" or ");
    throw new ConfigError(path, value === undefined ? `is missing: ${listed}` : `is not ${listed}`);
  });
}

/** Of fields by name; those in `required` must be there, and no other may. */
export function object<T extends object>(
  fields: Fields<T>,
  options: {
    readonly required?: readonly (keyof T & string)[];
    /** Names that are known, and mean nothing here, with what to do instead. */
    readonly meaningless?: Readonly<Record<string, string>>;
  } = {},
): Field<Partial<T>> {
  const { required = [], meaningless = {} } = options;
  const table = Object.entries<Field<unknown>>(fields);
  const known = Object.fromEntries(table.map(([name]) => [name, undefined]));
  const properties = Object.fromEntries(table.map(([name, { schema }]) => [name, schema]));
  return {
    schema: { type: "object", properties, required, additionalProperties: false },
    read(value, path, problems) {
      const given = noting(problems, path, () => entriesOf(value, path));
      if (given === undefined) return undefined;
      const at = (name: string): string => (path === "" ? name : `${path}.${name}`);
      for (const name of given.keys()) {
        if (Object.hasOwn(fields, name)) continue;
        const instead = Object.hasOwn(meaningless, name) ? meaningless[name] : undefined;
        if (instead !== undefined)
          problems.push({ path: at(name), message: `means nothing here: ${instead}` });
        else noting(problems, path || "config", () => refuseUnknown(name, known, path));
      }
      // With every name of its own: what is absent here must not be found on a polluted Object.prototype either.
      const said: Partial<Record<string, unknown>> = { ...known };
      for (const [name, field] of table) {
        if (given.has(name)) said[name] = field.read(given.get(name), at(name), problems);
        else if ((required as readonly string[]).includes(name)) {
          problems.push({ path: at(name), message: "is missing" });
        }
      }
      return said as Partial<T>;
    },
  };
}

/** Says of a name that there is none such, and which it resembles. */
function refuseUnknown(name: string, known: Keys<string>, path: string): void {
  try {
    const fault = { fault: ConfigError, whole: "config" };
    readObject(Object.fromEntries([[name, undefined]]), known, path, fault);
  } catch (error) {
    // Without its hint: the names of all fields are a page.
    throw error instanceof ConfigError ? new ConfigError(error.option, reasonOf(error)) : error;
  }
}

function placeOf(error: SmtpError): string | undefined {
  if (error instanceof ConfigError) return error.option;
  return error instanceof MessageError ? error.field : undefined;
}

/** What an error says, without the place it begins with. */
function reasonOf(error: SmtpError): string {
  const place = placeOf(error);
  return place === undefined ? error.message : error.message.slice(place.length + 2);
}

/** Any number of the same, to a limit. */
export function list<T>(field: Field<T>, most: number): Field<readonly (T | undefined)[]> {
  return {
    schema: { type: "array", items: field.schema, maxItems: most },
    read: (value, path, problems) =>
      noting(problems, path, () => readArray(value, path, most))?.map((element, at) =>
        field.read(element, `${path}[${at}]`, problems),
      ),
  };
}

/** The first that takes a value of this type; the types are those of JSON. */
export function either<A, B>(types: readonly string[], first: Field<A>, second: Field<B>): Field<A | B> {
  return {
    schema: { anyOf: [first.schema, second.schema] },
    read: (value, path, problems) =>
      (types.includes(typeof value) ? first : second).read(value, path, problems),
  };
}

/** The properties of an object that say something, by name, each read once. */
export function entriesOf(value: unknown, path: string): ReadonlyMap<string, unknown> {
  return new Map(readEntries(value, path || "config").filter(([, one]) => one !== undefined));
}
