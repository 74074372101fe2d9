import { attachment, SmtpClient } from "pennypost";
import { supply } from "../../lib/outgoing.mjs";

/** In one call, as many messages may be under way on a connection as raw writes at once; over all, times `connections`. */
const IN_FLIGHT = 32;

/** @param {import("../../lib/outgoing.mjs").SendOptions} options */
export function send({ port, security, auth, ca, connections, mode, ...what }) {
  const client = new SmtpClient({
    host: "127.0.0.1",
    port,
    security,
    servername: "localhost",
    ...(ca !== undefined && { tls: { ca } }),
    ...(auth !== undefined && { auth: { ...auth, allowInsecure: true } }),
    maxConnections: connections,
    // Its default of 100 would have it measured reconnecting.
    maxMessagesPerConnection: 1_000_000,
  });
  const supplied = supply(what);
  const next = what.file === undefined || what.inMemory ? supplied : () => withFiles(supplied());
  return {
    once: () => client.send(next()),
    many: (count) => (mode === "bulk" ? bulk(client, next, count) : queue(client, next, count)),
    close: () => client.close(),
  };
}

function queue(client, next, count) {
  return Promise.all(Array.from({ length: count }, () => client.send(next())));
}

async function bulk(client, next, count) {
  function* messages() {
    for (let sent = 0; sent < count; sent++) yield next();
  }
  for await (const result of client.sendMany(messages(), { inFlight: IN_FLIGHT })) {
    if (!result.ok) throw result.error;
  }
}

/** A message of the neutral form with its files as pennypost attaches them. */
export function withFiles({ attachments, ...message }) {
  return { ...message, attachments: attachments.map(({ path, ...file }) => attachment.file(path, file)) };
}
