// What the octets of a message must be, whatever it says: RFC 5322 §2, RFC 2045 to 2047, as far as octets show it.

const SINGLE = [
  "from",
  "sender",
  "reply-to",
  "to",
  "cc",
  "subject",
  "date",
  "message-id",
  "in-reply-to",
  "references",
  "mime-version",
  "content-type",
  "content-transfer-encoding",
  "content-disposition",
  "content-id",
];

/** What is wrong with a message; nothing, one hopes. */
export function faultsOf(
  octets: Uint8Array,
  needs: { readonly utf8?: boolean; readonly eightBit?: boolean } = {},
): string[] {
  const message = Buffer.from(octets).toString("latin1");
  const faults: string[] = [];
  const blank = message.indexOf("\r\n\r\n");
  const head = message.slice(0, blank + 2);
  const fields = fieldsOf(head);

  if (blank < 0) faults.push("no blank line ends the header section");
  if (!message.endsWith("\r\n")) faults.push("the last line has no line end");
  if (/[\r\n]/.test(message.replaceAll("\r\n", ""))) faults.push("a bare CR or LF");
  if (message.includes("\0")) faults.push("a NUL");
  for (const line of message.split("\r\n")) {
    if (line.length > 998) faults.push(`a line of ${line.length} octets`);
  }
  if (needs.utf8 !== true && /[\x80-\xff]/.test(head))
    faults.push("an octet above 127 in the header section");
  if (needs.eightBit !== true && /[\x80-\xff]/.test(message.slice(blank))) {
    faults.push("an octet above 127 in the body");
  }

  for (const name of ["from", "date", "message-id", "mime-version", "content-type"]) {
    if (!fields.some((field) => field.name === name)) faults.push(`no ${name}`);
  }
  if (fields.some(({ name }) => /^(?:resent-)?bcc$/.test(name))) faults.push("a Bcc");
  for (const section of sections(message)) faults.push(...faultsOfSection(section));
  faults.push(...faultsOfBoundaries(message));
  return faults;
}

interface Field {
  readonly name: string;
  readonly value: string;
}

function fieldsOf(section: string): Field[] {
  return section
    .replace(/\r\n(?=[ \t])/g, "")
    .split("\r\n")
    .filter((line) => line !== "")
    .map((line) => {
      const colon = line.indexOf(":");
      return { name: line.slice(0, colon).toLowerCase(), value: line.slice(colon + 1).trim() };
    });
}

/** The header section of the message, and that of each part. */
function sections(message: string): string[] {
  const found = [message.slice(0, message.indexOf("\r\n\r\n") + 2)];
  for (const boundary of boundariesOf(message)) {
    for (const part of message.split(`\r\n--${boundary}\r\n`).slice(1)) {
      found.push(part.startsWith("\r\n") ? "" : part.slice(0, part.indexOf("\r\n\r\n") + 2));
    }
  }
  return found;
}

function faultsOfSection(section: string): string[] {
  const faults: string[] = [];
  const fields = fieldsOf(section);
  for (const { name } of fields) {
    if (!/^[!-9;-~]+$/.test(name)) faults.push(`${JSON.stringify(name)} for a field name`);
  }
  for (const name of SINGLE) {
    if (fields.filter((field) => field.name === name).length > 1) faults.push(`${name} more than once`);
  }
  for (const line of section.split("\r\n").slice(0, -1)) {
    if (line.trim() === "") faults.push("a line of blanks in a header section");
    // A quoted-string is one unit, as a word is.
    const units = line.match(/(?:[^\s"]|"(?:[^"\\]|\\.)*")+/g) ?? [];
    // A name and one unit are as short as they can be: a line of a name alone is one that readers stumble over.
    const isShortest = !/^[ \t]/.test(line) && units.length <= 2;
    if (line.length > 78 && !isShortest && !units.some((unit) => unit.length >= 76)) {
      faults.push(`a header line of ${line.length} octets that could be folded: ${line.slice(0, 100)}`);
    }
    const words = line.match(/=\?utf-8\?[QB]\?[^?]*\?=/gi) ?? [];
    if (words.length > 0 && line.length > 76) faults.push(`a line of encoded-words of ${line.length} octets`);
    for (const word of words) faults.push(...faultsOfWord(word));
  }
  return faults;
}

function faultsOfWord(word: string): string[] {
  const faults: string[] = [];
  if (word.length > 75) faults.push(`an encoded-word of ${word.length} characters`);
  const [, , encoding = "", data = ""] = word.split("?");
  const octets =
    encoding.toUpperCase() === "B"
      ? Buffer.from(data, "base64")
      : Buffer.from(
          data
            .replaceAll("_", " ")
            .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
          "latin1",
        );
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(octets);
  } catch {
    faults.push(`an encoded-word that holds part of a character: ${word}`);
  }
  if (/[^!->@-~]/.test(data)) faults.push(`an encoded-word with characters it cannot hold: ${word}`);
  return faults;
}

function boundariesOf(message: string): string[] {
  return [...message.matchAll(/;\s+boundary="?([^"\r\n;]+)"?/g)].map(([, boundary = ""]) => boundary);
}

function faultsOfBoundaries(message: string): string[] {
  const faults: string[] = [];
  const boundaries = boundariesOf(message);
  for (const boundary of boundaries) {
    const opens = message.split(`\r\n--${boundary}\r\n`).length - 1;
    const closes = message.split(`\r\n--${boundary}--\r\n`).length - 1;
    const all = message.split(boundary).length - 1;
    if (opens === 0) faults.push("a multipart without a part");
    if (closes !== 1) faults.push(`a multipart that is closed ${closes} times`);
    if (all !== opens + closes + 1) faults.push("a boundary that is found where it divides nothing");
    if (boundaries.filter((other) => other.startsWith(boundary)).length !== 1) {
      faults.push("a boundary that another one begins with");
    }
  }
  return faults;
}
