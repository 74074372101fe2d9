// How a scripted server behaves where its test does not say otherwise: it knows every command, takes every login
// and every message, and offers PIPELINING only if asked to.

import type { Identity } from "./certificates.ts";
import type { Peer, Script } from "./server.ts";

/** What to say: lines parted by LF, or a function that says it itself where it returns nothing. */
export type Answer =
  | string
  | ((peer: Peer, line: string) => string | undefined | Promise<string | undefined>);

export interface Manners {
  readonly greeting?: Answer;
  /** What EHLO lists. */
  readonly offers?: readonly string[];
  /** What it lists inside TLS; the same where it is not given. */
  readonly offersInside?: readonly string[];
  readonly identity?: Identity;
  readonly EHLO?: Answer;
  readonly STARTTLS?: Answer;
  readonly AUTH?: Answer;
  readonly MAIL?: Answer;
  readonly RCPT?: Answer;
  readonly DATA?: Answer;
  /** The reply to a chunk of mail data that is not the last, once it is there. */
  readonly BDAT?: Answer;
  /** The reply to the end of the mail data. */
  readonly content?: Answer;
  readonly RSET?: Answer;
  readonly QUIT?: Answer;
}

/** A script that answers command by command, until the client leaves. */
export function polite(manners: Manners = {}): Script {
  return async (peer) => {
    await answer(peer, "", manners.greeting ?? "220 test.example ESMTP");
    /** Who would get a chunk: nobody, before MAIL was taken. */
    let recipients = -1;
    let chunks = "";
    for (;;) {
      const line = await peer.line();
      const [word = ""] = line.split(" ", 1);
      const verb = word.toUpperCase();
      switch (verb) {
        case "EHLO":
          await answer(peer, line, manners.EHLO ?? ehloReply(manners, peer.secure));
          break;
        case "STARTTLS":
          await answer(peer, line, manners.STARTTLS ?? "220 2.0.0 go ahead");
          if (manners.STARTTLS === undefined && manners.identity !== undefined)
            await peer.startTls(manners.identity);
          break;
        case "AUTH":
          await answer(peer, line, manners.AUTH ?? "235 2.7.0 welcome");
          break;
        case "MAIL":
        case "RCPT":
        case "RSET": {
          const words = await answer(peer, line, manners[verb] ?? "250 2.0.0 ok");
          const isTaken = words?.startsWith("2") === true;
          if (verb !== "RCPT") [recipients, chunks] = [verb === "MAIL" && isTaken ? 0 : -1, ""];
          else if (isTaken && recipients >= 0) recipients++;
          break;
        }
        case "BDAT": {
          const [, octets, last] = line.split(" ");
          chunks += await peer.chunk(Number(octets));
          if (recipients < 1) {
            await peer.say("503 5.5.1 nobody would get it");
          } else if (last === undefined) {
            const words = await answer(peer, line, manners.BDAT ?? "250 2.0.0 go on");
            // RFC 3030 §2: behind a chunk that was refused the others are discarded, until RSET.
            if (words?.startsWith("2") === false) recipients = -1;
          } else {
            peer.messages.push(chunks);
            [recipients, chunks] = [-1, ""];
            await answer(peer, line, manners.content ?? "250 2.0.0 queued");
          }
          break;
        }
        case "DATA":
          if (manners.DATA !== undefined) {
            await answer(peer, line, manners.DATA);
          } else {
            await peer.say("354 go on");
            await peer.data();
            await answer(peer, line, manners.content ?? "250 2.0.0 queued");
          }
          break;
        case "QUIT":
          await answer(peer, line, manners.QUIT ?? "221 2.0.0 bye");
          peer.end();
          break;
        default:
          await peer.say("502 5.5.1 what?");
      }
    }
  };
}

/** `script` for the first connection, `others` for those that follow. */
export function first(script: Script, others: Script): Script {
  return (peer) => (peer.index === 0 ? script(peer) : others(peer));
}

/** The n-th time (from 1) `special`, otherwise nothing out of the ordinary. */
export function nth(n: number, special: Answer, ordinary = "250 2.0.0 ok"): Answer {
  let times = 0;
  return (peer, line) => {
    times++;
    const chosen = times === n ? special : ordinary;
    return typeof chosen === "string" ? chosen : chosen(peer, line);
  };
}

export function ehloReply({ offers = [], offersInside = offers }: Manners, secure: boolean): string {
  const lines = ["test.example", ...(secure ? offersInside : offers)];
  return lines.map((line, at) => `250${at === lines.length - 1 ? " " : "-"}${line}`).join("\n");
}

async function answer(peer: Peer, line: string, how: Answer): Promise<string | undefined> {
  const words = typeof how === "string" ? how : await how(peer, line);
  if (words !== undefined) await peer.say(...words.split("\n"));
  return words;
}

/** A server that takes its time, in milliseconds. It is what the test is about, and not a wait for something to happen. */
export function takeTime(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
