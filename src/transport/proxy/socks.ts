// SOCKS 5 (RFC 1928), with a user name and a password (RFC 1929). Names are resolved by the proxy.

import { encodeUtf8, join } from "../../bytes.ts";
import { ConfigError } from "../../errors.ts";
import { type Conversation, ProxyRefusal } from "./conversation.ts";

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const USER_AND_PASSWORD = 2;
const NONE_ACCEPTABLE = 0xff;
/** RFC 1929 §2: the version of its own dialogue. */
const LOGIN_VERSION = 1;
const CONNECT = 1;
const IPV4 = 1;
const NAME = 3;
const IPV6 = 4;
/** An octet says how long a name, a user or a password is. */
const MAX_LENGTH = 255;

/** Asks for a tunnel to the server. What follows the reply is the server's. */
export async function askSocks(
  conversation: Conversation,
  { host, port }: { readonly host: string; readonly port: number },
  credentials: { readonly user: string; readonly pass: string } | undefined,
): Promise<void> {
  const request = join([
    Uint8Array.of(VERSION, CONNECT, 0),
    encodeAddress(host),
    Uint8Array.of(port >> 8, port & 0xff),
  ]);
  const methods = [NO_AUTHENTICATION, ...(credentials === undefined ? [] : [USER_AND_PASSWORD])];
  await conversation.say(Uint8Array.of(VERSION, methods.length, ...methods));
  await expect(conversation, VERSION);
  const method = await conversation.next();
  if (method === NONE_ACCEPTABLE) {
    const wants =
      credentials === undefined ? "it wants credentials: give" : "it takes no password: leave out";
    throw new ProxyRefusal("accepts no login that we offer", {
      hint: `${wants} the user and the password in proxy`,
    });
  }
  if (!methods.includes(method)) throw notSocks();
  if (method === USER_AND_PASSWORD && credentials !== undefined) await logIn(conversation, credentials);
  await conversation.say(request);
  await readReply(conversation);
}

async function logIn(
  conversation: Conversation,
  { user, pass }: { readonly user: string; readonly pass: string },
): Promise<void> {
  await conversation.say(
    join([Uint8Array.of(LOGIN_VERSION), counted(user, "proxy"), counted(pass, "proxy")]),
  );
  await expect(conversation, LOGIN_VERSION);
  if ((await conversation.next()) === 0) return;
  throw new ProxyRefusal("refuses the login", { hint: "check the user and the password in proxy" });
}

// RFC 1928 §6. Where trying again may help it says so: the server, or the way to it, may be back by then.
const REFUSALS: readonly (readonly [sentence: string, isTransient: boolean])[] = [
  ["failed, and does not say why", true],
  ["has a rule against this connection", false],
  ["finds the network unreachable", true],
  ["finds the host unreachable, or no address for it", true],
  ["was refused the connection", true],
  ["got no answer before the TTL expired", true],
  ["does not know CONNECT", false],
  ["does not support this type of address", false],
];

async function readReply(conversation: Conversation): Promise<void> {
  await expect(conversation, VERSION);
  const code = await conversation.next();
  if (code !== 0) {
    const [sentence, isTransient] = REFUSALS[code - 1] ?? [`refuses to connect: reply ${code}`, false];
    throw new ProxyRefusal(sentence, { isTransient });
  }
  await expect(conversation, 0);
  const type = await conversation.next();
  const length =
    type === IPV4 ? 4 : type === IPV6 ? 16 : type === NAME ? await conversation.next() : undefined;
  if (length === undefined) throw notSocks();
  // The address that the proxy connects from, and its port, are nothing to us; they must be read to their end.
  for (let left = length + 2; left > 0; left--) await conversation.next();
}

async function expect(conversation: Conversation, octet: number): Promise<void> {
  if ((await conversation.next()) !== octet) throw notSocks();
}

function notSocks(): ProxyRefusal {
  return new ProxyRefusal("did not answer as a SOCKS 5 proxy does", {
    hint: "check host, port and scheme of proxy",
  });
}

const IPV4_ADDRESS = /^(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;

function encodeAddress(host: string): Uint8Array {
  if (IPV4_ADDRESS.test(host)) return Uint8Array.of(IPV4, ...host.split(".").map(Number));
  if (host.includes(":")) return Uint8Array.of(IPV6, ...ipv6Octets(host));
  return join([Uint8Array.of(NAME), counted(host, "host")]);
}

function ipv6Octets(host: string): number[] {
  // The URL's own form has at most one "::" and no dotted end.
  const [left = [], right = []] = new URL(`http://[${host}]`).hostname
    .slice(1, -1)
    .split("::")
    .map((side) => (side === "" ? [] : side.split(":")));
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => "0");
  return [...left, ...zeros, ...right].flatMap((group) => {
    const word = Number.parseInt(group, 16);
    return [word >> 8, word & 0xff];
  });
}

function counted(text: string, option: string): Uint8Array {
  const octets = encodeUtf8(text);
  if (octets.length > 0 && octets.length <= MAX_LENGTH) return join([Uint8Array.of(octets.length), octets]);
  throw new ConfigError(option, `has something of ${octets.length} octets; SOCKS takes 1 to ${MAX_LENGTH}`);
}
