// How a session opens: greeting, EHLO or HELO, STARTTLS, and AUTH where somebody signs in.

import { ehlo, helo, lhlo, startTls } from "../commands.ts";
import { type Reply, ReplyError, TransportError } from "../errors.ts";
import { describeReply } from "../excerpt.ts";
import { ask, type Dialogue, onlyReply } from "./dialogue.ts";
import { type Extensions, NO_EXTENSIONS, parseExtensions, withhold } from "./extensions.ts";
import { authenticate, type Channel, type Hello, type Login } from "./login.ts";
import { secretsOf } from "./secrets.ts";

export interface OpeningOptions {
  /** What EHLO calls us: a domain or an address literal (RFC 5321 §4.1.3). */
  readonly name: string;
  /** LMTP is opened by LHLO (RFC 2033 §4.1). */
  readonly protocol?: "smtp" | "lmtp" | undefined;
  readonly security: "tls" | "starttls" | "opportunistic" | "none";
  /** How to sign in; not at all where this is not given. */
  readonly login?: Login | undefined;
  /** Keywords of extensions not to be used though they are offered. */
  readonly withheld: ReadonlySet<string>;
}

/** Opens the session and returns what the server can do, as it said last. */
export function* opening(options: OpeningOptions, channel: Channel): Dialogue<Extensions> {
  yield* hearGreeting(options.login);
  let hello = yield* sayHello(options);
  if (!channel.secure && (options.security === "starttls" || options.security === "opportunistic")) {
    if (hello.extensions.has("STARTTLS")) {
      yield* secure();
      // RFC 3207 §4.2: nothing learnt before the handshake counts; the new EHLO reply is all that is known.
      hello = yield* sayHello(options);
    } else if (options.security === "starttls") {
      throw new TransportError("the server does not offer STARTTLS, and TLS is required", {
        code: "tls_required",
        phase: "starttls",
        hint: 'use a port that offers TLS, such as 465; only if the network is yours, set security: "none"',
      });
    }
  }
  if (options.login !== undefined) yield* authenticate(options.login, hello, channel);
  return hello.extensions;
}

function* hearGreeting(login: Login | undefined): Dialogue<void> {
  const secrets = login === undefined ? [] : secretsOf(login.credentials);
  const reply = onlyReply(yield { kind: "greeting", secrets });
  if (reply.code !== 220)
    throw refused("greeting_refused", "greeting", "GREETING", "the server turned us away", reply);
}

function* sayHello({ name, withheld, protocol = "smtp" }: OpeningOptions): Dialogue<Hello> {
  const hello = protocol === "smtp" ? ehlo(name) : lhlo(name);
  const reply = yield* ask(hello);
  if (reply.code < 300) return { reply, extensions: withhold(parseExtensions(reply), withheld) };
  if (protocol === "lmtp" || !isUnknownCommand(reply)) {
    throw refused("ehlo_refused", "ehlo", hello.verb, `the server refused ${hello.verb}`, reply);
  }
  // RFC 5321 §3.2: a server without extensions may still take HELO. Whoever needs TLS or AUTH is refused later,
  // for none is on offer.
  const heloReply = yield* ask(helo(name));
  if (heloReply.code >= 300)
    throw refused("ehlo_refused", "ehlo", "HELO", "the server refused HELO", heloReply);
  return { reply: heloReply, extensions: NO_EXTENSIONS };
}

function isUnknownCommand({ code }: Reply): boolean {
  return code === 500 || code === 502 || code === 504 || code === 550;
}

function* secure(): Dialogue<void> {
  const reply = yield* ask(startTls());
  // Also where TLS was only wished for: a server that offers and then refuses is broken, or not the server.
  if (reply.code !== 220)
    throw refused("starttls_refused", "starttls", "STARTTLS", "the server refused STARTTLS", reply);
  yield { kind: "tls" };
}

function refused(
  code: "greeting_refused" | "ehlo_refused" | "starttls_refused",
  phase: "greeting" | "ehlo" | "starttls",
  verb: string,
  what: string,
  reply: Reply,
): ReplyError {
  return new ReplyError(`${what}: ${describeReply(reply)}`, {
    code,
    phase,
    verb,
    reply,
    delivery: "not-sent",
  });
}
