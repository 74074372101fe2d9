// Quoted-printable by a table of octets (RFC 2045 §6.7).

const MAX_LINE = 76;
const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const EQUALS = 0x3d;
const HEX = Buffer.from("0123456789ABCDEF");
/** 1 where an octet stands for itself wherever it stands; a space does not at the end of a line. */
const LITERAL = Uint8Array.from({ length: 256 }, (_, octet) =>
  octet >= SPACE && octet < 0x7f && octet !== EQUALS ? 1 : 0,
);

/**
 * Encodes a text whose lines end in LF, the last one too, and in which there are no tabs.
 * @param {string} text
 * @returns {string}
 */
export function quotedPrintable(text) {
  const source = Buffer.from(text);
  // Three octets for each, and a soft line end for every 73 of them at the worst.
  const target = Buffer.allocUnsafe(source.length * 4 + 16);
  const size = source.length;
  let at = 0;
  let limit = MAX_LINE - 1;
  for (let read = 0; read < size; read++) {
    const octet = source[read];
    if (LITERAL[octet] === 1) {
      if (at >= limit) {
        // The last octet of a line may fill the place that a soft line end would take.
        if (at > limit || source[read + 1] !== LF) {
          at = softLineEnd(target, at);
          limit = at + MAX_LINE - 1;
        }
      }
      target[at++] = octet;
    } else if (octet === LF) {
      if (at > 0 && target[at - 1] === SPACE) at = escapeOctet(target, at - 1, SPACE);
      target[at] = CR;
      target[at + 1] = LF;
      at += 2;
      limit = at + MAX_LINE - 1;
    } else {
      if (at + 3 > limit) {
        at = softLineEnd(target, at);
        limit = at + MAX_LINE - 1;
      }
      at = escapeOctet(target, at, octet);
    }
  }
  return target.latin1Slice(0, at);
}

function softLineEnd(target, at) {
  target[at] = EQUALS;
  target[at + 1] = CR;
  target[at + 2] = LF;
  return at + 3;
}

function escapeOctet(target, at, octet) {
  target[at] = EQUALS;
  target[at + 1] = HEX[octet >> 4];
  target[at + 2] = HEX[octet & 15];
  return at + 3;
}
