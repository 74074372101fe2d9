// Where in an HTML template its placeholders stand, found as a browser would find it (the HTML standard's
// tokenization). Escaping makes a value safe as text and in a quoted attribute, and nowhere else: what stands
// elsewhere is refused here, before there is a value.

import { invalidTemplate, masked, type Placeholder } from "./placeholders.ts";

/** What a value is escaped for; `address` is the beginning of a link, whose scheme the value decides. */
export type Position = "text" | "attribute" | "address";

// What follows "<" where it is markup. The blanks are those of HTML: a no-break space is a letter to it.
// NUL is a placeholder: what a value begins with may be a letter.
const OPENING = /<(?:!--|!\[cdata\[|[!?]|\/?[a-z\0][^\t\n\f\r />]*|\/)/gi;
const ATTRIBUTE =
  /[\t\n\f\r /]*([^\t\n\f\r />][^\t\n\f\r />=]*)(?:[\t\n\f\r ]*=[\t\n\f\r ]*(?:(["'])([\s\S]*?)(\2|$)|[^\t\n\f\r >]*))?/y;

/** Elements whose content is no markup up to their end tag, and no text but in the last two. */
const OPAQUE = /^(?:script|style|xmp|iframe|noembed|noframes|noscript|plaintext|title|textarea)$/;
const TEXTUAL = /^t/;

/** Elements whose attributes load or rule something, whatever they are called; and end tags, which have none. */
const RULING = /^(?:\/|(?:script|style|link|meta|base|i?frame|object|embed|applet|param|set|animate[a-z]*)$)/;

/** Attributes that hold a program, a style sheet, a document, or several addresses. */
const REFUSED = /^(?:on[a-z]*|style|srcdoc|(?:image)?srcset|ping)$/;

/** Attributes that hold an address, by any prefix: `xlink:href`. */
const ADDRESSES =
  /^(?:.*:)?(?:href|src|action|formaction|poster|cite|background|data|longdesc|lowsrc|dynsrc|usemap|manifest|profile|codebase)$/;

// Fixed text after which no value can change the scheme: one is there, and runs nothing; or a relative address has
// begun. Neither "&" nor a blank may stand before: java&#115;cript: is a scheme too. Behind "/" alone a value that
// begins with another would be a host.
const SETTLED = /^(?:(?!javascript|vbscript|data)[a-z][a-z\d+.-]*:|(?!\/{1,2}$)[^&:\0- ]*[/?#])/i;

const OUTSIDE = "in a tag, and not in a quoted value";

/** The position of each placeholder, in their order; throws for one that no escaping makes safe. */
export function positionsOf(template: string, placeholders: readonly Placeholder[]): readonly Position[] {
  const markup = masked(template);
  const positions: Position[] = [];
  let at = 0;

  /** Goes on to `end`; all that stands before has this position, or is refused for where it stands. */
  const pass = (end: number, position: Position | undefined, where = "", hint?: string): void => {
    for (let next = nextBefore(end); next !== undefined; next = nextBefore(end)) {
      if (position === undefined) throw misplaced(template, next, where, hint);
      positions.push(position);
    }
    at = end;
  };
  const nextBefore = (end: number): Placeholder | undefined => {
    const next = placeholders[positions.length];
    return next !== undefined && next.start < end ? next : undefined;
  };

  /** An attribute's value, from here to `end`, that is an address. */
  const passAddress = (end: number, name: string): void => {
    const first = nextBefore(end);
    if (first !== undefined) {
      const before = markup.slice(at, first.start).trimStart();
      const after = markup.slice(first.start + first.written.length, end);
      const begins = before === "" && /^(?:[/?#]|$)/.test(after);
      const hint =
        "begin with a scheme such as https:// in the template, or let the value be the whole address";
      if (begins) pass(first.start + 1, "address");
      else if (!SETTLED.test(before))
        pass(end, undefined, `in ${name}, where it may change the scheme or the host`, hint);
    }
    pass(end, "attribute");
  };

  const passAttributes = (tag: string): void => {
    // Once for them all: the name may be as long as they are many.
    const ruling = RULING.exec(tag);
    for (let found = match(ATTRIBUTE, markup, at); found !== null; found = match(ATTRIBUTE, markup, at)) {
      const [whole, given = "", , value = "", closing] = found;
      const end = found.index + whole.length;
      const name = given.toLowerCase();
      // Without its closing quote the tag has no end, and nobody sees it.
      if (closing) pass(end - value.length - 1, undefined, OUTSIDE);
      if (!closing) pass(end, undefined, OUTSIDE);
      else if (ruling !== null) pass(end, undefined, `in an attribute of <${ruling[0]}>`);
      else if (REFUSED.test(name)) pass(end, undefined, `in the attribute ${name}`);
      else if (ADDRESSES.test(name)) passAddress(end - 1, name);
      pass(end, "attribute");
    }
  };

  while (positions.length < placeholders.length) {
    const found = match(OPENING, markup, at);
    pass(found?.index ?? markup.length, "text");
    if (found === null) break;
    const opening = found[0].toLowerCase();
    const tag = opening.slice(1);
    if (opening === "<!--") {
      // From its own hyphens on: "<!-->" is a whole comment.
      pass(endOf(/--!?>/g, markup, at + 2), undefined, "in a comment");
    } else if (opening === "<![cdata[") {
      const end = endOf(/\]\]>/g, markup, at);
      // It is one in SVG and MathML; in HTML it is over at its first ">", and what follows may be a script.
      if (endOf(/>/g, markup, at) === end) pass(end, undefined, "in a CDATA section");
      else pass(markup.length, undefined, "in a CDATA section, or behind one with > in it");
    } else if (/^[!?/]$/.test(tag)) {
      pass(endOf(/>/g, markup, at), undefined, "in a declaration");
    } else {
      pass(OPENING.lastIndex, undefined, OUTSIDE);
      passAttributes(tag);
      at = endOf(/>/g, markup, at);
      if (OPAQUE.test(tag)) {
        // An end tag that a value would complete ends it here too, and is refused as a tag.
        const end = match(new RegExp(`</(?:${tag}[\\t\\n\\f\\r />]|[a-z]*\\0)`, "gi"), markup, at);
        pass(end?.index ?? markup.length, TEXTUAL.test(tag) ? "attribute" : undefined, `in <${tag}>`);
      }
    }
  }
  return positions;
}

function match(pattern: RegExp, text: string, from: number): RegExpExecArray | null {
  pattern.lastIndex = from;
  return pattern.exec(text);
}

/** Where the first match ends, or the text. */
function endOf(pattern: RegExp, text: string, from: number): number {
  return match(pattern, text, from) === null ? text.length : pattern.lastIndex;
}

function misplaced(template: string, { written, start }: Placeholder, where: string, hint?: string): Error {
  const lines = template.slice(0, start).split("\n");
  const place = `line ${lines.length}, column ${(lines.at(-1) ?? "").length + 1}`;
  return invalidTemplate(
    `has ${written} at ${place}: it stands ${where}`,
    hint ?? "put it into text, or into an attribute's value in quotes: a value can be made safe nowhere else",
  );
}
