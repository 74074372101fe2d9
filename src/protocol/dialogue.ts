// A dialogue is one half of a conversation, written as the RFCs print theirs: it yields what we say (a turn) and
// is resumed with what the server replied to it. It knows no socket, clock or promise.

import type { Command } from "../commands.ts";
import { ProtocolError, type Reply, type SmtpError } from "../errors.ts";

export type Turn =
  | { readonly kind: "greeting" } // the server speaks first
  | { readonly kind: "commands"; readonly commands: readonly Command[]; readonly verdict?: SmtpError }
  | { readonly kind: "content"; readonly content: Uint8Array; readonly verdict?: SmtpError }
  | { readonly kind: "tls" }; // the wire is replaced, and what was learnt on it forgotten

// A group of commands goes out in one write and gets a reply each; mail data gets one. A turn with a verdict only
// tidies up: its dialogue is decided, and whatever becomes of the turn, the verdict is what is reported.

export type Dialogue<T> = Generator<Turn, T, readonly Reply[]>;

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
