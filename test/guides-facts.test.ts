// What the guides say, held against the code: names, types, defaults, messages, replies, links.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EXIT } from "../src/cli/command.ts";
import { DESCRIPTIONS } from "../src/connector/descriptions.ts";
import { connectorSchema, exampleConfig, listServices, testConnector } from "../src/connector-door.ts";
import { compileTemplate } from "../src/index.ts";
import { ROOT } from "./support/examples.ts";
import { blocksOf, LANGUAGES, PAGES, quoted, readPage, rowsOf } from "./support/guides.ts";

interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly not?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** Every field of a config by its path, as its schema has it. */
function fieldsIn({ properties = {}, items }: Schema, path = ""): [string, Schema][] {
  const inner = items === undefined ? [] : fieldsIn(items, `${path}[]`);
  const own = Object.entries(properties).flatMap(([name, schema]): [string, Schema][] => {
    const at = path === "" ? name : `${path}.${name}`;
    // A key with its passphrase is told where it stands.
    return [[at, schema], ...(name === "privateKey" ? [] : fieldsIn(schema, at))];
  });
  return [...own, ...inner];
}

/** The types that a schema takes, as a table has them. */
function typesOf(schema: Schema): string[] {
  if (schema.type === undefined && schema.anyOf !== undefined)
    return [...new Set(schema.anyOf.flatMap(typesOf))];
  if (schema.enum !== undefined) return ["string"];
  // What nothing matches is for programs.
  if (schema.type === undefined) return ["function"];
  return [schema.type === "integer" ? "number" : schema.type];
}

const files = (folder: string): readonly string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).filter((path) =>
    /\.\w+$/.test(path),
  );
const textOf = (folder: string): string =>
  files(folder)
    .map((path) => readFileSync(join(ROOT, folder, path), "utf8"))
    .join("\n");

describe.each(LANGUAGES)("the guides in %s", (language) => {
  const page = (name: string): string => `docs/guides/${language}/${name}.md`;
  test("the schema is where the example of a config has it", () => {
    expect(readPage(page("config"))).toContain(`"$schema": "${exampleConfig().$schema}"`);
  });

  /** What the tables in Chinese call the types. */
  const types: Readonly<Record<string, string>> = {
    字符串: "string",
    数字: "number",
    布尔值: "boolean",
    对象: "object",
    数组: "array",
    函数: "function",
  };

  test("list every field of a config, with its type and its default", () => {
    const rows = rowsOf(page("config"));
    const fields = fieldsIn(connectorSchema() as Schema);
    expect(rows.map(([name]) => quoted(name)[0]).sort()).toEqual(fields.map(([path]) => path).sort());
    for (const [path, schema] of fields) {
      const [, type = "", usual = ""] = rows.find(([name]) => quoted(name)[0] === path) ?? [];
      const documented = type.split(/ or |或/).map((word) => types[word.trim()] ?? word.trim());
      expect(documented.sort(), path).toEqual(typesOf(schema).sort());
      const [, value] =
        /Default: (\d+|true|false|error)\.$/.exec(DESCRIPTIONS[path.replace("[]", "")] ?? "") ?? [];
      if (value !== undefined) expect(quoted(usual)[0] ?? usual, path).toBe(value);
    }
  });

  test("list every property of a template", () => {
    const [, template] = fieldsIn(connectorSchema() as Schema).find(([path]) => path === "templates") ?? [];
    const listed = rowsOf(page("templates"))
      .slice(0, 8)
      .map(([name]) => quoted(name)[0]);
    expect(listed.sort()).toEqual(Object.keys(template?.items?.properties ?? {}).sort());
  });

  test("quote replies as the transcripts have them", () => {
    const said = textOf("test/transcripts").replace(/^S: (\d{3})-/gm, "S: $1 ");
    // Aliyun's descriptions list them; no transcript was made of each.
    const described = ["551 Main account unavailable", "554 Reject by content spam"];
    for (const name of ["gmail", "sendgrid", "aliyun-directmail"]) {
      const replies = rowsOf(page(name)).flatMap(([reply]) =>
        quoted(reply).filter((one) => /^\d{3} /.test(one)),
      );
      expect(replies.length, name).toBeGreaterThan(3);
      for (const reply of replies.filter((one) => !described.includes(one))) {
        expect(
          reply.split("…").every((part) => said.includes(part.trim())),
          reply,
        ).toBe(true);
      }
    }
  });

  test("quote messages as the code has them", () => {
    const code = textOf("src").replaceAll(/\$\{[^{}]*\}/g, "…");
    const messages = rowsOf(page("errors")).flatMap(([first]) => quoted(first));
    expect(messages.length).toBeGreaterThan(30);
    for (const message of messages) {
      const words = message.replace(/^(?:587|465) speaks/, "… speaks").replace("SignIn, Generic", "…");
      for (const part of words.split("…").map((one) => one.trim())) expect(code, message).toContain(part);
    }
  });

  test("say of each place in HTML whether it takes a placeholder", () => {
    const rows = rowsOf(page("templates")).filter(([, example]) => /`</.test(example ?? ""));
    expect(rows).toHaveLength(8);
    for (const [, example, verdict = ""] of rows) {
      const compile = (): unknown => compileTemplate(quoted(example)[0] ?? "", { contentType: "text/html" });
      if (/^(?:yes|可以)/.test(verdict)) expect(compile, example).not.toThrow();
      else expect(compile, example).toThrow(/stands in/);
    }
  });

  test("list the regions of Aliyun DirectMail", () => {
    const regions = rowsOf(page("aliyun-directmail")).filter(([, service]) => service?.startsWith("`aliyun"));
    const known = listServices().filter(({ host }) => host.startsWith("smtpdm"));
    expect(regions.map(([, service, host]) => [...quoted(service), ...quoted(host)])).toEqual(
      known.map(({ id, host }) => [id, host]),
    );
  });

  test("list every step and every exit code", async () => {
    const rows = rowsOf(page("testing"));
    const steps = rows.map(([name]) => quoted(name)[0]).filter((name) => name !== undefined);
    const { steps: taken } = await testConnector({} as never);
    expect(steps).toEqual(taken.map(({ name }) => name));
    const codes = rows.map(([code]) => Number(code)).filter((code) => !Number.isNaN(code));
    expect(codes).toEqual(Object.values(EXIT));
  });
});

describe("the pages", () => {
  const all = [...PAGES, "docs/guides/README.md", "docs/guides/runtimes.md", "README.zh-CN.md"];

  test.each(all)("%s links to what exists", (page) => {
    for (const [, target = "", anchor] of readPage(page).matchAll(/\]\(([^)#:]*)(?:#([^)]*))?\)/g)) {
      const path = target === "" ? page : join(page, "..", target);
      expect(existsSync(join(ROOT, path)), target).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(path), `${target}#${anchor}`).toContain(anchor);
    }
  });

  test.each(PAGES.filter((page) => page.includes("/en/")))("%s is the same in both languages", (page) => {
    const other = page.replace("/en/", "/zh-CN/");
    const shape = (path: string): unknown => ({
      headings: [...readPage(path).matchAll(/^#+/gm)].map(([marks]) => marks),
      blocks: blocksOf(path).map(({ language, isRefused }) => [language, isRefused]),
      rows: rowsOf(path).map((cells) => cells.length),
    });
    expect(shape(other)).toEqual(shape(page));
    expect(readPage(page).split("\n")[0]).toContain(`](../zh-CN/${page.split("/").at(-1)})`);
    expect(readPage(other).split("\n")[0]).toContain(`](../en/${page.split("/").at(-1)})`);
  });

  test("the index lists them all", () => {
    const links = [...readPage("docs/guides/README.md").matchAll(/\]\(([^)]+)\)/g)].map(
      ([, target]) => target,
    );
    const pages = PAGES.map((page) => page.replace("docs/guides/", ""));
    expect([...new Set(links)].sort()).toEqual([...pages, "runtimes.md"].sort());
  });

  test("the README in Chinese has what the one in English has", () => {
    const programs = (page: string): readonly string[] =>
      [...readPage(page).matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = ""]) =>
        code.replace(/ *\/\/.*$/gm, ""),
      );
    expect(programs("README.zh-CN.md")).toEqual(programs("README.md"));
    const options = (page: string): readonly (string | undefined)[] => rowsOf(page).map(([name]) => name);
    expect(options("README.zh-CN.md")).toEqual(options("README.md"));
    const headings = (page: string): number => readPage(page).match(/^#+ /gm)?.length ?? 0;
    expect(headings("README.zh-CN.md")).toBe(headings("README.md"));
  });
});

/** The anchors that a Markdown page has on the pages of its host. */
function anchorsOf(page: string): readonly string[] {
  return [...readPage(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
