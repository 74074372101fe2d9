// What a payload has for a placeholder, and how it is made safe for the place where it goes.

import { MessageError } from "../errors.ts";
import { describe, hasControls } from "../input.ts";
import type { Position } from "./positions.ts";

const MARKUP: unique symbol = /* @__PURE__ */ Symbol.for("pennypost.unsafeHtml") as typeof MARKUP;

/** Is markup that a template takes as it is, made by {@link unsafeHtml}. */
export interface UnsafeHtml {
  /** A symbol: nothing that was read from JSON or a form can pass for markup. */
  readonly [MARKUP]: string;
}

/**
 * Lets `markup` stand in the text of a `text/html` template as it is. Whatever is in it, the reader's mail program will
 * act on: nothing that a user typed belongs there. It is refused in an attribute, and where the template is not HTML.
 *
 * @example
 * ```ts
 * const rows = unsafeHtml("<tr><td>Tea</td></tr>");
 * renderTemplate("<table>{{rows}}</table>", { rows }, { contentType: "text/html" });
 * // "<table><tr><td>Tea</td></tr></table>"
 * ```
 */
export function unsafeHtml(markup: string): UnsafeHtml {
  return Object.freeze({ [MARKUP]: markup });
}

/** What a name leads to: `begins` tells whether its first part is there, whatever comes of the rest. */
export interface Found {
  readonly begins: boolean;
  readonly value?: unknown;
}

export function lookUp(payload: object, name: string): Found {
  let value: unknown = payload;
  let begins = false;
  for (const key of name.split(".")) {
    // The prototype is never looked at: a payload has no "constructor" unless somebody put one there.
    const property = isObject(value) ? Object.getOwnPropertyDescriptor(value, key) : undefined;
    if (property === undefined) return { begins };
    // A getter is code that may answer differently each time, or throw what is not ours.
    if (property.get !== undefined || property.set !== undefined) {
      throw invalidValue(name, "is a getter, not a plain value");
    }
    value = property.value;
    begins = true;
  }
  return value === null ? { begins } : { begins, value };
}

/** The value as it is written where it goes, a position in HTML, a header or plain text; throws where it cannot be. */
export function encode(name: string, value: unknown, place: Position | "header" | "plain"): string {
  if (isObject(value) && Object.hasOwn(value, MARKUP)) {
    const markup = (value as UnsafeHtml)[MARKUP];
    if (place === "text" && typeof markup === "string") return textOf(name, markup);
    throw invalidValue(name, "is markup, which can only stand in the text of an HTML template");
  }
  const text = textOf(name, value);
  if (place === "plain") return text;
  if (place === "header") {
    if (!hasControls(text)) return text;
    throw invalidValue(name, "holds a line end or another control character, which no header may");
  }
  if (place === "address" && text !== "" && !ADDRESS.test(text)) {
    throw invalidValue(name, "does not begin with https://, http://, mailto:, tel: or cid:", {
      hint: "a mail has no page that a link could be relative to; any other scheme is for the template to write",
    });
  }
  return text.replace(/[&<>"'`]/g, (character) => ENTITIES[character as keyof typeof ENTITIES]);
}

const ENTITIES = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "`": "&#96;",
} as const;

// With the slashes: a browser takes "https:evil" for a path in some places, and for a host in others.
const ADDRESS = /^(?:https?:\/\/|mailto:|tel:|cid:)/i;

function textOf(name: string, value: unknown): string {
  const isNumber = typeof value === "number";
  if (typeof value === "bigint" || (isNumber && Number.isFinite(value))) return String(value);
  if (typeof value !== "string") {
    const kind = isNumber ? "a number that is not finite" : describe(value);
    throw invalidValue(name, `is ${kind}, not a string, a finite number or a bigint`);
  }
  // U+0000 ends a line early in more than one server; half a surrogate pair has no UTF-8 and would become U+FFFD.
  if (value.includes("\0") || !value.isWellFormed())
    throw invalidValue(name, "holds a NUL or half a surrogate pair, which is not text");
  return value;
}

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

export function invalidValue(field: string, problem: string, more?: { readonly hint: string }): MessageError {
  return new MessageError(field, problem, { code: "invalid_value", ...more });
}
