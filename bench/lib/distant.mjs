// A contestant whose sink is far away.

import { startProxy } from "./proxy.mjs";
import { CREDENTIALS } from "./sink.mjs";

/**
 * @typedef {object} Setting
 * @property {import("./child.mjs").Child} child   to hold the contestant
 * @property {string} module                       as the files in bench/contestants are named
 * @property {string} [mode]
 * @property {{ port: number, ca?: string }} sink
 * @property {"none" | "starttls" | "tls"} security
 * @property {boolean} [auth]
 * @property {number} roundTrip                    milliseconds
 * @property {number} [connections]                at most; one, where it is not said
 * @property {number} [recipients]
 * @property {number} [batch]                      how many messages are queued at once, where more than one
 */

/**
 * Runs `use` with a function that has the contestant send once, and says how many turns and milliseconds it took. It may
 * be told to queue another number of messages. Rejects with what went wrong.
 * @template T
 * @param {Setting} setting
 * @param {(send: (batch?: number) => Promise<{ turns: number, wall: number }>) => Promise<T>} use
 * @returns {Promise<T>}
 */
export async function fromAfar(setting, use) {
  const { child, module, mode, sink, security, auth = false, roundTrip } = setting;
  const { connections = 1, recipients, batch } = setting;
  const ask = async (request) => {
    const answer = await child.ask(request);
    const fault = answer.failed ?? answer.notYet;
    if (fault !== undefined) throw new Error(fault);
    return answer;
  };
  const proxy = await startProxy({ port: sink.port, roundTrip });
  try {
    await ask({
      do: "prepare",
      module: new URL(`../contestants/${module}.mjs`, import.meta.url).href,
      export: "send",
      options: {
        kind: "otp",
        connections,
        port: proxy.port,
        security,
        mode,
        recipients,
        batch,
        ca: sink.ca,
        auth: auth ? CREDENTIALS : undefined,
      },
    });
    const result = await use(async (otherBatch) => {
      const before = proxy.turns();
      // No time at all is the time of one message, or one batch.
      const { wall } = await ask({ do: "slice", ms: 0, batch: otherBatch });
      return { turns: proxy.turns() - before, wall };
    });
    await ask({ do: "close" });
    return result;
  } finally {
    proxy.close();
  }
}
