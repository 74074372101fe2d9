import fc from "fast-check";
import { expect, test } from "vitest";
import { mediaTypeOf } from "../../src/mime/media-types.ts";
import { asciiFallback, formatParameter } from "../../src/mime/parameter.ts";

test.each([
  ["a.pdf", ["filename=a.pdf"]],
  ["a b.pdf", ['filename="a b.pdf"']],
  ["a=b", ['filename="a=b"']],
  ["", ['filename=""']],
  ['a"; filename="evil.exe', ['filename="a\\"; filename=\\"evil.exe"']],
  ["a\\", ['filename="a\\\\"']],
  ["é.pdf", ["filename*=utf-8''%C3%A9.pdf"]],
  ["报告.pdf", ["filename*=utf-8''%E6%8A%A5%E5%91%8A.pdf"]],
  ["é'()*;=.x", ["filename*=utf-8''%C3%A9%27%28%29%2A%3B%3D.x"]],
  // Read as an encoded-word, as RFC 2231, or without its blanks, if they were written as they stand.
  ["=?utf-8?q?x?=", ["filename*=utf-8''%3D%3Futf-8%3Fq%3Fx%3F%3D"]],
  ["utf-8''a%41.pdf", ["filename*=utf-8''utf-8%27%27a%2541.pdf"]],
  [" a ", ["filename*=utf-8''%20a%20"]],
])("the value %j is written so that it reads back", (value, units) => {
  expect(formatParameter("filename", value)).toEqual(units);
});

test("a long value is cut between characters, with a star on every section", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 20 }), (given) => {
      const value = `é${given.toWellFormed()}`;
      const sections = formatParameter("filename", value);
      let read = "";
      sections.forEach((section, at) => {
        const [, mark, charset, data = ""] =
          /^filename(\*\d+)?\*=(utf-8'')?([A-Za-z0-9!#$&+.^_`|~%-]+)$/.exec(section) ?? [];
        expect(mark).toBe(sections.length === 1 ? undefined : `*${at}`);
        expect(charset).toBe(at === 0 ? "utf-8''" : undefined);
        // Throws where a section is not whole UTF-8.
        read += decodeURIComponent(data);
        expect(section.length).toBeLessThanOrEqual(74);
      });
      expect(read).toBe(value);
    }),
  );
});

test.each([
  ["a.pdf", undefined],
  ["résumé 漢字 😀.pdf", "r_sum_ __ _.pdf"],
  ["漢字", "__"],
  ["é\ud800;b=c", "__;b=c"],
  ["é=?", undefined],
  ["é ", undefined],
])("the name %j is, in ASCII, %j", (filename, fallback) => {
  expect(asciiFallback(filename)).toBe(fallback);
});

test("a file is of the type its last extension says, in either case", () => {
  expect(mediaTypeOf("a.PDF")).toBe("application/pdf");
  expect(mediaTypeOf("a.tar.gz")).toBe("application/gzip");
  expect(mediaTypeOf("a.docx")).toBe(
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  );
  expect(mediaTypeOf(".jpg")).toBe("image/jpeg");
});

test("a file of another kind is octets", () => {
  for (const name of [undefined, "", "pdf", "a.", "a.exe", "a.__proto__", "a.constructor", "mail.eml"]) {
    expect(mediaTypeOf(name)).toBe("application/octet-stream");
  }
});
