// The rules of the house that a machine can check. A new arrow is added here on purpose, and in ARCHITECTURE.md.

import { readdirSync, readFileSync } from "node:fs";
import { join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Which file may import which, from the floor up. What stands higher is never imported from below. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  // floor
  errors: ["errors/codes"],
  "channel-binding": [],
  "errors/codes": [],
  bytes: [],
  der: ["bytes"],
  excerpt: ["errors"],
  input: ["errors", "excerpt"],
  terms: [],
  // what is said, and what is heard
  commands: ["bytes", "errors", "excerpt", "input"],
  "auth/mechanism": ["channel-binding", "errors"],
  "auth/login": ["auth/mechanism", "bytes"],
  "auth/plain": ["auth/mechanism", "bytes"],
  "auth/xoauth2": ["auth/mechanism", "bytes"],
  "auth/oauthbearer": ["auth/gs2", "auth/mechanism", "bytes"],
  "auth/token-source": ["auth/mechanism", "errors", "input"],
  "auth/anonymous": ["auth/mechanism", "bytes", "errors"],
  "auth/cram-md5": ["auth/mechanism", "bytes"],
  "auth/external": ["auth/mechanism", "bytes"],
  "auth/gs2": [],
  "auth/saslprep": [],
  "auth/scram": ["auth/gs2", "auth/mechanism", "auth/saslprep", "bytes", "errors"],
  "auth/choice": ["auth/mechanism"],
  "auth/mechanisms": [
    "auth/anonymous",
    "auth/choice",
    "auth/cram-md5",
    "auth/external",
    "auth/login",
    "auth/mechanism",
    "auth/oauthbearer",
    "auth/plain",
    "auth/scram",
    "auth/xoauth2",
  ],
  "protocol/hints": ["errors"],
  "protocol/login": [
    "auth/choice",
    "auth/mechanism",
    "auth/mechanisms",
    "bytes",
    "channel-binding",
    "commands",
    "errors",
    "excerpt",
    "protocol/dialogue",
    "protocol/extensions",
    "protocol/hints",
    "protocol/secrets",
  ],
  "protocol/reply": ["bytes", "errors", "excerpt"],
  "protocol/extensions": ["errors"],
  "protocol/state": ["commands"],
  "protocol/dialogue": ["commands", "errors"],
  "protocol/transparency": ["bytes", "errors"],
  "protocol/subject": ["errors", "protocol/dialogue", "protocol/state"],
  "protocol/effect": ["commands", "protocol/dialogue"],
  "protocol/exchange": ["commands", "errors", "protocol/dialogue", "protocol/state", "protocol/subject"],
  "protocol/faults": ["errors", "excerpt", "protocol/state"],
  "protocol/farewell": ["errors", "protocol/effect", "protocol/exchange", "protocol/faults"],
  "protocol/judgement": ["errors", "excerpt", "protocol/hints"],
  "protocol/parameters": ["errors", "protocol/dialogue", "protocol/extensions", "terms"],
  "protocol/split": ["protocol/extensions"],
  "protocol/transaction": [
    "commands",
    "errors",
    "protocol/dialogue",
    "protocol/extensions",
    "protocol/judgement",
    "protocol/parameters",
    "protocol/transparency",
  ],
  "protocol/opening": [
    "commands",
    "errors",
    "excerpt",
    "protocol/dialogue",
    "protocol/extensions",
    "protocol/login",
    "protocol/secrets",
  ],
  "protocol/secrets": ["bytes", "commands", "errors", "protocol/dialogue"],
  "protocol/session": [
    "errors",
    "protocol/dialogue",
    "protocol/effect",
    "protocol/exchange",
    "protocol/farewell",
    "protocol/faults",
    "protocol/reply",
    "protocol/secrets",
    "protocol/state",
    "protocol/subject",
  ],
  callers: ["abort", "protocol/dialogue", "protocol/effect"],
  patience: ["deadline", "errors", "flow", "protocol/dialogue"],
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
  "opened-later": ["flow"],
  source: ["bytes", "errors", "flow", "input", "opened-later"],
  attachment: ["address", "bytes", "errors", "field", "input", "media-type", "prebuilt", "source"],
  "message/bodies": ["attachment", "errors", "input", "media-type"],
  "message/dsn": ["address", "errors", "input", "terms"],
  "message/fields": ["errors", "field", "input", "message/identifiers", "message/list", "message/reserved"],
  "message/identifiers": ["address", "errors", "input"],
  "message/list": ["address", "errors", "field", "input"],
  "message/reserved": [],
  "message/raw": ["errors", "input", "message/identifiers", "prebuilt"],
  "message/recipients": ["address", "errors", "input", "message/dsn"],
  "message/terms": ["errors", "input", "message/dsn", "terms"],
  message: [
    "address",
    "attachment",
    "errors",
    "field",
    "input",
    "message/bodies",
    "message/dsn",
    "message/fields",
    "message/identifiers",
    "message/list",
    "message/raw",
    "message/recipients",
    "message/terms",
    "prebuilt",
    "terms",
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
    "errors",
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
    "terms",
  ],
  "private-key/purpose": ["errors"],
  "private-key/pem": ["bytes", "private-key/purpose"],
  "private-key/pkcs8": ["bytes", "der", "private-key/purpose"],
  "private-key/jwk": ["bytes", "der", "private-key/pkcs8", "private-key/purpose"],
  "private-key/locked": ["bytes", "der", "private-key/purpose"],
  invocations: [],
  "private-key": [
    "errors",
    "input",
    "invocations",
    "options/checks",
    "private-key/jwk",
    "private-key/locked",
    "private-key/pem",
    "private-key/pkcs8",
    "private-key/purpose",
  ],
  "auth/oauth2/endpoint": ["errors", "input", "options/checks"],
  "auth/oauth2/request": ["abort", "auth/oauth2/endpoint", "bytes", "errors", "input"],
  "auth/oauth2/answer": ["auth/oauth2/request", "errors", "excerpt", "protocol/secrets"],
  "auth/oauth2/grant": ["auth/oauth2/answer", "auth/oauth2/endpoint", "auth/oauth2/request"],
  "auth/oauth2/client-credentials": [
    "auth/oauth2/endpoint",
    "auth/oauth2/grant",
    "auth/token-source",
    "input",
    "options/checks",
  ],
  "auth/oauth2/refresh-token": [
    "abort",
    "auth/mechanism",
    "auth/oauth2/endpoint",
    "auth/oauth2/grant",
    "auth/token-source",
    "errors",
    "input",
    "invocations",
    "options/checks",
  ],
  "auth/oauth2/service-account": [
    "auth/oauth2/endpoint",
    "auth/oauth2/grant",
    "auth/token-source",
    "bytes",
    "input",
    "options/checks",
    "private-key",
  ],
  "auth/oauth2": [
    "auth/oauth2/client-credentials",
    "auth/oauth2/endpoint",
    "auth/oauth2/refresh-token",
    "auth/oauth2/service-account",
  ],
  signer: ["errors", "input"],
  "dkim/body": ["bytes", "errors"],
  "dkim/content": ["bytes", "dkim/body", "errors", "input", "mime/header"],
  "dkim/header-section": ["bytes", "dkim/body", "errors", "mime/header"],
  "dkim/key": ["private-key"],
  "dkim/sha256": [],
  "dkim/sign": [
    "bytes",
    "dkim/body",
    "dkim/content",
    "dkim/header-section",
    "dkim/key",
    "dkim/sha256",
    "errors",
    "mime/header",
    "signer",
  ],
  dkim: ["dkim/key", "dkim/sign", "errors", "input", "options/checks", "private-key", "signer", "snapshot"],
  "sources/stream": ["attachment", "errors", "input", "opened-later", "source", "sources/stream-octets"],
  "sources/stream-octets": ["flow", "source"],
  "sources/data-url": ["attachment", "bytes", "errors", "input", "sources/stream"],
  "sources/url": [
    "attachment",
    "errors",
    "flow",
    "input",
    "opened-later",
    "sources/stream",
    "sources/url-octets",
  ],
  "sources/url-octets": ["flow", "input"],
  "sources/file": [
    "attachment",
    "errors",
    "flow",
    "input",
    "opened-later",
    "sources/file-octets",
    "sources/stream",
  ],
  "sources/file-octets": ["bytes", "flow"],
  sources: ["sources/data-url", "sources/file", "sources/stream", "sources/url"],
  content: ["bytes", "flow", "mime", "protocol/dialogue"],
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
  "templates/placeholders": ["errors", "input"],
  "templates/positions": ["templates/placeholders"],
  "templates/values": ["errors", "input", "templates/positions"],
  "templates/payload": ["templates/values"],
  "templates/plain-name": [],
  templates: [
    "errors",
    "input",
    "templates/payload",
    "templates/placeholders",
    "templates/plain-name",
    "templates/positions",
    "templates/values",
  ],
  // who listens
  trace: ["errors"],
  logger: ["errors", "excerpt", "trace"],
  // the wire
  "transport/node-diagnostics": ["input", "trace"],
  "transport/node-digests": ["errors"],
  "transport/sessions": [],
  "transport/wire": ["channel-binding", "trace", "transport/sessions"],
  "transport/place": ["transport/wire"],
  "transport/cloudflare": ["errors", "excerpt", "transport/place", "transport/wire"],
  "transport/cloudflare-sockets.d": ["transport/cloudflare"],
  "transport/cloudflare-limits": ["errors", "runtime"],
  "transport/cloudflare-runtime": [
    "invocations",
    "runtime",
    "transport/cloudflare",
    "transport/cloudflare-limits",
    "transport/wire",
  ],
  runtime: ["invocations", "trace", "transport/wire"],
  digests: ["auth/mechanism", "bytes", "errors", "runtime"],
  "transport/proxy/conversation": ["transport/wire"],
  "transport/proxy/http": ["bytes", "errors", "transport/proxy/conversation"],
  "transport/proxy/socks": ["bytes", "errors", "transport/proxy/conversation"],
  "transport/proxy/tunnel": ["channel-binding", "errors", "transport/wire"],
  "transport/proxy": [
    "errors",
    "transport/place",
    "transport/proxy/conversation",
    "transport/proxy/http",
    "transport/proxy/socks",
    "transport/proxy/tunnel",
    "transport/wire",
  ],
  "transport/node-lookup": ["transport/wire"],
  "transport/node-errors": ["errors", "transport/place", "transport/wire"],
  "transport/node-certificate": ["excerpt", "trace"],
  "transport/node-tls": [
    "errors",
    "excerpt",
    "transport/node-certificate",
    "transport/node-errors",
    "transport/sessions",
    "transport/wire",
  ],
  "transport/node-binding": ["bytes", "channel-binding", "der"],
  "transport/node-wire": [
    "channel-binding",
    "errors",
    "transport/node-binding",
    "transport/node-errors",
    "transport/node-tls",
    "transport/wire",
  ],
  "transport/node-runtime": [
    "runtime",
    "transport/node",
    "transport/node-diagnostics",
    "transport/node-digests",
    "transport/node-lookup",
    "transport/wire",
  ],
  "transport/node": [
    "errors",
    "trace",
    "transport/node-errors",
    "transport/node-wire",
    "transport/place",
    "transport/wire",
  ],
  abort: ["errors"],
  deadline: ["errors"],
  connect: ["abort", "deadline", "errors", "transport/place", "transport/wire"],
  dial: ["connect", "errors", "protocol/dialogue", "protocol/login", "trace", "transport/wire"],
  settings: ["auth/token-source", "deadline", "protocol/opening", "trace", "transport/wire"],
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
    "callers",
    "commands",
    "connect",
    "dial",
    "errors",
    "outflow",
    "patience",
    "protocol/dialogue",
    "protocol/effect",
    "protocol/extensions",
    "protocol/faults",
    "protocol/opening",
    "protocol/session",
    "protocol/transaction",
    "settings",
    "trace",
    "transport/wire",
  ],
  // what the user holds
  alarm: [],
  queue: [],
  "rate-limit": ["abort", "alarm", "errors", "queue"],
  "pool/attempts": ["connection"],
  "pool/backoff": [],
  "pool/login-error": ["errors"],
  "pool/token": ["auth/token-source", "errors", "input", "options/checks"],
  "pool/acquisition": ["abort", "auth/mechanism", "errors", "pool/login-error", "pool/token"],
  "pool/logins": ["errors", "pool/backoff", "pool/login-error", "pool/tokens"],
  "pool/tokens": [
    "abort",
    "auth/token-source",
    "errors",
    "pool/acquisition",
    "pool/login-error",
    "pool/token",
    "settings",
  ],
  "pool/experience": ["connection", "errors", "pool/pace"],
  "pool/line": ["abort", "errors", "pool/waiter", "queue", "rate-limit"],
  "pool/member": ["connection", "errors", "pool/waiter"],
  "pool/pace": ["errors", "pool/backoff"],
  "pool/rest": ["alarm", "pool/member"],
  "pool/stats": [],
  "pool/waiter": ["connection", "queue"],
  "pool/warmth": ["alarm", "pool/backoff"],
  pool: [
    "abort",
    "alarm",
    "connection",
    "errors",
    "pool/attempts",
    "pool/experience",
    "pool/line",
    "pool/login-error",
    "pool/logins",
    "pool/member",
    "pool/pace",
    "pool/rest",
    "pool/stats",
    "pool/tokens",
    "pool/waiter",
    "pool/warmth",
    "rate-limit",
  ],
  "options/checks": ["errors", "input"],
  "options/pool": ["errors", "options/checks", "pool"],
  "options/rate-limit": ["errors", "input", "options/checks", "rate-limit"],
  "options/extensions": ["input", "options/checks"],
  "options/tls": ["errors", "input", "options/checks", "transport/wire"],
  "options/auth": [
    "auth/choice",
    "auth/mechanism",
    "auth/token-source",
    "channel-binding",
    "errors",
    "input",
    "options/checks",
    "options/route",
    "transport/wire",
  ],
  "options/trace": ["errors", "input", "logger", "options/checks", "trace"],
  "options/url": ["errors", "input", "options/checks"],
  "options/proxy": ["errors", "input", "options/checks", "options/tls", "transport/proxy"],
  "options/route": [
    "bytes",
    "errors",
    "options/checks",
    "options/proxy",
    "transport/proxy",
    "transport/wire",
  ],
  options: [
    "connection",
    "deadline",
    "digests",
    "input",
    "logger",
    "options/auth",
    "options/checks",
    "options/extensions",
    "options/pool",
    "options/rate-limit",
    "options/retry",
    "options/route",
    "options/tls",
    "options/trace",
    "options/url",
    "pool",
    "rate-limit",
    "retry",
    "runtime",
    "signer",
    "trace",
    "transport/sessions",
    "transport/wire",
  ],
  "services/aliyun": ["errors"],
  "services/folded-json": ["errors", "excerpt", "input"],
  "services/near": [],
  "services/sendgrid": ["address", "bytes", "errors", "input", "services/folded-json"],
  "services/table": [],
  services: [
    "errors",
    "excerpt",
    "input",
    "options/route",
    "services/aliyun",
    "services/near",
    "services/sendgrid",
    "services/table",
  ],
  // the connector: one table of fields, what they say together, and mail by usage type
  connector: [
    "client",
    "connector/config",
    "connector/example",
    "connector/report",
    "connector/resolve",
    "connector/schema",
    "connector/steps",
    "connector/trial",
    "connector/types",
    "errors",
    "input",
    "options/calls",
    "receipt",
    "runtime",
  ],
  "connector/auth-table": ["connector/field", "connector/types", "errors", "input", "options/checks"],
  "connector/auth": [
    "auth/oauth2",
    "auth/token-source",
    "connector/auth-table",
    "connector/types",
    "errors",
    "options/auth",
  ],
  "connector/condition": ["connector/field"],
  "connector/config": [
    "connector/auth",
    "connector/field",
    "connector/mailbox",
    "connector/rules",
    "connector/table",
    "connector/template-set",
    "errors",
    "input",
    "services",
  ],
  "connector/descriptions": [],
  "connector/entities": [],
  "connector/example": ["connector/template-set", "connector/types", "services"],
  "connector/field": ["errors", "input", "options/checks"],
  "connector/headers": ["connector/field", "errors", "field", "input", "message/reserved", "mime/field"],
  "connector/locale": [],
  "connector/mailbox": ["address", "templates"],
  "connector/nodemailer-options": ["connector/auth", "connector/table", "logger", "options", "services"],
  "connector/page": ["connector/entities"],
  "connector/plain-text": ["connector/page"],
  "connector/resolve": [
    "address",
    "connector/config",
    "connector/nodemailer-options",
    "connector/template-set",
    "errors",
    "input",
    "message",
    "options",
    "runtime",
    "templates",
  ],
  "connector/rules": ["connector/condition", "errors"],
  "connector/schema": [
    "connector/condition",
    "connector/descriptions",
    "connector/field",
    "connector/rules",
    "connector/service-schema",
    "connector/table",
    "connector/template-set",
  ],
  "connector/service-schema": ["connector/field", "services"],
  "connector/table": [
    "address",
    "connector/auth-table",
    "connector/field",
    "connector/headers",
    "connector/tls-table",
    "connector/types",
    "errors",
    "input",
    "logger",
    "options/checks",
    "options/proxy",
    "services",
  ],
  "connector/template-set": [
    "address",
    "connector/field",
    "connector/locale",
    "connector/mailbox",
    "connector/plain-text",
    "connector/table",
    "connector/types",
    "errors",
    "excerpt",
    "input",
    "templates",
  ],
  "connector/tls-table": ["connector/field", "connector/types", "errors", "input", "options/checks"],
  "connector/types": ["logger", "transport/wire"],
  // a test of a connector, told step by step
  "connector/steps": ["errors", "trace"],
  "connector/steps-attempts": ["connector/steps", "trace"],
  "connector/steps-plan": ["connector/steps", "errors"],
  "connector/steps-trace": [
    "connector/report-hints",
    "connector/report-words",
    "connector/steps",
    "connector/steps-attempts",
    "connector/steps-plan",
    "errors",
    "excerpt",
    "protocol/extensions",
    "receipt",
    "trace",
  ],
  "connector/report-hints": ["connector/steps", "connector/steps-plan", "errors", "trace"],
  "connector/report-words": ["connector/steps", "errors", "trace"],
  "connector/report": [
    "client",
    "connector/report-hints",
    "connector/report-words",
    "connector/steps",
    "connector/steps-plan",
    "connector/steps-trace",
    "connector/trial",
    "errors",
    "message",
    "options",
    "receipt",
    "runtime",
  ],
  "connector/trial": [
    "address",
    "connector/resolve",
    "connector/steps",
    "connector/types",
    "errors",
    "input",
    "message",
    "options",
    "options/calls",
    "options/checks",
    "runtime",
    "templates",
  ],
  retry: ["abort", "content", "errors", "mime"],
  receipt: [
    "content",
    "errors",
    "message",
    "mime",
    "protocol/extensions",
    "protocol/split",
    "protocol/transaction",
  ],
  tally: ["errors", "pool/stats", "receipt", "trace"],
  "options/calls": ["errors", "input", "message", "options/checks"],
  "options/retry": ["errors", "excerpt", "input", "options/checks", "retry"],
  dispatch: [
    "abort",
    "connection",
    "content",
    "errors",
    "mime",
    "pool",
    "prepare",
    "protocol/transaction",
    "rate-limit",
    "receipt",
    "retry",
    "signer",
    "tally",
    "trace",
  ],
  asking: ["commands", "connection", "errors", "pool", "rate-limit", "retry"],
  bulk: ["abort", "dispatch", "errors", "message", "options/calls", "receipt", "trace"],
  client: [
    "bulk",
    "errors",
    "input",
    "message",
    "office",
    "options",
    "options/calls",
    "receipt",
    "runtime",
    "tally",
  ],
  snapshot: ["opened-later"],
  office: [
    "bulk",
    "desk",
    "engine",
    "errors",
    "message",
    "options",
    "options/calls",
    "receipt",
    "snapshot",
    "tally",
  ],
  engine: ["desk", "errors", "excerpt"],
  desk: [
    "abort",
    "asking",
    "bulk",
    "commands",
    "compose",
    "dispatch",
    "errors",
    "excerpt",
    "logger",
    "message",
    "mime",
    "options",
    "options/calls",
    "pool",
    "rate-limit",
    "receipt",
    "tally",
    "trace",
  ],
  // the command, a user of the package
  "cli/world": [],
  "cli/style": ["cli/world"],
  "cli/options": ["index"],
  "cli/json": ["index"],
  "cli/files": ["cli/world", "index"],
  "cli/failure": ["cli/command", "cli/style", "excerpt", "index"],
  "cli/command": ["cli/files", "cli/options", "cli/style", "cli/world"],
  "cli/help": ["cli/command", "cli/options", "cli/style"],
  "cli/prompt": ["cli/world", "index"],
  "cli/config": [
    "cli/command",
    "cli/failure",
    "cli/files",
    "cli/json",
    "cli/prompt",
    "cli/world",
    "connector-door",
    "index",
  ],
  "cli/render": ["cli/command", "cli/files", "cli/json", "index"],
  "cli/letter": ["cli/command", "cli/options", "cli/render", "index"],
  "cli/services": ["cli/command", "cli/help", "connector-door", "index"],
  "cli/init": ["cli/command", "cli/config", "cli/files", "cli/services", "connector-door"],
  "cli/send": [
    "cli/command",
    "cli/config",
    "cli/failure",
    "cli/letter",
    "cli/options",
    "cli/render",
    "connector-door",
    "index",
  ],
  "cli/test": [
    "cli/command",
    "cli/config",
    "cli/failure",
    "cli/render",
    "cli/style",
    "connector-door",
    "index",
  ],
  "cli/run": [
    "cli/command",
    "cli/failure",
    "cli/files",
    "cli/help",
    "cli/init",
    "cli/options",
    "cli/render",
    "cli/send",
    "cli/services",
    "cli/style",
    "cli/test",
    "cli/world",
    "index",
  ],
  "cli/main": ["cli/command", "cli/run", "cli/world"],
};

/** The doors may import everything, and nothing imports them; but the command stands on the package, as its users do. */
const DOORS: readonly string[] = [
  "index",
  "exports",
  "connector-door",
  "connector-exports",
  "workerd",
  "workerd-connector",
  "compose-door",
  "dkim-door",
  "oauth2-door",
  "cli",
];

/** Files that know no promise, clock or chance: what they need of these is handed to them. */
const PURE = /^(?:commands|templates(?:\/.*)?|protocol\/.*|auth\/(?!oauth2|token-source).*|mime\/.*)$/;

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

  test("point down: no file is reached from what it reaches", () => {
    const seen = new Set<string>();
    const visit = (name: string, path: readonly string[]): void => {
      expect(path, `${[...path, name].join(" → ")}`).not.toContain(name);
      if (seen.has(name)) return;
      seen.add(name);
      for (const next of ARROWS[name] ?? []) {
        visit(next, [...path, name]);
      }
    };
    for (const name of Object.keys(ARROWS)) visit(name, []);
  });

  test("name every file that there is, and none that there is not", () => {
    expect(Object.keys(ARROWS).concat(DOORS).sort()).toEqual(sources.map(({ name }) => name).sort());
  });

  test("of Node's modules stand where Node is meant", () => {
    const users = sources.filter(({ code }) => /["']node:|require\(/.test(code)).map(({ name }) => name);
    expect(users.filter((name) => !/^(?:transport\/node|cli\b)/.test(name))).toEqual(["sources/file-octets"]);
  });

  test("load no module of Node's until the first connection", () => {
    const library = sources.filter(({ name }) => !/^cli\b/.test(name));
    for (const { code } of library) expect(code).not.toMatch(/^import (?!type)[^;]*["']node:/m);
    const node = sources.find(({ name }) => name === "transport/node")?.code ?? "";
    expect(node).toMatch(/await import\("node:net"\)/);
  });
});

describe("an import", () => {
  /** What there is at run time and at once: neither types alone nor what is loaded later. */
  function reachOf(door: string): string[] {
    const reached = new Set([door]);
    for (const name of reached) {
      const code = sources.find((source) => source.name === name)?.code ?? "";
      const statements = code.match(/^(?:import|export) (?!type\b)[^;]*? from "[^"]+";$/gm) ?? [];
      for (const next of importsOf(name, statements.join("\n"))) reached.add(next);
    }
    return [...reached];
  }
  const SENDING =
    /^(?:desk|bulk|compose|mime$|mime\/(?:part|tree)|message$|dispatch|pool$|connection|protocol\/session|transport\/(?:proxy|node$|node-(?:wire|tls)))/;

  test.each(["index", "workerd"])("of %s reads what a client is made of", (door) => {
    const parts = ["client", "office", "engine", "options", "templates"];
    expect(reachOf(door)).toEqual(expect.arrayContaining(parts));
  });

  test.each(["index", "workerd"])(
    "of %s reads nothing of the connector, nor how messages are read",
    (door) => {
      expect(reachOf(door).filter((name) => /^(?:connector|services|message)/.test(name))).toEqual([]);
    },
  );

  test.each(["index", "workerd", "connector-door", "workerd-connector"])(
    "of %s reads nothing that the first message brings along",
    (door) => {
      expect(reachOf(door).filter((name) => SENDING.test(name))).toEqual([]);
    },
  );
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
    const pure = sources.filter(({ name }) => PURE.test(name));
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
