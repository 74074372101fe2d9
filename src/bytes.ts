// Octets: the conversions everything else is made of. Buffer is used where there is one, because its native
// conversions are several times as fast; the results are the same without it.

interface FastBuffer extends Uint8Array {
  toString(encoding?: string): string;
}

interface BufferConstructor {
  from(value: string, encoding: string): FastBuffer;
  from(value: ArrayBufferLike, offset: number, length: number): FastBuffer;
  allocUnsafeSlow(length: number): FastBuffer;
  byteLength(text: string): number;
}

const NativeBuffer: BufferConstructor | undefined = (globalThis as { Buffer?: BufferConstructor }).Buffer;
const utf8Encoder: {
  encode(text: string): Uint8Array;
  encodeInto(text: string, target: Uint8Array): { readonly written: number };
} = /* @__PURE__ */ new TextEncoder();

export const CR = 0x0d;
export const LF = 0x0a;
export const DOT = 0x2e;

/** The UTF-8 octets of `text`, in memory of their own. A lone surrogate becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  return utf8Encoder.encode(text);
}

/** Text from octets that should be UTF-8 and may be anything: what is not UTF-8 is read as Latin-1. */
export function decodeText(octets: Uint8Array): string {
  if (isAscii(octets)) return decodeLatin1(octets);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    return decodeLatin1(octets);
  }
}

/** A character for each octet. */
export function decodeLatin1(octets: Uint8Array): string {
  const native = asBuffer(octets);
  if (native !== undefined) return native.toString("latin1");
  let text = "";
  for (let at = 0; at < octets.length; at += CALL_LIMIT) {
    text += String.fromCharCode(...octets.subarray(at, at + CALL_LIMIT));
  }
  return text;
}

/** An octet for each character, none of which may be beyond Latin-1. */
export function encodeLatin1(text: string): Uint8Array {
  const octets = new Uint8Array(text.length);
  for (let at = 0; at < octets.length; at++) octets[at] = text.charCodeAt(at);
  return octets;
}

/** How many arguments one call is given: engines run out of stack somewhere past 65,535. */
const CALL_LIMIT = 8192;

export function isAscii(octets: Uint8Array): boolean {
  for (const octet of octets) if (octet > 0x7f) return false;
  return true;
}

const NON_ASCII = /[^\x00-\x7f]/;

/** Whether `text` is ASCII. Counting its UTF-8 octets natively is many times as fast as a look at each character. */
export function isAsciiText(text: string): boolean {
  if (NativeBuffer !== undefined) return NativeBuffer.byteLength(text) === text.length;
  return !NON_ASCII.test(text);
}

/**
 * Memory for octets on their way to a wire, never for a caller: it holds anything until it is written, and small pieces
 * share a slab. An ArrayBuffer for each costs more than what is put into it. The slab is our own and not the runtime's pool,
 * from which whoever makes a Buffer next could read what was said before.
 */
export function allocate(length: number): Uint8Array {
  return length > SLAB / 4 ? allocateAlone(length) : keep(reserve(length), length);
}

/** Memory to write in, from `from` on. */
export interface Room {
  readonly octets: Uint8Array;
  /** The same memory, for a look at four octets at a time. */
  readonly view: DataView;
  readonly from: number;
}

/** Room for at most `limit` octets, like that of `allocate`. Only what is kept of it, before the next is reserved, stays. */
export function reserve(limit: number): Room {
  if (limit > SLAB / 4) return roomIn(allocateAlone(limit));
  if (slab.from + limit > slab.octets.length) Object.assign(slab, roomIn(new Uint8Array(SLAB)));
  return slab;
}

/** The first `length` octets of the room that was reserved last. */
export function keep(room: Room, length: number): Uint8Array {
  // The memory of one that is alone is let go of: up to four times as much as is kept.
  if (room !== slab) return room.octets.slice(0, length);
  slab.from += length;
  return slab.octets.subarray(slab.from - length, slab.from);
}

function roomIn(octets: Uint8Array): Room {
  return { octets, view: viewOf(octets), from: 0 };
}

/** Memory of its own, which holds anything until it is written. */
function allocateAlone(length: number): Uint8Array {
  return NativeBuffer === undefined || length < SMALL
    ? new Uint8Array(length)
    : asUint8Array(NativeBuffer.allocUnsafeSlow(length));
}

/** The same octets with the native conversions, where there are any. */
function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): FastBuffer | undefined {
  return NativeBuffer?.from(buffer, byteOffset, byteLength);
}

/** Without the methods of a Buffer, which differ: its `slice` is a view. */
function asUint8Array({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

const SLAB = 262_144;
/** Octets; as many are cleared faster than a Buffer is made a Uint8Array of. */
const SMALL = 4_096;
const slab: { octets: Uint8Array; view: DataView; from: number } = /* @__PURE__ */ roomIn(
  /* @__PURE__ */ new Uint8Array(0),
);

/** Text, to be written as UTF-8, or octets, or what writes its octets where it is told to. */
export type Chunk = string | Uint8Array | Piece;

/** Octets that are made where they are to stand: an attachment is encoded once, and copied never. */
export interface Piece {
  readonly length: number;
  /** Fills `target`, which is of this length. */
  write(target: Uint8Array): void;
}

/** All of `chunks`, one after the other, in memory from `from`; octets that are alone are returned as they are. */
export function join(chunks: readonly Chunk[], from: (length: number) => Uint8Array = allocate): Uint8Array {
  const [only] = chunks;
  if (chunks.length === 1 && only instanceof Uint8Array) return only;
  let length = 0;
  for (const chunk of chunks) length += typeof chunk === "string" ? utf8Length(chunk) : chunk.length;
  const whole = from(length);
  let at = 0;
  for (const chunk of chunks) {
    if (typeof chunk === "string") {
      at += encodeInto(chunk, at === 0 ? whole : whole.subarray(at));
    } else {
      if (chunk instanceof Uint8Array) whole.set(chunk, at);
      else chunk.write(whole.subarray(at, at + chunk.length));
      at += chunk.length;
    }
  }
  return whole;
}

/** All of `chunks`, one after the other, in memory of its own. */
export function joinAlone(chunks: readonly Chunk[]): Uint8Array {
  const [only] = chunks;
  return chunks.length === 1 && typeof only === "string" ? encodeUtf8(only) : join(chunks, allocateAlone);
}

/** How many octets `text` is in UTF-8. */
export function utf8Length(text: string): number {
  return NativeBuffer === undefined ? encodeUtf8(text).length : NativeBuffer.byteLength(text);
}

/** Base64 without line breaks (RFC 4648 §4). */
export function encodeBase64(octets: Uint8Array): string {
  return asBuffer(octets)?.toString("base64") ?? btoa(decodeLatin1(octets));
}

/** Base64 of the UTF-8 octets of `text`, which are nowhere else: an ArrayBuffer for a name costs more than its base64. */
export function encodeBase64Text(text: string): string {
  const { octets, from } = reserve(3 * text.length);
  return encodeBase64(octets.subarray(from, from + encodeInto(text, octets.subarray(from))));
}

/** How many octets a line of base64 stands for: 76 characters (RFC 2045 §6.8). */
export const LINE_OCTETS = 57;

/**
 * How many octets are encoded at once: whole lines, and no more than 64 KiB when they are. Whoever reads as many at a
 * time has them encoded where they are.
 */
export const BASE64_BLOCK: number = LINE_OCTETS * 840;

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** The octets of strict base64 (RFC 4648 §3.5: padded, nothing else in it), or `undefined`. */
export function decodeBase64(text: string): Uint8Array | undefined {
  // Both native decoders skip what they do not know, so the alphabet is checked before, the spare bits after.
  if (text.length % 4 !== 0 || !BASE64.test(text)) return undefined;
  const octets = encodeLatin1(atob(text));
  return encodeBase64(octets) === text ? octets : undefined;
}

/** Two lower-case hexadecimal digits for each octet. */
export function encodeHex(octets: Uint8Array): string {
  const native = asBuffer(octets);
  if (native !== undefined) return native.toString("hex");
  let text = "";
  for (const octet of octets) text += octet.toString(16).padStart(2, "0");
  return text;
}

// Octets are looked at four at a time, as one integer, in a third of the time that a look at each takes.

export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** The highest bit of each of four octets. */
export const HIGH_BITS: number = 0x80808080 | 0;

/** Which of four octets, the first being the lowest, is the first whose highest bit is set; 4 where none is. */
export function firstMarked(marks: number): number {
  return marks === 0 ? 4 : (31 - Math.clz32(marks & -marks)) >> 3;
}

/** Writes the UTF-8 octets of `text`, for which there must be room, and returns how many they are. */
export function encodeInto(text: string, target: Uint8Array): number {
  return utf8Encoder.encodeInto(text, target).written;
}
