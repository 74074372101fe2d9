// Base64 in lines of 76 at the speed of the native encoder: what costs is the line ends, so two lines, which are
// 39 words with their ends, are moved as words.

/** Octets of one line, and of one block: a multiple of two lines, so that every block begins at a word. */
const LINE = 57;
const BLOCK = LINE * 1024;
const WORDS = 38;
const CRLF = 0x0a0d;

const scratch = new ArrayBuffer((BLOCK / 3) * 4);
const scratchOctets = Buffer.from(scratch);
const scratchWords = new Uint32Array(scratch);

/** How long the base64 of so many octets is, with the ends of its lines. */
export function wrappedSize(octets) {
  return Math.ceil(octets / 3) * 4 + Math.ceil(octets / LINE) * 2;
}

/**
 * Writes the base64 of `source` and returns where it ends. It must begin at a multiple of four in memory.
 * @param {Buffer} source
 * @param {Buffer} target
 * @param {number} at
 */
export function wrapBase64(source, target, at) {
  // Positions of words in the memory that `target` lies in, whatever the position of `target` in it.
  const { buffer, byteOffset } = target;
  const memory = Buffer.from(buffer);
  const words = new Uint32Array(buffer, 0, buffer.byteLength >>> 2);
  let end = byteOffset + at;
  for (let start = 0; start < source.length; start += BLOCK) {
    end = wrapBlock(source.base64Slice(start, Math.min(start + BLOCK, source.length)), memory, words, end);
  }
  return end - byteOffset;
}

function wrapBlock(encoded, target, words, start) {
  scratchOctets.latin1Write(encoded, 0);
  const pairs = Math.floor(encoded.length / (4 * WORDS));
  let from = 0;
  let to = start >>> 2;
  for (let pair = 0; pair < pairs; pair++) {
    for (let word = 0; word < WORDS / 2; word++) words[to++] = scratchWords[from++];
    // Behind the first line everything is two octets later: each word holds halves of two.
    let half = CRLF;
    for (let word = 0; word < WORDS / 2; word++) {
      const next = scratchWords[from++];
      words[to++] = half | (next << 16);
      half = next >>> 16;
    }
    words[to++] = half | (CRLF << 16);
  }
  let end = to << 2;
  for (let rest = pairs * 4 * WORDS; rest < encoded.length; rest += 76) {
    end += target.latin1Write(`${encoded.slice(rest, rest + 76)}\r\n`, end);
  }
  return end;
}
