// Which extensions a user switches off.

import { describe, expect, test } from "vitest";
import { ConfigError } from "../../src/errors.ts";
import { readWithheld } from "../../src/options/extensions.ts";

const KEYWORDS = {
  pipelining: "PIPELINING",
  chunking: "CHUNKING",
  size: "SIZE",
  smtputf8: "SMTPUTF8",
  eightBitMime: "8BITMIME",
  binaryMime: "BINARYMIME",
  dsn: "DSN",
  requireTls: "REQUIRETLS",
  mtPriority: "MT-PRIORITY",
  deliverBy: "DELIVERBY",
  futureRelease: "FUTURERELEASE",
  limits: "LIMITS",
};

describe("an extension", () => {
  test.each(Object.entries(KEYWORDS))("%s is switched off by false alone", (name, keyword) => {
    expect([...readWithheld({ [name]: false }, "extensions")]).toEqual([keyword]);
    for (const isUsed of [true, undefined]) {
      expect(readWithheld({ [name]: isUsed }, "extensions").size).toBe(0);
    }
    for (const value of [0, "false", null, {}]) {
      expect(() => readWithheld({ [name]: value }, "extensions")).toThrow(`extensions.${name}: is`);
    }
  });

  test("is switched off beside others", () => {
    const all = Object.fromEntries(Object.keys(KEYWORDS).map((name) => [name, false]));
    expect([...readWithheld(all, "extensions")].sort()).toEqual(Object.values(KEYWORDS).sort());
    expect(readWithheld({}, "extensions").size).toBe(0);
  });

  test.each(["PIPELINING", "8BITMIME", "starttls", "auth", "enhancedStatusCodes", "constructor"])(
    "has no switch called %s",
    (name) => {
      expect(() => readWithheld({ [name]: false }, "extensions")).toThrow(ConfigError);
    },
  );

  test("is not switched off by a prototype", () => {
    expect(readWithheld(Object.create({ dsn: false }), "extensions").size).toBe(0);
  });
});
