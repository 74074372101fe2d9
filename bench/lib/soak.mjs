// Very many messages in one call, to a sink that drops connections; and what is said of each held against what the sink
// has taken.

import { Child } from "./child.mjs";

const SERVER = new URL("./unsteady-sink.mjs", import.meta.url);
/** How many examples of what is wrong are worth reading. */
const MAX_WRONGS = 10;

/**
 * @typedef {object} Soaked
 * @property {Record<"accepted" | "not-sent" | "rejected" | "unknown", number>} told  how many messages each was said of
 * @property {number} taken               messages that the sink took
 * @property {Record<string, number>} drops  how often it dropped a connection, by how
 * @property {{ heap: number, rss: number }[]} samples  octets, as the messages went by
 * @property {string[]} wrongs            what is not as it should be: none, or some examples
 */

/**
 * @param {object} plan
 * @param {new (options: object) => any} plan.SmtpClient
 * @param {number} plan.count             messages
 * @param {number} plan.dropEvery         one drop in about so many messages
 * @param {number} plan.seed
 * @param {number} [plan.inFlight]
 * @param {number} [plan.sampleEvery]     messages between two looks at the memory
 * @returns {Promise<Soaked>}
 */
export async function soak({ SmtpClient, count, dropEvery, seed, inFlight = 8, sampleEvery = count }) {
  const child = new Child({ script: SERVER });
  const ask = async (request) => {
    const { failed, ...answer } = await child.ask(request);
    if (failed !== undefined) throw new Error(`the sink: ${failed}`);
    return answer;
  };
  try {
    const { port } = await ask({ do: "listen", count, every: dropEvery, seed });
    const client = new SmtpClient({
      host: "127.0.0.1",
      port,
      security: "none",
      maxMessagesPerConnection: 1e6,
    });
    const said = new Array(count);
    const samples = [];
    let told = 0;
    for await (const { index, ok, error } of client.sendMany(numbered(count), { inFlight })) {
      said[index] = said[index] === undefined ? (ok ? "accepted" : error.delivery) : "told twice";
      if (++told % sampleEvery === 0) samples.push(look());
    }
    await client.close();
    const { messages, taken, drops } = await ask({ do: "count" });
    const wrongs = wrongsOf(said, Buffer.from(taken, "base64"));
    return { told: tally(said), taken: messages, drops, samples, wrongs };
  } finally {
    child.kill();
  }
}

function* numbered(count) {
  for (let n = 0; n < count; n++) {
    yield {
      from: `n${n}@example.com`,
      to: "bob@example.org",
      subject: `Message ${n}`,
      text: `Hello Bob,\n\nthis is message ${n} of ${count}.\n`,
    };
  }
}

function look() {
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}

function wrongsOf(said, taken) {
  const wrongs = [];
  for (let n = 0; n < said.length && wrongs.length < MAX_WRONGS; n++) {
    if (!isTrue(said[n], taken[n])) wrongs.push(`message ${n}: ${said[n]}, and taken ${taken[n]} times`);
  }
  return wrongs;
}

/** Whether what was said of a message is so. */
function isTrue(said, taken) {
  switch (said) {
    case "accepted":
      return taken === 1;
    case "not-sent":
    case "rejected":
      return taken === 0;
    case "unknown":
      return taken <= 1;
    default:
      return false;
  }
}

function tally(said) {
  const counts = { accepted: 0, "not-sent": 0, rejected: 0, unknown: 0 };
  for (const outcome of said) counts[outcome]++;
  return counts;
}
