// What the server can do: the EHLO reply, read (RFC 5321 §4.1.1.1).

import type { Reply } from "../errors.ts";

/** Maps each keyword the server listed, in capitals, to its parameters. */
export type Extensions = ReadonlyMap<string, readonly string[]>;

export const NO_EXTENSIONS: Extensions = new Map();

// RFC 5321 §4.1.1.1: ehlo-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-"); "=" for the AUTH of before RFC 2554.
const KEYWORD = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:[ =]|$)/;

export function parseExtensions(reply: Reply): Extensions {
  const extensions = new Map<string, string[]>();
  // The first line is the server's domain and greeting, whatever words are in it.
  for (const line of reply.lines.slice(1)) {
    const keyword = KEYWORD.exec(line)?.[1];
    if (keyword === undefined) continue;
    const parameters = line
      .slice(keyword.length + 1)
      .split(" ")
      .filter((parameter) => parameter !== "");
    const name = keyword.toUpperCase();
    const known = extensions.get(name);
    if (known === undefined) extensions.set(name, parameters);
    else known.push(...parameters);
  }
  return extensions;
}

/** The extensions without those the user switched off. */
export function withhold(extensions: Extensions, withheld: ReadonlySet<string>): Extensions {
  if (withheld.size === 0) return extensions;
  return new Map([...extensions].filter(([keyword]) => !withheld.has(keyword)));
}

/** The SASL mechanisms on offer, in capitals. */
export function offeredMechanisms(extensions: Extensions): readonly string[] {
  return (extensions.get("AUTH") ?? []).map((mechanism) => mechanism.toUpperCase());
}

/** The largest message in octets, where the server names one: RFC 1870 §4, where 0 means no fixed limit. */
export function sizeLimit(extensions: Extensions): number | undefined {
  const [limit = ""] = extensions.get("SIZE") ?? [];
  if (!/^[0-9]{1,20}$/.test(limit)) return undefined;
  const octets = Number(limit);
  return octets > 0 && Number.isSafeInteger(octets) ? octets : undefined;
}
