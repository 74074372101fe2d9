// Finds the examples in the documentation, and runs them against a server of the test's own.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { Client } from "../../src/client.ts";
import * as compose from "../../src/compose-door.ts";
import { Connector, type ConnectorConfig, report, type TestOptions } from "../../src/connector.ts";
import * as connector from "../../src/connector-door.ts";
import * as dkim from "../../src/dkim-door.ts";
import * as pennypost from "../../src/index.ts";
import * as oauth2 from "../../src/oauth2-door.ts";
import type { SmtpClientOptions } from "../../src/options.ts";
import { connectNode } from "../../src/transport/node.ts";
import type { Connect, Wire } from "../../src/transport/wire.ts";

export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));

const DOORS: Readonly<Record<string, object>> = {
  pennypost,
  "pennypost/compose": compose,
  "pennypost/connector": connector,
  "pennypost/dkim": dkim,
  "pennypost/oauth2": oauth2,
};

export interface Example {
  /** Where it stands: file and line. */
  readonly place: string;
  readonly code: string;
}

/** The ```ts blocks of a Markdown file. */
export function examplesInMarkdown(path: string): Example[] {
  return blocks(path, readFileSync(join(ROOT, path), "utf8"));
}

/** The ```ts blocks of the TSDoc comments in a source file. */
export function examplesInSource(path: string): Example[] {
  const text = readFileSync(join(ROOT, path), "utf8");
  return blocks(path, text.replaceAll(/^ *\* ?/gm, ""));
}

function blocks(path: string, text: string): Example[] {
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((match) => ({
    place: `${path}:${text.slice(0, match.index).split("\n").length}`,
    code: match[1] ?? "",
  }));
}

/** What the compiler has to say of the examples, as a user of the package would see it. */
export function diagnose(examples: readonly Example[]): string[] {
  const files = new Map(
    examples.map(({ place, code }) => [
      join(ROOT, `${place.replaceAll(/\W/g, "_")}.ts`),
      // An example need not repeat the import that the page has shown before.
      code.includes("import ")
        ? code
        : `${Object.entries(DOORS)
            .map(([door, module]) => importsOf(door, module))
            .join("")}${code}`,
    ]),
  );
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    allowImportingTsExtensions: true,
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    types: ["node"],
    paths: {
      pennypost: [join(ROOT, "src/index.ts")],
      "pennypost/compose": [join(ROOT, "src/compose-door.ts")],
      "pennypost/dkim": [join(ROOT, "src/dkim-door.ts")],
      "pennypost/oauth2": [join(ROOT, "src/oauth2-door.ts")],
      "pennypost/connector": [join(ROOT, "src/connector-door.ts")],
    },
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => files.get(name) ?? readFile(name);
  host.getSourceFile = (name, ...rest) => {
    const text = files.get(name);
    return text === undefined
      ? getSourceFile(name, ...rest)
      : ts.createSourceFile(name, text, ts.ScriptTarget.ES2022);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files.keys()].flatMap((name) => {
    const file = program.getSourceFile(name);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
      (found) => `${name.slice(ROOT.length)}: ${ts.flattenDiagnosticMessageText(found.messageText, "\n")}`,
    );
  });
}

function importsOf(door: string, module: object): string {
  return `import { ${Object.keys(module).join(", ")} } from "${door}";\n`;
}

/**
 * Runs an example. Whatever server it names, it talks to the one on `port`, and takes the connection for one that is
 * verified TLS. What it prints is returned.
 */
export async function run({ code }: Example, port: number): Promise<unknown[][]> {
  const connect: Connect = async (target) =>
    trusted(await connectNode({ ...target, host: "127.0.0.1", port, implicitTls: false }));
  class SmtpClient extends Client {
    constructor(options: string | URL | SmtpClientOptions) {
      super(options, { connect });
    }
  }
  const printed: unknown[][] = [];
  const scope = {
    ...pennypost,
    ...compose,
    ...dkim,
    ...oauth2,
    ...connector,
    SmtpClient,
    createConnector: (config: ConnectorConfig) => new Connector(config, { connect }),
    testConnector: (config: ConnectorConfig, options: TestOptions = {}) =>
      report(config, options, { connect }),
    console: { log: (...values: unknown[]) => printed.push(values) },
  };
  const body = code
    .replaceAll(/^import .* from "pennypost(?:\/\w+)?";$/gm, "")
    .replaceAll(/^import (.*) from "(node:\w+)";$/gm, 'const $1 = process.getBuiltinModule("$2");')
    // What a platform calls is called.
    .replace(/^export (async function handler\(\)[\s\S]*)$/m, "$1\nawait handler();\nawait client.close();");
  const { outputText } = ts.transpileModule(body, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  const AsyncFunction = (async () => {}).constructor as new (
    ...code: string[]
  ) => (...values: unknown[]) => Promise<void>;
  await new AsyncFunction(...Object.keys(scope), outputText)(...Object.values(scope));
  return printed;
}

function trusted(wire: Wire): Wire {
  return {
    secure: true,
    verified: true,
    localAddress: wire.localAddress,
    read: () => wire.read(),
    write: (octets) => wire.write(octets),
    startTls: () => wire.startTls(),
    hold: (active) => wire.hold(active),
    close: () => wire.close(),
    destroy: (reason) => wire.destroy(reason),
  };
}
