// Every line pennypost can say. This is the only file where a line end meets a verb, and no control octet
// leaves it: whatever an address, a name or a token holds, it stays inside its own command.

import { encodeBase64, encodeUtf8, isAsciiText } from "./bytes.ts";
import { MessageError } from "./errors.ts";
import { escapeText } from "./excerpt.ts";
import { refuseControls } from "./input.ts";

/**
 * Names a command; `RESPONSE` is the line that answers a SASL challenge and has no verb (RFC 4954 §4), and the `BDAT`
 * that ends the mail data is told from the others.
 */
export type Verb =
  | "EHLO"
  | "HELO"
  | "LHLO"
  | "STARTTLS"
  | "AUTH"
  | "RESPONSE"
  | "MAIL"
  | "RCPT"
  | "DATA"
  | "BDAT"
  | "BDAT LAST"
  | "RSET"
  | "VRFY"
  | "NOOP"
  | "QUIT";

export interface Command {
  readonly verb: Verb;
  /** The line without its line end. */
  readonly line: string;
  /** The line as a trace may show it. */
  readonly shown: string;
  /** What must be masked wherever the server repeats it. */
  readonly secrets: readonly string[];
}

/** RFC 5321 §4.5.3.1.4: 512 octets with the line end; no extension we use on AUTH raises it (RFC 4954 §4). */
export const MAX_COMMAND_LINE = 512;

/** RFC 6531 §3.1: SMTPUTF8 and a space, behind MAIL and VRFY. */
const SMTPUTF8 = " SMTPUTF8";

// The extensions lengthen MAIL: SIZE by 26 octets (RFC 1870 §3), SMTPUTF8 by 10 (RFC 6531 §3.1), BODY=BINARYMIME by 16
// (RFC 3030 §3) and so BODY=8BITMIME by less, REQUIRETLS by 11 (RFC 8689 §7), MT-PRIORITY by 15 (RFC 6710 §3), ENVID by
// 100 at most (RFC 3461 §4.4) and a space; and what remains by what we say at most.
const MAX_MAIL_LINE =
  MAX_COMMAND_LINE +
  (26 + 10 + 16 + 11 + 15 + 101) +
  " RET=HDRS BY=999999999;RT HOLDUNTIL=9999-12-31T23:59:59Z".length;

// ORCPT by 500 at most (RFC 3461 §4.2), and a space.
const MAX_RCPT_LINE = MAX_COMMAND_LINE + 501 + " NOTIFY=SUCCESS,FAILURE,DELAY".length;

/** Octets of a response to a challenge, with its line end: RFC 4954 §4 holds this for enough for any. */
export const MAX_SASL_LINE = 12_288;

/** What is shown in the place of a secret. */
export const MASK = "********";

export function ehlo(name: string): Command {
  return line("EHLO", `EHLO ${name}`);
}

export function helo(name: string): Command {
  return line("HELO", `HELO ${name}`);
}

/** Says to an LMTP server who we are (RFC 2033 §4.1). */
export function lhlo(name: string): Command {
  return line("LHLO", `LHLO ${name}`);
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
    const encoded = encodeBase64(initial);
    const text = `AUTH ${mechanism} ${encoded === "" ? "=" : encoded}`;
    if (text.length + CRLF.length <= MAX_COMMAND_LINE) {
      const shown = `AUTH ${mechanism} ${MASK}`;
      return {
        command: line("AUTH", text, { secrets: withEncoded(secrets, encoded), shown }),
        saidInitial: true,
      };
    }
  }
  return { command: line("AUTH", `AUTH ${mechanism}`), saidInitial: false };
}

/** Answers a SASL challenge. */
export function saslResponse(response: Uint8Array, secrets: readonly string[]): Command {
  const encoded = encodeBase64(response);
  return line("RESPONSE", encoded, {
    secrets: withEncoded(secrets, encoded),
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
  return line("MAIL", withParameters(`MAIL FROM:${angled(reversePath)}`, parameters), {
    limit: MAX_MAIL_LINE,
  });
}

/** RCPT with one forward-path, and parameters as MAIL has them (RFC 5321 §4.1.1.3). */
export function rcptTo(forwardPath: string, parameters: readonly string[] = NO_PARAMETERS): Command {
  return line("RCPT", withParameters(`RCPT TO:${angled(forwardPath)}`, parameters), { limit: MAX_RCPT_LINE });
}

export function data(): Command {
  return DATA;
}

/** BDAT for so many octets of the mail data, which follow it (RFC 3030 §2). */
export function bdat(octets: number): Command {
  return line("BDAT", `BDAT ${octets}`);
}

/** BDAT for the last of them, of which there may be none. */
export function bdatLast(octets: number): Command {
  return line("BDAT LAST", `BDAT ${octets} LAST`);
}

export function rset(): Command {
  return RSET;
}

/** Asks whether there is such a user or mailbox (RFC 5321 §3.5); beyond ASCII it takes SMTPUTF8 (RFC 6531 §3.7.4.2). */
export function vrfy(who: string): Command {
  if (who === "") throw new MessageError("name", "is empty");
  refuseControls(who, "name");
  refuseEarlyEnd(who);
  const text = isAsciiText(who) ? `VRFY ${who}` : `VRFY ${who}${SMTPUTF8}`;
  return line("VRFY", text, { limit: MAX_COMMAND_LINE + SMTPUTF8.length });
}

export function noop(): Command {
  return NOOP;
}

export function quit(): Command {
  return QUIT;
}

/**
 * The octets of a group of commands, for one write. Each line was looked at when it was made; here it is the octets
 * that are counted, for they are what leaves: there is a line end for each command, and no other control octet.
 */
export function encodeGroup(commands: readonly Command[]): Uint8Array {
  let text = "";
  for (const command of commands) text += command.line + CRLF;
  const octets = encodeUtf8(text);
  let controls = 0;
  for (let at = 0; at < octets.length; at++) if (isControl(octets[at] ?? 0)) controls++;
  if (controls === commands.length * CRLF.length) return octets;
  throw new MessageError("envelope", "a command would hold a control octet");
}

const CRLF = "\r\n";
const CONTROL = /[\x00-\x1f\x7f]/;
const NO_SECRETS: readonly string[] = [];
const NO_PARAMETERS: readonly string[] = [];

const DATA: Command = /* @__PURE__ */ line("DATA", "DATA");
const RSET: Command = /* @__PURE__ */ line("RSET", "RSET");
const NOOP: Command = /* @__PURE__ */ line("NOOP", "NOOP");
const QUIT: Command = /* @__PURE__ */ line("QUIT", "QUIT");

function isControl(octet: number): boolean {
  return octet < 0x20 || octet === 0x7f;
}

function line(
  verb: Verb,
  text: string,
  {
    secrets = NO_SECRETS,
    shown = text,
    limit = MAX_COMMAND_LINE,
  }: { readonly secrets?: readonly string[]; readonly shown?: string; readonly limit?: number } = {},
): Command {
  if (CONTROL.test(text)) {
    throw new MessageError(verb, `the command would hold a control octet: ${escapeText(shown)}`);
  }
  const length = (isAsciiText(text) ? text.length : encodeUtf8(text).length) + CRLF.length;
  if (length > limit) {
    throw new MessageError(verb, `the command would be ${length} octets long; ${limit} is the limit`);
  }
  return { verb, line: text, shown, secrets };
}

function withEncoded(secrets: readonly string[], encoded: string): readonly string[] {
  return encoded === "" ? secrets : [...secrets, encoded];
}

// RFC 5321 §4.1.2: esmtp-param.
const PARAMETER = /^[A-Za-z0-9][A-Za-z0-9-]*(?:=[!-<>-~]+)?$/;

/** Each parameter is looked at as it is written: whatever it was made of, it is one. */
function withParameters(command: string, parameters: readonly string[]): string {
  let text = command;
  for (const parameter of parameters) {
    if (!PARAMETER.test(parameter)) {
      throw new MessageError("envelope", `${escapeText(parameter)} is not a parameter (RFC 5321 §4.1.2)`);
    }
    text += ` ${parameter}`;
  }
  return text;
}

function angled(path: string): string {
  refuseEarlyEnd(path);
  return `<${path}>`;
}

/** What follows the verb, or stands between angle brackets, holds neither these nor a blank outside quotation marks. */
function refuseEarlyEnd(path: string): void {
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
}
