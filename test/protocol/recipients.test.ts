// What becomes of each recipient, by the reply to their RCPT.

import { expect, test } from "vitest";
import { encodeUtf8 } from "../../src/bytes.ts";
import { transaction } from "../../src/protocol/transaction.ts";

test.each([["PIPELINING"], [undefined]])(
  "250, 251 and 252 take a recipient, and others are refused each as the server said (%s)",
  (offer) => {
    const codes = [250, 251, 252, 450, 452, 550, 551, 553];
    const to = codes.map((code) => `r${code}@example.org`);
    const one = { from: "a@example.com", to, content: encodeUtf8("\r\nHi\r\n"), utf8: false };
    const dialogue = transaction(one, new Map(offer === undefined ? [] : [[offer, []]]));
    let step = dialogue.next([]);
    while (!step.done) {
      const said = step.value.kind === "commands" ? step.value.commands.map(({ line }) => line) : [""];
      step = dialogue.next(
        said.map((line) => {
          const code = line === "DATA" ? 354 : Number(/^RCPT TO:<r(\d+)/.exec(line)?.[1] ?? 250);
          return { code, lines: [`of ${line}`] };
        }),
      );
    }
    expect(step.value.accepted).toEqual(to.slice(0, 3));
    expect(step.value.rejected).toEqual(
      to.slice(3).map((recipient, at) => ({
        recipient,
        reply: { code: codes[at + 3], lines: [`of RCPT TO:<${recipient}>`] },
      })),
    );
  },
);
