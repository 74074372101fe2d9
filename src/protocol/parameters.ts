// What MAIL says of a message: its parameters, and the extensions that it takes.

import { MessageError } from "../errors.ts";
import type { Streamed } from "./dialogue.ts";
import { type Extensions, sizeLimit } from "./extensions.ts";

/** What of a transaction has a bearing on them. */
export interface Needs {
  /** The message, every line ended by CR LF, before transparency. */
  readonly content: Uint8Array | Streamed;
  /** An address of the envelope or of the header section is not ASCII (RFC 6531). */
  readonly utf8: boolean;
  /** A body part is not ASCII, and not encoded (RFC 6152). */
  readonly eightBit?: boolean | undefined;
}

/** What MAIL says of the message, and what the message needs that the server must offer. */
export function mailParameters(
  { content, utf8, eightBit }: Needs,
  extensions: Extensions,
): { readonly parameters: readonly string[]; readonly used: readonly string[] } {
  const parameters: string[] = [];
  const used: string[] = [];
  const size = content instanceof Uint8Array ? content.length : content.size;
  // RFC 1870 §5 would take an estimate; what is not known is not said.
  if (extensions.has("SIZE") && size !== undefined) {
    const limit = sizeLimit(extensions);
    if (limit !== undefined && size > limit) {
      throw new MessageError("message", `it is ${size} octets long; the server takes ${limit} at most`, {
        code: "message_too_large",
        phase: "mail",
      });
    }
    parameters.push(`SIZE=${size}`);
    used.push("SIZE");
  }
  if (eightBit) {
    demand("8BITMIME", extensions, "a body is not ASCII, and the server does not offer 8BITMIME (RFC 6152)");
    parameters.push("BODY=8BITMIME");
    used.push("8BITMIME");
  }
  if (utf8) {
    demand(
      "SMTPUTF8",
      extensions,
      "an address is not ASCII, and the server does not offer SMTPUTF8 (RFC 6531)",
    );
    parameters.push("SMTPUTF8");
    used.push("SMTPUTF8");
  }
  return { parameters, used };
}

/** Refuses what cannot be sent without an extension. */
function demand(keyword: "8BITMIME" | "SMTPUTF8", extensions: Extensions, complaint: string): void {
  if (extensions.has(keyword)) return;
  const what = keyword === "SMTPUTF8" ? "an ASCII address" : "ASCII, or an encoding";
  throw new MessageError("message", complaint, {
    code: "extension_required",
    phase: "mail",
    hint: `use ${what}, or a server that offers ${keyword}`,
  });
}
