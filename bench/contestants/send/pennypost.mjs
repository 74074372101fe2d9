import { attachment, SmtpClient } from "pennypost";
import { supply } from "../../lib/outgoing.mjs";

/** @param {import("../../lib/outgoing.mjs").SendOptions} options */
export function send({ port, security, auth, ca, connections, mode, ...what }) {
  if (mode === "bulk") return { notYet: "not yet: sendMany" };
  const client = new SmtpClient({
    host: "127.0.0.1",
    port,
    security,
    servername: "localhost",
    ...(ca !== undefined && { tls: { ca } }),
    ...(auth !== undefined && { auth: { ...auth, allowInsecure: true } }),
    maxConnections: connections,
  });
  const supplied = supply(what);
  const next = what.file === undefined || what.inMemory ? supplied : () => withFiles(supplied());
  return {
    once: () => client.send(next()),
    many: (count) => Promise.all(Array.from({ length: count }, () => client.send(next()))),
    close: () => client.close(),
  };
}

/** A message of the neutral form with its files as pennypost attaches them. */
export function withFiles({ attachments, ...message }) {
  return { ...message, attachments: attachments.map(({ path, ...file }) => attachment.file(path, file)) };
}
