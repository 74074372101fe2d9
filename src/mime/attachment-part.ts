// What an attachment becomes: its fields, and its octets as base64.

import type { ResolvedAttachment } from "../attachment.ts";
import type { ResolvedSource } from "../source.ts";
import { structuredField } from "./header.ts";
import { mediaTypeOf } from "./media-types.ts";
import { formatParameter } from "./parameter.ts";
import { contentField, type LeafPart } from "./part.ts";
import { encodeBase64Lines } from "./transfer-encoding.ts";

/** The part that an attachment becomes. */
export function attachmentPart(attachment: ResolvedAttachment): LeafPart {
  const { filename, source, contentType, cid, disposition } = attachment;
  const isText = source.kind === "memory" && source.isText;
  const essence = contentType?.essence ?? mediaTypeOf(filename);
  const parameters = (contentType?.parameters ?? []).flatMap(([name, value]) => formatParameter(name, value));
  const hasCharset = contentType?.parameters.some(([name]) => name === "charset") ?? false;
  if (isText && essence.startsWith("text/") && !hasCharset) parameters.push("charset=utf-8");
  let header = contentField("Content-Type", essence, parameters);
  if (cid !== undefined) header += structuredField("Content-ID", [`<${cid}>`], "attachments");
  header += contentField(
    "Content-Disposition",
    disposition,
    filename === undefined ? [] : formatParameter("filename", filename),
  );
  return { kind: "leaf", header, body: encodeSource(source) };
}

function encodeSource(source: ResolvedSource): LeafPart["body"] {
  if (source.kind === "flow") return { encoding: "base64", body: source.flow };
  return { encoding: "base64", body: encodeBase64Lines(source.octets) };
}
