// One command that is no part of a transaction, over a connection of the pool.

import type { Command } from "./commands.ts";
import type { Connection } from "./connection.ts";
import { MessageError, type Reply } from "./errors.ts";
import type { Pool } from "./pool.ts";
import type { RateGate } from "./rate-limit.ts";
import { isStale } from "./retry.ts";

/** Says it over a fresh connection, where the first is dead. */
export async function ask(
  command: Command,
  { pool, limiter }: { readonly pool: Pool; readonly limiter: RateGate | undefined },
  signal: AbortSignal | undefined,
): Promise<Reply> {
  for (let number = 1; ; number++) {
    await limiter?.acquire(signal);
    const loan = await pool.wait({ signal, fresh: number > 1, inFlight: 1 });
    let error: unknown;
    try {
      refuseBeyondAscii(command, loan.connection);
      return await loan.connection.ask(command, signal);
    } catch (thrown) {
      error = thrown;
      if (number > 1 || !isStale(error, { number, isReused: loan.isReused })) throw error;
    } finally {
      pool.release(loan.connection, error);
    }
  }
}

/** RFC 6531 §3.7.4.2: only who offers SMTPUTF8 can be asked about what is not ASCII. */
function refuseBeyondAscii({ line }: Command, connection: Connection): void {
  if (!line.endsWith(" SMTPUTF8") || connection.offers("SMTPUTF8")) return;
  throw new MessageError("name", "is not ASCII, and the server does not offer SMTPUTF8 (RFC 6531)", {
    code: "extension_required",
    phase: "vrfy",
  });
}
