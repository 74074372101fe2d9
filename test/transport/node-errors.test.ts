// What is told of errors that this machine does not make: their shapes were taken down where they come from.

import { describe, expect, test } from "vitest";
import { connectError } from "../../src/transport/node-errors.ts";

const TARGET = {
  host: "smtp.example.com",
  port: 587,
  implicitTls: false,
  servername: "smtp.example.com",
  tls: {},
  signal: new AbortController().signal,
};

/** Deno 2.9.6 without leave to connect. */
const OF_DENO = [
  [
    "an address",
    Object.assign(new Error('Requires net access to "192.0.2.1:587", run again with the --allow-net flag'), {
      name: "NotCapable",
    }),
    "connection",
  ],
  [
    "a name",
    Object.assign(new Error("getaddrinfo EPERM smtp.example.com"), {
      ...{ errno: -1, code: "EPERM", syscall: "getaddrinfo", hostname: "smtp.example.com" },
    }),
    "dns",
  ],
] as const;

describe("where Deno has no leave to connect to", () => {
  test.each(OF_DENO)("%s, the flag that gives it is named, and nothing is tried again", (_, cause, code) => {
    const error = connectError(cause, TARGET);
    expect(error).toMatchObject({ name: "TransportError", code, phase: "connect", retryable: false, cause });
    expect(error).toHaveProperty(
      "hint",
      "this runtime may not connect there: run it with --allow-net=smtp.example.com:587",
    );
  });

  // Run with the flag above, Deno 2.9.6 says the same again: names are then asked for as such, and addresses connected to.
  test.each([
    ["trace", { tell: () => {} }],
    ["family", { family: 4 }],
    ["localAddress", { localAddress: "192.0.2.2" }],
    ["lookup", { lookup: () => {} }],
  ] as const)("with %s, which looks names up itself, the flag is named without a list", (_, own) => {
    for (const [, cause] of OF_DENO) {
      const { hint } = connectError(cause, { ...TARGET, ...own }) as { hint?: string };
      expect(hint).toMatch(/ run it with --allow-net, not limited to some hosts: /);
    }
  });

  test("an IPv6 address stands in brackets in that flag", () => {
    const { hint } = connectError(OF_DENO[0][1], { ...TARGET, host: "2001:db8::1" }) as { hint?: string };
    expect(hint).toContain("--allow-net=[2001:db8::1]:587");
  });

  test.each(OF_DENO)("%s of a Unix socket, no flag of the net's is named", (_, cause) => {
    const error = connectError(cause, { ...TARGET, port: 0, path: "/run/smtp" });
    expect(JSON.stringify(error)).not.toContain("allow-net=");
  });
});

test("a lookup that fails for now may succeed later", () => {
  const cause = Object.assign(new Error("getaddrinfo EAI_AGAIN"), {
    code: "EAI_AGAIN",
    syscall: "getaddrinfo",
  });
  expect(connectError(cause, TARGET)).toMatchObject({ code: "dns", retryable: true, hint: "check host" });
});
