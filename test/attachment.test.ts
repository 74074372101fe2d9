import { describe, expect, test } from "vitest";
import { BASE, refusal, resolve } from "./support/resolve.ts";

describe("an attachment", () => {
  const content = "x";

  test("is text or octets, with defaults for the rest", () => {
    const [text, octets] = resolve({
      ...BASE,
      attachments: [{ content }, { content: new Uint8Array(0), filename: "a" }],
    }).attachments;
    expect(text).toMatchObject({ source: { isText: true }, disposition: "attachment", filename: undefined });
    expect(octets).toMatchObject({
      source: { kind: "memory", isText: false, octets: new Uint8Array(0) },
      filename: "a",
    });
  });

  test.each([
    [{}, "content"],
    [{ content: undefined }, "content"],
    [{ content: 123 }, "content"],
    [{ content: {} }, "content"],
    [{ content: null }, "content"],
    [{ content: "a\udc00" }, "content"],
    [{ content, disposition: "Inline" }, "disposition"],
    [{ content, filename: 5 }, "filename"],
  ])("of the wrong shape is refused: %j", (attachment, key) => {
    expect(refusal({ ...BASE, attachments: [attachment] }).field).toBe(`attachments[0].${key}`);
  });

  test("that names a path or a URL instead of content is refused", () => {
    expect(refusal({ ...BASE, attachments: [{ path: "/etc/passwd" }] }).message).toContain(
      'no property "path"',
    );
    expect(refusal({ ...BASE, attachments: [{ content: { href: "file:///" } }] }).hint).toContain(
      "read the file",
    );
  });

  test.each([
    'a".txt\r\nX-Inj: 1',
    "a\nb",
    "a\tb",
    "a\0b",
    "a\u2028b",
    "a\ud800;b=c",
    "../../etc/passwd",
    "C:\\x\\y.exe",
    "/abs",
    "a\\",
    "..",
    ".",
    "",
    "inv\u202efdp.exe",
    "a\u2066b",
    "x".repeat(256),
    "ü".repeat(128),
  ])("is not named %j", (filename) => {
    expect(refusal({ ...BASE, attachments: [{ content, filename }] }).field).toBe("attachments[0].filename");
  });

  test.each([
    ["image/png", "image/png", []],
    [
      "Text/CSV; charset=utf-8;header=present",
      "text/csv",
      [
        ["charset", "utf-8"],
        ["header", "present"],
      ],
    ],
    ['a/b; n="x \\"y\\"; z"', "a/b", [["n", 'x "y"; z']]],
    ['a/b ; n="" ', "a/b", [["n", ""]]],
  ])("may have the type %s", (contentType, essence, parameters) => {
    const [attachment] = resolve({ ...BASE, attachments: [{ content, contentType }] }).attachments;
    expect(attachment?.contentType).toEqual({ essence, parameters });
  });

  test.each([
    "text/plain\r\nX: y",
    "text",
    "text/",
    "/plain",
    "text/plain/x",
    "te xt/plain",
    "text/plain;",
    "text/plain; a",
    "text/plain; a=",
    'text/plain; a="b',
    'text/plain; a="b"c',
    "text/plain; a=b c",
    "text/plain; a=b; A=c",
    "text/plain; a b=c",
    "text/plain; a*=c",
    "text/plain; a=ü",
    "a/b; boundary=x",
    "a/b; name=x.exe",
    'text/plain; charset=utf-8; NAME="x.exe"',
    "multipart/mixed",
    "multipart/mixed; boundary=x",
    "message/partial",
    "",
  ])("may not have the type %j", (contentType) => {
    expect(refusal({ ...BASE, attachments: [{ content, contentType }] }).field).toBe(
      "attachments[0].contentType",
    );
  });

  const encoded = (text: unknown, encoding: unknown = "base64") => ({
    ...BASE,
    attachments: [{ content: text, encoding }],
  });

  test("may be base64, as it stands in the standard", () => {
    expect(resolve(encoded("AAEC")).attachments[0]?.source).toMatchObject({
      octets: Uint8Array.of(0, 1, 2),
      isText: false,
    });
    expect(resolve(encoded("")).attachments[0]?.source).toMatchObject({ octets: new Uint8Array(0) });
  });

  test.each(["!!!%%", "AAE", "AAEC=", "AA EC", "AAEC\r\n", "data:text/plain;base64,AAEC", "AAF=", "AA-_", 5])(
    "is not decoded from %j, which is not base64",
    (text) => {
      expect(refusal(encoded(text))).toMatchObject({ field: "attachments[0].content" });
    },
  );

  test.each(["hex", "7bit", "base64\r\nX: y", "BASE64", 5])("may not be encoded as %j", (encoding) => {
    expect(refusal(encoded("AAEC", encoding)).field).toBe("attachments[0].encoding");
  });

  test("of base64 is decoded in time that grows with it", () => {
    const text = `${"A".repeat(4_000_000)}!`;
    const begin = performance.now();
    expect(refusal(encoded(text)).field).toBe("attachments[0].content");
    expect(performance.now() - begin).toBeLessThan(1000);
  });

  test("must be as long as it is said to be", () => {
    expect(resolve({ ...BASE, attachments: [{ content: "abc", length: 3 }] }).attachments).toHaveLength(1);
    expect(refusal({ ...BASE, attachments: [{ content: "abc", length: 4 }] }).field).toBe(
      "attachments[0].content",
    );
    for (const length of [-1, 1.5, Number.NaN, "3"]) {
      expect(refusal({ ...BASE, attachments: [{ content: "abc", length }] }).field).toBe(
        "attachments[0].length",
      );
    }
  });

  test("may have fields of its own, but for those that are made of its properties", () => {
    const headers = { "Content-Description": "x", "X-Id": ["1", "2"] };
    expect(resolve({ ...BASE, attachments: [{ content, headers }] }).attachments[0]?.fields).toEqual([
      { name: "Content-Description", value: "x", path: 'attachments[0].headers["Content-Description"]' },
      { name: "X-Id", value: "1", path: 'attachments[0].headers["X-Id"][0]' },
      { name: "X-Id", value: "2", path: 'attachments[0].headers["X-Id"][1]' },
    ]);
    expect(
      refusal({ ...BASE, attachments: [{ content, headers: { "Content-Language": ["en", "de"] } }] }).message,
    ).toContain("more than once");
    for (const name of ["Content-Type", "content-id", "Content-Disposition", "Content-Transfer-Encoding"]) {
      expect(refusal({ ...BASE, attachments: [{ content, headers: { [name]: "x" } }] }).field).toBe(
        `attachments[0].headers["${name}"]`,
      );
    }
  });

  test.each(["logo", "logo.1@example.org", "a-b_c"])("may be shown under the cid %s", (cid) => {
    const [attachment] = resolve({ ...BASE, html: "x", attachments: [{ content, cid }] }).attachments;
    expect(attachment).toMatchObject({ cid, disposition: "inline" });
  });

  test.each(["x>\r\nY: z", "<logo>", "a b", "ü", "", "a@b@c", "a@", "x".repeat(251)])(
    "may not be shown under the cid %j",
    (cid) => {
      expect(refusal({ ...BASE, html: "x", attachments: [{ content, cid }] }).field).toBe(
        "attachments[0].cid",
      );
    },
  );

  test("with a cid is refused where there is no HTML to show it, or another has it", () => {
    expect(refusal({ ...BASE, text: "x", attachments: [{ content }, { content, cid: "a" }] }).field).toBe(
      "attachments[1].cid",
    );
    const twice = [
      { content, cid: "a" },
      { content, cid: "a" },
    ];
    expect(refusal({ ...BASE, html: "x", attachments: twice }).field).toBe("attachments[1].cid");
  });
});
