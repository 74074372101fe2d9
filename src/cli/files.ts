// Files as a person names them: "-" is standard input, for one of them.

import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { ConfigError } from "../index.ts";
import type { World } from "./world.ts";

/** More octets than four templates of the greatest length have, and fewer than would fill the memory. */
const MAX_OCTETS = 32 * 1024 * 1024;

/** Who reads files for a command, and knows whether standard input has been read. */
export class Files {
  readonly #world: World;
  #reader: string | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** The text of a file. `option` is what named it. */
  async text(path: string, option: string): Promise<string> {
    const octets = await this.octets(path, option);
    try {
      // Editors of Windows begin files with a byte order mark; the decoder takes it away.
      return new TextDecoder("utf-8", { fatal: true }).decode(octets);
    } catch {
      throw new ConfigError(option, `${nameOf(path)} is not UTF-8 text`, { hint: "save it as UTF-8" });
    }
  }

  async octets(path: string, option: string): Promise<Uint8Array> {
    if (path !== "-") return readAll(createReadStream(path), path, option);
    if (this.#reader !== undefined) {
      throw new ConfigError(option, `standard input is read for ${this.#reader} already`);
    }
    this.#reader = option;
    return readAll(this.#world.stdin, path, option);
  }
}

/** To be read and written by the owner. */
const PRIVATE = 0o600;

/** Writes a file that only its owner may read: there will be a password in it. */
export async function writePrivate(
  path: string,
  text: string,
  { option, overwrite }: { readonly option: string; readonly overwrite: boolean },
): Promise<void> {
  try {
    const file = await open(path, overwrite ? "w" : "wx", PRIVATE);
    try {
      // One that is overwritten has kept what its owner allowed to others; a device is not ours to close to anybody.
      if ((await file.stat()).isFile()) await file.chmod(PRIVATE);
      await file.writeFile(text);
    } finally {
      await file.close();
    }
  } catch (cause) {
    const code = codeOf(cause);
    // The file need not be there, and so it is the folder that is not.
    const reason = code === "ENOENT" ? REASONS.ENOTDIR : reasonOf(cause);
    const hint =
      code === "EEXIST" ? "choose another name with --out, or overwrite it with --force" : undefined;
    throw new ConfigError(option, `${nameOf(path)} cannot be written: ${reason}`, { cause, hint });
  }
}

export function nameOf(path: string): string {
  return path === "-" ? "standard input" : path;
}

async function readAll(source: AsyncIterable<Uint8Array>, path: string, option: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of source) {
      pieces.push(piece);
      length += piece.length;
      if (length > MAX_OCTETS) break;
    }
  } catch (cause) {
    throw new ConfigError(option, `${nameOf(path)} cannot be read: ${reasonOf(cause)}`, { cause });
  }
  if (length > MAX_OCTETS)
    throw new ConfigError(option, `${nameOf(path)} has more than ${MAX_OCTETS} octets`);
  const octets = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    octets.set(piece, at);
    at += piece.length;
  }
  return octets;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "that is not allowed",
  EPERM: "that is not allowed",
  EISDIR: "it is a folder",
  ENOTDIR: "there is no such folder",
  EEXIST: "it is there already",
  EROFS: "nothing can be written there",
  ENOSPC: "the disk is full",
};

function reasonOf(cause: unknown): string {
  const code = codeOf(cause);
  return REASONS[code] ?? code;
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "it failed";
}
