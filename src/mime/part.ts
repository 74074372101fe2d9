// Body parts (RFC 2046): the tree of a message, and its octets.

import { type Chunk, CR, LF } from "../bytes.ts";
import { Flow } from "../flow.ts";
import { CRLF, structuredField } from "./header.ts";
import { formatParameter } from "./parameter.ts";
import type { EncodedBody } from "./transfer-encoding.ts";

/** A part with a body of its own. */
export interface LeafPart {
  readonly kind: "leaf";
  /** Its Content-… fields, without Content-Transfer-Encoding. */
  readonly header: string;
  readonly body: EncodedBody | UnencodedBody | FlowingBody;
}

/** A body that is sent as it is. Unless it is binary its lines are those of a message: whole, and within the limit. */
export interface UnencodedBody {
  readonly encoding: "7bit" | "8bit" | "binary";
  readonly body: Chunk;
}

/** A body that is encoded, if it is, when it comes. */
export interface FlowingBody {
  readonly encoding: "base64" | "binary";
  readonly body: Flow;
}

/** A part made of parts. */
export interface MultiPart {
  readonly kind: "multipart";
  readonly header: string;
  readonly boundary: string;
  readonly parts: readonly Part[];
}

export type Part = LeafPart | MultiPart;

/** A multipart of the given subtype, such as `mixed`. */
export function multipart(
  subtype: "mixed" | "alternative" | "related",
  boundary: string,
  parts: readonly Part[],
): MultiPart {
  const parameters = formatParameter("boundary", boundary);
  // RFC 2387 §3.1 asks for the type of the root, which here is always the HTML.
  if (subtype === "related") parameters.push('type="text/html"');
  const header = contentField("Content-Type", `multipart/${subtype}`, parameters);
  return { kind: "multipart", header, boundary, parts };
}

/** A field of a value and its parameters, such as Content-Type. */
export function contentField(name: string, value: string, parameters: readonly string[]): string {
  const units = [value, ...parameters];
  return structuredField(
    name,
    units.map((unit, at) => (at < units.length - 1 ? `${unit};` : unit)),
    name,
  );
}

/** `fields` and then `part`, in canonical form: every line, the last one too, ends in CRLF. */
export function serialize(fields: string, part: Part): readonly (Chunk | Flow)[] {
  const chunks: (Chunk | Flow)[] = [fields];
  writePart(part, chunks);
  if (!endsInLineEnd(chunks.at(-1))) write(CRLF, chunks);
  return chunks;
}

const ENCODING_FIELD: Readonly<Record<LeafPart["body"]["encoding"], string>> = {
  "7bit": /* @__PURE__ */ encodingField("7bit"),
  "8bit": /* @__PURE__ */ encodingField("8bit"),
  binary: /* @__PURE__ */ encodingField("binary"),
  "quoted-printable": /* @__PURE__ */ encodingField("quoted-printable"),
  base64: /* @__PURE__ */ encodingField("base64"),
};

function encodingField(encoding: LeafPart["body"]["encoding"]): string {
  return structuredField("Content-Transfer-Encoding", [encoding], "body");
}

// The depth is ours (three at most), not the caller's.
function writePart(part: Part, chunks: (Chunk | Flow)[]): void {
  if (part.kind === "leaf") {
    write(part.header + ENCODING_FIELD[part.body.encoding] + CRLF, chunks);
    write(part.body.body, chunks);
    return;
  }
  write(part.header, chunks);
  for (const child of part.parts) {
    // RFC 2046 §5.1.1: the CRLF before a delimiter belongs to the delimiter, so a body keeps its own last line.
    write(`${CRLF}--${part.boundary}${CRLF}`, chunks);
    writePart(child, chunks);
  }
  write(`${CRLF}--${part.boundary}--`, chunks);
}

/** Adds to the last chunk where both are strings: a message without attachments is then encoded in one call. */
function write(chunk: Chunk | Flow, chunks: (Chunk | Flow)[]): void {
  const last = chunks.at(-1);
  if (typeof chunk === "string" && typeof last === "string") chunks[chunks.length - 1] = last + chunk;
  else if (chunk instanceof Flow || chunk.length > 0) chunks.push(chunk);
}

function endsInLineEnd(chunk: Chunk | Flow | undefined): boolean {
  if (chunk === undefined || typeof chunk === "string") return chunk?.endsWith(CRLF) ?? true;
  return chunk instanceof Uint8Array && chunk.at(-2) === CR && chunk.at(-1) === LF;
}
