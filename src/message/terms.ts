// What a message asks of the server beyond delivery, as users write it: reports (RFC 3461), TLS all the way (RFC 8689),
// priority (RFC 6710), a deadline (RFC 2852), a later time (RFC 4865).

import { MessageError } from "../errors.ts";
import { describe, type Keys, readObject } from "../input.ts";
import type { Terms } from "../terms.ts";
import { type Dsn, RET_FULL, type RecipientTerms, readDsn } from "./dsn.ts";

/**
 * Is what a message may ask of the server. It needs what it asks for: where the server does not offer the extension, it
 * is not sent, and the error has the code `extension_required`.
 */
export interface MessageTerms {
  /** When and how the server is to report on the delivery (DSN, RFC 3461). */
  readonly dsn?: Dsn;
  /**
   * Whether every server on the way must pass it on over TLS, to a server whose certificate verifies, or not at all
   * (REQUIRETLS, RFC 8689). It takes such a connection to the first one too.
   */
  readonly requireTls?: boolean;
  /** How much sooner than others it is to be passed on: a whole number from -9 to 9 (MT-PRIORITY, RFC 6710). */
  readonly mtPriority?: number;
  /**
   * By when it must be delivered (DELIVERBY, RFC 2852): `within` so many seconds, at most 999,999,999. Else it is
   * returned, or a report is sent and it stays on its way. With `trace`, each server that passes it on reports that.
   */
  readonly deliverBy?: {
    readonly within: number;
    readonly mode: "return" | "notify";
    readonly trace?: boolean;
  };
  /** Seconds for which the server is to keep it, at most 999,999,999 (FUTURERELEASE, RFC 4865). */
  readonly holdFor?: number;
  /** Until when the server is to keep it, rounded up to a second (FUTURERELEASE, RFC 4865). Not beside `holdFor`. */
  readonly holdUntil?: Date;
}

export const TERMS_KEYS: Keys<keyof MessageTerms> = {
  dsn: undefined,
  requireTls: undefined,
  mtPriority: undefined,
  deliverBy: undefined,
  holdFor: undefined,
  holdUntil: undefined,
};

/** Reads the terms of a message; there are none where nothing is asked. */
export function readTerms(
  given: Partial<Record<keyof MessageTerms, unknown>>,
  recipients: RecipientTerms | undefined,
): Terms | undefined {
  const { dsn, requireTls, mtPriority, deliverBy, holdFor, holdUntil } = given;
  const isPlain =
    dsn === undefined && requireTls === undefined && mtPriority === undefined && deliverBy === undefined;
  if (isPlain && holdFor === undefined && holdUntil === undefined && recipients === undefined)
    return undefined;
  const terms: Terms = {
    dsn: readDsn(dsn, recipients),
    requireTls: readFlag(requireTls, "requireTls"),
    mtPriority: mtPriority === undefined ? undefined : readNumber(mtPriority, "mtPriority", -9, 9),
    deliverBy: deliverBy === undefined ? undefined : readDeliverBy(deliverBy),
    hold: readHold(holdFor, holdUntil),
  };
  // RFC 8689 §5: a server disregards RET=FULL then, and the caller would not get what they asked for.
  if (terms.requireTls && terms.dsn?.mail.includes(RET_FULL)) {
    throw new MessageError("dsn.ret", 'is "full", which cannot be had with requireTls (RFC 8689 §5)');
  }
  return terms;
}

/** Nine digits, as RFC 2852 and RFC 4865 have them. */
const MAX_SECONDS = 999_999_999;

const DELIVER_BY_KEYS: Keys<keyof NonNullable<MessageTerms["deliverBy"]>> = {
  within: undefined,
  mode: undefined,
  trace: undefined,
};

function readDeliverBy(value: unknown): NonNullable<Terms["deliverBy"]> {
  const { within, mode, trace } = readObject(value, DELIVER_BY_KEYS, "deliverBy");
  if (mode !== "return" && mode !== "notify") {
    throw new MessageError("deliverBy.mode", 'is neither "return" nor "notify"');
  }
  return {
    seconds: readNumber(within, "deliverBy.within", 1, MAX_SECONDS),
    mode: mode === "return" ? "R" : "N",
    trace: readFlag(trace, "deliverBy.trace"),
  };
}

function readHold(holdFor: unknown, holdUntil: unknown): Terms["hold"] {
  if (holdFor !== undefined && holdUntil !== undefined) {
    throw new MessageError("holdUntil", "stands beside holdFor, and one of them can be meant");
  }
  if (holdFor !== undefined) {
    return { field: "holdFor", seconds: readNumber(holdFor, "holdFor", 1, MAX_SECONDS) };
  }
  if (holdUntil === undefined) return undefined;
  if (!(holdUntil instanceof Date)) {
    throw new MessageError("holdUntil", `is ${describe(holdUntil)}, not a Date`);
  }
  // Rounded up: it is not to be earlier than was asked.
  const time = new Date(Math.ceil(holdUntil.getTime() / 1000) * 1000);
  const year = time.getUTCFullYear();
  if (!(year >= FIRST_YEAR && year <= LAST_YEAR)) {
    throw new MessageError("holdUntil", `is not a date from ${FIRST_YEAR} to ${LAST_YEAR}`);
  }
  return { field: "holdUntil", time: `${time.toISOString().slice(0, 19)}Z` };
}

/** Four digits are what can be written (RFC 3339 §5.6), and the epoch is long enough ago. */
const FIRST_YEAR = 1970;
const LAST_YEAR = 9999;

function readNumber(value: unknown, field: string, least: number, most: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new MessageError(field, `is not a whole number from ${least} to ${most}`);
}

/** Reads a property that is true or false. */
export function readFlag(value: unknown, field: string): boolean {
  if (value === undefined || typeof value === "boolean") return value === true;
  throw new MessageError(field, `is ${describe(value)}, not a boolean`);
}
