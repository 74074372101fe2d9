// A function for Vercel, on its Node.js runtime: mails what somebody writes into a form to the owner of the site.
import { isSmtpError, MessageError, SmtpClient } from "pennypost";

// In module scope: requests that come to the same instance share its connections.
const client = new SmtpClient({ url: process.env.SMTP_URL, timeout: 20_000 });

export async function POST(request) {
  const form = await request.formData().catch(() => undefined);
  if (form === undefined) return problem("POST a form");
  const [name, email, text, website] = ["name", "email", "message", "website"].map((field) => {
    const value = form.get(field);
    return typeof value === "string" ? value.trim() : "";
  });
  // A field that people are not shown, and programs fill in; a browser may, too, and then somebody has to be told.
  if (website !== "") return problem("website: is to stay empty");
  if (text === "" || text.length > 10_000) return problem("message: up to 10,000 characters");

  try {
    // Awaited: once there is an answer the instance may be frozen, and the message with it.
    await client.send({
      from: process.env.MAIL_FROM, // yours, and never the visitor's: their domain would disown it
      to: process.env.MAIL_TO,
      replyTo: { name, address: email },
      subject: "From the contact form",
      text,
    });
    return Response.json({ delivery: "sent" }, { status: 202 });
  } catch (error) {
    // A line end in a name is the attempt to write a header of one's own: it is refused, and nothing connected.
    if (error instanceof MessageError && error.field.startsWith("replyTo")) return problem(error.message);
    if (!isSmtpError(error)) throw error;
    console.error(error.code, error.phase, error.delivery, error.hint ?? "");
    const status = error.delivery === "unknown" ? 504 : error.retryable ? 503 : 502;
    return Response.json({ delivery: error.delivery }, { status });
  }
}

function problem(message) {
  return Response.json({ error: message }, { status: 400 });
}
