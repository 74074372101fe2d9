// What became of a message, put together where it took more than one transaction.

import { flowsOf } from "./content.ts";
import {
  isTransient,
  MessageError,
  type RejectedRecipient,
  type Reply,
  ReplyError,
  SmtpError,
} from "./errors.ts";
import type { Envelope } from "./message.ts";
import type { Composition } from "./mime.ts";
import type { Limits } from "./protocol/extensions.ts";
import { splitRecipients } from "./protocol/split.ts";
import type { Outcome } from "./protocol/transaction.ts";

/** Records one message that the server took responsibility for. */
export interface Receipt {
  /** The Message-ID, with its angle brackets. */
  readonly messageId: string;
  readonly envelope: Envelope;
  /** The recipients that the server accepted, at least one. */
  readonly accepted: readonly string[];
  /** Those that it refused, each with the reply. */
  readonly rejected: readonly RejectedRecipient[];
  /** The reply to the end of the mail data; to the last of them, where the server takes few recipients at a time. */
  readonly reply: Reply;
  /** The extensions that were used for it, by their EHLO keywords. */
  readonly extensions: readonly string[];
  /** How often it was begun: 2 where a reused connection turned out to be dead before anything was sent. */
  readonly attempts: number;
  /** Milliseconds. */
  readonly timings: {
    /** Until there was a connection to send it over. */
    readonly acquire: number;
    /** From MAIL to the reply to the end of the mail data. */
    readonly transaction: number;
    readonly total: number;
  };
}

/** The parts of a message that is to more recipients than the server takes at a time; `undefined` where it is not. */
export function partsOf(
  { chunks, envelope }: Composition,
  limits: Limits,
  onPartial: "deliver" | "abort",
): Parts | undefined {
  if (splitRecipients(envelope.to, limits).length < 2) return undefined;
  if (onPartial === "abort") {
    throw new MessageError(
      "to",
      "has more recipients than this server takes at a time: some might get it alone",
      {
        hint: 'onPartial: "deliver" sends it in parts',
      },
    );
  }
  const once = flowsOf(chunks).find(({ isReopenable }) => !isReopenable);
  if (once !== undefined) {
    throw new MessageError(once.field, "can be read once, and this server takes few recipients at a time", {
      hint: "use attachment.stream() for what can be opened again",
    });
  }
  return new Parts(envelope.to);
}

/** A message that goes to some of its recipients at a time (RFC 9422): what came of it so far. */
export class Parts {
  readonly accepted: string[] = [];
  readonly #rejected: RejectedRecipient[] = [];
  readonly #used: Set<string> = new Set();
  /** As the limits of the last connection ask for them. */
  #parts: readonly (readonly string[])[];
  /** Of how many all is known. */
  #judged = 0;
  #limits: Limits = {};
  #reply: Reply | undefined;

  constructor(to: readonly string[]) {
    this.#parts = [to];
  }

  get isWhole(): boolean {
    return this.#judged === this.#parts.length;
  }

  /** The recipients of the next part. */
  next(limits: Limits): readonly string[] {
    // Parted anew only for a server that has other limits: each time, that took the square of their number.
    const { rcptMax, rcptDomainMax } = this.#limits;
    if (limits.rcptMax !== rcptMax || limits.rcptDomainMax !== rcptDomainMax) {
      this.#limits = limits;
      this.#parts = splitRecipients(this.#rest, limits);
      this.#judged = 0;
    }
    return this.#current;
  }

  /** The part under way was taken. */
  add({ accepted, rejected, reply, used }: Outcome): void {
    this.accepted.push(...accepted);
    this.#rejected.push(...rejected);
    this.#reply = reply;
    for (const keyword of used) this.#used.add(keyword);
    this.#judged++;
  }

  /** Nobody gets the part under way; or nobody else gets the message: `rest`. */
  refuse({ rejected = [], reply }: ReplyError, which: "part" | "rest"): void {
    const own = new Map(rejected.map((one) => [one.recipient, one.reply]));
    for (const recipient of which === "part" ? this.#current : this.#rest)
      this.#rejected.push({ recipient, reply: own.get(recipient) ?? reply });
    this.#judged = which === "part" ? this.#judged + 1 : this.#parts.length;
  }

  /** All parts as one transaction; `undefined` where nobody gets the message. */
  get outcome(): Outcome | undefined {
    const reply = this.#reply;
    return reply && { accepted: this.accepted, rejected: this.#rejected, reply, used: [...this.#used] };
  }

  /** The refusal of everybody, from that of the last part. */
  refusal({ message, code, phase, verb, reply, delivery, hint }: ReplyError): ReplyError {
    const rejected = this.#rejected;
    // One that may be accepted later makes it worth trying again, so it speaks for all.
    const speaker = rejected.find((one) => isTransient(one.reply))?.reply ?? reply;
    return new ReplyError(message, { code, phase, verb, reply: speaker, delivery, hint, rejected });
  }

  /** The failure of a part: where some have the message, what became of all of it cannot be said in a word. */
  failure(error: unknown): unknown {
    if (this.accepted.length === 0 || !(error instanceof SmtpError)) return error;
    const accepted = [...this.accepted, ...(error.accepted ?? [])];
    return Object.assign(error, { accepted, delivery: "unknown", retryable: false } as const);
  }

  /** The recipients of the part that is next, or under way. */
  get #current(): readonly string[] {
    return this.#parts[this.#judged] ?? [];
  }

  /** Those of whom nothing is known yet. */
  get #rest(): readonly string[] {
    return this.#parts.slice(this.#judged).flat();
  }
}
