import { Message, SMTPClient } from "emailjs";
import { supply } from "../../lib/outgoing.mjs";
import { headersOf } from "../emailjs.mjs";

/** @param {import("../../lib/outgoing.mjs").SendOptions} options */
export function send({ port, security, auth, ca, connections, mode: _, ...what }) {
  // A client is a queue in front of one connection.
  const clients = Array.from(
    { length: connections },
    () =>
      new SMTPClient({
        host: "127.0.0.1",
        port,
        ...(security === "tls" && { ssl: { ca, servername: "localhost" } }),
        ...(security === "starttls" && { tls: { ca } }),
        ...(auth !== undefined && { user: auth.user, password: auth.pass, authentication: ["PLAIN"] }),
      }),
  );
  const next = supply(what);
  const deliver = (client) => client.sendAsync(new Message(headersOf(next())));
  return {
    once: () => deliver(clients[0]),
    many: (count) =>
      Promise.all(Array.from({ length: count }, (_, index) => deliver(clients[index % connections]))),
    close: async () => {
      for (const { smtp } of clients) smtp.close();
    },
  };
}
