// The names of providers as a schema can say them: the ids for whoever is shown a list, and a pattern of all spellings.

import { listServices } from "../services.ts";
import type { Schema } from "./field.ts";

/** Between two letters of a name any punctuation of ASCII may stand, but for the "@" of an address. */
const BETWEEN = String.raw`[\x00-\x2f:-?\[-\x60{-\x7f]*`;

export function serviceSchema(): Schema {
  const services = listServices();
  const names = services.flatMap(({ id, name, aliases, domains }) => [id, name, ...aliases, ...domains]);
  const plain = names.map((name) => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, ""));
  const spelt = [...new Set(plain)].map((name) => [...name].map(inBothCases).join(BETWEEN));
  const domains = services.flatMap((service) => service.domains).map(literally);
  return {
    anyOf: [
      { enum: services.map(({ id }) => id) },
      { pattern: `^${BETWEEN}(?:${spelt.join("|")})${BETWEEN}$` },
      { pattern: String.raw`@\s*(?:${domains.join("|")})\s*$` },
    ],
  };
}

function literally(domain: string): string {
  return [...domain].map((letter) => (letter === "." ? String.raw`\.` : inBothCases(letter))).join("");
}

function inBothCases(letter: string): string {
  return /[a-z]/.test(letter) ? `[${letter}${letter.toUpperCase()}]` : letter;
}
