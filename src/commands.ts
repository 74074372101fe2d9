// Every line pennypost can say. This is the only file where a line end meets a verb, and no control octet
// leaves it: whatever an address, a name or a token holds, it stays inside its own command.

import { encodeBase64, encodeUtf8 } from "./bytes.ts";
import { escapeText, MessageError } from "./errors.ts";

/** Names a command; `RESPONSE` is the line that answers a SASL challenge and has no verb (RFC 4954 §4). */
export type Verb =
  | "EHLO"
  | "HELO"
  | "STARTTLS"
  | "AUTH"
  | "RESPONSE"
  | "MAIL"
  | "RCPT"
  | "DATA"
  | "RSET"
  | "QUIT";

export interface Command {
  readonly verb: Verb;
  /** The whole line with its line end. */
  readonly octets: Uint8Array;
  /** The line as a trace may show it. */
  readonly shown: string;
  /** What must be masked wherever the server repeats it. */
  readonly secrets: readonly string[];
}

/** RFC 5321 §4.5.3.1.4: 512 octets with the line end; no extension we use on AUTH raises it (RFC 4954 §4). */
export const MAX_COMMAND_LINE = 512;

// The extensions lengthen MAIL: SIZE by 26 octets (RFC 1870 §3), SMTPUTF8 by 10 (RFC 6531 §3.1).
const MAX_MAIL_LINE = MAX_COMMAND_LINE + 26 + 10;

// RFC 4954 §4 holds this for enough for any challenge or response.
const MAX_SASL_LINE = 12_288;

/** What is shown in the place of a secret. */
export const MASK = "********";

export function ehlo(name: string): Command {
  return line("EHLO", `EHLO ${name}`);
}

export function helo(name: string): Command {
  return line("HELO", `HELO ${name}`);
}

export function startTls(): Command {
  return line("STARTTLS", "STARTTLS");
}

/** AUTH with its initial response, or without where there is none or the line would be too long (RFC 4954 §4). */
export function auth(
  mechanism: string,
  initial: Uint8Array | undefined,
  secrets: readonly string[],
): { readonly command: Command; readonly saidInitial: boolean } {
  if (initial !== undefined) {
    // RFC 4954 §4: "=" is an initial response of no octets; nothing at all would mean there is none.
    const encoded = initial.length === 0 ? "=" : encodeBase64(initial);
    const text = `AUTH ${mechanism} ${encoded}`;
    if (text.length + CRLF.length <= MAX_COMMAND_LINE) {
      const shown = `AUTH ${mechanism} ${MASK}`;
      return { command: line("AUTH", text, { secrets: [...secrets, encoded], shown }), saidInitial: true };
    }
  }
  return { command: line("AUTH", `AUTH ${mechanism}`), saidInitial: false };
}

/** Answers a SASL challenge. */
export function saslResponse(response: Uint8Array, secrets: readonly string[]): Command {
  const encoded = encodeBase64(response);
  return line("RESPONSE", encoded, {
    secrets: encoded === "" ? secrets : [...secrets, encoded],
    shown: MASK,
    limit: MAX_SASL_LINE,
  });
}

/** Breaks off a SASL exchange (RFC 4954 §4). */
export function cancelSasl(): Command {
  return line("RESPONSE", "*");
}

/** MAIL with the reverse-path; `parameters` are `KEYWORD` or `KEYWORD=value` (RFC 5321 §4.1.1.2). */
export function mailFrom(reversePath: string, parameters: readonly string[]): Command {
  return line("MAIL", ["MAIL FROM:", angled(reversePath), ...parameters.map((one) => ` ${one}`)].join(""), {
    limit: MAX_MAIL_LINE,
  });
}

/** RCPT with one forward-path (RFC 5321 §4.1.1.3). */
export function rcptTo(forwardPath: string): Command {
  return line("RCPT", `RCPT TO:${angled(forwardPath)}`);
}

export function data(): Command {
  return line("DATA", "DATA");
}

export function rset(): Command {
  return line("RSET", "RSET");
}

export function quit(): Command {
  return line("QUIT", "QUIT");
}

const CRLF = "\r\n";
const NO_SECRETS: readonly string[] = [];

function line(
  verb: Verb,
  text: string,
  {
    secrets = NO_SECRETS,
    shown = text,
    limit = MAX_COMMAND_LINE,
  }: { readonly secrets?: readonly string[]; readonly shown?: string; readonly limit?: number } = {},
): Command {
  const octets = encodeUtf8(text + CRLF);
  const end = octets.length - CRLF.length;
  // The check comes after encoding: what counts is the octets that leave, not the characters that came in.
  for (let at = 0; at < end; at++) {
    const octet = octets[at] ?? 0;
    if (octet < 0x20 || octet === 0x7f) {
      throw new MessageError(verb, `the command would hold a control octet: ${escapeText(shown)}`);
    }
  }
  if (octets.length > limit) {
    throw new MessageError(verb, `the command would be ${octets.length} octets long; ${limit} is the limit`);
  }
  return { verb, octets, shown, secrets };
}

/** The path between angle brackets; outside a quoted local part it can hold neither these nor a blank. */
function angled(path: string): string {
  let quoted = false;
  for (let at = 0; at < path.length; at++) {
    const character = path[at];
    if (character === '"') quoted = !quoted;
    else if (quoted && character === "\\") at++;
    else if (!quoted && (character === "<" || character === ">" || character === " ")) {
      throw new MessageError("envelope", `the path ${escapeText(path)} would end early`);
    }
  }
  if (quoted) throw new MessageError("envelope", `the path ${escapeText(path)} has an open quotation mark`);
  return `<${path}>`;
}
