// A page of plain text, written word by word: blanks and line ends are held back until there is a word for them to
// stand before.

import { decodeEntities } from "./entities.ts";

/** Elements with a blank line around them, and those that begin a line. */
const PARAGRAPHS = /^(?:p|h[1-6]|table|blockquote|dl|figure|hr|pre)$/;
const LINES =
  /^(?:div|tr|section|article|header|footer|main|nav|aside|address|form|fieldset|dt|dd|figcaption|center|caption|body)$/;
/** What text can lead to that is not on the page. */
const LEADS_AWAY = /^(?:https?|mailto|tel):/i;
/** Lists in lists stand further in, but for those that nobody could follow any more. */
const MAX_INDENT = 6;

export class Page {
  readonly #parts: string[] = [];
  /** Line ends before the next word. */
  #breaks = 0;
  #hasSpace = false;
  #marker = "";
  #preformatted = 0;
  /** The number of the next item of each list that is open, 0 in one without numbers. */
  readonly #lists: number[] = [];
  #link: { readonly href: string; readonly from: number } | undefined;

  /** Adds text as it is between tags. */
  say(source: string): void {
    if (source === "") return;
    const text = decodeEntities(source);
    if (this.#preformatted > 0) {
      for (const [at, line] of text.split(/\r?\n|\r/).entries()) {
        if (at > 0) this.#breaks++;
        if (line !== "") this.#write(line);
      }
      return;
    }
    const words = text.split(/[ \t\n\f\r]+/);
    if (words[0] === "") this.#hasSpace = true;
    const said = words.filter((word) => word !== "").join(" ");
    if (said === "") return;
    this.#write(said);
    this.#hasSpace = words.at(-1) === "";
  }

  /** An element begins; `tag` is the whole of its start tag. */
  open(name: string, tag: string): void {
    if (name === "br") this.#breaks = Math.min(this.#breaks + 1, 2);
    else if (name === "img") this.say(attributeOf(tag, "alt"));
    else if (name === "td" || name === "th") this.#hasSpace = true;
    else if (name === "a") this.#openLink(attributeOf(tag, "href"));
    else if (name === "ul" || name === "ol") {
      this.#break(this.#lists.length > 0 ? 1 : 2);
      this.#lists.push(name === "ol" ? 1 : 0);
    } else if (name === "li") this.#openItem();
    else this.#breakAround(name);
    if (name === "pre") this.#preformatted++;
    if (name === "hr") {
      this.#write("---");
      this.#break(2);
    }
  }

  close(name: string): void {
    if (name === "a") this.#closeLink();
    else if (name === "ul" || name === "ol") {
      this.#lists.pop();
      this.#break(this.#lists.length > 0 ? 1 : 2);
    } else if (name === "li") this.#break(1);
    else this.#breakAround(name);
    if (name === "pre") this.#preformatted = Math.max(0, this.#preformatted - 1);
  }

  toString(): string {
    this.#closeLink();
    // Blanks that were not to be folded are blanks here.
    return this.#parts.length === 0 ? "" : `${this.#parts.join("").replaceAll("\u00a0", " ")}\n`;
  }

  #write(text: string): void {
    const isFirst = this.#parts.length === 0;
    if (!isFirst && this.#breaks > 0) this.#parts.push("\n".repeat(this.#breaks));
    else if (!isFirst && this.#hasSpace) this.#parts.push(" ");
    this.#parts.push(this.#marker + text);
    this.#marker = "";
    this.#breaks = 0;
    this.#hasSpace = false;
  }

  #break(lines: number): void {
    this.#breaks = Math.max(this.#breaks, lines);
    this.#hasSpace = false;
  }

  #breakAround(name: string): void {
    if (PARAGRAPHS.test(name)) this.#break(2);
    else if (LINES.test(name)) this.#break(1);
  }

  #openItem(): void {
    const depth = this.#lists.length - 1;
    const number = this.#lists[depth] ?? 0;
    if (number > 0) this.#lists[depth] = number + 1;
    this.#break(1);
    this.#marker = `${"  ".repeat(Math.min(Math.max(depth, 0), MAX_INDENT))}${number > 0 ? `${number}.` : "-"} `;
  }

  #openLink(href: string): void {
    this.#closeLink();
    const url = decodeEntities(href).trim().replace(/\s+/g, "%20");
    if (LEADS_AWAY.test(url)) this.#link = { href: url, from: this.#parts.length };
  }

  /** Where it leads to, unless that is what it says. */
  #closeLink(): void {
    const { href, from } = this.#link ?? {};
    this.#link = undefined;
    if (href === undefined) return;
    const text = this.#parts.slice(from).join("").trim();
    if (text === "") this.#write(href);
    else if (![text, `mailto:${text}`, `tel:${text}`, `${text}/`].includes(href))
      this.#parts.push(` (${href})`);
  }
}

/** The value of an attribute, "" where there is none. */
function attributeOf(tag: string, name: string): string {
  for (const [, found = "", double, single, bare] of tag.matchAll(ATTRIBUTE)) {
    if (found.toLowerCase() === name) return double ?? single ?? bare ?? "";
  }
  return "";
}

// From a boundary on: a long word without a value is not read again from each of its letters.
const ATTRIBUTE = /(?<=[\s"'/])([^\s"'<>/=]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+))/g;
