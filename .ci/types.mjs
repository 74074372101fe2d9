// The types of the built package, as programs of others see them: by every way of finding modules, with the libraries of
// older targets, and checked themselves. And whoever points at a name in an editor is told what it is.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** What one door makes another takes: they have their types from one place. */
const PROGRAM = `
import { SmtpClient, attachment, type DkimSigner, type Message, type Receipt } from "pennypost";
import { createDkimSigner } from "pennypost/dkim";
import { composeStream } from "pennypost/compose";
import { createConnector, type ConnectorConfig } from "pennypost/connector";

export const message: Message = { from: "a@example.com", to: "b@example.org", text: "042137" };
export const signer: DkimSigner = createDkimSigner({ domain: "example.com", selector: "s", privateKey: "" });
export const client: SmtpClient = new SmtpClient({ host: "localhost", dkim: signer });
export const composed = composeStream({ ...message, attachments: [attachment.url("https://example.com/")] }, { dkim: signer });
export const send = (config: ConnectorConfig): Promise<Receipt> =>
  createConnector(config).send({ to: "b@example.org", type: "SignIn", payload: { code: "042137" } });
`;
/** An ES module takes what a CommonJS module made. */
const MIXED = `${PROGRAM}
import { client as required, signer as theirs } from "./program.cjs";
export const same: SmtpClient = required;
export const signed = composeStream(message, { dkim: theirs });
`;
const NODE = `${PROGRAM}
import { connectOver } from "pennypost";
void [connectOver, attachment.file("/a")];
`;
const WORKER = `${PROGRAM}
import * as door from "pennypost";
// @ts-expect-error there are no files
attachment.file;
// @ts-expect-error there are no sockets of Node's
door.connectOver;
`;

const ESM = { module: "esnext", moduleResolution: "bundler" };
const PROGRAMS = [
  { files: { "program.cts": NODE, "mixed.mts": MIXED }, options: { module: "nodenext" } },
  { files: { "program.cts": NODE, "mixed.mts": MIXED }, options: { module: "node16" } },
  { files: { "program.ts": NODE }, options: ESM },
  { files: { "program.ts": WORKER }, options: { ...ESM, customConditions: ["workerd"] } },
  { files: { "program.mts": WORKER }, options: { module: "nodenext", customConditions: ["workerd"] } },
];

const folder = mkdtempSync(join(tmpdir(), "pennypost-types-"));
try {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(ROOT, join(folder, "node_modules/pennypost"));
  for (const [at, { files, options }] of PROGRAMS.entries()) {
    const place = join(folder, String(at));
    mkdirSync(place);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(place, name), text);
    const compilerOptions = {
      target: "es2022",
      lib: ["es2022", "dom", "dom.asynciterable"],
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
      ...options,
    };
    writeFileSync(
      join(place, "tsconfig.json"),
      JSON.stringify({ compilerOptions, files: Object.keys(files) }),
    );
    execFileSync(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", place], {
      stdio: "inherit",
    });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${PROGRAMS.length} programs find the types they ask for`);

const DOORS = ["index", "workerd", "connector", "workerd-connector", "compose"];
const paths = DOORS.map((door) => join(ROOT, `dist/${door}.d.cts`));
const program = ts.createProgram(paths, { module: ts.ModuleKind.NodeNext, types: [] });
const checker = program.getTypeChecker();
const names = new Set();
const unexplained = new Set();
for (const path of paths) {
  const door = checker.getSymbolAtLocation(program.getSourceFile(path));
  for (const exported of checker.getExportsOfModule(door)) {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    names.add(symbol.name);
    if (symbol.getDocumentationComment(checker).length === 0) unexplained.add(symbol.name);
  }
}
if (unexplained.size > 0) throw new Error(`no comment says what these are: ${[...unexplained].join(", ")}`);
console.log(`${names.size} names are explained`);
