import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileTemplate, renderTemplate, unsafeHtml } from "../../src/templates.ts";
import { growth, html, refusal } from "./support.ts";

const hostile = `"><script>alert('\`&{{code}}')</script>`;
const escaped = "&quot;&gt;&lt;script&gt;alert(&#39;&#96;&amp;{{code}}&#39;)&lt;/script&gt;";

describe("a value is escaped", () => {
  test.each([
    ["as text", "<p>", "</p>"],
    ["before any tag", "", "<br>"],
    ["after everything", "<p>text</p>", ""],
    ["in a quoted attribute", '<img alt="', '">'],
    ["in one in single quotes", "<img alt='", "'>"],
    ["with blanks around the equals sign", '<img alt =\n\t"', '" />'],
    ["in the second attribute of a name in capitals", '<IMG WIDTH=1 ALT="', '">'],
    ["in an attribute that no one knows", '<td data-href="javascript:', '">'],
    ["in the title", "<title>", "</title>"],
    ["in the title, where < begins no tag", '<title><b title="', "</title>"],
    ["in a text area", "<textarea>", "</textarea>"],
    ["after a comment", "<!-- {code} -->", ""],
    ["after a comment that ends as it begins", "<!-->", "-->"],
    ["after a comment that ends in a bang", "<!-- a --!>", ""],
    ["between conditional comments", "<!--[if !mso]><!-->", "<!--<![endif]-->"],
    ["between conditional declarations", "<![if !mso]>", "<![endif]>"],
    ["after a style sheet", "<style>p > a { color: red }</style>", ""],
    ["after a script that speaks of tags", '<script>"</b>" < 1</script >', ""],
    ["after a script in capitals", "<SCRIPT></ScRiPt>", ""],
    ["after a quoted >", '<p title="a > b">', "</p>"],
    ["after < that opens no tag", "1 < 2, 3 <4, ", " <"],
    ["after a quotation mark that is part of a name", '<p a"b>', ""],
    ["in a tag with letters that are longer in lower case", '<x\u0130\u0130\u0130 t="', '">'],
    ["in a tag of another vocabulary", '<v:rect alt="', '"/>'],
    ["after a declaration", '<!DOCTYPE html><?xml version="1.0"?></>', ""],
  ])("%s", (_, before, after) => {
    for (const placeholder of ["{{name}}", "<<name>>", "{{\nname }}"]) {
      const template = before + placeholder + after;
      expect(renderTemplate(template, { name: hostile }, html)).toBe(before + escaped + after);
    }
  });

  test("once for each part: the same payload is plain in a plain template", () => {
    const payload = { name: "Tom & Jerry" };
    expect(renderTemplate("{{name}}", payload)).toBe("Tom & Jerry");
    expect(renderTemplate("{{name}}", payload, html)).toBe("Tom &amp; Jerry");
  });

  test("for each place where the same name stands", () => {
    const template = '<a title="{{x}}" href="https://a.example/{{x}}">{{x}}</a>';
    expect(renderTemplate(template, { x: "<&>" }, html)).toBe(
      '<a title="&lt;&amp;&gt;" href="https://a.example/&lt;&amp;&gt;">&lt;&amp;&gt;</a>',
    );
  });
});

describe("a placeholder is refused", () => {
  test.each([
    ["in a script", "<script>var code = '{{x}}'</script>", "in <script>"],
    ["in a script that never ends", "<script>{{x}}", "in <script>"],
    ["in a script that seems to end", "<script></scripture>{{x}}</script>", "in <script>"],
    ["in a style sheet", "<style>p { color: {{x}} }</style>", "in <style>"],
    ["in old raw text", "<xmp>{{x}}</xmp>", "in <xmp>"],
    ["in what browsers with scripts take for raw text", "<noscript>{{x}}</noscript>", "in <noscript>"],
    ["in a frame's content", "<iframe>{{x}}</iframe>", "in <iframe>"],
    ["in a comment", "<!-- {{x}} -->", "in a comment"],
    ["in a conditional comment", "<!--[if mso]><p>{{x}}</p><![endif]-->", "in a comment"],
    ["in a comment that never ends", "<!-- > {{x}}", "in a comment"],
    ["in a CDATA section", "<![CDATA[ > {{x}} ]]>", "in a CDATA section"],
    [
      "behind what HTML takes for a comment, and SVG for a CDATA section",
      "<![CDATA[><script>]]>{{x}}</script>",
      "in a CDATA section, or behind one with > in it",
    ],
    ["as the end tag of a title", "<title></{{x}}>", "in a tag"],
    ["as part of that", "<title></tit{{x}}", "in a tag"],
    ["in a declaration", "<!doctype {{x}}>", "in a declaration"],
    ["in a condition", "<![if {{x}}]>", "in a declaration"],
    ["in a processing instruction", "<?xml {{x}}?>", "in a declaration"],
    ["as a tag", "<{{x}}>", "in a tag"],
    ["as a tag, in the other spelling", "<<<x>>>", "in a tag"],
    ["as part of a tag's name", "<h{{x}}>", "in a tag"],
    ["in an end tag", "</{{x}}>", "in a tag"],
    ["in an attribute of an end tag", '</p title="{{x}}">', "in an attribute of </>"],
    ["as an attribute", "<input {{x}}>", "in a tag"],
    ["as part of an attribute's name", '<p data-{{x}}="1">', "in a tag"],
    ["without quotes", "<p title={{x}}>", "in a tag"],
    ["without quotes, further on", "<p title=a{{x}}>", "in a tag"],
    ["without quotes, where one follows", `<p title={{x}}"">`, "in a tag"],
    ["right behind a value", `<p title="a"{{x}}>`, "in a tag"],
    ["behind a no-break space, which parts nothing", `<p\u00a0title="{{x}}">`, "in a tag"],
    ["where the quotes never close", `<p title="{{x}}>`, "in a tag"],
    ["in an event handler", `<p onclick="go('{{x}}')">`, "in the attribute onclick"],
    ["in an event handler that is not there yet", `<p ONNEW='{{x}}'>`, "in the attribute onnew"],
    ["in a style attribute", `<p style="color: {{x}}">`, "in the attribute style"],
    ["in a document within an attribute", `<p srcdoc="{{x}}">`, "in the attribute srcdoc"],
    ["in a list of addresses", `<img srcset="{{x}} 2x">`, "in the attribute srcset"],
    ["in what loads a script", `<script src="{{x}}"></script>`, "in an attribute of <script>"],
    ["in what loads a style sheet", `<link rel="stylesheet" href="{{x}}">`, "in an attribute of <link>"],
    [
      "in what may redirect",
      `<meta http-equiv="refresh" content="0;url={{x}}">`,
      "in an attribute of <meta>",
    ],
    ["in what moves every link", `<base href="{{x}}">`, "in an attribute of <base>"],
    ["in what embeds", `<object data="{{x}}">`, "in an attribute of <object>"],
    ["in what changes other attributes", `<set attributeName=href to="{{x}}">`, "in an attribute of <set>"],
  ])("%s", (_, template, where) => {
    for (const missing of ["error", "keep", "empty"] as const) {
      const error = refusal(template, {}, { ...html, missing });
      expect(error).toMatchObject({ code: "invalid_template", field: "template", delivery: "not-sent" });
      expect(error.message).toContain(`it stands ${where}`);
      expect(error.hint).toContain("quotes");
    }
  });

  test("with its line and its column", () => {
    const error = refusal("<p>{{a}}</p>\n<p>\n  <b {{ b }}>", {}, html);
    expect(error.message).toBe(
      "template: has {{ b }} at line 3, column 6: it stands in a tag, and not in a quoted value",
    );
  });

  test("in HTML only, and only where there is one", () => {
    expect(renderTemplate("<script>{{x}}</script>", { x: 1 })).toBe("<script>1</script>");
    const broken = '<script><p title="<!-- <![CDATA[ {{ <<';
    expect(renderTemplate(broken, {}, html)).toBe(broken);
  });
});

describe("a link that begins with a value", () => {
  const link = (value: unknown): string => renderTemplate('<a href="{{link}}">', { link: value }, html);

  test.each([
    "https://a.example/?a=1",
    "http://a.example",
    "HTTPS://a.example",
    "mailto:a@b.example",
    "tel:+123",
    "cid:logo",
    "",
  ])("may be %j", (value) => {
    expect(link(value)).toBe(`<a href="${value}">`);
  });

  test.each([
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    " javascript:alert(1)",
    "\u0001javascript:alert(1)",
    "java\nscript:alert(1)",
    "vbscript:x",
    "data:text/html,<script>",
    "file:///etc/passwd",
    "https:evil.example",
    " https://a.example",
    "//evil.example",
    "/path",
    "www.example.com",
    "localhost:3000",
    7,
  ])("may not be %j", (value) => {
    const error = refusal('<a href="{{link}}">', { link: value }, html);
    expect(error).toMatchObject({ code: "invalid_value", field: "link" });
    expect(error.message).toContain("https://");
    expect(error.message).not.toContain(String(value));
  });

  test("is escaped like any other", () => {
    expect(link('https://a.example/?a="&b=1')).toBe('<a href="https://a.example/?a=&quot;&amp;b=1">');
  });

  test.each([
    "href",
    "HREF",
    "xlink:href",
    "src",
    "action",
    "formaction",
    "poster",
    "cite",
    "background",
    "data",
    "longdesc",
  ])("is held to it in %s", (name) => {
    const template = `<x ${name}='{{link}}'>`;
    expect(refusal(template, { link: "javascript:x" }, html)).toMatchObject({ code: "invalid_value" });
    expect(renderTemplate(template, { link: "cid:a" }, html)).toBe(`<x ${name}='cid:a'>`);
  });

  test.each(["{{base}}/verify?code={{code}}", " {{base}}?{{code}}", "{{base}}#{{code}}"])(
    "may go on where the scheme is settled: %s",
    (address) => {
      const template = `<a href="${address}">`;
      const payload = { base: "https://a.example", code: "042137" };
      expect(renderTemplate(template, payload, html)).toBe(
        template.replace("{{base}}", payload.base).replace("{{code}}", payload.code),
      );
      expect(refusal(template, { ...payload, base: "javascript:x" }, html)).toMatchObject({ field: "base" });
    },
  );

  test.each([
    "{{a}}{{b}}",
    "{{a}}://b.example",
    "{{a}}:8080/",
    "{{a}}&colon;b",
    "java{{a}}",
    "java{{a}}:x",
    "a.example{{a}}",
    "/{{a}}",
    "//{{a}}",
  ])("is refused where other text takes part in its scheme: %s", (address) => {
    const error = refusal(`<a href="${address}">`, { a: "", b: "" }, html);
    expect(error).toMatchObject({ code: "invalid_template" });
    expect(error.message).toContain("in href, where it may change the scheme");
    expect(error.hint).toContain("https://");
  });
});

describe("a link whose scheme the template writes", () => {
  test.each([
    "https://a.example/verify?code={{x}}",
    "https://{{x}}/verify",
    "https://a.example{{x}}",
    "mailto:{{x}}",
    "myapp://login/{{x}}",
    "/verify/{{x}}",
    "verify?code={{x}}",
    "#{{x}}",
  ])("takes any value: %s", (address) => {
    expect(renderTemplate(`<a href="${address}">`, { x: "a:b" }, html)).toBe(
      `<a href="${address.replace("{{x}}", "a:b")}">`,
    );
  });

  test.each([
    "javascript:{{x}}",
    "JAVASCRIPT:go('{{x}}')",
    "  javascript://a.example/?{{x}}",
    "java\tscript:/{{x}}/",
    "\u0001javascript:/{{x}}/",
    "java&#115;cript:{{x}}",
    "javascript&colon;/{{x}}/",
    "vbscript:{{x}}",
    "data:text/html,{{x}}",
    "data:image/png;base64,{{x}}",
  ])("takes none where that scheme runs or holds a document: %s", (address) => {
    expect(refusal(`<a href="${address}">`, { x: "" }, html)).toMatchObject({ code: "invalid_template" });
  });
});

describe("markup that is passed on purpose", () => {
  const markup = unsafeHtml("<b>{{code}}</b>");

  test("stands in text as it is, and is not read as template", () => {
    expect(renderTemplate("<p>{{x}}</p>", { x: markup, code: "042137" }, html)).toBe(
      "<p><b>{{code}}</b></p>",
    );
  });

  test.each([
    '<p title="{{x}}">',
    '<a href="{{x}}">',
    '<a href="https://a.example/{{x}}">',
    "<title>{{x}}</title>",
  ])("is refused where it would be no markup: %s", (template) => {
    expect(refusal(template, { x: markup }, html)).toMatchObject({ code: "invalid_value", field: "x" });
  });

  test.each(["text/plain", "header"] as const)("is refused in %s", (contentType) => {
    const error = refusal("{{x}}", { x: markup }, { contentType });
    expect(error).toMatchObject({ code: "invalid_value", field: "x" });
    expect(error.message).not.toContain("<b>");
  });

  test("cannot be had from JSON, or through the prototype", () => {
    for (const value of [
      JSON.parse(JSON.stringify(markup)),
      Object.create(markup),
      { ...{ markup: "<b>" } },
    ]) {
      expect(refusal("{{x}}", { x: value }, html)).toMatchObject({ code: "invalid_value", field: "x" });
    }
  });

  test.each([7, undefined, "a\0b", "\ud83d"])("is text or refused: %j", (value) => {
    const error = refusal("{{x}}", { x: unsafeHtml(value as string) }, html);
    expect(error).toMatchObject({ code: "invalid_value", field: "x" });
  });
});

test("no value changes which markup there is, wherever the template allows it", () => {
  const pieces = [
    ..."<>\"'/!-=&x ",
    "{{v}}",
    "{{v}}",
    "<p ",
    "<a href=",
    "https://",
    "<!--",
    "-->",
    "<title>",
    "</title>",
    "<script>",
    "</script>",
    "]]>",
  ];
  const value = fc.array(fc.constantFrom(..."<>\"'`&/!-= x", "-->", "</title", "</script>", "javascript:"));
  let rendered = 0;
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), value, (template, parts) => {
      let compiled: ReturnType<typeof compileTemplate>;
      try {
        compiled = compileTemplate(template.join(""), html);
      } catch {
        return;
      }
      const filled = compiled.render({ title: "", script: "", v: `https://${parts.join("")}` });
      // Wherever a placeholder may stand, a value brings no character that HTML gives a meaning to.
      const fixed = template.join("").replace(/\{\{v\}\}|<<title>>|<<script>>/g, "");
      for (const character of "<>\"'`") {
        expect(filled.split(character).length).toBe(fixed.split(character).length);
      }
      rendered++;
    }),
    { numRuns: 1000 },
  );
  expect(rendered).toBeGreaterThan(100);
});

describe("hostile markup takes time in proportion to its length", () => {
  test.each([
    "<",
    "<a ",
    "<a b=",
    '<a b="',
    '<a b="c" ',
    "<a\t",
    "<a b  ",
    "<a/",
    "<!--",
    "<!-- --",
    "<!",
    "<![CDATA[",
    "<![CDATA[>",
    "<script>",
    "</script",
    "<script></script>",
    "<title></title ",
    "<title></titles>",
    "<x href=':",
    "<a href='&'>",
    "{{x}}<a href='{{x}}'>",
    "<p title='{{x}}{{x}}'>",
  ])("%j", (unit) => {
    expect(growth(unit, html)).toBeLessThan(100);
  });

  test("a tag with a long name and many attributes", () => {
    const template = `<animate${"a".repeat(50_000)}!${" a".repeat(50_000)}>{{x}}`;
    const begun = performance.now();
    expect(renderTemplate(template, { x: 1 }, html)).toBe(template.replace("{{x}}", "1"));
    // Reading the name for each attribute takes more than five seconds.
    expect(performance.now() - begun).toBeLessThan(1500);
  });
});
