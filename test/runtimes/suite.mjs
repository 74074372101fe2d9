// The conformance suite, as it runs in the runtime under test: no test runner is here, and nothing that one runtime alone
// has. Each check does one thing with what the package exports, and tells what came of it. Whether that is right is judged
// on the other side (checks.ts), which also knows what the server heard.

const MESSAGE = { from: "alice@example.com", to: "bob@example.org", subject: "Hello", text: "Hello, Bob." };
/** Milliseconds for one check. The longest takes a second. */
const LIMIT = 15_000;

/** What each check does; what it is told (`order`) is options of a client, for the most part. */
export const CHECKS = {
  plain: send,
  "implicit TLS": send,
  STARTTLS: send,
  "wrong host, implicit TLS": send,
  "wrong host, STARTTLS": send,
  "wrong IP address, implicit TLS": send,
  "wrong IP address, STARTTLS": send,
  "unknown CA, implicit TLS": send,
  "unknown CA, STARTTLS": send,
  "injection behind the 220": send,
  "refused port": send,
  "stalled handshake, implicit TLS": send,
  "stalled handshake, STARTTLS": send,
  "3 MB, implicit TLS": sendOctets,
  "3 MB, STARTTLS": sendOctets,
  "BDAT (CHUNKING)": sendOctets,
  "pool reuse": sendSeveral,
  "abort, before the mail data": sendAndAbort,
  "abort, after the mail data": sendAndAbort,
  "template mail": sendTemplate,
  "compose, without a client": composeAlone,
  "DKIM, RSA": sendSigned,
  "DKIM, Ed25519": sendSigned,
  "SCRAM-SHA-256": send,
  "SCRAM-SHA-256-PLUS": send,
  "CRAM-MD5": send,
  "OAuth2 refresh": sendWithTokens,
  connector: sendByConnector,
  "1000 sends": sendThousand,
  "close() settles all": close,
  "close({ force }) settles all": closeByForce,
  "tls.ca": send,
  "tls.rejectUnauthorized: false": send,
  "tls.cert (EXTERNAL)": send,
  "tls.maxVersion": send,
  "security: opportunistic": send,
  "proxy (HTTP)": send,
  localAddress: send,
  "port 25": make,
  "attachment.file": sendFile,
};

/** Does every check of `orders`, one after the other: by its name what it told, or `error`. */
export async function run(modules, orders) {
  const told = {};
  for (const [name, order] of Object.entries(orders)) {
    const check = CHECKS[name];
    told[name] =
      check === undefined ? { error: { message: "no such check" } } : await inTime(check, modules, order);
  }
  return told;
}

async function inTime(check, modules, order) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it was not done within ${LIMIT / 1000} seconds`)), LIMIT);
  });
  try {
    return await Promise.race([check(modules, order), limit]);
  } catch (error) {
    return { error: describe(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** An error as JSON. */
function describe(error) {
  const { name, code, option, message, delivery, stack } = error;
  return { name, code, option, message, delivery, stack, atOnce: thrownAtOnce.has(error) };
}

/** Errors that were thrown when the client was made, and not when somebody had connected already. */
const thrownAtOnce = new WeakSet();

function makeClient({ pennypost }, options) {
  try {
    return new pennypost.SmtpClient(options);
  } catch (error) {
    thrownAtOnce.add(error);
    throw error;
  }
}

async function withClient(modules, options, work) {
  const client = makeClient(modules, options);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

async function send(modules, { options }) {
  return withClient(modules, options, async (client) => {
    await client.send(MESSAGE);
    return { sent: 1 };
  });
}

async function make(modules, { options }) {
  return withClient(modules, options, () => ({ made: true }));
}

/** Sends octets that look random as an attachment, and tells their hash. */
async function sendOctets(modules, { options, octets }) {
  const content = new Uint8Array(octets);
  // The constants of Numerical Recipes; the high octet is the one that changes well.
  for (let at = 0, state = 1; at < octets; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    content[at] = state >>> 24;
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return withClient(modules, options, async (client) => {
    await client.send({ ...MESSAGE, attachments: [{ filename: "octets.bin", content }] });
    return { hash: Array.from(digest, (octet) => octet.toString(16).padStart(2, "0")).join("") };
  });
}

async function sendSeveral(modules, { options, count }) {
  return withClient(modules, options, async (client) => {
    for (let at = 0; at < count; at++) await client.send(MESSAGE);
    return { opened: client.stats.opened };
  });
}

/** Gives up when the trace shows an event that the server does not go beyond. */
async function sendAndAbort(modules, { options, kind, line = "" }) {
  const controller = new AbortController();
  const trace = (event) => {
    if (event.kind === kind && (event.line ?? "").startsWith(line))
      controller.abort(new Error("no longer wanted"));
  };
  return withClient(modules, { ...options, trace }, async (client) => {
    await client.send(MESSAGE, { signal: controller.signal });
    return { sent: 1 };
  });
}

async function sendTemplate(modules, { options, payload }) {
  const { compileTemplate, renderTemplate } = modules.pennypost;
  const html = compileTemplate("<p>Hello <<name>>, your code is <b>{{code}}</b>.</p>", {
    contentType: "text/html",
  });
  return withClient(modules, options, async (client) => {
    await client.send({
      ...MESSAGE,
      subject: renderTemplate("{{code}} is your code", payload, { contentType: "header" }),
      text: renderTemplate("Hello <<name>>, your code is {{code}}.", payload),
      html: html.render(payload),
    });
    return { sent: 1 };
  });
}

function composeAlone({ compose }, { payload }) {
  const { content } = compose.composeMessage({ ...MESSAGE, text: payload });
  return { composed: Array.from(content, (octet) => String.fromCharCode(octet)).join("") };
}

async function sendSigned(modules, { options, key }) {
  const dkim = modules.dkim.createDkimSigner(key);
  const text = "Hello  Bob, \n\n.\n..\nyour code is 042137.\n\n\n";
  return withClient(modules, { ...options, dkim }, async (client) => {
    await client.send({ ...MESSAGE, from: "Zoë <alice@example.com>", text });
    return { sent: 1 };
  });
}

async function sendWithTokens(modules, { options, user, grant }) {
  const renewed = [];
  const onRefreshToken = (token) => {
    renewed.push(token);
  };
  const oauth2 = modules.oauth2.refreshTokenGrant({ ...grant, onRefreshToken });
  return withClient(modules, { ...options, auth: { user, oauth2 } }, async (client) => {
    await client.send(MESSAGE);
    return { renewed };
  });
}

async function sendByConnector({ connector: door, pennypost }, { config, to, type, payload }) {
  const connector = door.createConnector(config);
  try {
    await connector.send({ to, type, payload });
    const refused = await connector.send({ to, type, payload: {} }).catch((error) => error);
    const report = await door.testConnector(config);
    return {
      // The doors share their classes.
      refused: refused instanceof pennypost.MessageError && refused.code,
      ok: report.ok,
      steps: report.steps.map(({ name, status, summary }) => `${name}: ${status}: ${summary}`),
    };
  } finally {
    await connector.close();
  }
}

/** Half of them as they come, and half by `sendMany`. */
async function sendThousand(modules, { options }) {
  const messages = Array.from({ length: 1000 }, (_, at) => ({ ...MESSAGE, to: `n${at}@example.org` }));
  return withClient(modules, options, async (client) => {
    const receipts = await Promise.all(messages.slice(0, 500).map((message) => client.send(message)));
    let sent = receipts.filter(({ accepted }) => accepted.length === 1).length;
    for await (const result of client.sendMany(messages.slice(500))) if (result.ok) sent++;
    return { sent };
  });
}

/** Closes while messages are under way and others wait; then tells what became of each. */
async function close({ pennypost }, { options, count }) {
  const client = new pennypost.SmtpClient(options);
  const sends = Array.from({ length: count }, () => client.send(MESSAGE));
  const settled = Promise.allSettled(sends);
  await client.close();
  const late = await client.send(MESSAGE).catch(({ code }) => code);
  return {
    results: (await settled).map(({ reason }) => reason?.code ?? "sent"),
    late,
    open: client.stats.open,
  };
}

/** The same with a server that answers no more, once all that can be under way is. */
async function closeByForce({ pennypost }, { options, count }) {
  let waiting = 0;
  let all;
  const underWay = new Promise((resolve) => {
    all = resolve;
  });
  const trace = ({ kind }) => {
    if (kind === "content" && ++waiting === options.maxConnections) all();
  };
  const client = new pennypost.SmtpClient({ ...options, trace });
  const settled = Promise.allSettled(Array.from({ length: count }, () => client.send(MESSAGE)));
  await underWay;
  await client.close({ force: true });
  return {
    results: (await settled).map(({ reason }) => (reason ? `${reason.code}, ${reason.delivery}` : "sent")),
  };
}

async function sendFile(modules, { options, path }) {
  const { attachment } = modules.pennypost;
  if (attachment.file === undefined) {
    const message = "the door for this runtime exports no attachment.file";
    return { error: { code: "not exported", option: "attachment.file", message } };
  }
  return withClient(modules, options, async (client) => {
    await client.send({ ...MESSAGE, attachments: [attachment.file(path)] });
    return { sent: 1 };
  });
}
