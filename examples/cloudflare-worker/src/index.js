// A Worker that mails verification codes: POST /code with {"to": "bob@example.org"}.
import { env } from "cloudflare:workers";
import { compileTemplate, isSmtpError, parseMailbox, SmtpClient } from "pennypost";
import { makeTicket } from "./ticket.js";

const LIFETIME = 600; // seconds

// In a global: it opens nothing before something is sent, and connections for each request alone.
const client = new SmtpClient({ url: env.SMTP_URL, timeout: 20_000 });
const subject = compileTemplate("{{code}} is your code", { contentType: "header" });
const text = compileTemplate(
  "Your code is {{code}}. It is valid for {{minutes}} minutes.\n\nYou did not ask for it? Then there is nothing to do.\n",
);

export default {
  async fetch(request) {
    if (new URL(request.url).pathname !== "/code") return new Response(null, { status: 404 });
    // Forms of other sites cannot send this type without the browser asking first.
    const isJson = request.headers.get("Content-Type")?.startsWith("application/json");
    if (request.method !== "POST" || !isJson) return problem(415, "POST application/json");

    const to = addressOf(await request.json().catch(() => undefined));
    if (to === undefined) return problem(400, "to: one e-mail address");
    if (!(await mayAsk(request, to))) return problem(429, "too many codes; come back in a minute");

    const code = sixDigits();
    const ticket = await makeTicket(env.CODE_KEY, { to, code, lifetime: LIFETIME });
    try {
      await client.send({
        from: env.MAIL_FROM,
        to,
        subject: subject.render({ code }),
        text: text.render({ code, minutes: LIFETIME / 60 }),
        autoSubmitted: "auto-generated",
      });
      return Response.json({ delivery: "sent", ticket }, { status: 202 });
    } catch (error) {
      if (!isSmtpError(error)) throw error;
      // No address and no code in the log.
      console.error(error.code, error.phase, error.delivery, error.hint ?? "");
      // It may come all the same, and is then as good as any.
      if (error.delivery === "unknown")
        return Response.json({ delivery: "unknown", ticket }, { status: 504 });
      return Response.json({ delivery: error.delivery }, { status: error.retryable ? 503 : 502 });
    }
  },
};

/** The address alone: no list, and no name, in which strangers could have us mail what they like. */
function addressOf(body) {
  try {
    return parseMailbox(body.to).address;
  } catch {
    return undefined;
  }
}

/** So many per address and per visitor: whoever asks for codes makes you send mail, and somebody else get it. */
async function mayAsk(request, to) {
  const keys = [`to:${to.toLowerCase()}`, `ip:${request.headers.get("CF-Connecting-IP")}`];
  const answers = await Promise.all(keys.map((key) => env.LIMITER.limit({ key })));
  return answers.every(({ success }) => success);
}

function sixDigits() {
  const [number] = crypto.getRandomValues(new BigUint64Array(1));
  return String(number % 1_000_000n).padStart(6, "0");
}

function problem(status, message) {
  return Response.json({ error: message }, { status });
}
