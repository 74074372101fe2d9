import { describe, expect, test } from "vitest";
import { renderTemplate } from "../../src/templates.ts";
import { refusal } from "./support.ts";

const header = { contentType: "header" } as const;

describe("a template for a header", () => {
  test("is plain text", () => {
    expect(renderTemplate("{{app}}: your code is <<code>>", { app: "Ä & <b>", code: 7 }, header)).toBe(
      "Ä & <b>: your code is 7",
    );
  });

  test.each([
    "x\r\nBcc: eve@example.net",
    "x\ny",
    "x\ry",
    "x\0",
    "x\u0085y",
    "x\u2028y",
    "\u001b[2J",
    "\u007f",
  ])("takes no line end and no control character from a value: %j", (name) => {
    for (const missing of ["error", "keep", "empty"] as const) {
      const error = refusal("Hello {{name}}", { name }, { ...header, missing });
      expect(error).toMatchObject({ code: "invalid_value", field: "name", delivery: "not-sent" });
      expect(error.message).not.toContain("Bcc");
    }
  });

  test.each(["Hello\n{{name}}", "Hello {{name}}\r\n", "{{\nname}}"])(
    "has none of its own: %j",
    (template) => {
      expect(refusal(template, { name: "Ada" }, header)).toMatchObject({ code: "invalid_template" });
    },
  );
});
