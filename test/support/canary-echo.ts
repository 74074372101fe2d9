// What a server may make of a login that it repeats, and where.

import { type Account, base64, type Overheard } from "./canary-login.ts";
import type { Manners } from "./manners.ts";
import type { Peer } from "./server.ts";

/** What a server makes of a text that it was told; each is a line of its reply. */
type Form = (text: string) => readonly string[];

const printable = (text: string): string => text.replace(/[\0-\x1f]/g, " ");
const middle = (text: string): number => Math.floor(text.length / 2);

/** Of what was said, as it was said. */
const REPEATED: Readonly<Record<string, Form>> = {
  "as it came": (text) => [`cannot do <${text}>`],
  "on a line of its own": (text) => [text],
  "without its end": (text) => [`${text.slice(0, -7)}...`],
  "without its beginning": (text) => [`...${text.slice(7)}`],
  "folded in the middle": (text) => [text.slice(0, middle(text)), text.slice(middle(text))],
  "folded after a few characters": (text) => [`no: ${text.slice(0, 5)}`, text.slice(5)],
  "folded every ten characters": (text) => text.match(/.{1,10}/gs) ?? [],
  "in capitals": (text) => [text.toUpperCase()],
  twice: (text) => [text + text, text.slice(0, 20) + text],
};

/** Of what that held. */
const ENCODED: Readonly<Record<string, Form>> = {
  "in base64": (text) => [base64(text)],
  "in base64, behind an octet": (text) => [base64(`:${text}:x`)],
  "in base64, behind two octets": (text) => [base64(`a:${text}:x`)],
  "in base64 for URLs": (text) => [Buffer.from(`ab:${text}`).toString("base64url")],
  "percent-encoded": (text) => [encodeURIComponent(text)],
  "as a form has it": (text) => [`pass=${encodeURIComponent(text).replaceAll("%20", "+")}&x=1`],
  "in hexadecimal": (text) => [Buffer.from(text).toString("hex").toUpperCase()],
  "in JSON": (text) => [JSON.stringify({ got: text })],
};

export interface Repeated {
  readonly of: string;
  readonly lines: readonly string[];
}

/** Everything that can be made of a login. */
export function repetitions(line: string, { said }: Overheard, { secret }: Account): readonly Repeated[] {
  const decoded = said.map((one) => printable(Buffer.from(one, "base64").toString()));
  // The password or the token; and of a proof what others could try passwords on.
  const held = [secret, said.at(-1) ?? "", decoded.at(-1)?.split(/,p=| /).at(-1) ?? ""];
  const made = (forms: Readonly<Record<string, Form>>, texts: readonly string[]): readonly Repeated[] =>
    [...new Set(texts)].flatMap((text) =>
      Object.values(forms).map((form) => ({ of: text, lines: form(text) })),
    );
  return [
    ...made(REPEATED, [line, ...said, ...decoded, ...held]),
    ...made(ENCODED, [...decoded, secret, held[2] ?? ""]),
  ];
}

/** What is said where. A form may have lines; each begins with the status, as servers have it. */
function reply(code: number, status: string, lines: readonly string[]): string {
  const texts = lines.length === 0 ? [""] : lines;
  return texts.map((text, at) => `${code}${at < texts.length - 1 ? "-" : " "}${status} ${text}`).join("\n");
}

export type Echo = () => readonly string[];
export type Place = (echo: Echo, login: (peer: Peer, line: string) => Promise<void>) => Manners;

const hangUp = (peer: Peer): undefined => {
  peer.reset();
};

/** Where the server repeats it, and what it does then. */
/** Before anything was said on the connection: what the server knows, it knows from another. */
export const BEFOREHAND: Readonly<Record<string, Place>> = {
  "a greeting, of the next connection": (echo, login) => ({
    greeting: () => reply(220, "test.example", echo()),
    AUTH: loggedIn(login, () => "235 ok"),
  }),
  "a greeting that refuses": (echo, login) => ({
    greeting: (peer) => (peer.index === 0 ? "220 hello" : reply(554, "5.7.1", echo())),
    AUTH: loggedIn(login, () => "235 ok"),
  }),
  "what EHLO lists": (echo, login) => ({
    EHLO: () => [...echo().map((text) => `250-${text}`), "250 HELP"].join("\n"),
    AUTH: loggedIn(login, () => "235 ok"),
  }),
};

export const IN_LINES: Readonly<Record<string, Place>> = {
  "the refusal of the login": (echo, login) => ({
    AUTH: loggedIn(login, () => reply(535, "5.7.8", echo())),
  }),
  "a refusal for now": (echo, login) => ({ AUTH: loggedIn(login, () => reply(454, "4.7.0", echo())) }),
  "a 421": (echo, login) => ({ AUTH: loggedIn(login, () => reply(421, "4.7.0", echo())) }),
  "a reply that the protocol does not know": (echo, login) => ({
    AUTH: loggedIn(login, () => reply(250, "2.0.0", echo())),
  }),
  "its welcome": (echo, login) => ({ AUTH: loggedIn(login, () => reply(235, "2.7.0", echo())) }),
  "the reply to MAIL": (echo, login) => ({
    AUTH: loggedIn(login, () => "235 ok"),
    MAIL: () => reply(550, "5.7.1", echo()),
  }),
  "the refusal of a recipient": (echo, login) => ({
    AUTH: loggedIn(login, () => "235 ok"),
    RCPT: () => reply(550, "5.1.1", echo()),
  }),
  "the refusal of one recipient of two": (echo, login) => ({
    AUTH: loggedIn(login, () => "235 ok"),
    RCPT: (_, line) => (line.includes("bob") ? reply(451, "4.1.1", echo()) : "250 ok"),
  }),
  "the reply to DATA": (echo, login) => ({
    AUTH: loggedIn(login, () => "235 ok"),
    DATA: () => reply(554, "5.5.1", echo()),
  }),
  "the refusal of the message": (echo, login) => ({
    AUTH: loggedIn(login, () => "235 ok"),
    content: () => reply(554, "5.6.0", echo()),
  }),
  "its word that it has the message": (echo, login) => ({
    AUTH: loggedIn(login, () => "235 ok"),
    content: () => reply(250, "2.0.0", echo()),
  }),
  "a 421 while the message is sent": (echo, login) => ({
    AUTH: loggedIn(login, () => "235 ok"),
    RCPT: () => reply(421, "4.3.2", echo()),
  }),
};

export const halfAReply: Place = (echo, login) => ({
  AUTH: async (peer, line) => {
    await login(peer, line);
    await peer.send(`535 5.7.8 ${echo().join(" ")}`);
    return peer.silence() as Promise<never>;
  },
});

/** Where there is no more than one line of it. */
export const IN_A_LINE: Readonly<Record<string, Place>> = {
  "a reply with a status that is none": (echo, login) => ({
    AUTH: loggedIn(login, () => `535 5.7.${echo().join(" ")}`),
  }),
  "what is no reply": (echo, login) => ({ AUTH: loggedIn(login, () => echo().join(" ")) }),
  "a reply that changes its code": (echo, login) => ({
    AUTH: loggedIn(login, () => `535-5.7.8 no\n501 ${echo().join(" ")}`),
  }),
  "a reply that is too long": (echo, login) => ({
    AUTH: loggedIn(login, () => `535 ${echo().join(" ")} ${"x".repeat(3000)}`),
  }),
  "a challenge too many": (echo, login) => ({
    AUTH: async (peer, line) => {
      await login(peer, line);
      await peer.say(`334 ${base64(echo().join(" "))}`);
      await peer.line();
      return reply(501, "5.5.2", echo());
    },
  }),
  "a challenge that is not base64": (echo, login) => ({
    AUTH: async (peer, line) => {
      await login(peer, line);
      await peer.say(`334 ${echo().join(" ")}`);
      await peer.line();
      return reply(501, "5.5.2", echo());
    },
  }),
  "the JSON of a challenge": (echo, login) => ({
    AUTH: async (peer, line) => {
      await login(peer, line);
      await peer.say(`334 ${base64(JSON.stringify({ status: "401", scope: echo() }))}`);
      await peer.line();
      return "535 5.7.8 no";
    },
  }),
  "half a reply, and is gone": (echo, login) => ({
    AUTH: async (peer, line) => {
      await login(peer, line);
      await peer.send(`535 5.7.8 ${echo().join(" ")}`);
      return hangUp(peer);
    },
  }),
  "a line with a bare end": (echo, login) => ({
    AUTH: async (peer, line) => {
      await login(peer, line);
      await peer.send(`535 5.7.8 ${echo().join(" ")}\n`);
      return undefined;
    },
  }),
};

function loggedIn(login: (peer: Peer, line: string) => Promise<void>, words: () => string) {
  return async (peer: Peer, line: string): Promise<string> => {
    await login(peer, line);
    return words();
  };
}
