// As much of DER (X.690) as private keys and certificates are written in.

import { joinAlone } from "./bytes.ts";

export const INTEGER = 0x02;
export const OCTET_STRING = 0x04;
export const OBJECT_IDENTIFIER = 0x06;
export const SEQUENCE = 0x30;

export interface Element {
  readonly tag: number;
  readonly value: Uint8Array;
}

/** The elements that `octets` are, one after the other; `undefined` where they are not. */
export function elementsOf(octets: Uint8Array): Element[] | undefined {
  const elements: Element[] = [];
  for (let at = 0; at < octets.length; ) {
    const tag = octets[at++] as number;
    let length = octets[at++] ?? Number.NaN;
    if (length >= 0x80) {
      // Two octets of length are more than any key has; DER has no length that is left open.
      const count = length - 0x80;
      if (count < 1 || count > 2) return undefined;
      length = 0;
      for (const end = at + count; at < end; at++) length = length * 256 + (octets[at] ?? Number.NaN);
    }
    if (!(at + length <= octets.length)) return undefined;
    elements.push({ tag, value: octets.subarray(at, at + length) });
    at += length;
  }
  return elements;
}

/** The elements within the one element that `octets` are. */
export function elementsWithin(octets: Uint8Array, tag: number): Element[] | undefined {
  const [only, ...rest] = elementsOf(octets) ?? [];
  return only?.tag === tag && rest.length === 0 ? elementsOf(only.value) : undefined;
}

/** One element of `parts`, which together are shorter than 65,536 octets. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return joinAlone([Uint8Array.of(tag, ...head), ...parts]);
}

/** A number that is not negative, from its octets. */
export function integer(octets: Uint8Array): Uint8Array {
  const isSigned = ((octets[0] ?? 0) & 0x80) !== 0;
  return element(INTEGER, isSigned ? Uint8Array.of(0) : new Uint8Array(0), octets);
}
