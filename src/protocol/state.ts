// The state machine, whole. Everything that decides what state an SMTP session is in stands in this file
// (RFC 5321 §4.1.4 for the order of commands, §4.3.2 for the replies that each one may get).
//
// An event is a command with the reply it got: DATA with 354 is one code, MAIL with 2 a class of codes. Two rules stand
// above the table:
//   - 421 ends the session in any state (RFC 5321 §3.8);
//   - any other 4yz or 5yz leaves the state as it was, unless the table says where it leads, or it was said to RSET:
//     the recipients of one message would get the next (RFC 5321 §4.1.1.5 has no refusal).
// An event that neither the table nor a rule knows means that the server broke the protocol.

import type { Verb } from "../commands.ts";

export type State =
  | "connected" // the wire is up, the server has not spoken
  | "greeted" // nothing is known of the server yet, or no longer: before EHLO
  | "ready" // a mail transaction may begin
  | "challenged" // the server waits for a SASL response
  | "securing" // the server said 220 to STARTTLS; the next octets are TLS
  | "mail" // MAIL was accepted, no recipient yet
  | "rcpt" // at least one recipient was accepted
  | "data" // the server waits for the mail data
  | "chunks" // it has taken some of the mail data, and waits for the next chunk
  | "closed";

/**
 * What the server replies to: a command, its own arrival, the TLS handshake, or the mail data; through LMTP once for each
 * recipient that was accepted, DELIVERY for all but the last (RFC 2033 §4.2).
 */
export type Subject = Verb | "GREETING" | "TLS" | "DELIVERY" | "CONTENT";

/** Reply codes, or classes of them by their first digit, and the state that each leads to. */
type Replies = Readonly<Record<number, State>>;

// RFC 5321 §4.1.1.10 has no refusal, but whoever said QUIT is leaving.
const LEFT: Replies = { 221: "closed", 4: "closed", 5: "closed" };

const TRANSITIONS: Readonly<Record<State, Readonly<Partial<Record<Subject, Replies>>>>> = {
  connected: { GREETING: { 220: "greeted", 4: "closed", 5: "closed" } },
  greeted: { EHLO: { 2: "ready" }, HELO: { 2: "ready" }, LHLO: { 2: "ready" }, QUIT: LEFT },
  ready: {
    EHLO: { 2: "ready" },
    LHLO: { 2: "ready" },
    STARTTLS: { 220: "securing" },
    AUTH: { 235: "ready", 334: "challenged" },
    MAIL: { 2: "mail" },
    RSET: { 2: "ready" },
    VRFY: { 2: "ready" },
    NOOP: { 2: "ready" },
    QUIT: LEFT,
  },
  challenged: { RESPONSE: { 235: "ready", 334: "challenged", 4: "ready", 5: "ready" } },
  // RFC 3207 §4.2: after the handshake the session is where it was after the greeting.
  securing: { TLS: { 220: "greeted" } },
  // RFC 2920 §3.1: in a pipelined group the server may say 354 although it refused every recipient.
  // Just so it may take a chunk, in which case nobody gets it.
  mail: {
    RCPT: { 2: "rcpt" },
    DATA: { 354: "data" },
    "BDAT LAST": { 2: "ready" },
    RSET: { 2: "ready" },
    QUIT: LEFT,
  },
  rcpt: {
    RCPT: { 2: "rcpt" },
    DATA: { 354: "data" },
    BDAT: { 2: "chunks" },
    "BDAT LAST": { 2: "ready" },
    RSET: { 2: "ready" },
    QUIT: LEFT,
  },
  // RFC 5321 §4.1.1.4: whatever the reply, the transaction is over and its buffers are cleared.
  data: { DELIVERY: { 2: "data" }, CONTENT: { 2: "ready", 4: "ready", 5: "ready" } },
  // RFC 3030 §2: no DATA once there was a BDAT. A refused chunk leaves the transaction to RSET.
  chunks: {
    BDAT: { 2: "chunks" },
    "BDAT LAST": { 2: "ready" },
    RSET: { 2: "ready" },
    QUIT: LEFT,
  },
  closed: {},
};

/** The state after the server replied `code` to `subject`; `undefined` where it had no right to. */
export function nextState(state: State, subject: Subject, code: number): State | undefined {
  if (code === 421) return "closed";
  const replies = TRANSITIONS[state][subject];
  const known = replies?.[code] ?? replies?.[Math.floor(code / 100)];
  return known ?? (code >= 400 && subject !== "RSET" ? state : undefined);
}
