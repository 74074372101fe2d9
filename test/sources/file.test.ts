// Files: looked at before anything is sent, read piece by piece, and closed.

import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { composeMessage, composeStream } from "../../src/compose.ts";
import { MessageError } from "../../src/errors.ts";
import type { Flow } from "../../src/flow.ts";
import { resolveSource } from "../../src/source.ts";
import { attachment } from "../../src/sources.ts";
import { errorOf, until, watchProcess } from "../support/watch.ts";

watchProcess();

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pennypost-"));
});
// What a test leaves is closed behind it, and is not for the next to count.
beforeEach(() => until(() => openFiles() === 0));
afterAll(() => rmSync(folder, { recursive: true }));

const FIELD = "attachments[0].content";

describe("a file", () => {
  test("is attached under its own name, and as what that says it is", async () => {
    const path = write("report.pdf", "%PDF");
    const text = await composed(attachment.file(path));
    expect(text).toContain("Content-Type: application/pdf\r\n");
    expect(text).toContain("filename=report.pdf");
    expect(text).toContain(Buffer.from("%PDF").toString("base64"));
  });

  test("is attached as its details say", async () => {
    const path = write("a.bin", "x");
    expect(attachment.file(path, { filename: "b.txt", contentType: "text/plain", cid: "c" })).toMatchObject({
      filename: "b.txt",
      contentType: "text/plain",
      cid: "c",
    });
    expect(attachment.file(path, { filename: undefined } as never).filename).toBeUndefined();
  });

  test("may be named by a file: URL, which may change afterwards", async () => {
    const url = pathToFileURL(write("zwei Worte.txt", "hello"));
    const given = attachment.file(url);
    url.pathname = "/etc/passwd";
    expect(given.filename).toBe("zwei Worte.txt");
    expect(await octetsOf(flowOf(given))).toEqual(Buffer.from("hello"));
  });

  test.each([[5], [null], [{}], [undefined]])("is not %j", (path) => {
    expect(() => attachment.file(path as never)).toThrow("path: is");
  });

  test.each([
    ["file:///tmp/a%zz.txt", "is a URL with a % that stands for no character"],
    ["file:///tmp/%ff", "is a URL with a % that stands for no character"],
    ["https://example.com/a.txt", "is https:, and must be file:"],
    ["data:,x", "is data:, and must be file:"],
  ])("is not %s: it %s", (url, complaint) => {
    expect(() => attachment.file(new URL(url))).toThrow(MessageError);
    expect(() => attachment.file(new URL(url))).toThrow(`path: ${complaint}`);
  });

  test("of any size is read whole, and its size is known before", async () => {
    for (const size of [0, 1, 47_879, 47_880, 47_881, 300_000]) {
      const content = Buffer.from(Uint8Array.from({ length: size }, (_, at) => at * 7));
      const path = write(`size-${size}`, content);
      const flow = flowOf(attachment.file(path));
      expect(flow.length).toBeUndefined();
      await flow.measure();
      expect(flow.length).toBe(size);
      expect((await octetsOf(flow)).equals(content)).toBe(true);
      expect((await octetsOf(flow)).equals(content), "once more").toBe(true);
    }
  });

  test("makes a message of a known size, that of its content", async () => {
    const path = write("measured", "x".repeat(100_000));
    const message = await composeStream({ ...MESSAGE, attachments: [attachment.file(path)] });
    expect(message.size).toBe((await message.toUint8Array()).length);
  });

  test("is not for composing in memory, which says what is", () => {
    const attachments = [{ content: "x" }, attachment.file("/does/not/matter")];
    expect(() => composeMessage({ ...MESSAGE, attachments })).toThrow(
      "attachments[1].content: is not in memory",
    );
  });

  test("that is not there is an error before anything is opened", async () => {
    const error = await errorOf(
      composeStream({ ...MESSAGE, attachments: [attachment.file(join(folder, "nowhere"))] }),
    );
    expect(error).toMatchObject({ field: FIELD, code: "source_failed", cause: { code: "ENOENT" } });
  });

  test.each([
    ["a directory", () => folder],
    ["a device", () => "/dev/zero"],
    ["a pipe", pipe],
    ["a link to a directory", () => link(folder)],
  ])("is not %s", async (_, make) => {
    const flow = flowOf(attachment.file(make()));
    expect((await errorOf(flow.measure())).message).toBe(
      `${FIELD}: could not be read: it is not a regular file`,
    );
    expect((await errorOf(octetsOf(flow))).message).toContain("it is not a regular file");
  });

  test("that became a pipe meanwhile is not waited for", async () => {
    const path = write("becomes-a-pipe", "x");
    const flow = flowOf(attachment.file(path));
    await flow.measure();
    rmSync(path);
    execFileSync("mkfifo", [path]);
    expect((await errorOf(octetsOf(flow))).message).toContain("it is not a regular file");
  });

  test("with a NUL in its path is an error of ours", async () => {
    expect((await errorOf(flowOf(attachment.file("a\0b")).measure())).code).toBe("source_failed");
  });

  test.each([
    ["grew", (path: string) => appendFileSync(path, "x")],
    ["shrank", (path: string) => truncateSync(path, 10)],
    ["was written again", (path: string) => utimesSync(path, 0, 0)],
    ["was written again, and dated back,", (path: string) => rewrite(path)],
    [
      "was replaced",
      (path: string) => {
        writeFileSync(`${path}-new`, "y".repeat(100));
        renameSync(`${path}-new`, path);
      },
    ],
  ])("that %s since it was measured is an error", async (_, change) => {
    const path = write("changing", "x".repeat(100));
    const flow = flowOf(attachment.file(path));
    await flow.measure();
    change(path);
    expect((await errorOf(octetsOf(flow))).message).toContain("changed since it was looked at");
  });

  test.each([
    ["grows", (path: string) => appendFileSync(path, "x"), "gave more than its 400000 octets"],
    ["shrinks", (path: string) => truncateSync(path, 200_000), "it has been changed since it was looked at"],
    ["is written again", (path: string) => rewrite(path), "it has been changed since it was looked at"],
  ])("that %s while it is read is an error, and is closed", async (_, change, message) => {
    const path = write("moving", "x".repeat(400_000));
    const before = openFiles();
    const flow = flowOf(attachment.file(path));
    await flow.measure();
    const octets = flow.open();
    await octets.next();
    change(path);
    expect((await errorOf(drain(octets))).message).toContain(message);
    await until(() => openFiles() <= before);
  });

  test("that is written again while it is sent is an error, also where it was signed before", async () => {
    const path = write("signed", "x".repeat(400_000));
    const sign = async (content: AsyncIterable<Uint8Array>): Promise<string> => {
      await drain(content);
      return "DKIM-Signature: x\r\n";
    };
    const message = { ...MESSAGE, attachments: [attachment.file(path)] };
    const { content } = await composeStream(message, { dkim: { sign } });
    const octets = content[Symbol.asyncIterator]();
    await octets.next();
    rewrite(path);
    const rest = errorOf(drain({ [Symbol.asyncIterator]: () => octets }));
    expect((await rest).message).toBe(
      `${FIELD}: could not be read: it has been changed since it was looked at`,
    );
  });

  test("that is opened again is still what it was when it was looked at", async () => {
    const path = write("twice", "x".repeat(100));
    const flow = flowOf(attachment.file(path));
    await octetsOf(flow);
    rewrite(path);
    expect((await errorOf(octetsOf(flow))).message).toContain("changed since it was looked at");
  });

  test("must be of the length that was declared", async () => {
    const { content } = attachment.file(write("declared", "abc"));
    const source = resolveSource(content, FIELD, { length: 4 });
    if (source.kind === "memory") throw new Error("it is in memory");
    expect((await errorOf(source.flow.measure())).message).toContain("is 3 octets long, not 4");
  });

  test.each([
    ["read to its end", (octets: AsyncIterableIterator<Uint8Array>) => drain(octets)],
    ["left after a piece", (octets: AsyncIterableIterator<Uint8Array>) => octets.return?.()],
    [
      "left while a piece is read",
      async (octets: AsyncIterableIterator<Uint8Array>) => {
        const next = errorOf(octets.next());
        await octets.return?.();
        await next;
      },
    ],
  ])("is closed when it is %s", async (_, leave) => {
    const path = write("closing", "x".repeat(400_000));
    const before = openFiles();
    const octets = flowOf(attachment.file(path)).open();
    await octets.next();
    expect(openFiles()).toBe(before + 1);
    await leave(octets);
    await until(() => openFiles() <= before);
  });

  test("does not share its memory with another that is read at the same time", async () => {
    const contents = ["a", "b", "c"].map((letter) => Buffer.from(letter.repeat(500_000)));
    const paths = contents.map((content, at) => write(`together-${at}`, content));
    const flows = paths.map((path) => flowOf(attachment.file(path)));
    // One that is left while it is read, and closed twice: its memory is for one other only.
    const left = flowOf(attachment.file(paths[0] ?? "")).open();
    await left.next();
    const next = errorOf(left.next());
    await Promise.all([left.return?.(), left.return?.(), next]);
    for (let round = 0; round < 3; round++) {
      const read = await Promise.all(flows.map(octetsOf));
      read.forEach((octets, at) => {
        expect(octets.equals(contents[at] ?? Buffer.alloc(0))).toBe(true);
      });
    }
  });

  test.each([
    [
      "closed twice",
      async (octets: AsyncIterableIterator<Uint8Array>) => {
        await Promise.all([octets.return?.(), octets.return?.()]);
      },
    ],
    [
      "closed while it is read",
      async (octets: AsyncIterableIterator<Uint8Array>) => {
        const next = errorOf(octets.next());
        await Promise.all([octets.return?.(), octets.return?.(), next]);
      },
    ],
    [
      "closed while its end is read",
      async (octets: AsyncIterableIterator<Uint8Array>) => {
        await octets.next();
        const next = errorOf(octets.next());
        await Promise.all([octets.return?.(), next]);
      },
    ],
    [
      "not readable any more",
      async (octets: AsyncIterableIterator<Uint8Array>) => {
        vi.spyOn(await prototypeOfHandles(), "read").mockRejectedValueOnce(new Error("EIO"));
        onTestFinished(() => void vi.restoreAllMocks());
        expect((await errorOf(octets.next())).message).toContain("EIO");
        await octets.return?.();
      },
    ],
    [
      "changed",
      async (octets: AsyncIterableIterator<Uint8Array>) => {
        rewrite(join(folder, "held"));
        await errorOf(drain(octets));
        await octets.return?.();
      },
    ],
  ])("that is %s leaves its memory to who may still look at it", async (_, leave) => {
    const before = openFiles();
    const held = flowOf(attachment.file(write("held", "h".repeat(200_000)))).open();
    const { value: piece } = await held.next();
    await leave(held);
    await until(() => openFiles() <= before);
    // More than are kept for others, and all of them at once.
    const path = write("others", "o".repeat(200_000));
    const others = Array.from({ length: 8 }, () => flowOf(attachment.file(path)).open());
    const pieces = await Promise.all(others.map((other) => other.next()));
    const memories = new Set([piece, ...pieces.map(({ value }) => value)].map((octets) => octets?.buffer));
    expect(memories.size).toBe(9);
    await Promise.all(others.map((other) => other.return()));
  });

  test("has memory of its own also when it is asked for octets after its end", async () => {
    const path = write("ended", "x".repeat(1000));
    for (let round = 0; round < 2; round++) {
      const octets = flowOf(attachment.file(path)).open();
      await drain(octets);
      await octets.next();
      await octets.return();
    }
    const others = Array.from({ length: 8 }, () => flowOf(attachment.file(path)).open());
    const pieces = await Promise.all(others.map((other) => other.next()));
    expect(new Set(pieces.map(({ value }) => value?.buffer)).size).toBe(8);
    await Promise.all(others.map((other) => other.return()));
  });

  test("is read into memory that another has left at its end", async () => {
    const path = write("again", "x".repeat(1000));
    const memories = new Set<unknown>();
    for (let round = 0; round < 10; round++) {
      for await (const octets of flowOf(attachment.file(path)).open()) memories.add(octets.buffer);
    }
    expect(memories.size).toBe(1);
  });

  test("is not open before it is its turn", async () => {
    const path = write("turn", "x".repeat(200_000));
    const before = openFiles();
    const attachments = Array.from({ length: 20 }, () => attachment.file(path));
    const { content } = await composeStream({ ...MESSAGE, attachments });
    expect(openFiles()).toBe(before);
    let most = 0;
    for await (const _ of content) most = Math.max(most, openFiles());
    expect(most).toBe(before + 1);
    expect(openFiles()).toBe(before);
  });
});

const MESSAGE = { from: "alice@example.com", to: "bob@example.org", text: "Hello, Bob." };

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  // A time that can be set again to the nanosecond.
  utimesSync(path, 1_000_000_000, 1_000_000_000);
  return path;
}

/** Writes other octets in their place, and sets the time of that back. */
function rewrite(path: string): void {
  const { size, atime, mtime, ctimeMs } = statSync(path);
  // The clock of a file system may stand still for some milliseconds.
  while (statSync(path).ctimeMs === ctimeMs) {
    writeFileSync(path, "z".repeat(size), { flag: "r+" });
    utimesSync(path, atime, mtime);
  }
}

async function prototypeOfHandles(): Promise<FileHandle> {
  const handle = await open(write("any", ""));
  await handle.close();
  return Object.getPrototypeOf(handle);
}

let pipes = 0;
function pipe(): string {
  const path = join(folder, `pipe-${pipes++}`);
  execFileSync("mkfifo", [path]);
  return path;
}

function link(target: string): string {
  const path = join(folder, "link");
  mkdirSync(folder, { recursive: true });
  symlinkSync(target, path);
  return path;
}

/** How many regular files this process has open in the folder of the test. */
function openFiles(): number {
  return readdirSync("/proc/self/fd").filter((name) => isOurs(name)).length;
}

function isOurs(name: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${name}`).startsWith(folder);
  } catch {
    return false;
  }
}

function flowOf({ content }: { readonly content: unknown }): Flow {
  const source = resolveSource(content, FIELD);
  if (source.kind === "memory") throw new Error("it is in memory");
  return source.flow;
}

async function octetsOf(flow: Flow): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  // The memory of a piece is used again.
  for await (const octets of flow.open()) pieces.push(octets.slice());
  return Buffer.concat(pieces);
}

async function drain(octets: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of octets);
}

async function composed(given: ReturnType<typeof attachment.file>): Promise<string> {
  const message = await composeStream({ ...MESSAGE, attachments: [given] });
  return Buffer.from(await message.toUint8Array()).toString();
}
