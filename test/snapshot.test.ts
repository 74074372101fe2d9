import { Readable } from "node:stream";
import { expect, test, vi } from "vitest";
import { attachment } from "../src/index.ts";
import type { Message } from "../src/message.ts";
import { composeWith } from "../src/mime.ts";
import { snapshot } from "../src/snapshot.ts";
import { MESSAGE } from "./support/client.ts";

const CONTEXT = { now: new Date("2026-03-04T05:06:07Z"), uniqueName: () => "unique" };

function composed(message: Message): string {
  return composeWith(message, CONTEXT)
    .chunks.map((chunk) =>
      typeof chunk === "string" ? chunk : Buffer.from(chunk as Uint8Array).toString("latin1"),
    )
    .join("");
}

test("composes to what the message composes to", () => {
  const message: Message = {
    ...MESSAGE,
    to: ["bob@example.org", { name: "Carol", address: "carol@example.org" }],
    html: "<p>Hello, Bob.</p>",
    date: new Date("2026-01-02T03:04:05Z"),
    headers: { "X-One": "1", "X-Two": ["2", "3"] },
    list: { unsubscribe: "https://example.com/leave" },
    attachments: [{ filename: "hello.txt", content: Buffer.from("Hello, Bob.") }],
  };
  expect(composed(snapshot(message))).toBe(composed(message));
});

test("is not changed by what is written to the message", () => {
  const octets = Buffer.from("old");
  const message = {
    to: ["old@example.org"],
    from: { name: "Old", address: "old@example.com" },
    date: new Date(0),
    headers: { "X-Old": ["old"] },
    attachments: [{ content: octets }],
  };
  const kept = snapshot(message);
  message.to[0] = "new@example.org";
  message.to.push("other@example.org");
  message.from.address = "new@example.com";
  message.date.setTime(1);
  message.headers["X-Old"][0] = "new";
  message.attachments.length = 0;
  octets.write("new");
  expect(kept).toEqual({
    to: ["old@example.org"],
    from: { name: "Old", address: "old@example.com" },
    date: new Date(0),
    headers: { "X-Old": ["old"] },
    attachments: [{ content: new Uint8Array(Buffer.from("old")) }],
  });
});

test("takes what instances of a caller's class say of themselves", () => {
  class Person {
    address = "old@example.org";
  }
  const person = new Person();
  const kept = snapshot({ to: person });
  person.address = "new@example.org";
  expect(kept.to).toEqual({ address: "old@example.org" });
});

test("takes what they say by properties of their own, whatever their class calls itself", () => {
  class Person {
    address = "old@example.org";
    get [Symbol.toStringTag]() {
      return "Person";
    }
  }
  const person = new Person();
  const kept = snapshot({ to: person });
  person.address = "new@example.org";
  expect(kept.to.address).toBe("old@example.org");
});

test("is not changed by what is added to what had nothing to say", () => {
  class Person {
    declare address: string;
  }
  const message = { to: new Person(), headers: Object.create(null) };
  const kept = snapshot(message);
  message.to.address = "new@example.org";
  message.headers["X-New"] = "new";
  expect(Object.keys(kept.to)).toEqual([]);
  expect(Object.keys(kept.headers)).toEqual([]);
});

test("leaves sources as they are, with whatever somebody has written on them", () => {
  const blob = Object.assign(new Blob(["x"]), { path: "x" });
  const later = Object.assign(attachment.file("README.md").content as object, { path: "x" });
  const stream = Object.assign(new ReadableStream(), { path: "x" });
  const file = Object.assign(new File(["x"], "x"), { path: "x" });
  const values = { blob, later, stream, file };
  const kept = snapshot(values);
  for (const [name, value] of Object.entries(values))
    expect(kept[name as keyof typeof kept], name).toBe(value);
});

test("reads each property once, and no inherited one", () => {
  const read = vi.fn(() => "bob@example.org");
  const message = Object.create({ bcc: "eve@example.net" }, { to: { enumerable: true, get: read } });
  expect(snapshot(message)).toEqual({ to: "bob@example.org" });
  expect(read).toHaveBeenCalledTimes(1);
});

test("has a name __proto__ as it was said", () => {
  const kept = snapshot(JSON.parse('{"to":"bob@example.org","__proto__":{"bcc":"eve@example.net"}}'));
  expect(Object.keys(kept)).toEqual(["to", "__proto__"]);
  expect(kept.bcc).toBeUndefined();
});

test("ends where a message holds itself, and holds once what it holds twice", () => {
  const loop: { again: unknown[] } = { again: [] };
  loop.again.push(loop, loop, loop.again);
  const kept = snapshot(loop);
  expect(kept.again).toHaveLength(3);
  expect(kept.again[0]).toBe(kept);
  expect(kept.again[2]).toBe(kept.again);
});

test("leaves as it is what is no part of the message's own text", () => {
  const later = attachment.file("README.md").content;
  const values = {
    later,
    blob: new Blob(["x"]),
    web: new ReadableStream(),
    set: new Set(["x"]),
    map: new Map([["x", 1]]),
    promise: Promise.resolve(),
    url: new URL("https://example.com"),
    generator: (function* () {})(),
    act: () => {},
    huge: new Array(100_001),
    words: new Uint16Array(2),
  };
  const kept = snapshot(values);
  for (const [name, value] of Object.entries(values))
    expect(kept[name as keyof typeof kept], name).toBe(value);
});

test("leaves what is deeper than any field, and has the stack for it", () => {
  let deep: object = {};
  for (let level = 0; level < 200_000; level++) deep = level % 2 === 0 ? { deep } : [deep];
  const message = { ...MESSAGE, to: deep } as unknown as Message;
  expect(() => composed(snapshot(message))).toThrow('to[0]: has no property "deep"');
});

test("leaves an ArrayBuffer that was handed to somebody else, and copies others", () => {
  const gone = new ArrayBuffer(8);
  structuredClone(gone, { transfer: [gone] });
  const octets = new Uint8Array([1, 2, 3]).buffer;
  const kept = snapshot({ gone, octets });
  new Uint8Array(octets)[0] = 9;
  expect(kept.gone).toBe(gone);
  expect(new Uint8Array(kept.octets)).toEqual(new Uint8Array([1, 2, 3]));
});

test("keeps a stream that fails before anybody reads it from ending the process", async () => {
  const stream = new Readable({ read() {} });
  expect(snapshot({ content: stream }).content).toBe(stream);
  stream.destroy(new Error("gone"));
  await new Promise((resolve) => setImmediate(resolve));
  expect(stream.errored?.message).toBe("gone");
});
