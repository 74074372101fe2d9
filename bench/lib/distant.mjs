// A contestant with one connection to a sink that is far away.

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
 * @property {number} [recipients]
 * @property {number} [batch]                      how many messages are queued at once, where more than one
 */

/**
 * Runs `use` with a function that has the contestant send once, and says how many turns and milliseconds it took.
 * Rejects with what went wrong.
 * @template T
 * @param {Setting} setting
 * @param {(send: () => Promise<{ turns: number, wall: number }>) => Promise<T>} use
 * @returns {Promise<T>}
 */
export async function fromAfar(setting, use) {
  const { child, module, mode, sink, security, auth = false, roundTrip, recipients, batch } = setting;
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
        connections: 1,
        port: proxy.port,
        security,
        mode,
        recipients,
        batch,
        ca: sink.ca,
        auth: auth ? CREDENTIALS : undefined,
      },
    });
    const result = await use(async () => {
      const before = proxy.turns();
      // No time at all is the time of one message, or one batch.
      const { wall } = await ask({ do: "slice", ms: 0 });
      return { turns: proxy.turns() - before, wall };
    });
    await ask({ do: "close" });
    return result;
  } finally {
    proxy.close();
  }
}
