// What the type of a template says of its payload. Names are read off a literal template as the scanner reads them; of
// a template that is only known to be a string, nothing is asked.

import type { UnsafeHtml } from "./values.ts";

/** Holds the values a template may name. Only own properties are looked at, here and in the objects within. */
export type Payload = Readonly<Record<string, unknown>>;

/** Is what stands in place of a placeholder. */
export type TemplateValue = string | number | bigint | UnsafeHtml;

/** What to do where the payload has no value. */
export type Missing = "error" | "keep" | "empty";

/** Is the payload that a template of the literal type `Text` asks for; any object where nothing need be there. */
export type PayloadOf<Text extends string, Rule extends Missing = "error"> = [Rule] extends ["error"]
  ? object & Shape<Names<Text, "{{", "}}"> | Names<Text, "<<", ">>">>
  : object;

type Shape<Path> = { readonly [Key in Head<Path>]: Node<Path, Key> };

type Node<Path, Key extends string> = (Key extends Path ? TemplateValue : unknown) &
  ([Rest<Path, Key>] extends [never] ? unknown : Branch<Rest<Path, Key>>);

/** Where all keys are numbers, an array will do, however long: whether it is long enough is seen when it is there. */
type Branch<Path> =
  Head<Path> extends `${number}` ? Shape<Path> | readonly Shape<Path>[Head<Path>][] : Shape<Path>;

type Head<Path> = Path extends `${infer Key}.${string}` ? Key : Path & string;

type Rest<Path, Key extends string> = Path extends `${Key}.${infer More}` ? More : never;

/**
 * The names between two delimiters. It goes on just behind the first character of what it has found, as the scanner
 * does where that was no placeholder: there is one in `{{{code}}}`.
 */
type Names<
  Text extends string,
  Opening extends string,
  Closing extends string,
  Found = never,
> = Text extends `${string}${Opening}${infer Tail}`
  ? Names<
      Opening extends `${string}${infer Second}` ? `${Second}${Tail}` : never,
      Opening,
      Closing,
      Found | (Tail extends `${infer Inner}${Closing}${string}` ? Name<Trimmed<Inner>> : never)
    >
  : Found;

type Name<Text extends string> = Text extends "" ? never : IsName<Text> extends true ? Text : never;

type IsName<Text extends string> = Text extends `${infer First}${infer More}`
  ? Lowercase<First> extends NameCharacter
    ? IsName<More>
    : false
  : Text extends ""
    ? true
    : false;

type NameCharacter = Characters<"abcdefghijklmnopqrstuvwxyz0123456789_.">;

type Characters<Text extends string, Found = never> = Text extends `${infer First}${infer More}`
  ? Characters<More, Found | First>
  : Found;

type Blank = " " | "\t" | "\n" | "\r";

type Trimmed<Text extends string> = Text extends `${Blank}${infer More}`
  ? Trimmed<More>
  : Text extends `${infer More}${Blank}`
    ? Trimmed<More>
    : Text;
