// A server's 421 while messages are out (RFC 5321 §3.8), and what it comes to: where the server keeps its word it closes
// the connection without another one, and has taken nothing. One that goes on regardless may have taken anything.

import { locate, type ReplyError } from "../errors.ts";
import type { Effect } from "./effect.ts";
import type { Exchange } from "./exchange.ts";
import { leftBehind } from "./faults.ts";

export class Farewell {
  readonly #error: ReplyError;
  /** Whom it was said to; nobody, where that one has been settled with it. */
  readonly #meant: Exchange | undefined;

  constructor(error: ReplyError, meant: Exchange | undefined) {
    this.#error = error;
    this.#meant = meant;
  }

  /** What becomes of those under way when the session ends: the server `kept` its word, or it was `broken`. */
  settle(exchanges: readonly Exchange[], word: "kept" | "broken"): readonly Effect[] {
    return exchanges.map((exchange) => {
      const { phase } = this.#error;
      if (word === "kept") exchange.delivery = "not-sent";
      let error: unknown;
      if (exchange !== this.#meant) error = exchange.fate(leftBehind());
      else if (word === "kept") error = exchange.fate(this.#error, phase);
      else error = locate(this.#error, phase, exchange.delivery);
      return { do: "reject", dialogue: exchange.dialogue, error };
    });
  }
}
