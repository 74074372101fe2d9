// An SMTP server for the demo: STARTTLS with a certificate made for the occasion, AUTH, and a list of what arrived.
import { once } from "node:events";
import { generate } from "selfsigned";
import { SMTPServer } from "smtp-server";

const USER = "login@example.com";
const PASSWORD = "correct horse";

/** Starts the server on a free loopback port. */
export async function startServer() {
  const authority = await generate([{ name: "commonName", value: "demo authority" }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true },
    ],
  });
  const leaf = await generate([{ name: "commonName", value: "localhost" }], {
    keyType: "ec",
    algorithm: "sha256",
    ca: { key: authority.private, cert: authority.cert },
    extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] }],
  });
  const messages = [];
  const server = new SMTPServer({
    name: "mx.example.org",
    key: leaf.private,
    cert: leaf.cert,
    authMethods: ["PLAIN", "LOGIN"],
    onAuth: ({ username, password }, _, done) => {
      if (username === USER && password === PASSWORD) done(null, { user: username });
      else done(new Error("wrong user name or password"));
    },
    onData: async (stream, { envelope }, done) => {
      const to = envelope.rcptTo.map(({ address }) => address);
      messages.push({ to, octets: Buffer.concat(await stream.toArray()) });
      done();
    },
    // For clients that are never closed: ms until it hangs up on them.
    closeTimeout: 100,
  });
  server.on("error", () => {});
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  const { port } = server.server.address();
  return {
    url: `smtp://${encodeURIComponent(USER)}:${encodeURIComponent(PASSWORD)}@localhost:${port}`,
    ca: authority.cert,
    messages,
    close: () => new Promise((resolve) => server.close(() => resolve(undefined))),
  };
}
