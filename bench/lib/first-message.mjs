// Sends to a port where nobody listens: all that a message needs is loaded, and the rest is the kernel's.

import { SmtpClient } from "pennypost";

const client = new SmtpClient({ host: "127.0.0.1", port: 1, security: "starttls" });
const error = await client
  .send({ from: "login@example.com", to: "bob@example.org", subject: "Your code", text: "042137" })
  .catch((reason) => reason);
if (error?.code !== "connection") throw error;
