// Templates: text with {{code}} or <<code>> in it, compiled once and rendered often. There is no logic, no helper,
// no include: a template can say where a value goes and nothing else, so it may come from a form or a database.
import { ConfigError, type ErrorCode, MessageError } from "./errors.ts";
import { type Keys, readObject } from "./input.ts";

/** Holds the values a template may name. Only own properties are looked at, here and in the objects within. */
export type Payload = Readonly<Record<string, unknown>>;

/** Says how a template is rendered. */
export interface RenderOptions {
  /**
   * What the text will be; the default is `text/plain`. In `text/html` each value has `& < > " '` and the backtick
   * escaped, which makes it safe as text and inside a quoted attribute. It does not make it safe inside `<script>`,
   * `<style>` or a comment, nor as the whole of an `href`: check the scheme of a link before you pass it.
   */
  readonly contentType?: "text/plain" | "text/html";
  /**
   * What to do where the payload has no value; the default, `error`, refuses to render. `keep` leaves a placeholder
   * as it is written where the payload lacks its first name, and renders nothing where only the rest of the path
   * leads nowhere.
   */
  readonly missing?: "error" | "keep";
}

/** Says how a template is compiled: the same as for rendering it once. */
export type CompileOptions = RenderOptions;

/** Is a template ready to be rendered, made by {@link compileTemplate}. */
export interface Template {
  /** The names the template asks for, each once, in the order they first appear. */
  readonly placeholders: readonly string[];
  /** Renders with the values of one message; throws what {@link renderTemplate} throws for a value. */
  render(payload: Payload): string;
}

/**
 * Renders `template` once with the values of `payload`.
 *
 * A placeholder is `{{name}}` or `<<name>>`, blanks around the name ignored. A name is ASCII letters, digits, `_` and
 * dots; a dot leads into an object or an array (`{{user.name}}`, `{{items.0}}`). Any other `{{` or `<<` is text and
 * stays as it is. The template is read once and values are never read as template. A value is a string, a finite
 * number or a bigint.
 *
 * Throws `MessageError`, whose `field` is the placeholder: `missing_value` where there is no value (or `null`),
 * `invalid_value` where there is one that is not text, `invalid_template` where the template is not a string or is
 * longer than 1,048,576 characters. Throws `ConfigError` for an option that is not one of those listed.
 *
 * @example
 * ```ts
 * renderTemplate("Your code is {{code}}.", { code: "042137" }); // "Your code is 042137."
 * renderTemplate("<p>Hello <<user.name>></p>", { user: { name: "A & B" } }, { contentType: "text/html" });
 * // "<p>Hello A &amp; B</p>"
 * ```
 */
export function renderTemplate(template: string, payload: Payload, options: RenderOptions = {}): string {
  return compileTemplate(template, options).render(payload);
}

/**
 * Compiles `template` for rendering many times; what it understands and refuses is told at {@link renderTemplate}.
 *
 * @example
 * ```ts
 * const subject = compileTemplate("{{app}}: your code is {{code}}");
 * subject.placeholders; // ["app", "code"]
 * subject.render({ app: "Example", code: "042137" }); // "Example: your code is 042137"
 * ```
 */
export function compileTemplate(template: string, options: CompileOptions = {}): Template {
  const given = readObject(options, OPTIONS, "", { fault: ConfigError, whole: "options" });
  const contentType = choice(given, "contentType", ["text/plain", "text/html"]);
  const encode = contentType === "text/html" ? escapeHtml : (text: string): string => text;
  const keepsMissing = choice(given, "missing", ["error", "keep"]) === "keep";
  const parts = parse(template);
  const placeholders = Object.freeze([...new Set(parts.flatMap((part) => part.name ?? []))]);
  return Object.freeze({
    placeholders,
    render(payload: Payload): string {
      if (!isObject(payload)) throw invalidValue("payload", `expected an object, got ${kindOf(payload)}`);
      // Each name is resolved once, so that a template that repeats it cannot show two different values.
      const values = new Map<string, string | undefined>();
      for (const name of placeholders) {
        const { begins, value } = lookUp(payload, name);
        if (value === undefined && !keepsMissing) throw missingValue(name, placeholders);
        values.set(name, value === undefined ? (begins ? "" : undefined) : encode(textOf(name, value)));
      }
      return assemble(parts, values);
    },
  });
}

/** A stretch of the template as it is written, and the name in it where it is a placeholder. */
interface Part {
  readonly written: string;
  readonly name?: string;
}

/** In characters. Gmail clips a message at 102 kB; ten times that leaves room for inlined styles and images. */
const MAX_TEMPLATE_LENGTH = 1_048_576;

/** In characters. A long value named often could fill the memory; no message of this size passes a common limit. */
const MAX_RENDERED_LENGTH = 32 * MAX_TEMPLATE_LENGTH;

/** In characters; keeps the error that names it readable. */
const MAX_NAME_LENGTH = 256;

/** How many placeholders an error lists. */
const MAX_LISTED = 20;

function parse(template: string): Part[] {
  if (typeof template !== "string") {
    throw invalidTemplate(`expected a string, got ${kindOf(template)}`);
  }
  if (template.length > MAX_TEMPLATE_LENGTH) {
    throw invalidTemplate(`${template.length} characters, at most ${MAX_TEMPLATE_LENGTH} are accepted`);
  }
  const parts: Part[] = [];
  let start = 0;
  let at = 0;
  while (at < template.length) {
    const placeholder = placeholderAt(template, at);
    if (placeholder === undefined) {
      at++;
      continue;
    }
    if (at > start) parts.push({ written: template.slice(start, at) });
    parts.push(placeholder);
    at += placeholder.written.length;
    start = at;
  }
  if (at > start) parts.push({ written: template.slice(start) });
  return parts;
}

/**
 * The placeholder that begins at `start`, if one does. What is skipped here holds no opening delimiter, so two
 * attempts never read the same stretch, and the whole stays linear.
 */
function placeholderAt(template: string, start: number): Part | undefined {
  const closing = template.startsWith("{{", start)
    ? "}}"
    : template.startsWith("<<", start)
      ? ">>"
      : undefined;
  if (closing === undefined) return undefined;
  const from = skip(template, start + 2, isBlank);
  const to = skip(template, from, isNameCharacter);
  const end = skip(template, to, isBlank);
  if (from === to || !template.startsWith(closing, end)) return undefined;
  const name = template.slice(from, to);
  if (name.length > MAX_NAME_LENGTH) {
    throw invalidTemplate(
      `the placeholder at character ${start} has a name of ${name.length} characters, at most ${MAX_NAME_LENGTH} are accepted`,
    );
  }
  return { written: template.slice(start, end + closing.length), name };
}

function skip(text: string, from: number, belongs: (character: string) => boolean): number {
  let at = from;
  while (at < text.length && belongs(text.charAt(at))) at++;
  return at;
}

function isBlank(character: string): boolean {
  return /\s/.test(character);
}

function isNameCharacter(character: string): boolean {
  return /[A-Za-z0-9_.]/.test(character);
}

/** What `name` leads to in `payload`: `begins` tells whether its first name is there, whatever comes of the rest. */
function lookUp(payload: Payload, name: string): { readonly begins: boolean; readonly value?: unknown } {
  let value: unknown = payload;
  let begins = false;
  for (const key of name.split(".")) {
    // The prototype is never looked at: a payload has no "constructor" unless somebody put one there.
    const property = isObject(value) ? Object.getOwnPropertyDescriptor(value, key) : undefined;
    if (property === undefined) return { begins };
    // A getter is code that may answer differently each time, or throw what is not ours.
    if (property.get !== undefined || property.set !== undefined) {
      throw invalidValue(name, "expected a plain value, got a getter");
    }
    value = property.value;
    begins = true;
  }
  return value === null ? { begins } : { begins, value };
}

// U+0000 ends a line early in more than one server; half a surrogate pair has no UTF-8 and would become U+FFFD.
const NOT_TEXT = /[\0\p{Surrogate}]/u;

function textOf(name: string, value: unknown): string {
  if (typeof value === "bigint" || (typeof value === "number" && Number.isFinite(value)))
    return String(value);
  if (typeof value !== "string") {
    throw invalidValue(name, `expected a string, a finite number or a bigint, got ${kindOf(value)}`);
  }
  if (NOT_TEXT.test(value))
    throw invalidValue(name, "expected text, got a NUL or half a surrogate pair in it");
  return value;
}

function assemble(parts: readonly Part[], values: ReadonlyMap<string, string | undefined>): string {
  let text = "";
  for (const { name, written } of parts) {
    const value = name === undefined ? written : (values.get(name) ?? written);
    if (text.length + value.length > MAX_RENDERED_LENGTH) {
      throw invalidValue(name ?? "template", `with it the text would pass ${MAX_RENDERED_LENGTH} characters`);
    }
    text += value;
  }
  return text;
}

const ENTITIES = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "`": "&#96;",
} as const;

function escapeHtml(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => ENTITIES[character as keyof typeof ENTITIES]);
}

const OPTIONS: Keys<keyof RenderOptions> = { contentType: undefined, missing: undefined };

/** The option's value, which must be one of `choices`, or the first of them where it is not given. */
function choice<Choice extends string>(
  options: Readonly<Record<string, unknown>>,
  name: keyof RenderOptions,
  choices: readonly Choice[],
): Choice | undefined {
  const given = options[name];
  if (given === undefined) return choices[0];
  const chosen = choices.find((known) => known === given);
  // An unknown content type must not fall back: it would decide in silence that values are not escaped.
  if (chosen === undefined) throw new ConfigError(name, `expected ${choices.join(" or ")}`);
  return chosen;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Says what came in place of a value, without the value: it may be a secret. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "number") return Number.isFinite(value) ? "a number" : "a number that is not finite";
  if (Array.isArray(value)) return "an array";
  if (value instanceof Date) return "a Date";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function missingValue(name: string, placeholders: readonly string[]): MessageError {
  const more = placeholders.length - MAX_LISTED;
  const listed = placeholders.slice(0, MAX_LISTED).join(", ") + (more > 0 ? ` and ${more} more` : "");
  return refusal(name, `the payload has no value for it; the template expects ${listed}`, "missing_value");
}

function invalidValue(name: string, problem: string): MessageError {
  return refusal(name, problem, "invalid_value");
}

function invalidTemplate(problem: string): MessageError {
  return refusal("template", problem, "invalid_template");
}

function refusal(field: string, problem: string, code: ErrorCode): MessageError {
  return new MessageError(field, problem, { code });
}
