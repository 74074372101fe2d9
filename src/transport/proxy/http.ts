// CONNECT of HTTP/1.1 (RFC 9110 §9.3.6).

import { CR, encodeBase64Text, encodeLatin1, join, LF } from "../../bytes.ts";
import { ConfigError } from "../../errors.ts";
import { type Conversation, ProxyRefusal } from "./conversation.ts";

/** Octets of a head: more than proxies send, and an end to one that never stops. */
const MAX_HEAD = 16_384;
const LINE_END: Uint8Array = Uint8Array.of(CR, LF);

/** Asks for a tunnel to the server. What follows the head of the answer is the server's. */
export async function askHttp(
  conversation: Conversation,
  { host, port }: { readonly host: string; readonly port: number },
  credentials: { readonly user: string; readonly pass: string } | undefined,
): Promise<void> {
  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  await conversation.say(
    encodeHead([
      `CONNECT ${authority} HTTP/1.1`,
      `Host: ${authority}`,
      // RFC 7617 §2: user and password in one, as UTF-8.
      ...(credentials === undefined
        ? []
        : [`Proxy-Authorization: Basic ${encodeBase64Text(`${credentials.user}:${credentials.pass}`)}`]),
    ]),
  );
  const status = await readHead(conversation);
  // Every 2xx is a tunnel, and none has a body, whatever its fields say.
  if (status >= 200 && status < 300) return;
  throw new ProxyRefusal(`refuses to connect: status ${status}`, {
    isTransient: status >= 500,
    hint: HINTS[status],
  });
}

const HINTS: Readonly<Record<number, string>> = {
  403: "many proxies let no port but 443 through: ask whoever runs it",
  405: "many proxies let no port but 443 through: ask whoever runs it",
  407: "it wants other credentials: check the user and the password in proxy",
};

/** The last guard of a line: nothing that an option may hold ends it. */
const LINE = /^[\x20-\x7e]+$/;

function encodeHead(lines: readonly string[]): Uint8Array {
  if (lines.some((line) => !LINE.test(line))) throw new ConfigError("host", "cannot be told to a proxy");
  return join([...lines.flatMap((line) => [encodeLatin1(line), LINE_END]), LINE_END]);
}

// RFC 9112 §4: the reason may be left out, and some leave out the blank before it as well.
const STATUS_LINE = /^HTTP\/1\.\d (\d{3})(?: [\t\x20-\x7e\x80-\xff]*)?$/;
// RFC 9112 §5: a token with a colon right behind it.
const FIELD_LINE = /^[!#$%&'*+\-.0-9A-Z^_`a-z|~]+:[\t\x20-\x7e\x80-\xff]*$/;

/** The status, with everything up to the blank line read and not an octet more. */
async function readHead(conversation: Conversation): Promise<number> {
  let status: number | undefined;
  let line = "";
  for (let left = MAX_HEAD; left > 0; left--) {
    const octet = await conversation.next();
    // RFC 9112 §2.2 lets a recipient take LF alone for a line end. Who does reads another head than who does not.
    if (octet === LF) throw notHttp();
    if (octet !== CR) {
      line += String.fromCharCode(octet);
      continue;
    }
    left--;
    if ((await conversation.next()) !== LF) throw notHttp();
    if (status !== undefined && line === "") return status;
    const pattern = status === undefined ? STATUS_LINE : FIELD_LINE;
    const match = pattern.exec(line);
    if (match === null) throw notHttp();
    status ??= Number(match[1]);
    line = "";
  }
  throw new ProxyRefusal(`answered with a head of more than ${MAX_HEAD} octets`);
}

function notHttp(): ProxyRefusal {
  return new ProxyRefusal("did not answer as an HTTP proxy does", {
    hint: "check host, port and scheme of proxy",
  });
}
