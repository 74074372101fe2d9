import { readFile } from "node:fs/promises";
import { createMessage } from "@upyo/core";
import { SmtpTransport } from "@upyo/smtp";
import { supply } from "../../lib/outgoing.mjs";

/** @param {import("../../lib/outgoing.mjs").SendOptions} options */
export function send({ port, security, auth, ca, connections, mode, ...what }) {
  const transport = new SmtpTransport({
    host: "127.0.0.1",
    port,
    secure: security === "tls",
    ...(ca !== undefined && { tls: { ca: [ca] } }),
    ...(auth !== undefined && { auth: { ...auth, method: "plain" } }),
    pool: true,
    poolSize: connections,
  });
  const next = supply(what);
  const deliver = async () => accepted(await transport.send(messageOf(next())));
  return {
    once: deliver,
    many: (count) => (mode === "bulk" ? bulk(transport, next, count) : queue(deliver, connections, count)),
    close: () => transport.closeAllConnections(),
  };
}

/** Its pool is of the connections that are kept, not of those that are opened: the queue is ours. */
async function queue(deliver, connections, count) {
  let left = count;
  const work = async () => {
    while (left-- > 0) await deliver();
  };
  await Promise.all(Array.from({ length: connections }, work));
}

async function bulk(transport, next, count) {
  function* messages() {
    for (let sent = 0; sent < count; sent++) yield messageOf(next());
  }
  for await (const receipt of transport.sendMany(messages())) accepted(receipt);
}

function messageOf({ from, to, subject, text, html, attachments = [] }) {
  return createMessage({
    from: mailbox(from),
    to: to.map(mailbox),
    subject,
    content: { ...(text !== undefined && { text }), ...(html !== undefined && { html }) },
    attachments: attachments.map(({ filename, contentType, content, path }) => ({
      inline: false,
      filename,
      contentType,
      contentId: "",
      content: content ?? readFile(path),
    })),
  });
}

function mailbox({ name, address }) {
  return { name, address };
}

function accepted(receipt) {
  if (!receipt.successful) throw new Error(receipt.errorMessages.join("; "));
}
