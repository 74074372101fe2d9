// The tree of parts that holds what a message has (RFC 2046 §5.1): related inside alternative inside mixed, and none
// of them around a single part.

import { encodeUtf8, isAsciiText } from "../bytes.ts";
import type { Body, ResolvedContent } from "../message.ts";
import { attachmentPart } from "./attachment-part.ts";
import { canonicalText } from "./canonical.ts";
import { flowText } from "./flowed.ts";
import { MAX_LINE, structuredField } from "./header.ts";
import { formatParameter } from "./parameter.ts";
import { contentField, type LeafPart, type MultiPart, multipart, type Part } from "./part.ts";
import { encodeBase64Lines, encodeText } from "./transfer-encoding.ts";

export interface TreeContext {
  /** A new boundary with each call. */
  readonly boundary: () => string;
  /** Whether parts may be 8bit. */
  readonly eightBit: boolean;
}

/** The least tree that holds what there is. */
export function partOf({ bodies, html, attachments }: ResolvedContent, context: TreeContext): Part {
  const { boundary, eightBit } = context;
  const [only = NOTHING, another] = bodies;
  if (attachments.length === 0 && another === undefined) return partOfBody(only, eightBit);
  const shown: Part[] = [];
  const attached: Part[] = [];
  const mentions = attachments.some(({ cid }) => cid !== undefined) ? mentionsOf(html ?? "") : NONE;
  for (const attachment of attachments) {
    const isShown = attachment.cid !== undefined && mentions.has(attachment.cid);
    (isShown ? shown : attached).push(attachmentPart(attachment, eightBit));
  }
  const parts = bodies.map((body): Part => {
    const part = partOfBody(body, eightBit);
    return shown.length > 0 && body.type.essence === "text/html"
      ? parent("related", boundary(), [part, ...shown])
      : part;
  });
  const [first, second] = parts;
  const body = second === undefined ? first : parent("alternative", boundary(), parts);
  if (body === undefined) return parent("mixed", boundary(), attached);
  return attached.length === 0 ? body : parent("mixed", boundary(), [body, ...attached]);
}

const NOTHING: Body = { type: { essence: "text/plain", parameters: [] }, content: "", isFlowed: false };

const NONE: ReadonlySet<string> = new Set();

// What a Content-ID is made of, and the ";" of `&amp;`: of its 250 characters each may be written as five. It is looked
// at and not passed over, so that nothing is lost that begins in it.
const CID = /cid:(?=([\w!#$%&'*+\-/=?^`{|}~.@;]{1,1250}))/gi;

/**
 * The Content-IDs that `html` mentions. Only what is found belongs to the HTML, where readers that cannot show it hide
 * it; an image that is not mentioned is attached, so that it is not lost. A URL may be written with percent signs
 * (RFC 2392 §2), in HTML with `&amp;`, and between quotes that a Content-ID may hold too: `'` and `&quot;`.
 */
function mentionsOf(html: string): ReadonlySet<string> {
  const mentions = new Set<string>();
  for (const [, written = ""] of html.matchAll(CID)) {
    const url = written
      .replaceAll("&amp;", "&")
      .replace(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    for (const id of [written, url]) mentions.add(id).add(upTo("'", id)).add(upTo("&", id));
  }
  return mentions;
}

function upTo(end: string, text: string): string {
  const at = text.indexOf(end);
  return at < 0 ? text : text.slice(0, at);
}

/** Whether it goes as 8bit, or as binary, or a part of it does. */
export function has(encoding: "8bit" | "binary", part: Part): boolean {
  return part.kind === "leaf"
    ? part.body.encoding === encoding
    : part.parts.some((child) => has(encoding, child));
}

const WIDE = /* @__PURE__ */ (["binary", "8bit"] as const).map(
  (encoding) => [encoding, structuredField("Content-Transfer-Encoding", [encoding], "body")] as const,
);

function parent(...given: Parameters<typeof multipart>): MultiPart {
  const part = multipart(...given);
  // RFC 2045 §6.4: who holds a part that is 8bit or binary is so too.
  const [, field] = WIDE.find(([encoding]) => has(encoding, part)) ?? [];
  return field === undefined ? part : { ...part, header: part.header + field };
}

function partOfBody({ type, content, isFlowed }: Body, eightBit: boolean): LeafPart {
  const { essence, parameters } = type;
  if (typeof content === "string" && essence.startsWith("text/")) {
    const header = !isFlowed && parameters.length === 0 ? TEXT_HEADER.get(essence) : undefined;
    return {
      kind: "leaf",
      header: header ?? textHeader(type, isFlowed ? ["format=flowed"] : []),
      body: encodeLines(isFlowed ? flowText(content) : content, eightBit),
    };
  }
  const octets = typeof content === "string" ? encodeUtf8(content) : content;
  return {
    kind: "leaf",
    header: contentField("Content-Type", essence, format(parameters)),
    body: { encoding: "base64", body: encodeBase64Lines(octets) },
  };
}

function textHeader({ essence, parameters }: Body["type"], more: readonly string[] = []): string {
  const hasCharset = parameters.some(([name]) => name === "charset");
  const charset = hasCharset ? [] : ["charset=utf-8"];
  return contentField("Content-Type", essence, [...charset, ...format(parameters), ...more]);
}

function format(parameters: Body["type"]["parameters"]): string[] {
  return parameters.flatMap(([name, value]) => formatParameter(name, value));
}

const TEXT_HEADER: ReadonlyMap<string, string> = /* @__PURE__ */ new Map(
  /* @__PURE__ */ ["text/plain", "text/html"].map((essence) => [
    essence,
    textHeader({ essence, parameters: [] }),
  ]),
);

function encodeLines(text: string, eightBit: boolean): LeafPart["body"] {
  if (eightBit && !isAsciiText(text)) {
    const { octets, hasNul, longestLine } = canonicalText(text);
    if (!hasNul && longestLine <= MAX_LINE) return { encoding: "8bit", body: octets };
  }
  return encodeText(text);
}
