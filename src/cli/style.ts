// How results look: colours and symbols for a person at a terminal, plain words in a pipe or a file.

import type { Output, World } from "./world.ts";

export type Sign = "ok" | "failed" | "skipped" | "error" | "hint";

export interface Style {
  /** The mark at the beginning of a line. */
  sign(sign: Sign): string;
  /** The same, as wide for every outcome of a step. */
  step(sign: "ok" | "failed" | "skipped"): string;
  bold(text: string): string;
  dim(text: string): string;
}

const SIGNS: Readonly<
  Record<Sign, { readonly symbol: string; readonly word: string; readonly colour: string }>
> = {
  ok: { symbol: "✓", word: "ok", colour: "32" },
  failed: { symbol: "✗", word: "failed", colour: "31" },
  skipped: { symbol: "–", word: "skipped", colour: "2" },
  error: { symbol: "✗", word: "error:", colour: "31" },
  hint: { symbol: "→", word: "hint:", colour: "33" },
};

/** `NO_COLOR` as no-color.org has it: there, and not empty. */
export function styleOf(output: Output, { env }: World, options: { readonly color: boolean }): Style {
  const isTerminal = output.isTTY === true && env.TERM !== "dumb";
  const isColoured = isTerminal && options.color && !env.NO_COLOR;
  const paint = (code: string, text: string): string => (isColoured ? `\x1b[${code}m${text}\x1b[0m` : text);
  const sign = (sign: Sign): string => {
    const { symbol, word, colour } = SIGNS[sign];
    return isTerminal ? paint(colour, symbol) : word;
  };
  return {
    sign,
    step: (outcome) => (isTerminal ? sign(outcome) : sign(outcome).padEnd(SIGNS.skipped.word.length)),
    bold: (text) => paint("1", text),
    dim: (text) => paint("2", text),
  };
}
