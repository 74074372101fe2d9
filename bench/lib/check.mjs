// Reads a message back with an independent parser, and compares it with what it was made of. Who is fast because it
// says something else is not in the race.

import PostalMime from "postal-mime";

/**
 * Says what is wrong with a message, or nothing.
 * @param {Uint8Array} message
 * @param {import("./messages.mjs").NeutralMessage} expected  with `content` for every attachment
 * @returns {Promise<string | undefined>}
 */
export async function checkMessage(message, expected) {
  if (message.length === 0) return "produced nothing";
  const read = await PostalMime.parse(message);
  const wrong = [];
  const compare = (what, found, wanted) => {
    if (found !== wanted) wrong.push(`${what} is ${shown(found)}, not ${shown(wanted)}`);
  };
  compare("from", mailboxes([read.from]), mailboxes([expected.from]));
  compare("to", mailboxes(read.to), mailboxes(expected.to));
  compare("subject", read.subject, expected.subject);
  compare("text", lines(read.text), lines(expected.text));
  compare("html", lines(read.html), lines(expected.html));
  compare("attachments", read.attachments.length, expected.attachments?.length ?? 0);
  for (const [at, { filename, contentType, content }] of (expected.attachments ?? []).entries()) {
    const attachment = read.attachments[at];
    compare("filename", attachment?.filename, filename);
    compare("content type", attachment?.mimeType, contentType);
    if (attachment === undefined || !Buffer.from(attachment.content).equals(content))
      wrong.push(`${filename} differs`);
  }
  if (read.messageId === undefined) wrong.push("there is no Message-ID");
  if (read.date === undefined) wrong.push("there is no Date");
  return wrong.length === 0 ? undefined : wrong.join("; ");
}

/**
 * The same for a message that may be any of several; it says what is wrong with regard to the one it is closest to.
 * @param {Uint8Array} message
 * @param {readonly import("./messages.mjs").NeutralMessage[]} candidates
 */
export async function checkAny(message, candidates) {
  let shortest;
  for (const candidate of candidates) {
    const wrong = await checkMessage(message, candidate);
    if (wrong === undefined) return undefined;
    if (shortest === undefined || wrong.length < shortest.length) shortest = wrong;
  }
  return shortest;
}

function mailboxes(list) {
  return (list ?? []).map((mailbox) => `${mailbox?.name} <${mailbox?.address}>`).join(", ");
}

/** Line ends are canonical on the wire, and how many close a part is nobody's content. */
function lines(text) {
  return (text ?? "").replaceAll("\r\n", "\n").replace(/\n+$/, "");
}

function shown(value) {
  const text = JSON.stringify(value) ?? "missing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
