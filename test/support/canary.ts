// Runs with every test file: each secret that a client or a mechanism of a test is given is looked for in every error of
// this library, and in all that those who listen are told. A test that shows one fails, whatever it is about.

import { channel } from "node:diagnostics_channel";
import { afterAll, afterEach, beforeEach, vi } from "vitest";
import type { Reply } from "../../src/errors.ts";
import { SmtpError } from "../../src/errors.ts";
import { CanaryWatch, type Leak } from "./canary-watch.ts";

const watch: CanaryWatch = new CanaryWatch();

// What the secrets are.

/** The names under which secrets are given: of a login, of the ways to get a token, of a private key and its parts. */
const SECRET_NAMES: readonly string[] = [
  ...["pass", "accessToken", "refreshToken", "clientSecret", "privateKey", "authorization"],
  ...["key", "passphrase", "d", "p", "q"],
  ...["refresh_token", "client_secret", "client_assertion", "assertion"],
];

/** Without calling a getter: how often these are read is what some tests are about. */
function learnFrom(given: unknown, depth = 2): void {
  if (typeof given !== "object" || given === null || depth === 0) return;
  for (const name of SECRET_NAMES) {
    const value: unknown = Object.getOwnPropertyDescriptor(given, name)?.value;
    // What has lines is a key: each of them gives it away.
    if (typeof value === "string")
      watch.learn(...value.split(/[\r\n]+/).filter((line) => !line.startsWith("-----")));
    else learnFrom(value, depth - 1);
  }
}

vi.mock("../../src/options/auth.ts", async (original) => {
  const actual = await original<typeof import("../../src/options/auth.ts")>();
  const readAuth: typeof actual.readAuth = (value, option) => {
    learnFrom(value);
    const auth = actual.readAuth(value, option);
    learnFrom(auth.credentials);
    return auth;
  };
  return { ...actual, readAuth };
});

vi.mock("../../src/transport/proxy.ts", async (original) => {
  const actual = await original<typeof import("../../src/transport/proxy.ts")>();
  const proxied: typeof actual.proxied = (connect, proxy) => {
    learnFrom(proxy.credentials);
    return actual.proxied(connect, proxy);
  };
  return { ...actual, proxied };
});

vi.mock("../../src/auth/oauth2.ts", async (original) => {
  const actual = await original<typeof import("../../src/auth/oauth2.ts")>();
  const watched =
    <O, T>(grant: (options: O) => T) =>
    (options: O): T => {
      learnFrom(options);
      return grant(options);
    };
  return {
    ...actual,
    refreshTokenGrant: watched(actual.refreshTokenGrant),
    clientCredentialsGrant: watched(actual.clientCredentialsGrant),
    serviceAccountGrant: watched(actual.serviceAccountGrant),
  };
});

vi.mock("../../src/auth/oauth2/request.ts", async (original) => {
  const actual = await original<typeof import("../../src/auth/oauth2/request.ts")>();
  const post: typeof actual.post = (endpoint, form, signal) => {
    learnFrom(Object.fromEntries(form));
    learnFrom(endpoint.headers);
    return actual.post(endpoint, form, signal);
  };
  return { ...actual, post };
});

vi.mock("../../src/auth/oauth2/answer.ts", async (original) => {
  const actual = await original<typeof import("../../src/auth/oauth2/answer.ts")>();
  const readAnswer: typeof actual.readAnswer = (answer, asked) => {
    const issued = actual.readAnswer(answer, asked);
    learnFrom(issued);
    return issued;
  };
  return { ...actual, readAnswer };
});

// Where they are looked for.

vi.mock("../../src/protocol/secrets.ts", async (original) => {
  const actual = await original<typeof import("../../src/protocol/secrets.ts")>();
  // Every reply, also where nobody listens to it.
  const maskReply = actual.Secrets.prototype.maskReply;
  actual.Secrets.prototype.maskReply = function (reply: Reply): Reply {
    const masked = maskReply.call(this, reply);
    if (!watch.isIdle) watch.scan(`a reply to ${currentTest}`, masked.lines.join("\n"));
    return masked;
  };
  const secretsOf: typeof actual.secretsOf = (credentials) => {
    learnFrom(credentials);
    return actual.secretsOf(credentials);
  };
  return { ...actual, secretsOf };
});

vi.mock("../../src/trace.ts", async (original) => {
  const actual = await original<typeof import("../../src/trace.ts")>();
  const gather: typeof actual.gather = (trace, log, diagnostics) => {
    const watched: typeof trace = (event) => {
      if (!watch.isIdle) watch.scan(`a trace event in ${currentTest}`, JSON.stringify(event));
      return trace?.(event);
    };
    return actual.gather(trace && watched, log, diagnostics);
  };
  return { ...actual, gather };
});

vi.mock("../../src/logger.ts", async (original) => {
  const actual = await original<typeof import("../../src/logger.ts")>();
  const logTo: typeof actual.logTo = (logger) => {
    const watched = {};
    for (const level of ["debug", "info", "warn", "error"] as const) {
      // Looked up each time, as the logger itself is.
      const get = () => {
        const method = logger[level];
        return (
          method &&
          ((text: string, details: object): unknown => {
            watch.examine(`a log line in ${currentTest}`, { text, details });
            return method.call(logger, text, details);
          })
        );
      };
      Object.defineProperty(watched, level, { get });
    }
    return actual.logTo(watched);
  };
  return { ...actual, logTo };
});

// Channels that somebody listens to publish; the others have nothing to say.
const example = channel("canary");
const listener = (): void => {};
example.subscribe(listener);
const active = Object.getPrototypeOf(example) as { publish(message: unknown): void };
example.unsubscribe(listener);
const publish = active.publish;
active.publish = function (this: { readonly name: string | symbol }, message) {
  if (String(this.name).includes("pennypost:"))
    watch.examine(`${String(this.name)} in ${currentTest}`, message);
  publish.call(this, message);
};

// Errors, in the form that they have when their test is over: some get their place or their hint later.

const MOST_ERRORS = 500;
let currentTest = "a hook";
let made: { readonly error: Error; readonly test: string }[] = [];
let examined: Set<string> = new Set();

class Watched extends Error {
  constructor(message?: string, options?: ErrorOptions) {
    super(message, options);
    made.push({ error: this, test: currentTest });
    if (made.length > MOST_ERRORS) examineErrors();
  }
}
// What `super` calls is looked up when it is called, and no prototype of an error knows of it.
Object.setPrototypeOf(SmtpError, Watched);

function examineErrors(): void {
  const errors = made;
  made = [];
  if (watch.isIdle) return;
  for (const { error, test } of errors) {
    // A thousand of a kind are looked at once.
    const kind = [error.name, error.message, JSON.stringify(error), String(error.cause)].join("\n");
    if (examined.has(kind)) continue;
    examined.add(kind);
    watch.examine(`a ${error.name} in ${test}`, error);
  }
}

/** What was shown so far, and is not to be reported once more. */
export function takeLeaks(): readonly Leak[] {
  examineErrors();
  examined = new Set();
  return watch.take();
}

function report(): void {
  const leaks = takeLeaks();
  if (leaks.length === 0) return;
  const shown = leaks.slice(0, 5).map(({ where, what }) => `${where}: ${what}`);
  throw new Error(`a secret was shown ${leaks.length} times:\n${shown.join("\n")}`);
}

beforeEach(({ task }) => {
  currentTest = `"${task.name}"`;
});
afterEach(report);
afterAll(report);
