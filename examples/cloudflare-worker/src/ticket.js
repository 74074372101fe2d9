// What the Worker answers instead of storing the code: a proof of which code was mailed to whom, and until when it counts.
// Without the key, nobody can tell the code from it.

/** Makes the ticket for a code. */
export async function makeTicket(key, { to, code, lifetime }) {
  const expires = Math.floor(Date.now() / 1000) + lifetime;
  const proof = await crypto.subtle.sign("HMAC", await imported(key), claim(to, code, expires));
  return `${expires}.${btoa(String.fromCharCode(...new Uint8Array(proof)))}`;
}

/** Whether this is the code that was mailed to that address. Count the attempts: there are but a million codes. */
export async function checkTicket(key, { ticket, to, code }) {
  const [expires = "", proof = ""] = String(ticket).split(".");
  if (!(Number(expires) > Date.now() / 1000)) return false;
  try {
    const octets = Uint8Array.from(atob(proof), (character) => character.charCodeAt(0));
    return await crypto.subtle.verify("HMAC", await imported(key), octets, claim(to, code, expires));
  } catch {
    return false;
  }
}

function claim(to, code, expires) {
  return new TextEncoder().encode(JSON.stringify([to, code, Number(expires)]));
}

function imported(key) {
  if (!(key?.length >= 32)) throw new Error("CODE_KEY: needs 32 characters or more");
  const hash = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", new TextEncoder().encode(key), hash, false, ["sign", "verify"]);
}
