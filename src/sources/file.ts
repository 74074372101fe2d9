// A file on disk. `node:fs` is loaded when the first is opened.

import type { Attachment } from "../attachment.ts";
import { BASE64_BLOCK } from "../bytes.ts";
import { MessageError } from "../errors.ts";
import type { Opening, Pieces } from "../flow.ts";
import { describe } from "../input.ts";
import { OpenedLater } from "../source.ts";
import type { AttachmentDetails } from "./stream.ts";

/**
 * Attaches a file, under its own name unless `details` say otherwise. It is looked at before anything is sent, opened when
 * the server asks for the message, and read piece by piece. It must be a regular file, and stay as it is meanwhile: it is
 * looked at once more when it has been read.
 *
 * `path` is opened as it stands: where it comes from others, it is the caller's to decide what they may read.
 */
export function file(path: string | URL, details?: AttachmentDetails): Attachment {
  if (typeof path !== "string" && !(path instanceof URL)) {
    throw new MessageError("path", `is ${describe(path)}, not a string or a file: URL`);
  }
  // A URL can be changed, and this one is the message's own.
  const place = typeof path === "string" ? path : new URL(path);
  return { filename: nameOf(place), ...details, content: new OpenedLater(() => openingOf(place)) };
}

function nameOf(place: string | URL): string {
  const path = typeof place === "string" ? place : pathOf(place);
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}

function pathOf({ protocol, pathname }: URL): string {
  if (protocol !== "file:") throw new MessageError("path", `is ${protocol}, and must be file:`);
  try {
    return decodeURIComponent(pathname);
  } catch (cause) {
    throw new MessageError("path", "is a URL with a % that stands for no character", { cause });
  }
}

interface Stats {
  isFile(): boolean;
  readonly size: number;
  readonly mtimeMs: number;
  /** Unlike the other, nobody can set it back. */
  readonly ctimeMs: number;
  readonly ino: number;
}

function openingOf(path: string | URL): Opening {
  let known: Stats | undefined;
  const check = (found: Stats): number => {
    // A directory has no octets, and a pipe or a device may have no end.
    if (!found.isFile()) throw new Error("it is not a regular file");
    known ??= found;
    for (const key of ["size", "mtimeMs", "ctimeMs", "ino"] as const) {
      if (found[key] !== known[key]) throw new Error("it has been changed since it was looked at");
    }
    return known.size;
  };
  const measure = async (): Promise<number> => {
    const { stat } = await import("node:fs/promises");
    return check(await stat(path));
  };
  return {
    isReopenable: true,
    measure,
    open: async () => {
      const { constants, open } = await import("node:fs/promises");
      // Before it is opened, for that alone may do something to a device; and it must not wait for the writer of a pipe
      // that has come in its place.
      await measure();
      const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
      try {
        check(await handle.stat());
      } catch (error) {
        await handle.close();
        throw error;
      }
      return readAll(handle, check);
    },
  };
}

interface Handle {
  read(buffer: Uint8Array, offset: number, length: number): Promise<{ readonly bytesRead: number }>;
  stat(): Promise<Stats>;
  close(): Promise<void>;
}

/** Octets that are read at once: each read wakes a thread, which costs as much as encoding 64 KiB. */
const READ = BASE64_BLOCK * 4;

/** Memory for the next files to be read into. What lives as long as a message is collected late, and adds up. */
const spare: Uint8Array[] = [];
const MAX_SPARE = 4;

/** The octets of an open file, always in the same memory. It is still the file that was opened when its end is told. */
function readAll(handle: Handle, check: (found: Stats) => unknown): Pieces {
  const buffer = spare.pop() ?? new Uint8Array(READ);
  let reading: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    // Not while a read is under way: it would read what has been opened under the same number since.
    await reading.catch(() => {});
    await handle.close();
  };
  const read = async (): Promise<number> => {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length);
    if (bytesRead === 0) check(await handle.stat());
    return bytesRead;
  };
  return {
    next: async () => {
      const count = read();
      reading = count;
      const end = await count;
      if (end > 0) return { done: false, value: buffer.subarray(0, end) };
      if (closing === undefined) {
        closing = close();
        await closing;
        // Nowhere else: who leaves a file early, or while it is read, may hold a piece of it still.
        if (spare.length < MAX_SPARE) spare.push(buffer);
      }
      return { done: true, value: undefined };
    },
    return: () => {
      closing ??= close();
      return closing;
    },
  };
}
