// What is read of a file. Loaded, and `node:fs` with it, when the first is looked at.

import { BASE64_BLOCK } from "../bytes.ts";
import type { Opening, Pieces } from "../flow.ts";

interface Stats {
  isFile(): boolean;
  readonly size: number;
  readonly mtimeMs: number;
  /** Unlike the other, nobody can set it back. */
  readonly ctimeMs: number;
  readonly ino: number;
}

/** How a file is looked at and opened, the same file each time. */
export function openingOf(path: string | URL): Required<Pick<Opening, "measure" | "open">> {
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
