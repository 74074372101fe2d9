// The sink: an SMTP server that takes everything and keeps nothing, in a process of its own, so that its work is not
// charged to the contestants and can be told apart from theirs.

import { certificate } from "./certificate.mjs";
import { Child } from "./child.mjs";

const SERVER = new URL("./sink-server.mjs", import.meta.url);

/** What the sink takes for a login. */
export const CREDENTIALS = { user: "bench", pass: "correct horse" };

/**
 * @typedef {object} SinkOptions
 * @property {"none" | "starttls" | "tls"} [security]  STARTTLS offered, or TLS from the first octet
 * @property {boolean} [auth]               offers AUTH PLAIN, and takes no mail before it
 * @property {readonly string[]} [hide]     extensions not to offer, by their EHLO keywords
 * @property {number} [pace]                octets that each connection is read of in a second, where it is not all there are
 *
 * @typedef {object} Figures                running totals
 * @property {number} cpu                   µs of the sink's process since it listens
 * @property {number} connections
 * @property {number} messages              taken
 * @property {number} reads                 times that octets arrived, after decryption where there is TLS
 * @property {number} octets
 */

/** Starts a sink on a free loopback port. */
export async function startSink(/** @type {SinkOptions} */ options = {}) {
  const { security = "none", auth = false, hide = [], pace } = options;
  const { ca, cert, key } = security === "none" ? {} : await certificate();
  const child = new Child({ script: SERVER });
  const ask = async (request) => {
    const { failed, ...answer } = await child.ask(request);
    if (failed !== undefined) throw new Error(`the sink: ${failed}`);
    return answer;
  };
  try {
    const { port } = await ask({
      do: "listen",
      options: { security, hide, pace, cert, key, credentials: auth ? CREDENTIALS : undefined },
    });
    return {
      port,
      /** The authority to trust, PEM, where there is TLS. */
      ca,
      /** @returns {Promise<Figures>} */
      figures: () => ask({ do: "figures" }),
      /** Keeps the last message from now on, or no longer: keeping costs CPU. */
      keep: (on) => ask({ do: "keep", on }),
      /**
       * The last message that was kept, after transparency was undone.
       * @returns {Promise<{ from: string, to: string[], content: Uint8Array } | undefined>}
       */
      last: async () => {
        const { last } = await ask({ do: "last" });
        return last && { ...last, content: Buffer.from(last.content, "base64") };
      },
      /** Reads nothing, on any connection, until `resume`. */
      pause: () => ask({ do: "pause" }),
      resume: () => ask({ do: "resume" }),
      close: () => child.kill(),
    };
  } catch (error) {
    child.kill();
    throw error;
  }
}
