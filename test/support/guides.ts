// The guides: their pages, and what in them can be run.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./examples.ts";

export const LANGUAGES = ["en", "zh-CN"] as const;

/** From the root of the repository. */
export const PAGES: readonly string[] = LANGUAGES.flatMap((language) =>
  readdirSync(join(ROOT, "docs/guides", language))
    .sort()
    .map((name) => `docs/guides/${language}/${name}`),
);

export interface Block {
  /** File and line. */
  readonly place: string;
  readonly language: string;
  readonly text: string;
  /** Whether the comment before it, which no reader is shown, says that this is refused. */
  readonly isRefused: boolean;
  /** What such a comment has the server say, by command. */
  readonly server: Readonly<Record<string, string>>;
}

export const readPage = (page: string): string => readFileSync(join(ROOT, page), "utf8");

/** The blocks of code of a page, in their order. */
export function blocksOf(page: string): readonly Block[] {
  const text = readPage(page);
  return [...text.matchAll(/^(?:<!-- (refused|server: (.*)) -->\n\n)?```(\w+)\n([\s\S]*?)^```$/gm)].map(
    (match) => ({
      place: `${page}:${text.slice(0, match.index).split("\n").length}`,
      language: match[3] ?? "",
      text: match[4] ?? "",
      isRefused: match[1] === "refused",
      server: JSON.parse(match[2] ?? "{}"),
    }),
  );
}

/** The rows of every table of a page, cell by cell, without their heads. */
export function rowsOf(page: string): readonly (readonly string[])[] {
  const lines = readPage(page).split("\n");
  return lines
    .filter(
      (line, at) => line.startsWith("|") && !line.startsWith("|--") && !lines[at + 1]?.startsWith("|--"),
    )
    .map((line) => line.slice(1, line.lastIndexOf("|")).split(/(?<!\\)\|/))
    .map((cells) => cells.map((cell) => cell.trim().replaceAll("\\|", "|")));
}

/** The words in backticks of a cell. */
export function quoted(cell = ""): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, words = ""]) => words);
}

export interface Command {
  readonly line: string;
  readonly output: string;
}

/** What a console block has somebody type, and what is printed then. */
export function commandsIn({ text }: Block): readonly Command[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [line = "", ...output] = part.split("\n");
      return { line, output: output.join("\n") };
    });
}

/** The words of a command line as a shell would see them; quotes are all that is understood of it. */
export function wordsOf(line: string): readonly string[] {
  const words = [...line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) => word);
  return words.map((word) =>
    word.replace(/'([^']*)'|"([^"]*)"/g, (_all, single, double) => single ?? double),
  );
}
