// How a session opens: greeting, EHLO or HELO, STARTTLS, AUTH.

import { type Credentials, type Mechanism, type MechanismName, usableMechanisms } from "../auth/mechanism.ts";
import { decodeBase64, decodeText, encodeBase64, encodeUtf8 } from "../bytes.ts";
import { auth, cancelSasl, ehlo, helo, lhlo, saslResponse, startTls } from "../commands.ts";
import { AuthenticationError, ProtocolError, type Reply, ReplyError, TransportError } from "../errors.ts";
import { describeReply } from "../excerpt.ts";
import { ask, type Dialogue, onlyReply } from "./dialogue.ts";
import {
  type Extensions,
  NO_EXTENSIONS,
  offeredMechanisms,
  parseExtensions,
  withhold,
} from "./extensions.ts";

/** What the opening must know of the wire at the moment it asks. */
export interface Channel {
  /** TLS is in place. */
  readonly secure: boolean;
  /** A password may travel: the other end of the TLS is verified, or the user accepted that it is not. */
  readonly trusted: boolean;
}

export interface OpeningOptions {
  /** What EHLO calls us: a domain or an address literal (RFC 5321 §4.1.3). */
  readonly name: string;
  /** LMTP is opened by LHLO (RFC 2033 §4.1). */
  readonly protocol?: "smtp" | "lmtp" | undefined;
  readonly security: "tls" | "starttls" | "opportunistic" | "none";
  readonly credentials?: Credentials | undefined;
  readonly mechanism?: MechanismName | undefined;
  /** Keywords of extensions not to be used though they are offered. */
  readonly withheld: ReadonlySet<string>;
}

interface Hello {
  readonly reply: Reply;
  readonly extensions: Extensions;
}

/** Opens the session and returns what the server can do, as it said last. */
export function* opening(options: OpeningOptions, channel: Channel): Dialogue<Extensions> {
  yield* hearGreeting();
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
  if (options.credentials !== undefined) {
    yield* authenticate(options.credentials, options.mechanism, hello, channel);
  }
  return hello.extensions;
}

function* hearGreeting(): Dialogue<void> {
  const reply = onlyReply(yield { kind: "greeting" });
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

function* authenticate(
  credentials: Credentials,
  pinned: MechanismName | undefined,
  { reply: helloReply, extensions }: Hello,
  channel: Channel,
): Dialogue<void> {
  if (!channel.trusted) {
    throw new AuthenticationError("the credentials were not sent: the connection is not verified TLS", {
      code: "authentication_insecure",
      verb: "EHLO",
      reply: helloReply,
      hint: 'set security: "starttls" or "tls"; only if the network is yours, auth.allowInsecure: true',
    });
  }
  const offered = offeredMechanisms(extensions);
  const mechanism = usableMechanisms(credentials, pinned).find(({ name }) => offered.includes(name));
  if (mechanism === undefined) {
    const offer = offered.length === 0 ? "no AUTH at all" : offered.join(", ");
    throw new AuthenticationError(`the server offers ${offer}; none of it fits the credentials given`, {
      code: "authentication_unavailable",
      reply: helloReply,
      mechanism: pinned,
      hint:
        offered.length === 0 && !channel.secure
          ? 'many servers offer AUTH only inside TLS: set security: "starttls" or "tls"'
          : "leave auth out if the server takes mail without it",
    });
  }
  yield* exchange(mechanism, credentials);
}

/** The exchange of RFC 4954 §4: AUTH, then a response for each challenge, until the server says yes or no. */
function* exchange(mechanism: Mechanism, credentials: Credentials): Dialogue<void> {
  const ours = mechanism.exchange(credentials);
  const secret = mechanism.secret(credentials);
  // Also as it is encoded by itself: a server may take the login apart before it repeats it.
  const secrets = secret === undefined ? [] : [secret, encodeBase64(encodeUtf8(secret))];
  const initial = ours.next().value ?? undefined;
  const { command, saidInitial } = auth(mechanism.name, initial, secrets);
  const hidden = [...command.secrets];

  let reply = yield* ask(command);
  let challenge: Uint8Array | undefined;
  let unsaid = saidInitial ? undefined : initial;
  while (reply.code === 334) {
    let response = unsaid;
    unsaid = undefined;
    if (response === undefined) {
      challenge = decodeChallenge(reply);
      if (challenge === undefined) yield* cancel(mechanism, "is not base64");
      const step = ours.next(challenge ?? EMPTY);
      if (step.done) yield* cancel(mechanism, "is one too many");
      response = step.value ?? EMPTY;
    }
    const answer = saslResponse(response, secrets);
    hidden.push(...answer.secrets);
    reply = yield* ask(answer);
  }
  if (reply.code !== 235) {
    throw new AuthenticationError(`the server refused the login: ${describeReply(reply)}`, {
      code: "authentication_refused",
      reply,
      mechanism: mechanism.name,
      detail: challenge && readDetail(challenge, hidden),
    });
  }
}

const EMPTY = new Uint8Array(0);

function decodeChallenge({ lines }: Reply): Uint8Array | undefined {
  // A challenge is one line: RFC 4954 §4 has no continuation for it.
  return lines.length === 1 ? decodeBase64(lines[0] ?? "") : undefined;
}

function* cancel({ name }: Mechanism, fault: string): Dialogue<never> {
  const error = new ProtocolError(`a challenge of ${name} ${fault}`, {
    code: "invalid_challenge",
    phase: "auth",
  });
  yield { kind: "commands", commands: [cancelSasl()], verdict: () => error };
  throw error;
}

/** The JSON that an OAuth server puts into its last challenge, unless it repeats what we said. */
function readDetail(
  challenge: Uint8Array,
  hidden: readonly string[],
): Readonly<Record<string, unknown>> | undefined {
  try {
    const detail: unknown = JSON.parse(decodeText(challenge));
    if (typeof detail !== "object" || detail === null) return undefined;
    // As JSON writes it again, whatever escapes it came with.
    const text = JSON.stringify(detail);
    const isRepeated = hidden.some((secret) => text.includes(JSON.stringify(secret).slice(1, -1)));
    return isRepeated ? undefined : { ...detail };
  } catch {
    return undefined;
  }
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
