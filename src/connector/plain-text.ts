// HTML as the plain text beside it: its words in their order, lines where it has blocks, links as "text (url)". In one
// pass over the HTML, which may be of any length and nested to any depth.

import { Page } from "./page.ts";

/**
 * What a reader of plain text is to see of `html`. It is read as HTML is, but for styles: what they hide is shown.
 */
export function toPlainText(html: string): string {
  const page = new Page();
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf("<", at);
    page.say(html.slice(at, open < 0 ? html.length : open));
    if (open < 0) break;
    at = readMarkup(html, open, page);
  }
  return page.toString();
}

/** Reads what begins with the "<" at `open`, and returns where it ends. */
function readMarkup(html: string, open: number, page: Page): number {
  if (html.startsWith("<!--", open)) return past(html, "-->", open + 4);
  if (/^<[!?]/.test(html.slice(open, open + 2))) return past(html, ">", open);
  const [, slash, word] = /^<(\/?)([A-Za-z][^\s/>]{0,40})/.exec(html.slice(open, open + 43)) ?? [];
  if (word === undefined) {
    page.say("<");
    return open + 1;
  }
  const name = word.toLowerCase();
  const end = endOfTag(html, open + 1);
  if (slash === "/") page.close(name);
  else {
    page.open(name, html.slice(open, end));
    if (UNSEEN.has(name)) return closing(html, name, end);
  }
  return end;
}

/** What is in them is not for reading. */
const UNSEEN: ReadonlySet<string> = new Set(["script", "style", "title", "template", "noembed", "iframe"]);

/** Behind the next `mark`; what is never closed goes on to the end, so that nothing is looked for twice. */
function past(html: string, mark: string, from: number): number {
  const at = html.indexOf(mark, from);
  return at < 0 ? html.length : at + mark.length;
}

/** Where the end tag of an element begins whose content is no markup. */
function closing(html: string, name: string, from: number): number {
  const tag = new RegExp(`</${name}(?=[\\s/>])`, "gi");
  tag.lastIndex = from;
  return tag.exec(html)?.index ?? html.length;
}

/** Behind the ">" that ends a tag: not one in a quoted value. */
function endOfTag(html: string, from: number): number {
  const end = /=\s*(?:"[^"]*"|'[^']*')|>/g;
  end.lastIndex = from;
  for (let found = end.exec(html); found !== null; found = end.exec(html)) {
    if (found[0] === ">") return found.index + 1;
  }
  return html.length;
}
