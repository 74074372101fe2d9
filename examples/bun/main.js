// The mailer of a sign-in system, on Bun: POST {"to": "bob@example.org", "type": "SignIn", "payload": {"code": "042137"}}
// with the token that both sides know.
import { createHash, timingSafeEqual } from "node:crypto";
import { isSmtpError } from "pennypost";
import { createConnector } from "pennypost/connector";
import templates from "./templates.json" with { type: "json" };

const { SMTP_HOST, SMTP_PORT, SMTP_USER, SMTP_PASS, MAIL_FROM, MAILER_TOKEN, HOST, PORT } = process.env;
if (!MAILER_TOKEN) throw new Error("MAILER_TOKEN: is not set, and without it anybody could send your mail");

const connector = createConnector({
  host: SMTP_HOST,
  port: SMTP_PORT,
  auth: { user: SMTP_USER, pass: SMTP_PASS },
  fromEmail: MAIL_FROM,
  templates,
});

export default {
  hostname: HOST ?? "0.0.0.0",
  port: PORT ?? 3000,
  async fetch(request) {
    if (!isKnown(request.headers.get("Authorization"))) return new Response(null, { status: 401 });
    const order = await request.json().catch(() => undefined);
    if (order === undefined) return Response.json({ error: "POST JSON" }, { status: 400 });
    const { to, type, payload, locale } = Object(order);
    try {
      await connector.send({ to, type, payload, locale, signal: AbortSignal.timeout(20_000) });
      return Response.json({ delivery: "sent" }, { status: 202 });
    } catch (error) {
      if (!isSmtpError(error)) throw error;
      console.error(error.code, error.phase, error.delivery, error.hint ?? "");
      // What is wrong with the order is told: who gives it has the token. A list of recipients is such a thing.
      if (error.phase === "message") return Response.json({ error: error.message }, { status: 400 });
      const status = error.delivery === "unknown" ? 504 : error.retryable ? 503 : 502;
      return Response.json({ delivery: error.delivery }, { status });
    }
  },
};

/** Takes the same time wherever the first difference is. */
function isKnown(authorization) {
  const [given, known] = [authorization ?? "", `Bearer ${MAILER_TOKEN}`].map((text) =>
    createHash("sha256").update(text).digest(),
  );
  return timingSafeEqual(given, known);
}
