// How a session signs in: AUTH (RFC 4954), by the strongest mechanism that both sides know.

import { isBound, type Usable } from "../auth/choice.ts";
import {
  type Credentials,
  type Digests,
  type Exchange,
  invalidChallenge,
  type Later,
  type Mechanism,
  type Surroundings,
} from "../auth/mechanism.ts";
import { mechanismOf } from "../auth/mechanisms.ts";
import { decodeBase64, decodeText } from "../bytes.ts";
import type { ChannelBinding, ChannelBindingType } from "../channel-binding.ts";
import { auth, cancelSasl, MAX_SASL_LINE, saslResponse } from "../commands.ts";
import { AuthenticationError, ConfigError, ProtocolError, type Reply, SmtpError } from "../errors.ts";
import { describeReply } from "../excerpt.ts";
import { ask, awaitWork, type Dialogue } from "./dialogue.ts";
import { type Extensions, offeredMechanisms } from "./extensions.ts";
import { hintOf } from "./hints.ts";
import { formsOf, Secrets, secretsOf } from "./secrets.ts";

/** What a login must know of the wire at the moment it begins. */
export interface Channel {
  /** TLS is in place. */
  readonly secure: boolean;
  /** A password may travel: the other end of the TLS is verified, or the user accepted that it is not. */
  readonly trusted: boolean;
  /** Finds out, perhaps later, what ties a login to this TLS: a `ChannelBinding`. */
  readonly bind?: ((type: ChannelBindingType | undefined) => unknown) | undefined;
}

export interface Login {
  readonly credentials: Credentials;
  /** Those that may be used, the strongest first. */
  readonly mechanisms: readonly Usable[];
  /** What logins are tied to the TLS by: one kind, whatever the runtime has best, or nothing. */
  readonly channelBinding: ChannelBindingType | false | undefined;
  readonly host: string;
  readonly port: number;
  readonly digests: Digests;
  readonly nonce: () => string;
}

/** What the server said to EHLO. */
export interface Hello {
  readonly reply: Reply;
  readonly extensions: Extensions;
}

export function* authenticate(login: Login, said: Hello, channel: Channel): Dialogue<void> {
  const secrets = new Secrets();
  secrets.add(secretsOf(login.credentials));
  const hello = { ...said, reply: secrets.maskReply(said.reply) };
  if (!channel.trusted) {
    throw new AuthenticationError("the credentials were not sent: the connection is not verified TLS", {
      code: "authentication_insecure",
      verb: "EHLO",
      reply: hello.reply,
      hint: 'set security: "starttls" or "tls"; only if the network is yours, auth.allowInsecure: true',
    });
  }
  const offered = offeredMechanisms(hello.extensions);
  const common = login.mechanisms.filter(({ name }) => offered.includes(name));
  const mayBind = common.some(({ name }) => isBound(name));
  const binding = mayBind ? yield* bind(login, channel) : undefined;
  // Once, and never again by a weaker one: who can make a login fail could else choose how the next is made.
  const mechanism = common.find(({ name }) => !isBound(name) || binding !== undefined);
  if (mechanism === undefined) {
    const shown = offered.map((name) => secrets.mask(name));
    throw unavailable(login, shown, hello, channel);
  }

  const { host, port, nonce, digests } = login;
  // RFC 5802 §6: the server is told that it could have been done, unless it offered this very mechanism with it. Whoever
  // is between could take that away, and put there what nobody knows.
  const isOffered = mayBind || offered.includes(`${mechanism.name}-PLUS`);
  const canBind = channel.bind !== undefined && login.channelBinding !== false && !isOffered;
  yield* exchange(mechanismOf(mechanism), login.credentials, {
    surroundings: { host, port, nonce, digests, binding, canBind },
    secrets,
  });
}

function* bind({ channelBinding }: Login, { bind }: Channel): Dialogue<ChannelBinding | undefined> {
  if (bind === undefined || channelBinding === false) return undefined;
  return (yield* awaitWork(() => bind(channelBinding))) as ChannelBinding | undefined;
}

function unavailable(
  { mechanisms }: Login,
  offered: readonly string[],
  { reply }: Hello,
  { secure }: Channel,
): AuthenticationError {
  const offer = offered.length === 0 ? "no AUTH at all" : offered.join(", ");
  const ours = mechanisms.map(({ name }) => name).join(", ");
  const hint =
    offered.length === 0
      ? secure
        ? "leave auth out if the server takes mail without it"
        : 'many servers offer AUTH only inside TLS: set security: "starttls" or "tls"'
      : mechanisms.every(({ name }) => isBound(name))
        ? "what these are tied to the TLS by is not to be had here: allow others by auth.mechanism or auth.allow"
        : "see auth.mechanism and auth.allow; a mechanism goes with a password, or with a token";
  return new AuthenticationError(`the server offers ${offer}; the credentials are for ${ours}`, {
    code: "authentication_unavailable",
    reply,
    mechanism: mechanisms.length === 1 ? mechanisms[0]?.name : undefined,
    hint,
  });
}

/** The exchange of RFC 4954 §4: AUTH, then a response for each challenge, until the server says yes or no. */
function* exchange(
  mechanism: Mechanism,
  credentials: Credentials,
  { surroundings, secrets }: { readonly surroundings: Surroundings; readonly secrets: Secrets },
): Dialogue<void> {
  const { name } = mechanism;
  const ours = mechanism.exchange(credentials, surroundings);
  const initial = (yield* advance(ours, undefined, name)).value ?? undefined;
  const { command, saidInitial } = auth(name, initial, secretsIn(initial ?? EMPTY, credentials));
  secrets.remember([command]);

  let reply = yield* ask(command);
  let challenge: Uint8Array | undefined;
  let unsaid = saidInitial ? undefined : initial;
  while (reply.code === 334) {
    let response = unsaid;
    unsaid = undefined;
    if (response === undefined) {
      challenge = decodeChallenge(reply);
      if (challenge === undefined) yield* cancel(invalidChallenge(name, "is not base64"));
      response = yield* respond(ours, challenge ?? EMPTY, name);
    }
    if (4 * Math.ceil(response.length / 3) + 2 > MAX_SASL_LINE) yield* cancel(tooLong(response));
    const answer = saslResponse(response, secretsIn(response, credentials));
    secrets.remember([answer]);
    reply = yield* ask(answer);
  }
  if (reply.code !== 235) {
    const detail = challenge && readDetail(challenge, secrets);
    throw new AuthenticationError(`the server refused the login: ${describeReply(reply)}`, {
      code: "authentication_refused",
      reply,
      mechanism: name,
      detail,
      hint: hintOf(kindOf(credentials), reply),
    });
  }
  if (unsaid !== undefined || !(yield* advance(ours, undefined, name)).done) {
    throw new ProtocolError(`the server accepted the login before ${name} was over`, {
      code: "unexpected_reply",
      phase: "auth",
    });
  }
}

const EMPTY = /* @__PURE__ */ new Uint8Array(0);

/**
 * What is to be hidden of a response besides the credentials themselves: it may prove a password, and so let others try
 * theirs on it. Who signs in is no secret.
 */
function secretsIn(
  response: Uint8Array,
  { user, pass, accessToken, authorizationId }: Credentials,
): readonly string[] {
  const text = decodeText(response);
  const fields: readonly (string | undefined)[] = text.split(/\0|\x01|Bearer /);
  const isKnown = [pass, accessToken].some((secret) => secret !== undefined && fields.includes(secret));
  if (isKnown || text === user || text === authorizationId) return [];
  // The proof stands last, behind what is none: in SCRAM as ",p=", in CRAM-MD5 behind a space.
  const parts = [text, text.split(/ |,\w=/).at(-1) ?? ""];
  return parts.filter((part) => part !== user && part !== authorizationId).flatMap(formsOf);
}

/** What is said to a challenge. Where there is nothing to say, the exchange is broken off. */
function* respond(ours: Exchange, challenge: Uint8Array, name: string): Dialogue<Uint8Array> {
  let step: Step;
  try {
    step = yield* advance(ours, challenge, name);
  } catch (error) {
    return yield* cancel(error as SmtpError);
  }
  if (step.done) return yield* cancel(invalidChallenge(name, "is one too many"));
  return step.value ?? EMPTY;
}

type Step = IteratorResult<Uint8Array | undefined, void>;

/** The next step of an exchange; what it waits for before that is waited for. */
function* advance(ours: Exchange, challenge: Uint8Array | undefined, name: string): Dialogue<Step> {
  try {
    let step = ours.next(challenge);
    while (!step.done && isLater(step.value)) {
      const { later } = step.value;
      let value: unknown;
      try {
        value = yield* awaitWork(later);
      } catch (error) {
        step = ours.throw(error);
        continue;
      }
      step = ours.next(value as never);
    }
    if (!step.done && !(step.value === undefined || step.value instanceof Uint8Array)) {
      throw new TypeError("it yielded neither octets nor undefined");
    }
    return step as Step;
  } catch (cause) {
    if (cause instanceof SmtpError) throw cause;
    throw new ConfigError("auth.custom", `failed in its exchange for ${name}`, { phase: "auth", cause });
  }
}

function isLater(value: Uint8Array | undefined | Later): value is Later {
  return typeof value === "object" && "later" in value;
}

function decodeChallenge({ lines }: Reply): Uint8Array | undefined {
  // A challenge is one line: RFC 4954 §4 has no continuation for it.
  return lines.length === 1 ? decodeBase64(lines[0] ?? "") : undefined;
}

/** What was refused. */
function kindOf({ pass, accessToken }: Credentials): "password" | "token" | "login" {
  if (accessToken !== undefined) return "token";
  return pass === undefined ? "login" : "password";
}

function tooLong({ length }: Uint8Array): ConfigError {
  const fault = `makes a response of ${length} octets; in base64, with the line end, ${MAX_SASL_LINE} are allowed`;
  return new ConfigError("auth", fault, { phase: "auth" });
}

function* cancel(error: SmtpError): Dialogue<never> {
  yield { kind: "commands", commands: [cancelSasl()], verdict: () => error };
  throw error;
}

/** The JSON that an OAuth server puts into its last challenge, unless it repeats what we said. */
function readDetail(challenge: Uint8Array, secrets: Secrets): Readonly<Record<string, unknown>> | undefined {
  try {
    const detail: unknown = JSON.parse(decodeText(challenge));
    if (typeof detail !== "object" || detail === null) return undefined;
    // As JSON writes it again, whatever escapes it came with.
    const text = JSON.stringify(detail);
    return secrets.mask(text) === text ? { ...detail } : undefined;
  } catch {
    return undefined;
  }
}
