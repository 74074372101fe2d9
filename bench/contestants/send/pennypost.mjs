import { SmtpClient } from "pennypost";
import { supply } from "../../lib/outgoing.mjs";

/** @param {import("../../lib/outgoing.mjs").SendOptions} options */
export function send({ port, security, auth, ca, connections, mode, ...what }) {
  if (mode === "bulk") return { notYet: "not yet: sendMany" };
  if (what.file !== undefined && !what.inMemory) return { notYet: "not yet: file sources" };
  const client = new SmtpClient({
    host: "127.0.0.1",
    port,
    security,
    servername: "localhost",
    ...(ca !== undefined && { tls: { ca } }),
    ...(auth !== undefined && { auth: { ...auth, allowInsecure: true } }),
    maxConnections: connections,
  });
  const next = supply(what);
  return {
    once: () => client.send(next()),
    many: (count) => Promise.all(Array.from({ length: count }, () => client.send(next()))),
    close: () => client.close(),
  };
}
