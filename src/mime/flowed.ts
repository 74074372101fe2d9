// format=flowed (RFC 3676): text whose paragraphs a reader fits to its window. A line that ends in a space goes on in
// the next one.

/** RFC 3676 §4.2: characters in a line, with the space it ends in. */
const MAX_FLOWED = 78;
/** RFC 3676 §4.3: it ends in a space, and is a line by itself all the same. */
const SIGNATURE = "-- ";

/** Breaks the lines of `text`, which may end in CRLF, LF or CR; each line that comes out ends in LF. */
export function flowText(text: string): string {
  return text
    .split(/\r?\n|\r/)
    .map(flowLine)
    .join("\n");
}

function flowLine(line: string): string {
  if (line === SIGNATURE) return line;
  let length = line.length;
  while (line[length - 1] === " ") length--;
  const whole = line.slice(0, length);
  // A quote keeps its lines: broken ones would need its marks again.
  if (whole.startsWith(">")) return whole;
  let flowed = "";
  let begin = 0;
  for (;;) {
    const stuffing = begin === 0 ? STUFFED.exec(whole) : STUFFED.exec(whole.slice(begin, begin + 5));
    if (stuffing !== null) flowed += " ";
    const room = MAX_FLOWED - (stuffing === null ? 0 : 1);
    const end = whole.length - begin > room ? breakAt(whole, begin, room) : whole.length;
    flowed += whole.slice(begin, end);
    if (end === whole.length) return flowed;
    flowed += "\n";
    begin = end;
  }
}

// RFC 3676 §4.4: what would be read as a stuffed line, as a quote, or, by mailbox files, as a new message.
const STUFFED = /^(?: |>|From )/;

/** Where the next line begins: behind the last space there is room for, or behind the first. */
function breakAt(text: string, begin: number, room: number): number {
  let space = text.lastIndexOf(" ", begin + room - 1);
  if (space < begin || text.slice(begin, space + 1) === SIGNATURE) space = text.indexOf(" ", begin + room);
  return space < 0 ? text.length : space + 1;
}
