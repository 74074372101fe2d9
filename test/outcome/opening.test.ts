// Whatever a server does before it takes mail: the message is not sent, the connection is not kept, and a server that
// comes to its senses gets the next message.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SmtpClientOptions } from "../../src/index.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { watchProcess } from "../support/watch.ts";
import { type Cell, play } from "./cells.ts";
import { FAULTS, type Place } from "./faults.ts";

watchProcess();

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});

const EXTENSIONS: readonly (readonly string[])[] = [
  [],
  ["PIPELINING"],
  ["CHUNKING"],
  ["PIPELINING", "CHUNKING"],
];

/** How many cells go on at once where each has its handshakes. */
const WIDTH = 8;

const USER = { user: "alice", pass: "open sesame" };
/** Too long for the line of AUTH, so that it waits for the server to ask. */
const UNHURRIED = { user: "alice", pass: "open sesame".repeat(40) };

/** Each step of a way in, and the how-manieth time something is said there. */
const WAYS: readonly (readonly [
  way: string,
  steps: readonly (readonly [Place, number])[],
  SmtpClientOptions,
])[] = [
  [
    "in the clear",
    [
      ["GREETING", 1],
      ["EHLO", 1],
    ],
    {},
  ],
  [
    "by STARTTLS",
    [
      ["STARTTLS", 1],
      ["HANDSHAKE", 1],
      ["EHLO", 2],
    ],
    { security: "starttls" },
  ],
  ["with a login by PLAIN", [["AUTH", 1]], { auth: { ...USER, mechanism: "PLAIN" } }],
  [
    "with a login by PLAIN that waits to be asked",
    [
      ["AUTH", 1],
      ["RESPONSE", 1],
    ],
    { auth: { ...UNHURRIED, mechanism: "PLAIN" } },
  ],
  [
    "with a login by LOGIN",
    [
      ["AUTH", 1],
      ["RESPONSE", 1],
      ["RESPONSE", 2],
    ],
    { auth: { ...USER, mechanism: "LOGIN" } },
  ],
];

let played = 0;
afterAll(() => console.log(`${played} cells of openings`));

describe.each(WAYS)("a session that opens %s", (_, steps, options) => {
  const cases = steps.flatMap(([place, time]) =>
    EXTENSIONS.map((offers) => [place, time, offers.join(" and ") || "neither extension", offers] as const),
  );
  test.each(cases)(
    "is true to its message, whatever happens at %s %i, with %s",
    async (place, time, _, offers) => {
      const isSecured = options.security === "starttls";
      const faults = FAULTS.filter(({ notAt = [] }) => !notAt.includes(place));
      const cells = faults.map(
        (fault): Cell => ({
          place,
          time,
          fault,
          offers: [...offers, "STARTTLS", "AUTH PLAIN LOGIN"],
          kind: "short",
          stage: "first",
          isGathering: true,
          options: isSecured ? { ...options, tls: { ca: certificates.ca } } : options,
          identity: certificates.good,
        }),
      );
      played += cells.length;
      expect(await play(cells, isSecured ? WIDTH : undefined)).toEqual([]);
    },
  );
});
