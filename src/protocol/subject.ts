// What a reply is owed to, and in which phase of the session that leaves us.

import type { Phase, Reply } from "../errors.ts";
import type { Turn } from "./dialogue.ts";
import type { Subject } from "./state.ts";

const PHASES: Readonly<Record<Subject, Phase>> = {
  GREETING: "greeting",
  EHLO: "ehlo",
  HELO: "ehlo",
  LHLO: "ehlo",
  STARTTLS: "starttls",
  TLS: "tls",
  AUTH: "auth",
  RESPONSE: "auth",
  MAIL: "mail",
  RCPT: "rcpt",
  DATA: "data",
  BDAT: "content",
  "BDAT LAST": "end-of-data",
  DELIVERY: "end-of-data",
  CONTENT: "end-of-data",
  RSET: "rset",
  VRFY: "vrfy",
  NOOP: "noop",
  QUIT: "quit",
};

// Between two chunks no reply is owed; what comes then is about the mail data all the same.
const SUBJECTS = {
  greeting: "GREETING",
  content: "CONTENT",
  chunks: "CONTENT",
  tls: "TLS",
  later: undefined,
} as const;

export function phaseOf(subject: Subject): Phase {
  return PHASES[subject];
}

/** What the reply number `heard` to a turn is owed to, or the next reply to the first of `chunks`. */
export function subjectOf(turn: Turn, heard: number, chunks: readonly Subject[]): Subject | undefined {
  if (turn.kind === "commands") return turn.commands[heard]?.verb;
  if (turn.kind === "content" && heard + 1 < turn.replies) return "DELIVERY";
  return chunks[0] ?? SUBJECTS[turn.kind];
}

/** Whether the dialogue needs it word for word, so that it goes there as it came: a challenge, or an offer. */
export function isForUs({ code }: Reply, subject: Subject): boolean {
  return code === 334 || (code < 300 && phaseOf(subject) === "ehlo");
}

/** Whether a reply to it decides what becomes of the message: it may come only when the message is whole. */
export function isDecisive(subject: Subject | undefined): boolean {
  return subject === "CONTENT" || subject === "BDAT LAST" || subject === "DELIVERY";
}
