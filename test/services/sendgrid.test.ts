import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MessageError } from "../../src/errors.ts";
import { type SmtpApi, sendGrid } from "../../src/services.ts";
import { BASE, compose } from "../support/compose.ts";

/** The field as it leaves in a message, line by line. */
function linesOf(instructions: SmtpApi): string[] {
  const { name, value } = sendGrid.smtpApi(instructions);
  const [section = ""] = compose({ ...BASE, text: "", headers: { [name]: value } })
    .toString()
    .split("\r\n\r\n");
  const field = /^X-SMTPAPI:.*(?:\r\n[ \t].*)*/m.exec(section)?.[0];
  expect(field).toBeDefined();
  return (field ?? "").split("\r\n");
}

/** RFC 5322 §2.2.3: a line end before a blank is taken out, and nothing else. */
function readBack(lines: readonly string[]): unknown {
  const field = lines.join("");
  expect(field.startsWith("X-SMTPAPI: ")).toBe(true);
  return JSON.parse(field.slice("X-SMTPAPI: ".length));
}

function refusal(instructions: object): MessageError {
  try {
    sendGrid.smtpApi(instructions as SmtpApi);
  } catch (error) {
    if (error instanceof MessageError) return error;
    throw error;
  }
  throw new Error("accepted");
}

const soon = Math.floor(Date.now() / 1000) + 3600;

describe("the X-SMTPAPI header", () => {
  test("says everything by SendGrid's names", () => {
    const lines = linesOf({
      to: ["bob@example.org", "Carol <carol@example.org>"],
      substitutions: { "-name-": ["Bob", "Carol"], "-role-": [":buyer", ":seller"] },
      sections: { ":buyer": "You bought, -name-.", ":seller": "You sold, -name-." },
      categories: ["sign-in", "codes"],
      uniqueArguments: { request: "8f2c", "New Argument": "New Value" },
      filters: {
        opentrack: { enable: false },
        clicktrack: { enable: true, enable_text: true },
        footer: { enable: 1, "text/plain": "Thanks,\nThe team" },
      },
      sendEachAt: [soon, new Date((soon + 60) * 1000)],
      batchId: "MWQxZmIyODYtNjE1Ni0xMWU1",
      asmGroupId: 17,
      asmGroupsToDisplay: [17, 18],
      ipPool: "transactional",
    });
    expect(readBack(lines)).toEqual({
      to: ["bob@example.org", "Carol <carol@example.org>"],
      sub: { "-name-": ["Bob", "Carol"], "-role-": [":buyer", ":seller"] },
      section: { ":buyer": "You bought, -name-.", ":seller": "You sold, -name-." },
      category: ["sign-in", "codes"],
      unique_args: { request: "8f2c", "New Argument": "New Value" },
      filters: {
        opentrack: { settings: { enable: 0 } },
        clicktrack: { settings: { enable: 1, enable_text: true } },
        footer: { settings: { enable: 1, "text/plain": "Thanks,\nThe team" } },
      },
      send_each_at: [soon, soon + 60],
      batch_id: "MWQxZmIyODYtNjE1Ni0xMWU1",
      asm_group_id: 17,
      asm_groups_to_display: [17, 18],
      ip_pool: "transactional",
    });
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(76);
    expect(lines.length).toBeGreaterThan(5);
  });

  test("is one line where it is short", () => {
    expect(linesOf({ categories: "sign-in", uniqueArguments: { n: "1" } })).toEqual([
      'X-SMTPAPI: {"category": ["sign-in"], "unique_args": {"n": "1"}}',
    ]);
    expect(sendGrid.smtpApi({})).toEqual({ name: "X-SMTPAPI", value: "{}" });
    expect(readBack(linesOf({ sendAt: new Date(soon * 1000 + 999) }))).toEqual({ send_at: soon });
  });

  test("is ASCII whatever it says, and never an encoded-word", () => {
    const { value } = sendGrid.smtpApi({
      uniqueArguments: { 名: "验证码 é 😀 \u007f\u2028", q: "=?utf-8?q?x?= =??" },
    });
    expect(value).toBe(
      '{"unique_args": {"\\u540d": "\\u9a8c\\u8bc1\\u7801 \\u00e9 \\ud83d\\ude00 \\u007f\\u2028", "q": "=\\u003futf-8?q?x?= =\\u003f?"}}',
    );
  });

  test("keeps runs of blanks from those who make one of them when they unfold", () => {
    const { value } = sendGrid.smtpApi({ uniqueArguments: { a: " x   y " } });
    expect(value).not.toMatch(/ {2}/);
    expect(JSON.parse(value.replace(/ +/g, " "))).toEqual({ unique_args: { a: " x   y " } });
  });

  const word = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 40 }),
    fc.string({ unit: "binary", maxLength: 60 }).filter((text) => text.isWellFormed()),
    fc.constantFrom("=?", " ", "   ", '"', "\\", "\r\n", "\u0000", "\u2028", "x".repeat(900), "__proto__"),
  );
  const text = fc.array(word, { maxLength: 12 }).map((words) => words.join(" "));
  const tag = fc.stringMatching(/^[!-~é中]{1,40}$/);

  test("is read back as it was meant from the lines of a composed message, none of them too long", () => {
    fc.assert(
      fc.property(
        fc.dictionary(word, text, { maxKeys: 5 }),
        fc.dictionary(tag, text, { maxKeys: 5 }),
        fc.dictionary(tag, fc.array(text, { maxLength: 3 }), { maxKeys: 3 }),
        fc.dictionary(fc.constantFrom("text/html", "text/plain", "replace"), text),
        (uniqueArguments, sections, substitutions, settings) => {
          let lines: string[];
          try {
            lines = linesOf({ uniqueArguments, sections, substitutions, filters: { footer: settings } });
          } catch (error) {
            // Only what is over a limit may be refused.
            expect(error).toBeInstanceOf(MessageError);
            expect((error as MessageError).message).toMatch(/without a blank|10000 are allowed/);
            return;
          }
          for (const line of lines) expect(line.length).toBeLessThanOrEqual(998);
          for (const line of lines) expect(line).toMatch(/^[ -~]*[!-~][ -~]*$/);
          const read = { unique_args: uniqueArguments, section: sections, sub: substitutions };
          expect(readBack(lines)).toEqual({ ...read, filters: { footer: { settings } } });
        },
      ),
      { numRuns: 100 },
    );
  });

  test("takes as much between two blanks as there is room for, and says where it is more", () => {
    const most = "x".repeat(948);
    const lines = linesOf({
      sections: { "-a-": most, "-b-": `${most} ${most}` },
      uniqueArguments: { a: most },
    });
    expect(readBack(lines)).toMatchObject({ section: { "-a-": most } });
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(998);
    const error = refusal({ sections: { "-a-": `short ${most}xx` } });
    expect(error.field).toBe('smtpApi.sections["-a-"]');
    expect(error.hint).toContain("blanks");
    expect(refusal({ uniqueArguments: { a: "码".repeat(200) } }).field).toBe('smtpApi.uniqueArguments["a"]');
    expect(refusal({ uniqueArguments: { [most]: "", [`${most}x`]: "" } }).message).toContain(
      "without a blank",
    );
  });

  test("with ten thousand recipients is folded in no time", () => {
    const to = Array.from({ length: 10_000 }, (_, at) => `user${at}@example.org`);
    const lines = linesOf({ to, substitutions: { "-n-": to.map((_, at) => `Number ${at}`) } });
    expect(readBack(lines)).toMatchObject({ to });
    expect(refusal({ to: [...to, "one@example.org"] }).message).toContain("at most 10000");
    const long = to.map(() => `${"a".repeat(60)}@${"b".repeat(60)}.example`);
    expect(refusal({ to: long }).message).toContain("more than 1000000 octets");
  });

  test("with words as long as they may be is read in no time", () => {
    const words = `${"a".repeat(949)} `.repeat(1_000);
    const begun = performance.now();
    sendGrid.smtpApi({ sections: { "-a-": words } });
    // Reading the rest of each word again from each of its letters takes more than a second.
    expect(performance.now() - begun).toBeLessThan(300);
  });
});

describe("an instruction is refused", () => {
  const hour = 3600;
  test.each<[string, object, string, RegExp]>([
    ["that SendGrid does not know", { category: "a" }, "smtpApi", /no property "category"/],
    ["with a recipient that is none", { to: ["bob"] }, "smtpApi.to[0]", /./],
    ["with two recipients in one", { to: "a@example.org, b@example.org" }, "smtpApi.to[0]", /./],
    ["with no recipient", { to: [] }, "smtpApi.to", /is empty/],
    ["with eleven categories", { categories: Array(11).fill("a") }, "smtpApi.categories", /at most 10/],
    [
      "with a long category",
      { categories: ["a", "b".repeat(256)] },
      "smtpApi.categories[1]",
      /longer than 255/,
    ],
    ["with a category beyond ASCII", { categories: "登录" }, "smtpApi.categories[0]", /ASCII/],
    ["with an empty category", { categories: "" }, "smtpApi.categories[0]", /is empty/],
    [
      "with a number for an argument",
      { uniqueArguments: { id: 7 } },
      'smtpApi.uniqueArguments["id"]',
      /not a string/,
    ],
    [
      "with too many arguments",
      { uniqueArguments: { a: "é ".repeat(3400) } },
      "smtpApi.uniqueArguments",
      /10201 octets/,
    ],
    [
      "with too much for one recipient",
      { substitutions: { "-a-": ["", "x ".repeat(3000)], "-b-": ["", "x ".repeat(3000)] } },
      "smtpApi.substitutions",
      /12006 octets/,
    ],
    [
      "with a space in a tag",
      { substitutions: { "%first name%": [""] } },
      'smtpApi.substitutions["%first name%"]',
      /tag/,
    ],
    ["with an empty tag", { sections: { "": "a" } }, 'smtpApi.sections[""]', /tag/],
    [
      "with fewer values than recipients",
      { to: ["a@example.org", "b@example.org"], substitutions: { "-a-": ["A"] } },
      'smtpApi.substitutions["-a-"]',
      /1 values for 2 recipients/,
    ],
    [
      "with times for others",
      { to: ["a@example.org"], sendEachAt: [1, 2] },
      "smtpApi.sendEachAt",
      /2 values for 1/,
    ],
    ["with two ways to say when", { sendAt: 1, sendEachAt: [1] }, "smtpApi.sendEachAt", /sendAt too/],
    ["with milliseconds", { sendAt: Date.now() }, "smtpApi.sendAt", /whole number of seconds/],
    ["with no time", { sendAt: new Date("no") }, "smtpApi.sendAt", /neither a Date/],
    ["with a time too far ahead", { sendAt: soon + 72 * hour }, "smtpApi.sendAt", /72 hours/],
    ["with a group that is none", { asmGroupId: "1" }, "smtpApi.asmGroupId", /not the number/],
    [
      "with too many groups",
      { asmGroupsToDisplay: Array(26).fill(1) },
      "smtpApi.asmGroupsToDisplay",
      /at most 25/,
    ],
    ["with a filter that is none", { filters: { clicktracking: {} } }, "smtpApi.filters", /no property/],
    ["with a retired filter", { filters: { spamcheck: { enable: 1 } } }, "smtpApi.filters", /no property/],
    [
      "with a setting in capitals",
      { filters: { footer: { Enable: 1 } } },
      'smtpApi.filters.footer["Enable"]',
      /lower case/,
    ],
    [
      "with half a switch",
      { filters: { footer: { enable: "yes" } } },
      'smtpApi.filters.footer["enable"]',
      /true or false/,
    ],
    [
      "with a setting that is an object",
      { filters: { footer: { a: {} } } },
      'smtpApi.filters.footer["a"]',
      /not a string/,
    ],
    ["with half a character", { sections: { "-a-": "\ud83d" } }, 'smtpApi.sections["-a-"]', /surrogate/],
    ["with an empty pool", { ipPool: "" }, "smtpApi.ipPool", /is empty/],
  ])("%s", (_, instructions, field, message) => {
    const error = refusal(instructions);
    expect(error.field).toBe(field);
    expect(error.message).toMatch(message);
  });

  test("is shown with its names escaped and cut", () => {
    const error = refusal({ uniqueArguments: { [`\u001b${"x".repeat(1000)}`]: 1 } });
    expect(error.field).toMatch(/^smtpApi\.uniqueArguments\["\\u\{1b\}x{79}"\]$/);
  });
});
