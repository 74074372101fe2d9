// The caller's own way to open content.

import type { Attachment } from "../attachment.ts";
import { MessageError } from "../errors.ts";
import { describe } from "../input.ts";
import { OpenedLater } from "../opened-later.ts";
import type { Source } from "../source.ts";

/** Says what an attachment is, but for its content. */
export type AttachmentDetails = Omit<Attachment, "content">;

/**
 * Attaches what `open` returns, or resolves with. It is called when the message is sent, and may be called again: to sign
 * the message and then send it, or to send it once more. It must give the same octets each time.
 */
export function stream(open: () => Source | Promise<Source>, details?: AttachmentDetails): Attachment {
  if (typeof open !== "function") throw new MessageError("open", `is ${describe(open)}, not a function`);
  const begin = (field: string) => ({
    isReopenable: true,
    open: async () => {
      // Before there is a stream, which must not fail unheard.
      const { piecesOf } = await import("./stream-octets.ts");
      return piecesOf(await open(), field);
    },
  });
  return { ...details, content: new OpenedLater(begin) };
}
