// A file on disk. What reads it is loaded when the first is opened.

import type { Attachment } from "../attachment.ts";
import { MessageError } from "../errors.ts";
import type { Opening } from "../flow.ts";
import { describe } from "../input.ts";
import { OpenedLater } from "../opened-later.ts";
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
  return { filename: nameOf(place), ...details, content: new OpenedLater(() => loadedLater(place)) };
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

function loadedLater(place: string | URL): Opening {
  let octets: Required<Pick<Opening, "measure" | "open">> | undefined;
  const load = async () => {
    const { openingOf } = await import("./file-octets.ts");
    octets ??= openingOf(place);
    return octets;
  };
  return {
    isReopenable: true,
    measure: async () => (await load()).measure(),
    open: async () => (await load()).open(),
  };
}
