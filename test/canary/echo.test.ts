// Servers that repeat what they were told, in every reply and in every form: nobody who looks at an error or listens to a
// client learns it.

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Logger } from "../../src/index.ts";
import {
  BEFOREHAND,
  type Echo,
  halfAReply,
  IN_A_LINE,
  IN_LINES,
  type Place,
  type Repeated,
  repetitions,
} from "../support/canary-echo.ts";
import { type Account, makeAccounts, type Overheard, overhear } from "../support/canary-login.ts";
import { CanaryWatch } from "../support/canary-watch.ts";
import { connectTo, MESSAGE } from "../support/client.ts";
import { polite } from "../support/manners.ts";
import { serve } from "../support/server.ts";
import { watchProcess } from "../support/watch.ts";

watchProcess();

const CHANNELS: readonly string[] = [
  ...["connecting", "connected", "secured", "command", "reply", "content", "retry", "closed"],
  ...["connect", "send"].flatMap((span) =>
    ["start", "end", "asyncStart", "asyncEnd", "error"].map((step) => `${span}:${step}`),
  ),
];

/** All that is published while the test runs. */
function listenEverywhere(): unknown[] {
  const published: unknown[] = [];
  const note = (message: unknown): void => void published.push(message);
  for (const channel of CHANNELS) {
    const name = channel.includes(":") ? `tracing:pennypost:${channel}` : `pennypost:${channel}`;
    subscribe(name, note);
    onTestFinished(() => void unsubscribe(name, note));
  }
  return published;
}

const LEVELS = ["debug", "info", "warn", "error"] as const;

/** A logger for each set of levels down to one, and what is written. */
function notebook(): { readonly logger: Logger; readonly lines: unknown[] } {
  const lines: unknown[] = [];
  const write = (...line: readonly unknown[]): void => void lines.push(line);
  return { logger: Object.fromEntries(LEVELS.map((level) => [level, write])), lines };
}

const TWO = { ...MESSAGE, to: ["bob@example.org", "carol@example.org"] };

interface Scene {
  readonly place: Place;
  /** Which of all that can be repeated is. */
  readonly choose: (all: readonly Repeated[]) => readonly Repeated[];
  /** How many messages. @default 1 */
  readonly times?: number;
  /** Milliseconds for a reply. */
  readonly patience?: number;
}

/** Sends messages, each over a connection of its own, to a server that repeats what it was told; returns what shows it. */
async function play(
  account: Account,
  { place, choose, times = 1, patience = 4_000 }: Scene,
): Promise<readonly string[]> {
  const watch = new CanaryWatch();
  watch.learn(account.secret);
  const overheard: Overheard = { said: [], derived: new Set() };
  let told: readonly Repeated[] = [];
  const echo: Echo = () => (told.length === 0 ? ["hello"] : told.flatMap(({ lines }) => lines));
  const offers = [`AUTH ${account.mechanism}`];
  const { EHLO, ...manners } = place(echo, async (peer, line) => {
    await overhear(peer, line, { account, overheard });
    told = choose(repetitions(line, overheard, account));
    watch.learn(...overheard.derived);
  });
  const server = await serve(
    polite({
      offers,
      ...manners,
      ...(typeof EHLO === "function" && {
        EHLO: async (peer, line) => `250-test.example\n250-${offers}\n${await EHLO(peer, line)}`,
      }),
    }),
  );
  const published = listenEverywhere();
  const { logger, lines } = notebook();
  const { client, events } = connectTo(server, {
    auth: account.auth,
    logger,
    timeouts: { command: patience },
    maxMessagesPerConnection: 1,
  });
  const outcomes: unknown[] = [];
  while (outcomes.length < times) {
    outcomes.push(await client.send(TWO).catch((error: unknown) => error));
  }
  watch.examine("the client", client);
  watch.examine("its figures", client.stats);
  await client.close();
  expect(overheard.said).not.toEqual([]);
  expect(told).not.toEqual([]);
  for (const one of outcomes) watch.examine("what is told of the message", one);
  watch.examine("the trace", events);
  watch.examine("the log", lines);
  watch.examine("the channels", published);
  return watch.take().map(({ where, what }) => `${where}: ${what}`);
}

const accounts = makeAccounts();

describe.each(accounts.map((account, at) => [account.mechanism, account, at] as const))(
  "%s",
  (_, account, at) => {
    test.each(Object.entries(IN_LINES))(
      "is not shown by a server that repeats it in %s",
      async (_where, place) => {
        expect(await play(account, { place, choose: (all) => all })).toEqual([]);
      },
    );

    test("is not shown by a server that repeats it in half a reply, and then is silent", async () => {
      const choose: Scene["choose"] = (all) => all.slice(0, 3);
      // Long enough for the login itself on a busy machine.
      expect(await play(account, { place: halfAReply, choose, patience: 400 })).toEqual([]);
    });

    test("is not shown to those either who are told of a refused login and had no part in it", async () => {
      const place = IN_LINES["the refusal of the login"];
      if (place === undefined) throw new Error("there is no such place");
      expect(await play(account, { place, choose: (all) => all, times: 2 })).toEqual([]);
    });

    // Not what was made up in another session, such as a proof, for which that was the place.
    test.each("custom" in account.auth ? [] : Object.entries(BEFOREHAND))(
      "is not shown by a server that repeats it in %s",
      async (_where, place) => {
        const choose: Scene["choose"] = (all) => all.filter(({ of }) => of === account.secret);
        expect(await play(account, { place, choose, times: 2 })).toEqual([]);
      },
    );

    // One at a time, for what is shown of such a line is cut; another in each place, so that each has its turn somewhere.
    test.each(Object.entries(IN_A_LINE).map(([where, place], nth) => [where, place, nth] as const))(
      "is not shown by a server that repeats it in %s",
      async (_where, place, nth) => {
        for (const step of [7, 19]) {
          const choose: Scene["choose"] = (all) => {
            const chosen = all[(at * step + nth * 5) % all.length];
            return chosen === undefined ? [] : [chosen];
          };
          expect(await play(account, { place, choose })).toEqual([]);
        }
      },
    );
  },
);
