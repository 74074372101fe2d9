// Sends a verification-code message and shows everything that happens: to a server that this program starts itself,
// or to yours:
//
//   npm run demo
//   npm run demo -- --url smtps://user:pass@smtp.example.com --to you@example.com
//
// What a program of your own needs of this is the call in the middle.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { compileTemplate, isSmtpError, SmtpClient } from "pennypost";
import PostalMime from "postal-mime";
import { startServer } from "./demo-server.mjs";

const { values: flags } = parseArgs({
  options: {
    url: { type: "string" },
    from: { type: "string" },
    to: { type: "string", default: "Bob <bob@example.org>" },
    help: { type: "boolean", short: "h" },
  },
});
if (flags.help) {
  console.log("npm run demo -- [--url smtp[s]://user:pass@host:port] [--from address] [--to address]");
  process.exit();
}

const own = flags.url === undefined ? await startServer() : undefined;
const url = new URL(flags.url ?? own?.url ?? "");
const user = decodeURIComponent(url.username);
const from = flags.from ?? { name: "Example 登录", address: user.includes("@") ? user : "login@example.com" };

const payload = { app: "Example", code: "042137", user: { name: "Bob <bob@example.org>" } };
const subject = compileTemplate("{{app}}: your code is {{code}}");
const text = compileTemplate("Hello {{user.name}},\n\nyour code is <<code>>. It is valid for ten minutes.\n");
const html = compileTemplate(
  '<p>Hello {{user.name}},</p><p>your code is <b><<code>></b>. It is valid for ten minutes.</p><p><img src="cid:dot" alt=""></p>',
  { contentType: "text/html" },
);

heading("the conversation");
const client = new SmtpClient({
  url,
  ...(own && { security: "starttls", tls: { ca: own.ca } }),
  trace: show,
});
let receipt;
try {
  receipt = await client.send({
    from,
    to: flags.to,
    subject: subject.render(payload),
    text: text.render(payload),
    html: html.render(payload),
    attachments: [
      { filename: "dot.gif", content: dot(), cid: "dot" },
      { filename: "licence – 许可.txt", content: readFileSync(new URL("../LICENSE", import.meta.url)) },
    ],
  });
} catch (error) {
  heading("what went wrong");
  console.log(error);
  if (isSmtpError(error)) console.log(`\nwas it sent? ${error.delivery}; ${error.hint ?? "no hint"}`);
  process.exitCode = 1;
} finally {
  await client.close();
}
if (receipt !== undefined) {
  heading("the receipt");
  console.log(receipt);
}

const received = own?.messages[0]?.octets;
if (received !== undefined) {
  heading("the message as the server received it");
  console.log(shortened(received.toString("latin1")));
  heading("the message as an independent parser reads it");
  const { from, to, subject, text, html, attachments } = await PostalMime.parse(received);
  console.log({
    from,
    to,
    subject,
    text,
    html,
    attachments: attachments.map(({ filename, mimeType, disposition, contentId, content }) => ({
      filename,
      mimeType,
      disposition,
      contentId,
      octets: content.byteLength,
    })),
  });
}
await own?.close();

/** @param {import("pennypost").TraceEvent} event */
function show(event) {
  switch (event.kind) {
    case "connected":
      return console.log(`-- connected to ${event.host}, port ${event.port}${event.secure ? ", TLS" : ""}`);
    case "secured":
      return console.log(`-- ${event.version}, certificate ${event.verified ? "verified" : "not verified"}`);
    case "command":
      return console.log(`C: ${event.line}`);
    case "reply":
      return event.reply.lines.forEach((line, index, { length }) => {
        console.log(`S: ${event.reply.code}${index < length - 1 ? "-" : " "}${line}`);
      });
    case "content":
      return console.log(`C: (${event.octets} octets of mail data)`);
    case "closed":
      return console.log("-- closed");
  }
}

function heading(text) {
  console.log(`\n── ${text} ${"─".repeat(Math.max(0, 74 - text.length))}\n`);
}

/** The first lines of each base64 body: nobody reads the others. */
function shortened(message) {
  return message.replace(/((?:^[A-Za-z0-9+/]{76}\r?\n){2})(?:^[A-Za-z0-9+/=]{1,76}\r?\n)+/gm, "$1[…]\n");
}

/** A GIF of one transparent pixel. */
function dot() {
  return Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64");
}
