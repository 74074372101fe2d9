// The forms a message has, each for a reader that can show it, in the order they are written.

import { type ResolvedAttachment, resolveAttachment } from "../attachment.ts";
import { MessageError } from "../errors.ts";
import { describe, type Keys, readArray, readObject, readText, refuseHalfPairs } from "../input.ts";
import { type MediaType, parseMediaType } from "../media-type.ts";

/** Is an event or an answer to one, in iCalendar (RFC 5545): shown by readers, and attached as a file too. */
export interface Calendar {
  /** The calendar object, from `BEGIN:VCALENDAR` on. */
  readonly content: string;
  /** What it is to do (RFC 5546), such as `REQUEST`; as its METHOD says by default, which it must not contradict. */
  readonly method?: string;
  /** The name of the attached file; `invite.ics` by default. */
  readonly filename?: string;
}

/** Is the message in a further form. */
export interface Alternative {
  /** The media type with its parameters, such as `text/markdown; variant=CommonMark`. */
  readonly contentType: string;
  /**
   * Text that is to be sent as UTF-8, or octets. Octets are not copied: leave the array as it is until the message has
   * been sent.
   */
  readonly content: string | Uint8Array;
}

/** One form of the message. Text has its lines; octets are sent as they are. */
export interface Body {
  readonly type: MediaType;
  readonly content: string | Uint8Array;
  readonly isFlowed: boolean;
}

export interface ResolvedBodies {
  readonly bodies: Body[];
  readonly html: string | undefined;
  /** What is attached because of a body. */
  readonly attached: ResolvedAttachment | undefined;
}

/** The properties read here, as they were given. */
export interface GivenBodies {
  readonly text?: unknown;
  readonly flowed?: unknown;
  readonly watchHtml?: unknown;
  readonly amp?: unknown;
  readonly alternatives?: unknown;
  readonly html?: unknown;
  readonly calendar?: unknown;
}

const PLAIN: MediaType = { essence: "text/plain", parameters: [] };
const WATCH: MediaType = { essence: "text/watch-html", parameters: [] };
const AMP: MediaType = { essence: "text/x-amp-html", parameters: [] };
const HTML: MediaType = { essence: "text/html", parameters: [] };

/**
 * Reads the forms, the plainest first (RFC 2046 §5.1.4). HTML stands behind all others that mean the same, for some
 * readers show the last they are given, whatever it is. Behind it stands what is to be acted on: Outlook and Gmail look
 * for the calendar there.
 */
export function readBodies(given: GivenBodies): ResolvedBodies {
  const bodies: Body[] = [];
  if (given.text !== undefined) {
    bodies.push({ type: PLAIN, content: readBody(given.text, "text"), isFlowed: given.flowed === true });
  }
  if (given.watchHtml !== undefined) {
    bodies.push(bodyOf(WATCH, readShown(given.watchHtml, "watchHtml", given)));
  }
  if (given.amp !== undefined) bodies.push(bodyOf(AMP, readShown(given.amp, "amp", given)));
  if (given.alternatives !== undefined) bodies.push(...readAlternatives(given.alternatives));
  const html = given.html === undefined ? undefined : readBody(given.html, "html");
  if (html !== undefined) bodies.push(bodyOf(HTML, html));
  if (given.calendar === undefined) return { bodies, html, attached: undefined };
  const { body, attached } = readCalendar(given.calendar);
  bodies.push(body);
  return { bodies, html, attached };
}

function bodyOf(type: MediaType, content: Body["content"]): Body {
  return { type, content, isFlowed: false };
}

function readBody(value: unknown, field: string): string {
  const text = readText(value, field);
  refuseHalfPairs(text, field);
  return text;
}

/** Few readers know these two, and the others have to have something else to show. */
function readShown(value: unknown, field: string, { text, html }: GivenBodies): string {
  if (text === undefined && html === undefined) {
    throw new MessageError(field, "is given without text or html, which most readers need");
  }
  return readBody(value, field);
}

/** No reader knows more forms than these. */
const MAX_ALTERNATIVES = 20;

const ALTERNATIVE_KEYS: Keys<keyof Alternative> = { contentType: undefined, content: undefined };

const OWN_PROPERTY: ReadonlyMap<string, string> = new Map([
  ["text/plain", "text"],
  ["text/html", "html"],
  ["text/watch-html", "watchHtml"],
  ["text/x-amp-html", "amp"],
  ["text/calendar", "calendar"],
  ["message/rfc822", "attachments"],
]);

function readAlternatives(value: unknown): Body[] {
  return readArray(value, "alternatives", MAX_ALTERNATIVES).map((alternative, at) => {
    const field = `alternatives[${at}]`;
    const { contentType, content } = readObject(alternative, ALTERNATIVE_KEYS, field);
    const type = parseMediaType(
      readText(contentType, `${field}.contentType`),
      content,
      `${field}.contentType`,
    );
    const property = OWN_PROPERTY.get(type.essence);
    if (property !== undefined) {
      throw new MessageError(`${field}.contentType`, `is ${type.essence}, which is not set here`, {
        hint: `use the property "${property}" of the message`,
      });
    }
    if (content instanceof Uint8Array) return bodyOf(type, content);
    if (typeof content === "string") return bodyOf(type, readBody(content, `${field}.content`));
    throw new MessageError(`${field}.content`, `is ${describe(content)}, not a string or Uint8Array`);
  });
}

const CALENDAR_KEYS: Keys<keyof Calendar> = { content: undefined, method: undefined, filename: undefined };

// RFC 5545 §3.1: a line may go on behind a line end and a blank, and have parameters before its value.
const LINE_FOLD = /(?:\r?\n|\r)[ \t]/g;
const METHOD_LINE = /[\n\r]METHOD(?:;[^:\n\r]*)?:([^\n\r]*)/i;
// RFC 5546 §1.4.
const METHOD = /^(?:PUBLISH|REQUEST|REPLY|ADD|CANCEL|REFRESH|COUNTER|DECLINECOUNTER)$/;

function readCalendar(value: unknown): { readonly body: Body; readonly attached: ResolvedAttachment } {
  const calendar = readObject(value, CALENDAR_KEYS, "calendar");
  const content = readBody(calendar.content, "calendar.content");
  if (!/^BEGIN:VCALENDAR\s/i.test(content)) {
    throw new MessageError(
      "calendar.content",
      "is not a calendar object: it does not begin with BEGIN:VCALENDAR",
    );
  }
  const said = METHOD_LINE.exec(content.replace(LINE_FOLD, ""))?.[1]?.toUpperCase();
  const method = calendar.method === undefined ? said : readText(calendar.method, "calendar.method");
  if (method !== undefined && !METHOD.test(method)) {
    throw new MessageError("calendar.method", "is not a method of RFC 5546, such as REQUEST or CANCEL");
  }
  // RFC 6047 §2.4: they must be the same, and readers go by the one or the other.
  if (method !== said) {
    throw new MessageError("calendar.method", "is not what the METHOD of the calendar object says", {
      hint: `write METHOD:${method} into the calendar object`,
    });
  }
  const parameters: [string, string][] = method === undefined ? [] : [["method", method]];
  const { filename = "invite.ics" } = calendar;
  return {
    body: bodyOf({ essence: "text/calendar", parameters }, content),
    // Not text/calendar again: readers would show the event twice.
    attached: resolveAttachment({ filename, content, contentType: "application/ics" }, "calendar"),
  };
}
