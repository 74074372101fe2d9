// As much of JSON Schema as the rules of a config need to say when they are broken: read here by the validator, and
// written into the schema as they stand.

import type { Schema } from "./field.ts";

/** A schema of the keywords that `matches` knows. */
export interface Condition {
  readonly type?: "string";
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Condition>>;
  readonly not?: Condition;
  readonly anyOf?: readonly Condition[];
  readonly allOf?: readonly Condition[];
}

export function matches(condition: Condition, value: unknown): boolean {
  const { type, const: only, enum: choices, pattern, required, properties, not, anyOf, allOf } = condition;
  if (type !== undefined && typeof value !== type) return false;
  if (only !== undefined && value !== only) return false;
  if (choices !== undefined && !choices.includes(value)) return false;
  if (pattern !== undefined && typeof value === "string" && !new RegExp(pattern, "u").test(value))
    return false;
  if (isObject(value)) {
    if (required?.some((name) => !Object.hasOwn(value, name)) === true) return false;
    for (const [name, inner] of Object.entries(properties ?? {})) {
      if (Object.hasOwn(value, name) && !matches(inner, value[name])) return false;
    }
  } else if (required !== undefined || properties !== undefined) {
    // Where JSON Schema has nothing to say of it; what is no object breaks another rule.
    return false;
  }
  if (not !== undefined && matches(not, value)) return false;
  if (anyOf !== undefined && !anyOf.some((one) => matches(one, value))) return false;
  return allOf === undefined || allOf.every((one) => matches(one, value));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** It is there, whatever it is. */
export const GIVEN: Condition = {};
/** It is there, and true. */
export const TRUE: Condition = { const: true };

/** Whether all these properties are there, and each is as it says. */
export function has(properties: Readonly<Record<string, Condition>>): Condition {
  return { required: Object.keys(properties), properties };
}

/** Whether none of these is there. */
export function lacks(...names: readonly string[]): Condition {
  return { not: hasAny(...names) };
}

export function hasAny(...names: readonly string[]): Condition {
  return { anyOf: names.map((name) => ({ required: [name] })) };
}

export function all(...conditions: readonly Condition[]): Condition {
  return { allOf: conditions };
}

export function any(...conditions: readonly Condition[]): Condition {
  return { anyOf: conditions };
}

export function not(condition: Condition): Condition {
  return { not: condition };
}

/** What the schema says of conditions that must not hold. */
export function forbid(conditions: readonly Condition[]): Schema {
  return { allOf: conditions.map((condition) => ({ not: condition })) };
}
