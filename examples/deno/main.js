// Sign-in by link, on Deno: POST /login with {"to": "bob@example.org"} mails a link, and whoever follows it is signed in.
// Nothing is stored: the link says who it is for and until when, and is signed.
import { env } from "node:process";
import { compileTemplate, isSmtpError, parseMailbox, SmtpClient } from "pennypost";

const LIFETIME = 15 * 60; // seconds

// Whoever can guess the key signs in as anybody.
if (!(env.LINK_KEY?.length >= 32)) throw new Error("LINK_KEY: needs 32 characters or more");
// The origin comes from the settings: the Host of a request is whatever somebody wrote into it.
const page = new URL("/login", env.ORIGIN);

const client = new SmtpClient({ url: env.SMTP_URL, timeout: 20_000 });
const key = await crypto.subtle.importKey(
  "raw",
  new TextEncoder().encode(env.LINK_KEY),
  { name: "HMAC", hash: "SHA-256" },
  false,
  ["sign", "verify"],
);
const text = compileTemplate("Sign in here, within {{minutes}} minutes:\n\n{{link}}\n");
const html = compileTemplate(
  '<p><a href="{{link}}">Sign in</a> within {{minutes}} minutes.</p><p>You did not ask for this? Then there is nothing to do.</p>',
  { contentType: "text/html" },
);

export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (request.method === "POST" && pathname === "/login") return mailLink(request);
    if (request.method === "GET" && pathname === "/login") return signIn(searchParams);
    return new Response(null, { status: 404 });
  },
};

async function mailLink(request) {
  let to;
  try {
    // The address alone: a name would be a stranger's words in our mail.
    to = parseMailbox((await request.json()).to).address;
  } catch {
    return Response.json({ error: "to: one e-mail address" }, { status: 400 });
  }
  const values = { link: await linkFor(to), minutes: LIFETIME / 60 };
  try {
    await client.send({
      from: env.MAIL_FROM,
      to,
      subject: "Your link to sign in",
      text: text.render(values),
      html: html.render(values),
      autoSubmitted: "auto-generated",
    });
    return Response.json({ delivery: "sent" }, { status: 202 });
  } catch (error) {
    if (!isSmtpError(error)) throw error;
    console.error(error.code, error.phase, error.delivery, error.hint ?? "");
    const status = error.delivery === "unknown" ? 504 : error.retryable ? 503 : 502;
    return Response.json({ delivery: error.delivery }, { status });
  }
}

async function linkFor(to) {
  const expires = String(Math.floor(Date.now() / 1000) + LIFETIME);
  const signature = await crypto.subtle.sign("HMAC", key, claim(to, expires));
  const proof = btoa(String.fromCharCode(...new Uint8Array(signature)));
  return `${page}?${new URLSearchParams({ to, expires, proof })}`;
}

async function signIn(parameters) {
  const [to = "", expires = "", proof = ""] = ["to", "expires", "proof"].map(
    (name) => parameters.get(name) ?? "",
  );
  const isTimely = Number(expires) > Date.now() / 1000;
  if (!isTimely || !(await crypto.subtle.verify("HMAC", key, octets(proof), claim(to, expires)))) {
    return Response.json({ error: "this link does not count, or no longer" }, { status: 403 });
  }
  // Here the session of your site begins.
  return Response.json({ signedIn: to });
}

function claim(to, expires) {
  return new TextEncoder().encode(JSON.stringify([to, expires]));
}

function octets(base64) {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}
