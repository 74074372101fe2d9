// Templates: text with {{code}} or <<code>> in it, compiled once and rendered often. There is no logic, no helper,
// no include: a template can say where a value goes and nothing else, so it may come from a form or a database.

import { ConfigError, MessageError } from "./errors.ts";
import { describe, hasControls, type Keys, readObject } from "./input.ts";
import type { Missing, PayloadOf } from "./templates/payload.ts";
import {
  findPlaceholders,
  invalidTemplate,
  MAX_TEMPLATE_LENGTH,
  type Placeholder,
} from "./templates/placeholders.ts";
import { positionsOf } from "./templates/positions.ts";
import { encode, type Found, invalidValue, isObject, lookUp } from "./templates/values.ts";

export type { Missing, Payload, PayloadOf, TemplateValue } from "./templates/payload.ts";
export { isPlainName } from "./templates/plain-name.ts";
export { type UnsafeHtml, unsafeHtml } from "./templates/values.ts";

/** Says how a template is rendered. */
export interface RenderOptions<Rule extends Missing = Missing> {
  /**
   * What the text will be; the default is `text/plain`.
   *
   * In `text/html` a value has `& < > " '` and the backtick escaped, and the place it goes to is looked at: text, the
   * content of `<title>` and `<textarea>`, and attributes in quotes are safe. Where a link begins with a value (`href`,
   * `src` and the like), the value must begin with `https://`, `http://`, `mailto:`, `tel:` or `cid:`, or be empty; once
   * the template itself has written the scheme, values are escaped and no more, so what goes into a query string is
   * yours to encode. Everywhere else a placeholder is refused: in `<script>`, `<style>` and comments, in the attributes
   * `style`, `srcset`, `srcdoc` and those that begin with `on`, in any attribute without quotes, in a tag.
   *
   * `header` is for a subject or a name: neither the template nor a value may hold a line end or another control.
   */
  readonly contentType?: "text/plain" | "text/html" | "header";
  /**
   * What to do where the payload has no value; the default, `error`, refuses to render. `empty` renders nothing in its
   * place. `keep` leaves a placeholder as it is written where the payload lacks its first name, and renders nothing where
   * only the rest of the path leads nowhere.
   */
  readonly missing?: Rule;
}

/** Says how a template is compiled: the same as for rendering it once. */
export type CompileOptions<Rule extends Missing = Missing> = RenderOptions<Rule>;

/** Is a template ready to be rendered, made by {@link compileTemplate}. `Needed` is what its payload must have. */
export interface Template<Needed extends object = object> {
  /** The names the template asks for, each once, in the order they first appear. */
  readonly placeholders: readonly string[];
  /** Renders with the values of one message; throws what {@link renderTemplate} throws for a value. */
  render<Given extends Needed>(payload: Given): string;
}

/**
 * Renders `template` once with the values of `payload`.
 *
 * A placeholder is `{{name}}` or `<<name>>`, blanks around the name ignored. A name is ASCII letters, digits, `_` and
 * dots; a dot leads into an object or an array (`{{user.name}}`, `{{items.0}}`). Any other `{{` or `<<` is text and
 * stays as it is. The template is read once and values are never read as template. A value is a string, a finite
 * number or a bigint, or in HTML what {@link unsafeHtml} returns. What a literal template asks for is part of its type:
 * a payload that lacks it does not compile.
 *
 * Throws `MessageError`, whose `field` is the placeholder: `missing_value` where there is no value (or `null`),
 * `invalid_value` where there is one that cannot stand there. Throws `invalid_template` where the template is not a
 * string, is longer than 1,048,576 characters, or has a placeholder where no value can be made safe; the message says
 * the line and the column. Throws `ConfigError` for an option that is not one of those listed.
 *
 * @example
 * ```ts
 * renderTemplate("Your code is {{code}}.", { code: "042137" }); // "Your code is 042137."
 * renderTemplate("<p>Hello <<user.name>></p>", { user: { name: "A & B" } }, { contentType: "text/html" });
 * // "<p>Hello A &amp; B</p>"
 * ```
 */
export function renderTemplate<
  const Text extends string,
  Given extends PayloadOf<Text, Rule>,
  Rule extends Missing = "error",
>(template: Text, payload: Given, options: RenderOptions<Rule> = {}): string {
  return compileTemplate<Text, Rule>(template, options).render(payload);
}

/**
 * Compiles `template` for rendering many times; what it understands and refuses is told at {@link renderTemplate}.
 * Nothing is remembered between calls: keep what you compiled.
 *
 * @example
 * ```ts
 * const subject = compileTemplate("{{app}}: your code is {{code}}", { contentType: "header" });
 * subject.placeholders; // ["app", "code"]
 * subject.render({ app: "Example", code: "042137" }); // "Example: your code is 042137"
 * ```
 */
export function compileTemplate<const Text extends string, Rule extends Missing = "error">(
  template: Text,
  options: CompileOptions<Rule> = {},
): Template<PayloadOf<Text, Rule>> {
  const given = readObject(options, OPTIONS, "", { fault: ConfigError, whole: "options" });
  const contentType = choice(given, "contentType", ["text/plain", "text/html", "header"]);
  const missing = choice(given, "missing", ["error", "keep", "empty"]);
  const found = findPlaceholders(template);
  const positions = contentType === "text/html" ? positionsOf(template, found) : [];
  const otherwise = contentType === "header" ? "header" : "plain";
  if (contentType === "header" && hasControls(template)) {
    throw invalidTemplate("holds a line end or another control character, which no header may");
  }
  const placeholders = namesOf(found);
  return Object.freeze({
    placeholders,
    render(payload: object): string {
      if (!isObject(payload)) throw invalidValue("payload", `is ${describe(payload)}, not an object`);
      // Each name is resolved once, so that a template that repeats it cannot show two different values.
      const values = new Map<string, Found>();
      for (const name of placeholders) {
        const value = lookUp(payload, name);
        if (value.value === undefined && missing === "error") throw missingValue(name, placeholders);
        values.set(name, value);
      }
      let text = "";
      let at = 0;
      const append = (more: string, field: string): void => {
        text += more;
        if (text.length <= MAX_RENDERED_LENGTH) return;
        throw invalidValue(field, `makes the text longer than ${MAX_RENDERED_LENGTH} characters`);
      };
      for (const [index, { name, written, start }] of found.entries()) {
        append(template.slice(at, start), "template");
        at = start + written.length;
        const { value, begins } = values.get(name) ?? { begins: false };
        if (value !== undefined) append(encode(name, value, positions[index] ?? otherwise), name);
        else if (missing === "keep" && !begins) append(written, name);
      }
      return text + template.slice(at);
    },
  });
}

/**
 * Lists the names that `template` asks for, each once, in the order they first appear, whatever it is a template of.
 *
 * @example
 * ```ts
 * listPlaceholders("Hello {{user.name}}, your code is <<code>>."); // ["user.name", "code"]
 * ```
 */
export function listPlaceholders(template: string): readonly string[] {
  return namesOf(findPlaceholders(template));
}

function namesOf(placeholders: readonly Placeholder[]): readonly string[] {
  return Object.freeze([...new Set(placeholders.map(({ name }) => name))]);
}

/** In characters. A long value named often could fill the memory; no message of this size passes a common limit. */
const MAX_RENDERED_LENGTH = 32 * MAX_TEMPLATE_LENGTH;

/** How many placeholders an error lists. */
const MAX_LISTED = 20;

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
  if (chosen === undefined) throw new ConfigError(name, `is none of ${choices.join(", ")}`);
  return chosen;
}

function missingValue(name: string, placeholders: readonly string[]): MessageError {
  const more = placeholders.length - MAX_LISTED;
  const listed = placeholders.slice(0, MAX_LISTED).join(", ") + (more > 0 ? ` and ${more} more` : "");
  return new MessageError(name, `the payload has no value for it; the template expects ${listed}`, {
    code: "missing_value",
  });
}
