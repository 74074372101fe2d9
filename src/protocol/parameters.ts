// What MAIL and RCPT say of a message: their parameters, and the extensions that it takes.

import { MessageError, type Reply } from "../errors.ts";
import type { Terms } from "../terms.ts";
import type { Streamed } from "./dialogue.ts";
import { deliverByLimit, type Extensions, holdLimits, sizeLimit } from "./extensions.ts";

/** What of a transaction has a bearing on them. */
export interface Needs {
  /** The message, every line ended by CR LF, before transparency. */
  readonly content: Uint8Array | Streamed;
  /** An address of the envelope or of the header section is not ASCII (RFC 6531). */
  readonly utf8: boolean;
  /** A body part is not ASCII, and not encoded (RFC 6152). */
  readonly eightBit?: boolean | undefined;
  /** A body part is any octets, and not encoded (RFC 3030 §3). Its content is streamed. */
  readonly binary?: boolean | undefined;
  /** What the message asks of the server beyond delivery, where it asks for anything. */
  readonly terms?: Terms | undefined;
}

const NONE: readonly string[] = [];

/**
 * What MAIL says of the message, and what the message needs that the server must offer. `isChunked` says whether its mail
 * data is going in chunks.
 */
export function mailParameters(
  { content, utf8, eightBit, binary, terms }: Needs,
  extensions: Extensions,
  { isChunked }: { readonly isChunked: boolean },
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
  if (binary) {
    // RFC 3030 §3: never through DATA, and what BINARYMIME takes includes 8bit.
    for (const keyword of ["BINARYMIME", "CHUNKING"] as const) demand(keyword, extensions, "attachments");
    if (!isChunked)
      throw missing("attachments", "one goes unencoded, and LMTP is not spoken in chunks", UNENCODED);
    parameters.push("BODY=BINARYMIME");
    used.push("BINARYMIME");
  } else if (eightBit) {
    demand("8BITMIME", extensions, "message");
    parameters.push("BODY=8BITMIME");
    used.push("8BITMIME");
  }
  if (utf8) {
    demand("SMTPUTF8", extensions, "message");
    parameters.push("SMTPUTF8");
    used.push("SMTPUTF8");
  }
  if (terms !== undefined) {
    for (const { keyword, said } of asked(terms, extensions)) {
      parameters.push(...said);
      used.push(keyword);
    }
  }
  return { parameters, used };
}

/** What RCPT says of a recipient. That the server offers DSN has been found out for MAIL. */
export function rcptParameters(terms: Terms | undefined, recipient: string): readonly string[] {
  const dsn = terms?.dsn;
  return dsn === undefined ? NONE : (dsn.recipients.get(recipient) ?? dsn.rcpt);
}

/** The extensions that a reply is read with: where enhanced status codes are on offer, this one has one (RFC 2034). */
export function readWith({ enhancedStatus }: Reply, extensions: Extensions): readonly string[] {
  return enhancedStatus !== undefined && extensions.has(STATUS) ? [STATUS] : NONE;
}

const STATUS = "ENHANCEDSTATUSCODES";

/** What MAIL says of the terms, each with its extension. */
function* asked(
  { dsn, requireTls, mtPriority, deliverBy, hold }: Terms,
  extensions: Extensions,
): Generator<{ readonly keyword: string; readonly said: readonly string[] }, void, void> {
  if (dsn !== undefined) {
    demand("DSN", extensions, dsn.field);
    yield { keyword: "DSN", said: dsn.mail };
  }
  if (requireTls) {
    demand("REQUIRETLS", extensions, "requireTls");
    yield { keyword: "REQUIRETLS", said: ["REQUIRETLS"] };
  }
  if (mtPriority !== undefined) {
    demand("MT-PRIORITY", extensions, "mtPriority");
    yield { keyword: "MT-PRIORITY", said: [`MT-PRIORITY=${mtPriority}`] };
  }
  if (deliverBy !== undefined) {
    const { seconds, mode, trace } = deliverBy;
    demand("DELIVERBY", extensions, "deliverBy");
    // The server's least is for messages that are returned (RFC 2852); a report can be sent at any time.
    const least = mode === "R" ? deliverByLimit(extensions) : undefined;
    if (least !== undefined && seconds < least) {
      throw beyond("deliverBy.within", `is ${seconds} seconds; the server takes ${least} at least`);
    }
    yield { keyword: "DELIVERBY", said: [`BY=${seconds};${mode}${trace ? "T" : ""}`] };
  }
  if (hold !== undefined) {
    demand("FUTURERELEASE", extensions, hold.field);
    const limits = holdLimits(extensions);
    if (hold.field === "holdFor") {
      if (limits.seconds !== undefined && hold.seconds > limits.seconds) {
        throw beyond("holdFor", `is ${hold.seconds} seconds; the server takes ${limits.seconds} at most`);
      }
      yield { keyword: "FUTURERELEASE", said: [`HOLDFOR=${hold.seconds}`] };
    } else {
      // Both are written alike, so that the later one is also behind the other in the order of characters.
      if (limits.time !== undefined && hold.time > limits.time) {
        throw beyond("holdUntil", `is ${hold.time}; the server takes ${limits.time} at the latest`);
      }
      yield { keyword: "FUTURERELEASE", said: [`HOLDUNTIL=${hold.time}`] };
    }
  }
}

function beyond(field: string, complaint: string): MessageError {
  return new MessageError(field, complaint, { phase: "mail" });
}

const UNENCODED = 'leave out encoding: "binary"';

/** What is told of a message that needs an extension: why it does, and what else might be done. */
const WANTED = {
  "8BITMIME": ["a body is not ASCII", "RFC 6152", "use ASCII, or an encoding"],
  BINARYMIME: ["one goes unencoded", "RFC 3030", UNENCODED],
  CHUNKING: ["one goes unencoded", "RFC 3030", UNENCODED],
  SMTPUTF8: ["an address is not ASCII", "RFC 6531", "use an ASCII address"],
  DSN: ["reports are asked for", "RFC 3461", "leave it out"],
  REQUIRETLS: ["it is set", "RFC 8689", "leave it out"],
  "MT-PRIORITY": ["it is set", "RFC 6710", "leave it out"],
  DELIVERBY: ["it is set", "RFC 2852", "leave it out"],
  FUTURERELEASE: ["it is set", "RFC 4865", "leave it out"],
} as const;

/** Refuses what cannot be sent without an extension. */
function demand(keyword: keyof typeof WANTED, extensions: Extensions, field: string): void {
  if (extensions.has(keyword)) return;
  const [why, source, instead] = WANTED[keyword];
  // RFC 8689 §2: it may be asked of a server only that is known by its certificate; of others it is not on offer.
  const where = keyword === "REQUIRETLS" ? " over TLS with a certificate that verifies" : "";
  throw missing(
    field,
    `${why}, and the server does not offer ${keyword}${where} (${source})`,
    `${instead}, or use a server that offers ${keyword}`,
  );
}

function missing(field: string, complaint: string, hint: string): MessageError {
  return new MessageError(field, complaint, { code: "extension_required", phase: "mail", hint });
}
