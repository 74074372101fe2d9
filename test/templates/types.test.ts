// What the compiler says. `npm run check` holds the expectations on types; the last test asks it as a user would.

import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  compileTemplate,
  type Payload,
  type PayloadOf,
  renderTemplate,
  type Template,
  type TemplateValue,
  unsafeHtml,
} from "../../src/templates.ts";

describe("the type of a literal template", () => {
  test("names what its payload must have, as the scanner does", () => {
    type Needs<Text extends string> = keyof PayloadOf<Text>;
    expectTypeOf<Needs<"{{a}} <<b>> {{ c }} <<\n\td >> {{{e}}} <<<f>>> {{aZ_09}}">>().toEqualTypeOf<
      "a" | "b" | "c" | "d" | "e" | "f" | "aZ_09"
    >();
    expectTypeOf<Needs<"{{ {{a}} {{b <<c>> {{#if d}} {{e-f}} {{}} {{名}} {g} << h">>().toEqualTypeOf<
      "a" | "c"
    >();
    expectTypeOf<Needs<"text">>().toEqualTypeOf<never>();
    expectTypeOf<Needs<string>>().toEqualTypeOf<never>();
    expectTypeOf<Needs<`${string} {{a}}`>>().toEqualTypeOf<"a">();
  });

  test("follows paths into objects and arrays", () => {
    type User = PayloadOf<"{{user.name}} {{user.pet.name}} {{list.0}} {{rows.0.id}}">;
    expectTypeOf<User["user"]["name"]>().toEqualTypeOf<TemplateValue>();
    expectTypeOf<User["user"]["pet"]["name"]>().toEqualTypeOf<TemplateValue>();
    expectTypeOf<readonly string[]>().toExtend<User["list"]>();
    expectTypeOf<{ 0: string }>().toExtend<User["list"]>();
    expectTypeOf<{ id: number; more: Date }[]>().toExtend<User["rows"]>();
    expectTypeOf<{ more: Date }[]>().not.toExtend<User["rows"]>();
    expectTypeOf<boolean>().not.toExtend<User["user"]["name"]>();
  });

  test("asks for nothing where nothing need be there", () => {
    expectTypeOf<PayloadOf<"{{a}}", "keep">>().toEqualTypeOf<object>();
    expectTypeOf<PayloadOf<"{{a}}", "empty">>().toEqualTypeOf<object>();
    expectTypeOf(compileTemplate("{{a}}", { contentType: "text/html" })).toEqualTypeOf<
      Template<PayloadOf<"{{a}}">>
    >();
  });

  test("holds for a template of many placeholders", () => {
    type Four = "{{a}} text <<b>> {{c}} {{d}} ";
    type Many = `${Four}${Four}${Four}${Four}${Four}${Four}${Four}${Four}${Four}${Four}${Four}${Four}`;
    expectTypeOf<keyof PayloadOf<Many>>().toEqualTypeOf<"a" | "b" | "c" | "d">();
  });

  test("takes whatever has what it needs: an interface, more than that, a payload of any kind for a string", () => {
    interface User {
      readonly name: string;
      readonly born: Date;
    }
    const user: User = { name: "Ada", born: new Date(0) };
    expect(renderTemplate("Hello {{name}}", user)).toBe("Hello Ada");
    expect(renderTemplate("Hello {{user.name}}", { user, more: [1] })).toBe("Hello Ada");
    expect(renderTemplate("{{a.1}}", { a: ["x", 2n] })).toBe("2");
    expect(renderTemplate("{{a}}", { a: unsafeHtml("<br>") }, { contentType: "text/html" })).toBe("<br>");
    expect(renderTemplate("[{{a}}]", {}, { missing: "empty" })).toBe("[]");
    const payload: Payload = { a: 1 };
    expect(renderTemplate("{{a}}" as string, payload)).toBe("1");
    const any: Template = compileTemplate("{{a}}");
    expect(any.render(payload)).toBe("1");
  });

  test("refuses what lacks it", () => {
    const wrong = [
      'renderTemplate("{{code}}", {});',
      'renderTemplate("<<code>>", { cod: "1" });',
      'renderTemplate("{{code}}", { code: true });',
      'renderTemplate("{{code}}", { code: undefined });',
      'renderTemplate("{{user.name}}", { user: {} });',
      'renderTemplate("{{user.name}}", { user: "Ada" });',
      'renderTemplate("{{rows.0.id}}", { rows: [{ name: "x" }] });',
      'renderTemplate("text", "payload");',
      'renderTemplate("{{code}}", { code: 1 }, { contenttype: "text/html" });',
      'renderTemplate("{{code}}", { code: 1 }, { missing: "ignore" });',
      'compileTemplate("{{a}} {{b}}", { contentType: "header" }).render({ a: 1 });',
    ];
    const right = 'renderTemplate("{{code}}", { code: "1" });';
    expect(linesRefused([right, ...wrong, right])).toEqual(wrong.map((_, index) => index + 1));
  });
});

/** The numbers of those lines that do not compile. */
function linesRefused(lines: readonly string[]): number[] {
  const name = fileURLToPath(new URL("../../src/asked-of-the-compiler.ts", import.meta.url));
  const source = `${lines.join("\n")}\nimport { compileTemplate, renderTemplate } from "./templates.ts";`;
  // No more of the libraries than it takes: reading them is nearly all of the time.
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2023.d.ts"],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    allowImportingTsExtensions: true,
    noEmit: true,
    strict: true,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile } = host;
  host.getSourceFile = (path, ...rest) =>
    path === name ? ts.createSourceFile(path, source, ts.ScriptTarget.ES2022) : getSourceFile(path, ...rest);
  const program = ts.createProgram([name], options, host);
  const found = program.getSemanticDiagnostics(program.getSourceFile(name));
  return [...new Set(found.map(({ start = 0 }) => source.slice(0, start).split("\n").length - 1))];
}
