// What a caller gave as it stands now. What reads it, such as a message, is loaded when it is first needed, and its owner may
// write the next one into the same object meanwhile. Nothing is judged here: what is not understood is left as it is.

import { OpenedLater } from "./opened-later.ts";

/** Any field refuses an array that is longer, but for content, which is read when it is sent. */
const MAX_ELEMENTS = 100_000;

/** Deeper than any field goes. What is below is refused unread, and as many calls deep there may be no stack. */
const MAX_DEPTH = 32;

/** A copy of all that can be written to: own properties, elements, dates and octets, each read once. */
export function snapshot<T>(value: T): T {
  return copyOf(value, new Map(), 0) as T;
}

function copyOf(value: unknown, copies: Map<object, object>, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  const known = copies.get(value);
  if (known !== undefined) return known;
  if (depth > MAX_DEPTH) return value;
  if (Array.isArray(value)) return value.length > MAX_ELEMENTS ? value : copyOfArray(value, copies, depth);
  if (value instanceof Date) return new Date(value.getTime());
  if (value instanceof Uint8Array) return new Uint8Array(value);
  // One that was handed to somebody else has nothing left, and no copy.
  if (value instanceof ArrayBuffer && value.byteLength > 0) return value.slice(0);
  if (isRecord(value)) return copyOfRecord(value, copies, depth);
  watch(value);
  return value;
}

function copyOfArray(array: readonly unknown[], copies: Map<object, object>, depth: number): unknown[] {
  const copy: unknown[] = [];
  copies.set(array, copy);
  for (let at = 0; at < array.length; at++) copy.push(copyOf(array[at], copies, depth + 1));
  return copy;
}

function copyOfRecord(record: object, copies: Map<object, object>, depth: number): object {
  // Without a prototype, "__proto__" is a name like any other.
  const copy: Record<string, unknown> = Object.create(null);
  copies.set(record, copy);
  for (const name of Object.keys(record)) {
    copy[name] = copyOf((record as Readonly<Record<string, unknown>>)[name], copies, depth + 1);
  }
  return copy;
}

/** Whether what an object says is in its own properties, as for `readObject`, whatever its class: it is no source. */
function isRecord(value: object): boolean {
  if (Symbol.iterator in value || Symbol.asyncIterator in value || "getReader" in value) return false;
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  if (kind === "Object") return !(value instanceof OpenedLater);
  return Object.keys(value).length > 0 && kind !== "Blob" && kind !== "File";
}

/** A stream of Node's that fails while nobody reads it would end the process. Whoever reads it later is told. */
function watch(value: object): void {
  const { on, destroy } = value as { readonly on?: unknown; readonly destroy?: unknown };
  if (typeof on === "function" && typeof destroy === "function") on.call(value, "error", () => {});
}
