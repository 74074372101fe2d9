// SHA-256 (FIPS 180-4) over octets that come piece by piece: WebCrypto takes a text whole or not at all.

const BLOCK = 64;

/** SHA-256 of what is handed to `update`. */
export class Sha256 {
  // FIPS 180-4 §5.3.3: the fractional parts of the square roots of the first eight primes.
  readonly #state: Int32Array = H.slice();
  readonly #schedule: Int32Array = new Int32Array(64);
  readonly #block: Uint8Array = new Uint8Array(BLOCK);
  #length = 0;

  update(octets: Uint8Array): this {
    const block = this.#block;
    const held = this.#length % BLOCK;
    this.#length += octets.length;
    let at = 0;
    if (held > 0 || octets.length < BLOCK) {
      at = Math.min(BLOCK - held, octets.length);
      block.set(octets.length === at ? octets : octets.subarray(0, at), held);
      if (held + at < BLOCK) return this;
      compress(this.#state, this.#schedule, block, 0);
    }
    for (; at + BLOCK <= octets.length; at += BLOCK) compress(this.#state, this.#schedule, octets, at);
    if (at < octets.length) block.set(octets.subarray(at));
    return this;
  }

  /** The 32 octets of the digest. Nothing is updated after it. */
  digest(): Uint8Array {
    const bits = this.#length * 8;
    const padding = new Uint8Array(BLOCK - ((this.#length + 8) % BLOCK) + 8);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(padding.length - 8, bits / 2 ** 32);
    view.setUint32(padding.length - 4, bits >>> 0);
    this.update(padding);
    const digest = new DataView(new ArrayBuffer(32));
    this.#state.forEach((word, at) => {
      digest.setInt32(at * 4, word);
    });
    return new Uint8Array(digest.buffer);
  }
}

const H: Int32Array = /* @__PURE__ */ fractions(Math.sqrt, 8);

// FIPS 180-4 §4.2.2: those of the cube roots of the first 64 primes.
const K: Int32Array = /* @__PURE__ */ fractions(Math.cbrt, 64);

/** 32 bits behind the point of a root of each of the first primes: a double has 50 of them. */
function fractions(root: (value: number) => number, count: number): Int32Array {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < count; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return Int32Array.from(primes, (prime) => root(prime) * 2 ** 32);
}

/** FIPS 180-4 §6.2.2, on the 64 octets of `octets` from `from`. */
function compress(state: Int32Array, w: Int32Array, octets: Uint8Array, from: number): void {
  for (let t = 0, at = from; t < 16; t++, at += 4) {
    w[t] =
      ((octets[at] as number) << 24) |
      ((octets[at + 1] as number) << 16) |
      ((octets[at + 2] as number) << 8) |
      (octets[at + 3] as number);
  }
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15] as number;
    const y = w[t - 2] as number;
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[t] = ((w[t - 16] as number) + s0 + (w[t - 7] as number) + s1) | 0;
  }
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  let e = state[4] as number;
  let f = state[5] as number;
  let g = state[6] as number;
  let h = state[7] as number;
  for (let t = 0; t < 64; t++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (K[t] as number) + (w[t] as number)) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] = (state[0] as number) + a;
  state[1] = (state[1] as number) + b;
  state[2] = (state[2] as number) + c;
  state[3] = (state[3] as number) + d;
  state[4] = (state[4] as number) + e;
  state[5] = (state[5] as number) + f;
  state[6] = (state[6] as number) + g;
  state[7] = (state[7] as number) + h;
}
