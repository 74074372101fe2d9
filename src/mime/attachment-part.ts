// What an attachment becomes: its fields, and its octets, which are base64 unless they are a message, or are to go as
// they are.

import type { ResolvedAttachment } from "../attachment.ts";
import { MessageError } from "../errors.ts";
import { eightBitError } from "../prebuilt.ts";
import { writeField } from "./field.ts";
import { structuredField } from "./header.ts";
import { mediaTypeOf } from "./media-types.ts";
import { asciiFallback, formatParameter } from "./parameter.ts";
import { contentField, type LeafPart } from "./part.ts";
import { encodeBase64Lines, unencoded } from "./transfer-encoding.ts";

/** The part that an attachment becomes; `eightBit` says whether it may be 8bit. */
export function attachmentPart(attachment: ResolvedAttachment, eightBit: boolean): LeafPart {
  const { filename, source, contentType, cid, disposition, fields } = attachment;
  const isText = source.kind === "memory" && source.isText;
  const essence = contentType?.essence ?? mediaTypeOf(filename);
  if (attachment.binary !== undefined && NEVER_BINARY.test(essence)) {
    // RFC 3030 §3: text goes in lines that end in CRLF; and no message holds any octet there is (RFC 2046 §5.2.1).
    throw new MessageError(attachment.binary, `is "binary", which ${essence} is not`, {
      hint: "leave it out",
    });
  }
  const parameters = (contentType?.parameters ?? []).flatMap(([name, value]) => formatParameter(name, value));
  const hasCharset = contentType?.parameters.some(([name]) => name === "charset") ?? false;
  // The file is named here too, in ASCII, for readers that do not know RFC 2231.
  const fallback = filename === undefined ? undefined : asciiFallback(filename);
  if (fallback !== undefined) parameters.push(...formatParameter("name", fallback));
  if (isText && essence.startsWith("text/") && !hasCharset) parameters.push("charset=utf-8");
  let header = contentField("Content-Type", essence, parameters);
  if (cid !== undefined) header += structuredField("Content-ID", [`<${cid}>`], "attachments");
  header += contentField(
    "Content-Disposition",
    disposition,
    filename === undefined ? [] : formatParameter("filename", filename),
  );
  for (const field of fields) header += writeField(field);
  return { kind: "leaf", header, body: bodyOf(attachment, eightBit) };
}

const NEVER_BINARY = /^(?:text|message)\//;

function bodyOf({ source, message, binary }: ResolvedAttachment, eightBit: boolean): LeafPart["body"] {
  if (message !== undefined) {
    if (message.eightBit && !eightBit) throw eightBitError(message);
    return { encoding: message.eightBit ? "8bit" : "7bit", body: message.octets };
  }
  if (source.kind === "flow") {
    return { encoding: binary === undefined ? "base64" : "binary", body: source.flow };
  }
  if (binary !== undefined) return { encoding: "binary", body: unencoded(source.octets) };
  return { encoding: "base64", body: encodeBase64Lines(source.octets) };
}
