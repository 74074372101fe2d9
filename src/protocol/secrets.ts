// What nobody else may read. Some servers repeat it in a refusal, login and all, and not always as it was said.

import { decodeBase64, decodeLatin1, decodeText, encodeBase64, encodeHex, encodeUtf8 } from "../bytes.ts";
import { type Command, MASK } from "../commands.ts";
import type { Reply } from "../errors.ts";
import type { Turn } from "./dialogue.ts";

/** A stretch of a secret that gives it away, and where in it that stands. */
interface Piece {
  readonly text: string;
  readonly of: string;
  readonly at: number;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

export class Secrets {
  readonly #known: Set<string> = new Set();
  readonly #pieces: Piece[] = [];
  /** The length of the shortest piece: what is shorter, as most replies to a message are, holds none. */
  #least: number = Number.POSITIVE_INFINITY;

  /** Takes note of secrets, as they are to be looked for: see `formsOf`. */
  add(secrets: readonly string[]): void {
    for (const secret of secrets) {
      if (secret === "" || this.#known.has(secret)) continue;
      this.#known.add(secret);
      const of = fold(secret);
      this.#pieces.push(...piecesOf(of));
      this.#least = Math.min(this.#least, of.length, PIECE);
    }
  }

  /** Takes note of what a turn brings along. */
  note(turn: Turn): void {
    if (turn.kind === "commands") this.remember(turn.commands);
    else if (turn.kind === "greeting" && turn.secrets !== undefined) this.add(turn.secrets);
  }

  /** Takes note of what `commands` carry. */
  remember(commands: readonly Command[]): void {
    for (const { secrets } of commands) if (secrets.length > 0) this.add(secrets);
  }

  mask(text: string): string {
    return this.#maskLines([text])[0] ?? "";
  }

  /** The reply as it may be shown. */
  maskReply(reply: Reply): Reply {
    if (this.#pieces.length === 0) return reply;
    const lines = reply.code === 334 ? reply.lines.map((line) => this.#maskChallenge(line)) : reply.lines;
    return { ...reply, lines: this.#maskLines(lines) };
  }

  /** What a challenge holds is encoded, and a secret in it then looks like none. */
  #maskChallenge(line: string): string {
    const octets = decodeBase64(line);
    if (octets === undefined) return line;
    const text = decodeText(octets);
    // RFC 5802 §7: the server's signature. Whoever has it, and the rest of the exchange, can try passwords on it.
    return text.startsWith("v=") || this.mask(text) !== text ? MASK : line;
  }

  #maskLines(lines: readonly string[]): readonly string[] {
    const [only] = lines;
    if (lines.length === 1 && only !== undefined) {
      const spans = this.#spansIn(lines);
      return spans.length === 0 ? lines : [maskSpans(only, spans, { base: 0, next: 0 })];
    }
    // As one: a server that folds what it repeats breaks it anywhere. The status stands before each piece of it.
    const starts = lines.map((line, at) => (at === 0 ? 0 : (STATUS.exec(line)?.[0].length ?? 0)));
    const texts = lines.map((line, at) => line.slice(starts[at]));
    const spans = this.#spansIn(texts);
    if (spans.length === 0) return lines;
    let base = 0;
    let next = 0;
    return lines.map((line, at) => {
      const text = texts[at] ?? "";
      while ((spans[next]?.end ?? Number.POSITIVE_INFINITY) <= base) next++;
      const masked = line.slice(0, starts[at]) + maskSpans(text, spans, { base, next });
      base += text.length;
      return masked;
    });
  }

  /** Where secrets stand, and what is left of one that was cut; by their beginning, apart from each other. */
  #spansIn(texts: readonly string[]): readonly Span[] {
    const folded = fold(texts.join(""));
    if (folded.length < this.#least) return NOTHING;
    let length = 0;
    const ends = new Set(texts.map((text) => (length += text.length)));
    const spans: Span[] = [];
    for (const piece of this.#pieces) {
      let from = 0;
      for (let at = folded.indexOf(piece.text); at >= 0; at = folded.indexOf(piece.text, from)) {
        const span = extend(folded, at, piece, from);
        if (piece.of.length > SHORT || isAlone(folded, span, ends)) spans.push(span);
        from = span.end;
      }
    }
    return spans.length < 2 ? spans : merge(spans);
  }
}

const NOTHING: readonly never[] = [];

/** RFC 2034 §4: in a reply of several lines it stands on each of them. */
const STATUS = /^[245]\.\d{1,3}\.\d{1,3} /;

/** How much of a secret tells it from other words. */
const PIECE = 12;
/** In how many places a secret is looked for, whole or cut. A token may be thousands of characters long. */
const PLACES = 8;

/**
 * What is no longer than this stands within words that have nothing to do with it. To mask it there would leave nothing to
 * be read, and tell what it is.
 */
const SHORT = 3;

const WORD = /[\p{L}\p{N}]/u;

/** Whether no letter or digit is beside it; `ends` are those of lines. */
function isAlone(text: string, { start, end }: Span, ends: ReadonlySet<number>): boolean {
  const isOpen = start === 0 || ends.has(start) || !WORD.test(text[start - 1] ?? "");
  return isOpen && (ends.has(end) || !WORD.test(text[end] ?? ""));
}

/** Its beginning, its end, and some of what is between; all of it where it is short. */
function piecesOf(of: string): readonly Piece[] {
  const last = of.length - PIECE;
  if (last <= 0) return [{ text: of, of, at: 0 }];
  const step = Math.max(PIECE, Math.ceil(last / PLACES));
  const places = Array.from({ length: Math.ceil(last / step) }, (_, place) => place * step);
  return [...places, last].map((at) => ({ text: of.slice(at, at + PIECE), of, at }));
}

/** As much of the secret as stands there, not before `from`. */
function extend(text: string, at: number, piece: Piece, from: number): Span {
  const { of, at: place } = piece;
  let start = at;
  while (start > from && at - start < place && text[start - 1] === of[place - (at - start) - 1]) start--;
  let end = at + piece.text.length;
  while (end < text.length && text[end] === of[place + end - at]) end++;
  return { start, end };
}

function merge(spans: Span[]): readonly Span[] {
  const merged: Span[] = [];
  for (const { start, end } of spans.sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last === undefined || start > last.end) merged.push({ start, end });
    else if (end > last.end) merged[merged.length - 1] = { start: last.start, end };
  }
  return merged;
}

/** `text`, which stands at `base` in that of the spans; none before the span number `next` reaches into it. */
function maskSpans(
  text: string,
  spans: readonly Span[],
  { base, next }: { readonly base: number; readonly next: number },
): string {
  let masked = "";
  let from = 0;
  for (let at = next; at < spans.length; at++) {
    const span = spans[at] as Span;
    const start = Math.max(span.start - base, 0);
    const end = Math.min(span.end - base, text.length);
    if (start >= end) break;
    masked += text.slice(from, start) + MASK;
    from = end;
  }
  return masked + text.slice(from);
}

/** In any case, and in either alphabet of base64 (RFC 4648 §5), character for character. */
function fold(text: string): string {
  // The one letter that becomes two when it becomes small, and the one that becomes another at the end of a word.
  const small = text.replaceAll("\u0130", "i").toLowerCase().replaceAll("\u03c2", "\u03c3");
  return small.replaceAll("-", "+").replaceAll("_", "/");
}

/** A form that is shorter stands in the words of others too. */
const MIN_FORM = 8;

/** A secret in the forms that servers repeat it in: as it is, and as one encoding or the other makes it. */
export function formsOf(secret: string): readonly string[] {
  const octets = encodeUtf8(secret);
  const escaped = encodeURIComponent(secret);
  const others = [
    // What is read as Latin-1 where the rest of the line is no UTF-8.
    decodeLatin1(octets),
    JSON.stringify(secret).slice(1, -1),
    escaped,
    escaped.replaceAll("%20", "+"),
    encodeHex(octets),
    within(octets, 1),
    within(octets, 2),
  ];
  return [secret, encodeBase64(octets), ...others.filter((form) => form.length >= MIN_FORM)];
}

/** What there is of them in any base64 in which as many octets, or three or six more, precede them. */
function within(octets: Uint8Array, before: 1 | 2): string {
  const all = new Uint8Array(before + octets.length);
  all.set(octets, before);
  // Six bits for a character: those at either end tell of what is beside them too.
  return encodeBase64(all).slice(before + 1, Math.floor((all.length * 8) / 6));
}

/** The same of all secrets among credentials. */
export function secretsOf({
  pass,
  accessToken,
}: {
  readonly pass?: string | undefined;
  readonly accessToken?: string | undefined;
}): readonly string[] {
  return [pass, accessToken].flatMap((secret) => (secret === undefined ? [] : formsOf(secret)));
}
