// Where a template names a value: found in one pass, in both spellings, before anything else is made of the text.

import { MessageError } from "../errors.ts";
import { describe } from "../input.ts";

/** A place for a value. */
export interface Placeholder {
  readonly name: string;
  /** The whole of it, with its delimiters, as the template has it. */
  readonly written: string;
  /** Where it begins. */
  readonly start: number;
}

/** In characters. Gmail clips a message at 102 kB; ten times that leaves room for inlined styles and images. */
export const MAX_TEMPLATE_LENGTH = 1_048_576;

/** In characters; keeps the error that names it readable. */
const MAX_NAME_LENGTH = 256;

// No attempt reads past what another begins with, "{{" or "<<", and none goes back over more than once: it is linear.
const PLACEHOLDER = /\{\{\s*([\w.]+)\s*\}\}|<<\s*([\w.]+)\s*>>/g;

/** The placeholders of a template, in the order they appear. */
export function findPlaceholders(template: string): readonly Placeholder[] {
  if (typeof template !== "string") throw invalidTemplate(`is ${describe(template)}, not a string`);
  if (template.length > MAX_TEMPLATE_LENGTH) {
    throw invalidTemplate(`has ${template.length} characters; at most ${MAX_TEMPLATE_LENGTH} are accepted`);
  }
  return Array.from(template.matchAll(PLACEHOLDER), (match) => {
    const [written, braced, angled] = match;
    const name = braced ?? angled ?? "";
    if (name.length > MAX_NAME_LENGTH) {
      throw invalidTemplate(
        `has a name of ${name.length} characters; at most ${MAX_NAME_LENGTH} are accepted`,
      );
    }
    return { name, written, start: match.index };
  });
}

/** The template with NUL in place of each character of a placeholder. */
export function masked(template: string): string {
  return template.replace(PLACEHOLDER, (written) => "\0".repeat(written.length));
}

export function invalidTemplate(problem: string, hint?: string): MessageError {
  return new MessageError("template", problem, { code: "invalid_template", hint });
}
