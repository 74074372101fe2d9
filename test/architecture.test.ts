// The rules of the house that a machine can check. A new arrow is added here on purpose, and in ARCHITECTURE.md.

import { readdirSync, readFileSync } from "node:fs";
import { join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Which file may import which, from the floor up. What stands higher is never imported from below. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  // floor
  errors: [],
  bytes: [],
  excerpt: ["errors"],
  input: ["errors", "excerpt"],
  // what is said, and what is heard
  commands: ["bytes", "errors", "excerpt"],
  "auth/mechanism": ["auth/login", "auth/plain", "auth/xoauth2"],
  "auth/login": ["bytes", "auth/mechanism"],
  "auth/plain": ["bytes", "auth/mechanism"],
  "auth/xoauth2": ["bytes", "auth/mechanism"],
  "protocol/reply": ["bytes", "errors", "excerpt"],
  "protocol/extensions": ["errors"],
  "protocol/state": ["commands"],
  "protocol/dialogue": ["commands", "errors"],
  "protocol/transparency": ["bytes", "errors"],
  "protocol/subject": ["errors", "protocol/dialogue", "protocol/state"],
  "protocol/effect": ["commands", "protocol/dialogue"],
  "protocol/exchange": ["commands", "errors", "protocol/dialogue", "protocol/state", "protocol/subject"],
  "protocol/parameters": ["errors", "protocol/dialogue", "protocol/extensions"],
  "protocol/transaction": [
    "commands",
    "errors",
    "excerpt",
    "protocol/dialogue",
    "protocol/extensions",
    "protocol/parameters",
    "protocol/transparency",
  ],
  "protocol/opening": [
    "auth/mechanism",
    "bytes",
    "commands",
    "errors",
    "excerpt",
    "protocol/dialogue",
    "protocol/extensions",
  ],
  "protocol/secrets": ["bytes", "commands", "errors"],
  "protocol/session": [
    "errors",
    "excerpt",
    "protocol/dialogue",
    "protocol/effect",
    "protocol/exchange",
    "protocol/reply",
    "protocol/secrets",
    "protocol/state",
    "protocol/subject",
  ],
  // the message
  "address/hints": [],
  "address/tokens": ["errors"],
  "address/list": ["address/hints", "address/tokens", "errors", "input"],
  "address/domain": ["address/hints", "bytes", "errors", "input"],
  address: ["address/domain", "address/hints", "address/list", "address/tokens", "bytes", "errors", "input"],
  field: ["errors", "excerpt", "input"],
  "media-type": ["bytes", "errors", "input"],
  prebuilt: ["bytes", "errors", "input"],
  flow: ["bytes", "errors", "excerpt", "input"],
  source: ["bytes", "errors", "flow", "input"],
  attachment: ["address", "bytes", "errors", "field", "input", "media-type", "prebuilt", "source"],
  "message/bodies": ["attachment", "errors", "input", "media-type"],
  "message/fields": ["errors", "field", "input", "message/identifiers", "message/list"],
  "message/identifiers": ["address", "errors", "input"],
  "message/list": ["address", "errors", "field", "input"],
  "message/raw": ["errors", "input", "message/identifiers", "prebuilt"],
  "message/recipients": ["address", "errors", "input"],
  message: [
    "address",
    "attachment",
    "errors",
    "field",
    "input",
    "message/bodies",
    "message/fields",
    "message/identifiers",
    "message/list",
    "message/raw",
    "message/recipients",
    "prebuilt",
  ],
  "mime/encoded-word": ["bytes"],
  "mime/header": ["address", "bytes", "errors", "input", "mime/encoded-word"],
  "mime/media-types": [],
  "mime/parameter": ["input"],
  "mime/canonical": ["bytes"],
  "mime/quoted-printable": ["bytes"],
  "mime/base64-lines": ["bytes", "mime/header", "mime/transfer-encoding"],
  "mime/flowed": [],
  "mime/field": ["field", "mime/header"],
  "mime/transfer-encoding": ["bytes", "errors", "mime/canonical", "mime/header", "mime/quoted-printable"],
  "mime/part": ["bytes", "flow", "mime/header", "mime/parameter", "mime/transfer-encoding"],
  "mime/attachment-part": [
    "attachment",
    "mime/field",
    "mime/header",
    "mime/media-types",
    "mime/parameter",
    "mime/part",
    "mime/transfer-encoding",
    "prebuilt",
  ],
  "mime/tree": [
    "bytes",
    "message",
    "mime/attachment-part",
    "mime/canonical",
    "mime/flowed",
    "mime/header",
    "mime/parameter",
    "mime/part",
    "mime/transfer-encoding",
  ],
  mime: [
    "bytes",
    "flow",
    "message",
    "mime/base64-lines",
    "mime/field",
    "mime/header",
    "mime/part",
    "mime/transfer-encoding",
    "mime/tree",
    "prebuilt",
  ],
  signer: ["errors", "input"],
  "dkim/body": ["bytes", "errors"],
  "dkim/content": ["bytes", "dkim/body", "errors", "input", "mime/header"],
  "dkim/der": ["bytes"],
  "dkim/header-section": ["bytes", "dkim/body", "errors", "mime/header"],
  "dkim/key": ["bytes", "dkim/der", "dkim/sha256", "errors", "input"],
  "dkim/sha256": [],
  dkim: [
    "bytes",
    "dkim/body",
    "dkim/content",
    "dkim/header-section",
    "dkim/key",
    "dkim/sha256",
    "errors",
    "input",
    "mime/header",
    "options/checks",
    "signer",
  ],
  "sources/stream": ["attachment", "errors", "flow", "input", "source"],
  "sources/data-url": ["attachment", "bytes", "errors", "input", "sources/stream"],
  "sources/url": ["attachment", "errors", "flow", "input", "source", "sources/stream"],
  "sources/file": ["attachment", "errors", "flow", "input", "mime", "source", "sources/stream"],
  sources: ["sources/data-url", "sources/file", "sources/stream", "sources/url"],
  content: ["bytes", "flow", "mime"],
  prepare: ["abort", "bytes", "content", "deadline", "errors", "excerpt", "flow", "mime", "signer"],
  compose: [
    "bytes",
    "content",
    "deadline",
    "errors",
    "flow",
    "input",
    "message",
    "mime",
    "prepare",
    "signer",
  ],
  templates: ["errors", "input"],
  // the wire
  "transport/wire": [],
  "transport/node-errors": ["errors", "transport/wire"],
  "transport/node": ["errors", "transport/node-errors", "transport/wire"],
  abort: ["errors"],
  deadline: ["errors"],
  connect: ["abort", "deadline", "errors", "transport/wire"],
  settings: ["deadline", "errors", "protocol/opening", "transport/wire"],
  pump: ["bytes", "errors", "protocol/dialogue", "protocol/transparency"],
  outflow: [
    "bytes",
    "commands",
    "protocol/dialogue",
    "protocol/session",
    "protocol/transparency",
    "pump",
    "transport/wire",
  ],
  connection: [
    "abort",
    "commands",
    "connect",
    "deadline",
    "errors",
    "flow",
    "outflow",
    "protocol/dialogue",
    "protocol/effect",
    "protocol/extensions",
    "protocol/opening",
    "protocol/session",
    "protocol/transaction",
    "settings",
    "transport/wire",
  ],
  // what the user holds
  pool: ["abort", "connection", "errors"],
  "options/checks": ["errors", "input"],
  "options/tls": ["input", "options/checks", "transport/wire"],
  "options/url": ["errors", "input", "options/checks"],
  options: [
    "auth/mechanism",
    "connection",
    "deadline",
    "errors",
    "input",
    "options/checks",
    "options/tls",
    "options/url",
    "pool",
    "signer",
    "transport/wire",
  ],
  client: [
    "abort",
    "bytes",
    "compose",
    "content",
    "errors",
    "input",
    "message",
    "mime",
    "options",
    "pool",
    "prepare",
    "protocol/transaction",
    "transport/wire",
  ],
};

/** The doors may import everything, and nothing imports them. */
const DOORS: readonly string[] = ["index"];

/** Files that know no promise, clock or chance: what they need of these is handed to them. */
const PURE = /^(?:commands|templates|protocol\/.*|auth\/.*|mime\/.*)$/;

const sources = list("src").map((path) => {
  const text = readFileSync(join(ROOT, "src", path), "utf8");
  return { name: path.replace(/\.ts$/, ""), text, code: withoutComments(text) };
});

describe("imports", () => {
  test.each(sources.filter(({ name }) => !DOORS.includes(name)))(
    "of $name are those it may have",
    ({ name, code }) => {
      const allowed = ARROWS[name];
      expect(allowed, "a new file is given its arrows in this test").toBeDefined();
      expect(importsOf(name, code)).toEqual([...(allowed ?? [])].sort());
    },
  );

  test("point down: no file is reached from what it reaches, but for a mechanism and its contract", () => {
    const seen = new Set<string>();
    const visit = (name: string, path: readonly string[]): void => {
      expect(path, `${[...path, name].join(" → ")}`).not.toContain(name);
      if (seen.has(name)) return;
      seen.add(name);
      for (const next of ARROWS[name] ?? []) {
        if (!(name.startsWith("auth/") && next === "auth/mechanism")) visit(next, [...path, name]);
      }
    };
    for (const name of Object.keys(ARROWS)) visit(name, []);
  });

  test("name every file that there is, and none that there is not", () => {
    expect(Object.keys(ARROWS).concat(DOORS).sort()).toEqual(sources.map(({ name }) => name).sort());
  });

  test("of Node's modules stand where Node is meant", () => {
    const users = sources.filter(({ code }) => /["']node:|require\(/.test(code)).map(({ name }) => name);
    expect(users.sort()).toEqual(["sources/file", "transport/node"]);
  });

  test("load no module of Node's until the first connection", () => {
    const node = sources.find(({ name }) => name === "transport/node")?.code ?? "";
    expect(node).not.toMatch(/^import (?!type)[^;]*["']node:/m);
    expect(node).toMatch(/await import\("node:net"\)/);
  });
});

describe("the package", () => {
  test("has no dependencies but for development, and no install scripts", () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Record<string, unknown>;
    for (const key of ["dependencies", "peerDependencies", "optionalDependencies", "bundleDependencies"]) {
      expect(manifest).not.toHaveProperty(key);
    }
    const scripts = Object.keys(manifest.scripts as object);
    expect(scripts.filter((name) => /^(?:pre|post)?install$|^prepare$/.test(name))).toEqual([]);
    expect(manifest.sideEffects).toBe(false);
  });
});

describe("the code", () => {
  test("exports by name only", () => {
    expect(offenders(/^export default|as default\b/m)).toEqual([]);
  });

  test("puts a line end to a verb in commands.ts, to a field in mime/header.ts, and nowhere else", () => {
    expect(offenders(/\\r\\n/).sort()).toEqual(["commands", "mime/header"]);
  });

  test("uses Buffer only where it is a fast path", () => {
    expect(offenders(/\bBuffer\b/)).toEqual(["bytes"]);
  });

  test("has no promise, timer, clock, chance or console in its pure core, and no state of its own", () => {
    const impure =
      /\basync\b|\bawait\b|\bPromise\b|\bsetTimeout\b|\bDate\b|\bperformance\b|Math\.random|\bcrypto\b|\bconsole\b|^let /m;
    const pure = sources.filter(({ name }) => PURE.test(name) && name !== "templates");
    expect(pure.filter(({ code }) => impure.test(code)).map(({ name }) => name)).toEqual([]);
  });

  test("decides the next state in one place", () => {
    const session = sources.find(({ name }) => name === "protocol/session")?.code ?? "";
    // The state it begins in, the one the table leads to, and the end.
    expect(session.match(/#state\b[^;]* = [^;]*/g)).toEqual([
      '#state: State = "connected"',
      "#state = next",
      '#state = "closed"',
    ]);
    expect(offenders(/\bnextState\(/).sort()).toEqual(["protocol/session", "protocol/state"]);
  });

  test("has no any, no suppressed error, no unfinished business", () => {
    expect(offenders(/\bas any\b|: any\b|<any>/)).toEqual([]);
    expect(offenders(/@ts-ignore|@ts-nocheck|@ts-expect-error|\bTODO\b|\bFIXME\b/, "text")).toEqual([]);
  });

  test("stays in files that can be read at a sitting", () => {
    const long = sources.filter(({ text }) => text.split("\n").length > 310).map(({ name }) => name);
    expect(long).toEqual([]);
  });
});

describe("the tests", () => {
  const tests = list("test").filter((path) => path.endsWith(".ts") && path !== "architecture.test.ts");

  test("skip nothing and single nothing out", () => {
    const found = tests.filter((path) =>
      /\b(?:test|it|describe)\.(?:skip|only|todo|skipIf|runIf|fails)\b/.test(
        readFileSync(join(ROOT, "test", path), "utf8"),
      ),
    );
    expect(found).toEqual([]);
  });
});

function offenders(pattern: RegExp, of: "code" | "text" = "code"): string[] {
  return sources.filter((source) => pattern.test(source[of])).map(({ name }) => name);
}

function importsOf(name: string, code: string): string[] {
  const found = new Set<string>();
  for (const [, specifier = ""] of code.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)) {
    if (specifier.startsWith(".")) {
      found.add(posix.join(posix.dirname(name), specifier).replace(/\.ts$/, ""));
    }
  }
  return [...found].sort();
}

function withoutComments(text: string): string {
  return text.replace(/^\s*\/\*\*?[\s\S]*?\*\/|^\s*\/\/.*$|\s\/\/ .*$/gm, "");
}

function list(folder: string): string[] {
  const from = join(ROOT, folder);
  return readdirSync(from, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(from, join(entry.parentPath, entry.name)));
}
