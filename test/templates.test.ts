import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigError } from "../src/errors.ts";
import {
  compileTemplate,
  listPlaceholders,
  type Payload,
  type RenderOptions,
  renderTemplate,
} from "../src/templates.ts";
import { growth, html, refusal } from "./templates/support.ts";

const keep: RenderOptions = { missing: "keep" };

describe("placeholders", () => {
  test.each([
    ["in braces", "code: {{code}}.", "code: 042137."],
    ["in angle brackets", "code: <<code>>.", "code: 042137."],
    ["with blanks inside the delimiters", "{{ code }}|{{\tcode\n}}|<<  code>>", "042137|042137|042137"],
    ["more than once, in both forms", "{{code}}<<code>>{{code}}", "042137042137042137"],
    ["inside other braces and brackets", "{{{code}}}|<<<code>>>", "{042137}|<042137>"],
    ["through an object", "{{user.name}}", "Ada"],
    ["through an array", "{{user.roles.1}} <<list.0.id>>", "editor 7"],
    ["with every kind of name character", "{{aZ_09}}", "ok"],
  ])("are filled in %s", (_, template, expected) => {
    const user = { name: "Ada", roles: ["author", "editor"] };
    expect(renderTemplate(template, { code: "042137", user, list: [{ id: 7 }], aZ_09: "ok" })).toBe(expected);
  });

  test.each([
    "{{}}",
    "{{ }}",
    "<<>>",
    "{{code",
    "{{code}",
    "{code}",
    "{{code>>",
    "<<code}}",
    "{{ co de }}",
    "{{user-name}}",
    "{{#if code}}",
    "{{ {{",
    "a << 2",
    "{{名}}",
    "",
    "}} >>",
  ])("%j is no placeholder and stays as it is", (template) => {
    expect(renderTemplate(template, {})).toBe(template);
    expect(renderTemplate(template, { code: "x" }, html)).toBe(template);
  });

  test("that never close do not hide the next one", () => {
    expect(renderTemplate("{{code {{ code }} << <<code>>", { code: 1 })).toBe("{{code 1 << 1");
  });

  test("are listed once each, in the order they appear", () => {
    const template = compileTemplate("<<b>> {{a.x}} {{ b }} {{a.y}} text");
    expect(template.placeholders).toEqual(["b", "a.x", "a.y"]);
    expect(listPlaceholders("<<b>> {{a.x}} {{ b }} {{a.y}} <script>{{c}}")).toEqual(["b", "a.x", "a.y", "c"]);
  });

  test("are all that a template can say: there is no logic, helper or file in it", () => {
    const template =
      "{{> file}} {{#each a}} {{a b}} {{a()}} {{a[0]}} {{a|upper}} {{{{raw}} <<include a>> #{a} <% a %>";
    expect(listPlaceholders(template)).toEqual(["raw"]);
  });

  test("compile once and render often", () => {
    const template = compileTemplate("{{app}}: {{code}}");
    expect(template.render({ app: "One", code: 1 })).toBe("One: 1");
    expect(template.render({ app: "Two", code: 2 })).toBe("Two: 2");
    expect(compileTemplate("{{app}}: {{code}}"), "nothing is remembered").not.toBe(template);
  });
});

describe("values", () => {
  test.each([
    ["a string", "text", "text"],
    ["an empty string", "", ""],
    ["zero", 0, "0"],
    ["a fraction", -1.5, "-1.5"],
    ["a bigint", 12345678901234567890n, "12345678901234567890"],
    ["text with a whole surrogate pair", "🎉", "🎉"],
    ["several lines", "a\nb", "a\nb"],
  ])("may be %s", (_, value, expected) => {
    expect(renderTemplate("<{{v}}>", { v: value })).toBe(`<${expected}>`);
  });

  test.each([
    ["a boolean", true],
    ["a Date", new Date(0)],
    ["an object", { toString: () => "never called" }],
    ["an array", ["x"]],
    ["a symbol", Symbol("x")],
    ["a function", () => "never called"],
    ["a number that is not finite", Number.NaN],
    ["a number that is not finite", Number.POSITIVE_INFINITY],
    ["a NUL", "a\0b"],
    ["half a surrogate pair", "a\ud83db"],
  ])("are refused when they are %s, by name and without showing them", (kind, value) => {
    for (const options of [{}, html, keep]) {
      const error = refusal("{{ user.v }}", { user: { v: value } }, options);
      expect(error).toMatchObject({ code: "invalid_value", field: "user.v" });
      expect(error.message).toContain(kind);
      expect(error.message).not.toContain("never called");
    }
  });

  test.each(["{{code}}", "<<code>>", "{{other}}", "<<other>>", "{{", "$&", "$1", "$$", "$`", "\\1"])(
    "%j stays literal as a value",
    (value) => {
      expect(renderTemplate("a {{value}} {{code}}", { value, code: 7, other: 8 })).toBe(`a ${value} 7`);
    },
  );

  test("two values that meet do not make a placeholder", () => {
    expect(renderTemplate("{{a}}{{b}}code}}", { a: "{", b: "{", code: 7 })).toBe("{{code}}");
  });

  test("never change what another placeholder yields", () => {
    const hostile = fc.constantFrom("{{", "}}", "<<", ">>", "a", "b", "$&", "{{b}}", "<<a>>", "&", "<");
    const value = fc.oneof(
      fc.string(),
      fc.array(hostile).map((pieces) => pieces.join("")),
    );
    const isText = (text: string): boolean => !text.includes("\0");
    fc.assert(
      fc.property(value.filter(isText), value.filter(isText), fc.boolean(), (a, b, asHtml) => {
        const options: RenderOptions = asHtml ? html : {};
        const alone = (name: string, payload: Payload): string =>
          renderTemplate(`{{${name}}}`, payload, options);
        const together = renderTemplate("[{{a}}|<<b>>|{{a}}]", { a, b }, options);
        expect(together).toBe(`[${alone("a", { a })}|${alone("b", { b })}|${alone("a", { a })}]`);
      }),
    );
  });

  test("are escaped in HTML, once, and the template is not", () => {
    const name = `<a href='x' title="y">\`&amp;`;
    expect(renderTemplate("<p>{{name}}</p>", { name }, html)).toBe(
      "<p>&lt;a href=&#39;x&#39; title=&quot;y&quot;&gt;&#96;&amp;amp;</p>",
    );
    expect(renderTemplate("<p>{{name}}</p>", { name })).toBe(`<p>${name}</p>`);
  });
});

describe("own properties only", () => {
  const names = ["constructor", "__proto__", "__proto__.x", "toString", "hasOwnProperty.name"];
  test.each([...names, "user.constructor", "user.constructor.name", "list.map", "code.length", "code.0"])(
    "{{%s}} is a missing value",
    (name) => {
      const payload = { user: {}, list: [], code: "abc" };
      expect(refusal(`{{${name}}}`, payload)).toMatchObject({ code: "missing_value", field: name });
    },
  );

  test.each(names)("{{%s}} is left as it is where missing values are kept", (name) => {
    expect(renderTemplate(`{{ ${name} }}`, {}, keep)).toBe(`{{ ${name} }}`);
  });

  test("a property inherited from a polluted prototype is not seen, in values or options", () => {
    const prototype = { code: "inherited", missing: "keep", contentType: "text/html" };
    expect(refusal("{{code}}", Object.create(prototype))).toMatchObject({ code: "missing_value" });
    expect(refusal("{{code}}", {}, Object.create(prototype))).toMatchObject({ code: "missing_value" });
  });

  test("a payload without a prototype will do", () => {
    expect(renderTemplate("{{a}}", Object.assign(Object.create(null), { a: 1 }))).toBe("1");
  });

  test("a property of a function is not reached", () => {
    const named = Object.assign(() => undefined, { secret: "s" });
    expect(refusal("{{f.secret}}", { f: named })).toMatchObject({ code: "missing_value" });
  });

  test("a getter is refused and not called", () => {
    let calls = 0;
    const payload = Object.defineProperty({}, "code", { get: () => ++calls, enumerable: true });
    expect(refusal("{{code}}", payload)).toMatchObject({ code: "invalid_value", field: "code" });
    expect(calls).toBe(0);
  });

  test("a value named twice is read once, so both places show the same", () => {
    let reads = 0;
    const payload = new Proxy(
      { code: "" },
      {
        getOwnPropertyDescriptor: () => ({
          value: `read ${++reads}`,
          configurable: true,
          writable: true,
          enumerable: true,
        }),
      },
    );
    expect(renderTemplate("{{code}} <<code>>", payload)).toBe("read 1 read 1");
  });
});

describe("a missing value", () => {
  test.each([
    ["an absent name", "{{code}}", {}, "code"],
    ["undefined", "{{code}}", { code: undefined }, "code"],
    ["null", "<<code>>", { code: null }, "code"],
    ["a path that ends nowhere", "{{ user.name }}", { user: {} }, "user.name"],
    ["a path into a string", "{{user.name}}", { user: "Ada" }, "user.name"],
    ["a path past the end of an array", "{{a.1}}", { a: ["x"] }, "a.1"],
  ])("is an error that names the placeholder: %s", (_, template, payload, field) => {
    expect(refusal(template, payload)).toMatchObject({ code: "missing_value", field, delivery: "not-sent" });
  });

  test("is an error that lists what the template expects", () => {
    const error = refusal("{{app}} {{user.name}} {{code}}", { app: "Example", code: 1 });
    expect(error.message).toBe(
      "user.name: the payload has no value for it; the template expects app, user.name, code",
    );
  });

  test("is an error of readable length, however many values are expected", () => {
    const template = Array.from({ length: 1000 }, (_, index) => `{{name${index}}}`).join("");
    expect(refusal(template, {}).message).toMatch(/name19 and 980 more$/);
  });

  test.each([
    [
      "is left as it is written where the payload lacks the first name",
      "{{ code }} <<code>> {{a.b}}",
      {},
      undefined,
    ],
    ["becomes empty where only the rest of the path leads nowhere", "[{{user.name}}]", { user: {} }, "[]"],
    ["becomes empty where the value is undefined", "[{{user}}]", { user: undefined }, "[]"],
    ["becomes empty where the value is null", "[<<user>>]", { user: null }, "[]"],
    ["becomes empty for a path into a string", "[{{user.0}}]", { user: "Ada" }, "[]"],
  ])("that is kept %s", (_, template, payload, expected) => {
    for (const contentType of ["text/plain", "text/html"] as const) {
      expect(renderTemplate(template, payload, { missing: "keep", contentType })).toBe(expected ?? template);
    }
  });

  test.each([
    ["an absent name", "[{{code}}]", {}],
    ["undefined", "[<<code>>]", { code: undefined }],
    ["null", "[{{code}}]", { code: null }],
    ["a path that ends nowhere", "[{{user.name}}]", { user: {} }],
    ["a path that begins nowhere", "[{{user.name}}]", {}],
    ["a link", '["{{link}}"]', {}],
  ])("renders nothing where it may be empty: %s", (_, template, payload) => {
    for (const contentType of ["text/plain", "text/html", "header"] as const) {
      expect(renderTemplate(template, payload, { missing: "empty", contentType })).toBe(
        template.replace(/\{\{.*\}\}|<<.*>>/, ""),
      );
    }
  });
});

describe("what cannot be a template", () => {
  test.each([[undefined], [null], [7], [["{{code}}"]]])("%j is refused", (template) => {
    expect(refusal(template as unknown as string, {})).toMatchObject({
      code: "invalid_template",
      field: "template",
    });
  });

  test("a text over the limit is refused, one of just that length is not", () => {
    const longest = "x".repeat(1_048_576);
    expect(renderTemplate(longest, {})).toBe(longest);
    expect(refusal(`${longest}x`, {})).toMatchObject({ code: "invalid_template" });
  });

  test("a name too long to be one is refused", () => {
    expect(renderTemplate(`{{${"n".repeat(256)}}}`, {}, keep)).toHaveLength(260);
    expect(refusal(`{{${"n".repeat(257)}}}`, {}, keep)).toMatchObject({ code: "invalid_template" });
  });

  test("a short template cannot be made to fill the memory", () => {
    const error = refusal("{{long}}".repeat(100), { long: "x".repeat(1_048_576) });
    expect(error).toMatchObject({ code: "invalid_value", field: "long" });
  });

  test.each([[undefined], [null], ["code"]])("the payload %j is refused", (payload) => {
    const error = refusal("text", payload as unknown as Payload);
    expect(error).toMatchObject({ code: "invalid_value", field: "payload" });
  });

  test.each([{ contenttype: "text/html" }, null, "text/html"])(
    "is not overlooked where the options are %j",
    (options) => {
      // A misspelt content type would leave the values unescaped.
      expect(() => renderTemplate("{{a}}", { a: "<b>" }, options as never)).toThrow(ConfigError);
    },
  );

  test.each([{ contentType: "text/htm" }, { contentType: "TEXT/HTML" }, { missing: "ignore" }])(
    "the option %j is refused",
    (options) => {
      expect(() => compileTemplate("text", options as RenderOptions)).toThrow(ConfigError);
    },
  );
});

describe("hostile templates", () => {
  test.each([
    ["only openings", "{{"],
    ["only angle brackets", "<<<<"],
    ["blanks that never close", "{{        "],
    ["names that never close", "{{aaaaaaaa"],
    ["both delimiters in turn", "{{<<"],
    ["names and blanks that never close", "<<a a "],
  ])("take time in proportion to their length: %s", (_, unit) => {
    expect(growth(unit)).toBeLessThan(100);
  });

  test.each(["{{", "<<", "{{ ".padEnd(1000), "<<a"])("one opening, then a long tail: %j", (opening) => {
    const template = opening + (opening.endsWith("a") ? "a" : " ").repeat(1_000_000);
    expect(renderTemplate(template, {})).toBe(template);
  });
});
