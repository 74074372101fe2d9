import { createTransport } from "nodemailer";
import { supply } from "../../lib/outgoing.mjs";

/** @param {import("../../lib/outgoing.mjs").SendOptions} options */
export function send({ port, security, auth, ca, connections, mode: _, ...what }) {
  const transport = createTransport({
    host: "127.0.0.1",
    port,
    secure: security === "tls",
    requireTLS: security === "starttls",
    ignoreTLS: security === "none",
    ...(ca !== undefined && { tls: { ca, servername: "localhost" } }),
    ...(auth !== undefined && { auth }),
    pool: true,
    maxConnections: connections,
    // Its default of 100 would have it measured reconnecting.
    maxMessages: Number.POSITIVE_INFINITY,
  });
  const next = supply(what);
  return {
    once: () => transport.sendMail(next()),
    many: (count) => Promise.all(Array.from({ length: count }, () => transport.sendMail(next()))),
    close: async () => transport.close(),
  };
}
