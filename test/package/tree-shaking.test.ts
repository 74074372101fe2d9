// What a bundler leaves of the package for those who use a part of it: of the source, through the doors of package.json; and
// of what is built, where PENNYPOST_DOORS=dist says so.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const { sideEffects, exports: exported } = JSON.parse(readFileSync(`${ROOT}/package.json`, "utf8")) as {
  readonly sideEffects: unknown;
  readonly exports: Readonly<
    Record<string, Readonly<Record<"workerd" | "import", { readonly default: string }>>>
  >;
};
const FROM = process.env.PENNYPOST_DOORS === "dist" ? "dist" : "src";
/** The sources of doors that are not called as they are. */
const SOURCES: Readonly<Record<string, string>> = { connector: "connector-door", dkim: "dkim-door" };

function doorOf(name: string, condition: "workerd" | "import"): string {
  const built = exported[name]?.[condition].default ?? "";
  if (FROM === "dist") return `${ROOT}/${built}`;
  const base = built.replace(/^\.\/dist\/(.*)\.js$/, "$1");
  return `${ROOT}/src/${SOURCES[base] ?? base}.ts`;
}

/** What is left of a program, whole: with all that it loads later. */
async function bundle(code: string, condition: "workerd" | "import" = "import"): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: ROOT },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    external: ["node:*", "cloudflare:*"],
    alias: {
      "pennypost/connector": doorOf("./connector", condition),
      "pennypost/dkim": doorOf("./dkim", condition),
      pennypost: doorOf(".", condition),
    },
    logLevel: "silent",
  });
  return outputFiles[0]?.text ?? "";
}

const VERBS = /EHLO|STARTTLS|RCPT TO|MAIL FROM|BDAT|AUTH /;

describe.each(["import", "workerd"] as const)("by the condition %s", (condition) => {
  test("what is imported for nothing is nothing", async () => {
    expect(sideEffects).toBe(false);
    expect(await bundle('import "pennypost"; import "pennypost/connector";', condition)).toBe("");
  });

  // Octets, minified and compressed, some percent above what they are: of renderTemplate a third says what is wrong, and a
  // third where in HTML a value may stand.
  test.each([
    ["renderTemplate", 4200],
    ["parseMailbox", 4200],
    ["isPlainName", 500],
    ["isSmtpError", 500],
  ])("%s alone takes no more than %i octets", async (name, limit) => {
    const code = await bundle(`export { ${name} } from "pennypost"`, condition);
    expect(code).toContain(name);
    expect(gzipSync(code).length).toBeLessThanOrEqual(limit);
  });

  test.each([
    ["parseMailbox", "pennypost"],
    ["renderTemplate", "pennypost"],
    ["isSmtpError", "pennypost"],
    ["isPlainName", "pennypost"],
    ["createDkimSigner", "pennypost/dkim"],
  ])("%s says nothing to a server", async (name, door) => {
    const code = await bundle(`export { ${name} } from "${door}"`, condition);
    expect(code).toContain(name);
    expect(code).not.toMatch(VERBS);
  });

  test("a client does", async () => {
    expect(await bundle('export { SmtpClient } from "pennypost"', condition)).toMatch(VERBS);
  });
});
