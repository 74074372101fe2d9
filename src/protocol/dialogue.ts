// A dialogue is one half of a conversation, written as the RFCs print theirs: it yields what we say (a turn) and
// is resumed with what the server replied to it. It knows no socket, clock or promise.

import type { Command } from "../commands.ts";
import { ProtocolError, type Reply, type SmtpError } from "../errors.ts";

export type Turn =
  | {
      readonly kind: "greeting"; // the server speaks first
      /** What it may know of us from earlier sessions, and repeat at once. */
      readonly secrets?: readonly string[];
    }
  | {
      readonly kind: "commands";
      readonly commands: readonly Command[];
      /** The mail data that the last of them announces: BDAT LAST. */
      readonly content?: Uint8Array | undefined;
      readonly verdict?: Verdict;
    }
  | {
      readonly kind: "content";
      readonly content: Uint8Array | Streamed;
      /** How many replies it gets: one; through LMTP one for each recipient that was accepted. */
      readonly replies: number;
      /** What the server takes at most, where it is not known whether the content is longer. */
      readonly limit?: number | undefined;
      readonly verdict?: Verdict;
    }
  | {
      readonly kind: "chunks";
      readonly content: Streamed;
      readonly limit?: number | undefined;
      /** How many chunks may be on their way without a reply. */
      readonly window: number;
      readonly verdict?: Verdict;
    }
  | { readonly kind: "tls" } // the wire is replaced, and what was learnt on it forgotten
  | { readonly kind: "later"; readonly work: () => unknown }; // nothing is said until what it returns has come about

// A group of commands goes out in one write and gets a reply each; mail data gets as many as it says. Each of its chunks
// gets one, but what is passed on is the reply to the last, behind that which refused one before it, if any did.

/** Mail data that is opened when the server asks for it. */
export interface Streamed {
  /** In octets, before transparency, where it is known. */
  readonly size: number | undefined;
  /** Whether some of it is any octets, and not lines. It goes in chunks only (RFC 3030 §3). */
  readonly isBinary?: boolean;
  /** What is waited for where nothing comes: a property of the message. */
  readonly field: string;
  /** Block by block. Whoever opens it closes it, by `return`, at any time. */
  open(): Blocks;
}

export interface Blocks extends AsyncIterableIterator<Uint8Array> {
  /**
   * Whether the last block was made of whole lines of our own but for the end of its last, none of which begins with a
   * dot: it need not be looked at.
   */
  readonly isPlain?: boolean;
}

/**
 * What is reported where the session ends within a turn, with `error`, from the replies of the turn that were heard. A
 * server that refused a message and then hung up has refused it; and where a turn only tidies up, nothing that becomes of
 * it matters any more.
 */
export type Verdict = (heard: readonly Reply[], error?: SmtpError) => SmtpError | undefined;

export type Dialogue<T> = Generator<Turn, T, readonly Reply[]>;

/** What became of the work of a turn that waits for what is no reply. */
export type WorkOutcome = { readonly value: unknown } | { readonly error: unknown };

/** Waits for what `work` returns; throws what it throws. */
export function* awaitWork(work: () => unknown): Dialogue<unknown> {
  // No replies come to such a turn: the session resumes it with what its work came to.
  const outcome = (yield { kind: "later", work }) as unknown as WorkOutcome;
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}

/** Says one command and waits for its reply. */
export function* ask(command: Command): Dialogue<Reply> {
  const replies = yield { kind: "commands", commands: [command] };
  return onlyReply(replies);
}

/** The reply to a turn that gets one. */
export function onlyReply(replies: readonly Reply[]): Reply {
  const [reply] = replies;
  // The session resumes a dialogue with exactly the replies that its turn is owed.
  if (reply === undefined) throw new ProtocolError("the turn got no reply", { code: "unexpected_reply" });
  return reply;
}
