// What a message asks of the server beyond delivery: what may be said, and what it comes to.

import { describe, expect, test } from "vitest";
import { type Message, resolveMessage } from "../../src/message.ts";
import { BASE, refusal, resolve } from "../support/resolve.ts";

const RAW = {
  raw: "From: a@example.com\r\nDate: Sun, 22 Nov 2026 07:00:00 +0000\r\nMessage-ID: <1@x>\r\n\r\n",
  envelope: { from: "a@example.com", to: "b@example.org" },
};

/** What is read of a message, composed or given whole: both are read the same. */
function termsOf(more: object): unknown {
  const { terms } = resolve({ ...BASE, ...more });
  expect(resolveMessage({ ...RAW, ...more } as Message).terms).toEqual(terms);
  return terms;
}

function fieldOf(more: object): string {
  const { field, code, phase } = refusal({ ...BASE, ...more });
  expect({ code, phase }).toEqual({ code: "invalid_message", phase: "message" });
  expect(refusal({ ...RAW, ...more }).field).toBe(field);
  return field;
}

/** What RCPT says of each recipient of `envelope.to`, and the recipients. */
function rcpts(to: readonly unknown[], dsn?: object): unknown {
  const { terms, envelope } = resolve({ ...BASE, dsn, envelope: { to } });
  return envelope.to.map((one) => [one, ...(terms?.dsn?.recipients.get(one) ?? terms?.dsn?.rcpt ?? [])]);
}

const NO_TERMS = {
  dsn: undefined,
  requireTls: false,
  mtPriority: undefined,
  deliverBy: undefined,
  hold: undefined,
};

describe("a message that asks for nothing", () => {
  test.each([{}, { dsn: undefined, requireTls: undefined, holdFor: undefined }])(
    "has no terms: %j",
    (more) => {
      expect(termsOf(more)).toBeUndefined();
      expect(
        resolve({ ...BASE, envelope: { to: ["b@example.org", { address: "c@example.org" }] } }).terms,
      ).toBe(undefined);
    },
  );

  test.each([{ dsn: {} }, { dsn: { notify: undefined } }, { requireTls: false }])(
    "needs no extension: %j",
    (more) => {
      expect(termsOf(more)).toEqual(NO_TERMS);
    },
  );
});

describe("reports", () => {
  test("are asked for in the words of the protocol", () => {
    expect(termsOf({ dsn: { ret: "headers", envid: "QQ314159", notify: ["success", "delay"] } })).toEqual({
      ...NO_TERMS,
      dsn: {
        field: "dsn",
        mail: ["RET=HDRS", "ENVID=QQ314159"],
        rcpt: ["NOTIFY=SUCCESS,DELAY"],
        recipients: new Map(),
      },
    });
    expect(termsOf({ dsn: { ret: "full" } })).toMatchObject({ dsn: { mail: ["RET=FULL"], rcpt: [] } });
    expect(termsOf({ dsn: { notify: "never" } })).toMatchObject({
      dsn: { mail: [], rcpt: ["NOTIFY=NEVER"] },
    });
  });

  test.each([
    ["QQ 1+1=2", "QQ+201+2B1+3D2"],
    ['<a;b,c>"\\@', '<a;b,c>"\\@'],
    ["x".repeat(94), "x".repeat(94)],
    ["=".repeat(31), "+3D".repeat(31)],
  ])("call the message %j", (envid, encoded) => {
    expect(termsOf({ dsn: { envid } })).toMatchObject({ dsn: { mail: [`ENVID=${encoded}`] } });
  });

  test("come for one recipient as was said of them, and for the others as was said of all", () => {
    const to = [
      "a@example.org",
      { address: "b@example.org", notify: "never" },
      { address: "c@example.org", orcpt: "carol@example.net" },
      { address: "d@example.org", notify: ["failure"], orcpt: "d@example.org" },
      { address: "e@example.org" },
    ];
    expect(rcpts(to, { notify: ["success"] })).toEqual([
      ["a@example.org", "NOTIFY=SUCCESS"],
      ["b@example.org", "NOTIFY=NEVER"],
      ["c@example.org", "NOTIFY=SUCCESS", "ORCPT=rfc822;carol@example.net"],
      ["d@example.org", "NOTIFY=FAILURE", "ORCPT=rfc822;d@example.org"],
      ["e@example.org", "NOTIFY=SUCCESS"],
    ]);
    expect(rcpts(to)).toMatchObject([["a@example.org"], {}, ["c@example.org", {}], {}, ["e@example.org"]]);
    expect(resolve({ ...BASE, envelope: { to } }).terms?.dsn?.field).toBe("envelope.to[1].notify");
  });

  test("are asked for once of a recipient who is named twice, if it is the same", () => {
    const never = { address: "b@EXAMPLE.org", notify: "never" };
    expect(rcpts([never, { ...never, address: "b@example.org" }])).toEqual([
      ["b@EXAMPLE.org", "NOTIFY=NEVER"],
    ]);
    expect(rcpts(["b@example.org", never])).toEqual([["b@example.org", "NOTIFY=NEVER"]]);
    expect(
      refusal({ ...BASE, envelope: { to: [never, { address: "b@example.org", notify: ["delay"] }] } }).field,
    ).toBe("envelope.to[1].notify");
  });

  test.each([
    ["b@example.org", "rfc822;b@example.org"],
    ['"a b=c"@example.org', 'rfc822;"a+20b+3Dc"@example.org'],
    ["rfc822;Bob+tag@Example.Org", "rfc822;Bob+2Btag@Example.Org"],
    ["x400;/c=us/a=mci/", "x400;/c+3Dus/a+3Dmci/"],
    ["jürgen@example.org", "utf-8;j\\x{FC}rgen@example.org"],
    ["用户+a@example.org", "utf-8;\\x{7528}\\x{6237}\\x{2B}a@example.org"],
    ["UTF-8;a\\b c=😀", "UTF-8;a\\x{5C}b\\x{20}c\\x{3D}\\x{1F600}"],
    ["b@bücher.example", "rfc822;b@xn--bcher-kva.example"],
  ])("name %s as %s", (orcpt, encoded) => {
    expect(rcpts([{ address: "b@example.org", orcpt }])).toEqual([["b@example.org", `ORCPT=${encoded}`]]);
    expect(encoded).toMatch(/^[!-<>-~]+$/);
  });

  test.each([
    [{ dsn: true }, "dsn"],
    [{ dsn: { NOTIFY: "never" } }, "dsn"],
    [{ dsn: { ret: "FULL" } }, "dsn.ret"],
    [{ dsn: { ret: "full" }, requireTls: true }, "dsn.ret"],
    [{ dsn: { envid: "" } }, "dsn.envid"],
    [{ dsn: { envid: 5 } }, "dsn.envid"],
    [{ dsn: { envid: "x".repeat(95) } }, "dsn.envid"],
    [{ dsn: { envid: "=".repeat(32) } }, "dsn.envid"],
    [{ dsn: { envid: "ü" } }, "dsn.envid"],
    [{ dsn: { notify: [] } }, "dsn.notify"],
    [{ dsn: { notify: "success" } }, "dsn.notify"],
    [{ dsn: { notify: ["never"] } }, "dsn.notify[0]"],
    [{ dsn: { notify: ["success", "SUCCESS"] } }, "dsn.notify[1]"],
    [{ dsn: { notify: ["delay", "delay"] } }, "dsn.notify[1]"],
    [{ dsn: { notify: ["delay", "delay", "delay", "delay"] } }, "dsn.notify"],
    [{ dsn: { notify: [["success"]] } }, "dsn.notify[0]"],
  ])("are not asked for by %j", (more, field) => {
    expect(fieldOf(more)).toBe(field);
  });

  test.each([
    [{}, "address"],
    [{ address: 5 }, "address"],
    [{ address: "Bob <b@example.org>" }, "address"],
    [{ address: "b@example.org", Notify: "never" }, ""],
    [{ address: "b@example.org", notify: "always" }, "notify"],
    [{ address: "b@example.org", orcpt: "" }, "orcpt"],
    [{ address: "b@example.org", orcpt: "bob" }, "orcpt"],
    [{ address: "b@example.org", orcpt: "rfc822;" }, "orcpt"],
    [{ address: "b@example.org", orcpt: "a=b;c" }, "orcpt"],
    [{ address: "b@example.org", orcpt: "rfc822;jürgen@example.org" }, "orcpt"],
    [{ address: "b@example.org", orcpt: `x400;${"=".repeat(170)}` }, "orcpt"],
    [{ address: "b@example.org", orcpt: { type: "rfc822" } }, "orcpt"],
  ])("are not asked for of %j", (recipient, key) => {
    const field = key === "" ? "envelope.to[1]" : `envelope.to[1].${key}`;
    expect(refusal({ ...BASE, envelope: { to: ["a@example.org", recipient] } }).field).toBe(field);
  });
});

describe("the other terms", () => {
  test.each([
    [{ requireTls: true }, { requireTls: true }],
    [{ mtPriority: -9 }, { mtPriority: -9 }],
    [{ mtPriority: 0 }, { mtPriority: 0 }],
    [{ mtPriority: 9 }, { mtPriority: 9 }],
    [{ deliverBy: { within: 1, mode: "return" } }, { deliverBy: { seconds: 1, mode: "R", trace: false } }],
    [
      { deliverBy: { within: 999_999_999, mode: "notify", trace: true } },
      { deliverBy: { seconds: 999_999_999, mode: "N", trace: true } },
    ],
    [{ holdFor: 3600 }, { hold: { field: "holdFor", seconds: 3600 } }],
    [
      { holdUntil: new Date("2026-12-24T18:00:00+01:00") },
      { hold: { field: "holdUntil", time: "2026-12-24T17:00:00Z" } },
    ],
    [
      { holdUntil: new Date("2026-12-31T23:59:59.001Z") },
      { hold: { field: "holdUntil", time: "2027-01-01T00:00:00Z" } },
    ],
  ])("%j", (more, terms) => {
    expect(termsOf(more)).toEqual({ ...NO_TERMS, ...terms });
  });

  test.each([
    [{ requireTls: "yes" }, "requireTls"],
    [{ requireTls: 1 }, "requireTls"],
    [{ mtPriority: 10 }, "mtPriority"],
    [{ mtPriority: -10 }, "mtPriority"],
    [{ mtPriority: 1.5 }, "mtPriority"],
    [{ mtPriority: "3" }, "mtPriority"],
    [{ mtPriority: Number.NaN }, "mtPriority"],
    [{ deliverBy: 60 }, "deliverBy"],
    [{ deliverBy: { mode: "return" } }, "deliverBy.within"],
    [{ deliverBy: { within: 0, mode: "notify" } }, "deliverBy.within"],
    [{ deliverBy: { within: -60, mode: "notify" } }, "deliverBy.within"],
    [{ deliverBy: { within: 1e9, mode: "return" } }, "deliverBy.within"],
    [{ deliverBy: { within: 60 } }, "deliverBy.mode"],
    [{ deliverBy: { within: 60, mode: "R" } }, "deliverBy.mode"],
    [{ deliverBy: { within: 60, mode: "return", trace: "T" } }, "deliverBy.trace"],
    [{ deliverBy: { within: 60, mode: "return", by: 5 } }, "deliverBy"],
    [{ holdFor: 0 }, "holdFor"],
    [{ holdFor: "60" }, "holdFor"],
    [{ holdFor: 1e9 }, "holdFor"],
    [{ holdFor: Number.POSITIVE_INFINITY }, "holdFor"],
    [{ holdUntil: "2026-12-24T17:00:00Z" }, "holdUntil"],
    [{ holdUntil: new Date(Number.NaN) }, "holdUntil"],
    [{ holdUntil: new Date(-1000) }, "holdUntil"],
    [{ holdUntil: new Date("+010000-01-01T00:00:00Z") }, "holdUntil"],
    [{ holdUntil: new Date("9999-12-31T23:59:59.999Z") }, "holdUntil"],
    [{ holdFor: 60, holdUntil: new Date("2026-12-24T17:00:00Z") }, "holdUntil"],
  ])("are refused where they make no sense: %j", (more, field) => {
    expect(fieldOf(more)).toBe(field);
  });

  test("are the message's own word, and not that of a prototype", () => {
    const inherited = Object.create({ requireTls: true, dsn: { ret: "full" } }) as object;
    expect(resolve(Object.assign(inherited, BASE)).terms).toBeUndefined();
  });
});

describe("what would be more than a value", () => {
  const HOSTILE: readonly [string, string][] = [
    ["a CR and LF", "a\r\nRCPT TO:<evil@example.net>"],
    ["a CR", "a\rb"],
    ["an LF", "a\nb"],
    ["a NUL", "a\0b"],
    ["a tab", "a\tb"],
    ["an escape", "a\x1b[31m"],
    ["a DEL", "a\x7fb"],
    ["a C1 control", "a\u0085b"],
    ["a line separator", "a\u2028b"],
    ["half of a surrogate pair", "a\ud800b"],
    ["ten kilobytes", "a".repeat(10_240)],
  ];

  test.each(HOSTILE)("is refused: %s", (_, text) => {
    expect(fieldOf({ dsn: { envid: text } })).toBe("dsn.envid");
    for (const orcpt of [text, `${text}@example.org`, `rfc822;${text}`, `utf-8;${text}`, `${text};x`]) {
      const error = refusal({ ...BASE, envelope: { to: [{ address: "b@example.org", orcpt }] } });
      expect(error.field, JSON.stringify(orcpt.slice(0, 40))).toBe("envelope.to[0].orcpt");
      expect(error.message).not.toMatch(/[\r\n\0\x1b\u2028]/);
    }
    const address = `${text}@example.org`;
    expect(refusal({ ...BASE, envelope: { to: [{ address }] } }).field).toBe("envelope.to[0].address");
    const notify = [text];
    expect(fieldOf({ dsn: { notify } })).toBe("dsn.notify[0]");
  });

  test.each([" ", '"', "<", ">", "<>", "=", "+", " SIZE=1", "> NOTIFY=NEVER", "a;b", "\\", "+0D+0A"])(
    "stays a value: %j",
    (text) => {
      const { terms } = resolve({
        ...BASE,
        dsn: { envid: text },
        envelope: { to: [{ address: "b@example.org", orcpt: `x400;${text}` }] },
      });
      const said = [...(terms?.dsn?.mail ?? []), ...(terms?.dsn?.recipients.get("b@example.org") ?? [])];
      expect(said).toHaveLength(2);
      for (const parameter of said) expect(parameter).toMatch(/^(?:ENVID=|ORCPT=x400;)[!-<>-~]+$/);
      const decoded = said.map((parameter) =>
        parameter
          .replace(/^(?:ENVID=|ORCPT=x400;)/, "")
          .replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
      );
      expect(decoded).toEqual([text, text]);
    },
  );
});
