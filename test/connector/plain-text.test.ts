// HTML as plain text: what a reader of text alone gets to see.

import { describe, expect, test } from "vitest";
import { toPlainText } from "../../src/connector/plain-text.ts";

const CASES: readonly (readonly [says: string, html: string, text: string])[] = [
  ["text alone", "Hello, Bob.", "Hello, Bob.\n"],
  ["blanks fold", "  a \n\t b  ", "a b\n"],
  ["paragraphs have a blank line between them", "<p>a</p>\n<p>b</p>", "a\n\nb\n"],
  ["headings and divisions", "<h1>Title</h1><div>a</div><div>b</div>", "Title\n\na\nb\n"],
  ["line breaks", "a<br>b<br/>c<BR><br><br>d", "a\nb\nc\n\nd\n"],
  ["inline elements join", "<b>a</b>b <i>c</i>", "ab c\n"],
  [
    "links",
    '<a href="https://example.com/x?a=1&amp;b=2">Sign in</a>.',
    "Sign in (https://example.com/x?a=1&b=2).\n",
  ],
  [
    "a link that says where it leads",
    "<a href='https://example.com/'>https://example.com</a>",
    "https://example.com\n",
  ],
  ["an address", "<a href=mailto:a@example.com>a@example.com</a>", "a@example.com\n"],
  ["a link without text", '<a href="https://example.com"><img src="x"></a>', "https://example.com\n"],
  [
    "an image in a link",
    '<a href="https://example.com"><img alt="Shop" src="x"></a>',
    "Shop (https://example.com)\n",
  ],
  ["a link to nowhere", '<a href="#top">Top</a> <a>x</a> <a href="javascript:x">y</a>', "Top x y\n"],
  ["a list", "a<ul><li>one<li>two</li></ul>b", "a\n\n- one\n- two\n\nb\n"],
  ["a numbered list", "<ol><li>one</li><li>two</li></ol>", "1. one\n2. two\n"],
  ["lists in lists", "<ul><li>a<ol><li>b</ol><li>c</ul>", "- a\n  1. b\n- c\n"],
  ["a table", "<table><tr><td>a</td><td>b</td></tr><tr><th>c</th></tr></table>", "a b\nc\n"],
  ["preformatted text", "<pre>a  b\n  c</pre>d", "a  b\n  c\n\nd\n"],
  ["a rule", "a<hr>b", "a\n\n---\n\nb\n"],
  [
    "references",
    "&lt;b&gt; &amp;amp; &#65;&#x1F600; &uuml;&nbsp;&eacute; &unknown; &",
    "<b> &amp; A😀 ü é &unknown; &\n",
  ],
  ["references to what is no character", "&#0;&#xD800;&#7;&#1114112;", "\ufffd\ufffd\ufffd\ufffd\n"],
  [
    "what is not for reading",
    "<style>p > a { x: '<p>' }</style><title>t</title>a<script>if (a < b) '</p>'</script>b",
    "ab\n",
  ],
  ["comments and declarations", "<!DOCTYPE html><!-- a > b -->c<!--[if mso]>x<![endif]-->", "c\n"],
  ["what is no tag", "a < b <3 <", "a < b <3 <\n"],
  ["a quoted > in a tag", '<p title="a > b">c</p>', "c\n"],
  ["an apostrophe in a tag", "<p class=it's>a</p><p>it's</p>", "a\n\nit's\n"],
  ["what is never closed", "a<!-- b", "a\n"],
  ["nothing", "<p> </p>", ""],
];

describe("plain text of HTML", () => {
  test.each(CASES)("%s", (_says, html, text) => {
    expect(toPlainText(html)).toBe(text);
  });

  test.each([
    "<",
    "<a ",
    "<!--",
    '<a href="',
    "<a href='",
    "</",
    "&",
    "&#",
    "&a",
    "<ul>",
    "<ol><li>",
    "<pre>\n",
    "<a href=x>",
    "<br>",
    " ",
    "=",
    "<a a",
    'a=" ',
    "<script>",
    "<style",
    "<!",
    "<a  =",
    "<p title=it's ",
  ])("takes time by the length of what it reads: %s", (piece) => {
    const time = (times: number): number => {
      const html = `<a ${piece.repeat(times)}`;
      const bare = piece.repeat(times);
      const begun = performance.now();
      toPlainText(html);
      toPlainText(bare);
      return performance.now() - begun;
    };
    time(1000);
    const least = (times: number): number => Math.min(time(times), time(times), time(times));
    // A quadratic one would take a hundred times as long, and seconds.
    expect(least(40_000)).toBeLessThan(Math.max(40 * least(4_000), 500));
  });
});
