// Compares what arrived at a sink, envelope and content, with what was to be sent.

import { checkAny } from "./check.mjs";

/**
 * Says what is wrong with the last message that a sink took, or nothing. The sink keeps no more messages after that.
 * @param {Awaited<ReturnType<typeof import("./sink.mjs").startSink>>} sink  that was told to keep
 * @param {readonly import("./messages.mjs").NeutralMessage[]} candidates  what it may have been sent
 * @returns {Promise<string | undefined>}
 */
export async function checkLast(sink, candidates) {
  const last = await sink.last();
  await sink.keep(false);
  if (last === undefined) return "sent nothing";
  const recipients = last.to.join(", ");
  const meant = candidates.filter(({ to }) => to.map(({ address }) => address).join(", ") === recipients);
  if (meant.length === 0) return `nothing was meant for ${recipients}`;
  if (last.from !== meant[0].from.address) return `the reverse-path is ${last.from}`;
  return checkAny(last.content, meant);
}
