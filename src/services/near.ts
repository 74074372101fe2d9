// Names as people write them: which are the same, and which are meant by one that is not known.

/** More than any name has: what is compared with every name is not as long as a caller likes. */
const MAX_COMPARED = 40;
/** Two slips of the fingers; with more, names resemble each other that share little. */
const MAX_SLIPS = 2;
/** One slip in a name of three letters leaves too little of it. */
const LETTERS_TO_A_SLIP = 3;
/** With fewer letters in common, a beginning tells nothing: "mail" is one already. */
const MIN_BEGINNING = 4;

/** A name without case and the punctuation of ASCII: "Google Mail", "google-mail" and "GoogleMail" are one. */
export function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9\x80-\uffff]/g, "");
}

/** How far a name is from one that is known, both plain; `undefined` where it can hardly be meant. */
export function distance(name: string, known: string): number | undefined {
  if (name.length > MAX_COMPARED) return undefined;
  const slips = slipsBetween(name, known);
  if (slips !== undefined && slips * LETTERS_TO_A_SLIP <= Math.min(name.length, known.length)) return slips;
  const begun = Math.min(name.length, known.length) >= MIN_BEGINNING;
  return begun && (known.startsWith(name) || name.startsWith(known)) ? MAX_SLIPS + 1 : undefined;
}

/** Letters added, left out, changed or exchanged with the next (the optimal string alignment distance), to `MAX_SLIPS`. */
function slipsBetween(a: string, b: string): number | undefined {
  if (Math.abs(a.length - b.length) > MAX_SLIPS) return undefined;
  let before: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let row = 1; row <= a.length; row++) {
    const line = [row];
    for (let at = 1; at <= b.length; at++) {
      const same = a[row - 1] === b[at - 1];
      let slips = Math.min(read(last, at) + 1, read(line, at - 1) + 1, read(last, at - 1) + (same ? 0 : 1));
      if (!same && a[row - 1] === b[at - 2] && a[row - 2] === b[at - 1]) {
        slips = Math.min(slips, read(before, at - 2) + 1);
      }
      line.push(slips);
    }
    before = last;
    last = line;
  }
  const slips = read(last, b.length);
  return slips <= MAX_SLIPS ? slips : undefined;
}

function read(line: readonly number[], at: number): number {
  return line[at] ?? Number.POSITIVE_INFINITY;
}
