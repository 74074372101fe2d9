// Encoded-words (RFC 2047): text of any script in a header section that is ASCII.

import { encodeBase64Text, encodeUtf8 } from "../bytes.ts";

/** RFC 2047 §2: an encoded-word is at most 75 characters, delimiters included. */
export const MAX_ENCODED_WORD = 75;
/** The least room worth starting a word in: four octets, one character of any script, fit in either encoding. */
export const MIN_ENCODED_WORD = 24;

const BEGIN_B = "=?utf-8?B?";
const BEGIN_Q = "=?utf-8?Q?";
const END = "?=";
const OVERHEAD = BEGIN_B.length + END.length;

/**
 * The encoded-words that together read as `text`, the first one at most `firstRoom` characters. Readers drop the
 * space between two encoded-words (RFC 2047 §6.2), so the spaces of `text` are inside them.
 */
export function encodeWords(text: string, firstRoom: number): string[] {
  const isQ = prefersQ(text);
  const words: string[] = [];
  let room = capacity(firstRoom, isQ);
  let used = 0;
  let begin = 0;
  let at = 0;
  // By whole characters: RFC 2047 §5 forbids one to be split over two words.
  for (const character of text) {
    const cost = isQ ? costInQ(character) : utf8Length(character);
    if (used + cost > room && at > begin) {
      words.push(encodeWord(text.slice(begin, at), isQ));
      begin = at;
      used = 0;
      room = capacity(MAX_ENCODED_WORD, isQ);
    }
    used += cost;
    at += character.length;
  }
  words.push(encodeWord(text.slice(begin), isQ));
  return words;
}

/** What fits into a word of `room` characters: characters of Q, or octets before base64. */
function capacity(room: number, isQ: boolean): number {
  return isQ ? room - OVERHEAD : Math.floor((room - OVERHEAD) / 4) * 3;
}

function prefersQ(text: string): boolean {
  let q = 0;
  let octets = 0;
  for (const character of text) {
    q += costInQ(character);
    octets += utf8Length(character);
  }
  return q <= Math.ceil(octets / 3) * 4;
}

function encodeWord(text: string, isQ: boolean): string {
  if (!isQ) return BEGIN_B + encodeBase64Text(text) + END;
  let encoded = BEGIN_Q;
  for (const character of text) encoded += encodeInQ(character);
  return encoded + END;
}

// RFC 2047 §5 (3): all that may stand for itself inside a phrase; the other places allow more, and need no more.
const PLAIN_IN_Q = /^[A-Za-z0-9!*+/-]$/;

function costInQ(character: string): number {
  return character === " " || PLAIN_IN_Q.test(character) ? 1 : 3 * utf8Length(character);
}

function encodeInQ(character: string): string {
  if (character === " ") return "_";
  if (PLAIN_IN_Q.test(character)) return character;
  let encoded = "";
  for (const octet of encodeUtf8(character))
    encoded += `=${octet.toString(16).toUpperCase().padStart(2, "0")}`;
  return encoded;
}

function utf8Length(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x10000 ? 3 : 4;
}
