// What a config comes to: the options of a client, and messages of its templates.

import { type Mailbox, type MailboxInput, resolveMailbox } from "../address.ts";
import { ConfigError, MessageError } from "../errors.ts";
import { describe } from "../input.ts";
import type { MessageContent } from "../message.ts";
import type { SmtpClientOptions } from "../options.ts";
import type { Runtime } from "../runtime.ts";
import type { Payload } from "../templates.ts";
import { readConnectorConfig } from "./config.ts";
import { clientOptions } from "./nodemailer-options.ts";
import type { TemplateSet } from "./template-set.ts";

/** Says what is sent to whom. */
export interface ConnectorMessage {
  /** One recipient: what is sent is for nobody else to see. */
  readonly to: MailboxInput;
  /** The usage type of the template, such as `SignIn`; where there is none, `Generic` is sent. */
  readonly type: string;
  /** The values that the template names. @default none */
  readonly payload?: Payload;
  /**
   * The language that the recipient reads, as a tag such as `pt-BR`. The template nearest to it is sent (lookup, RFC 4647
   * §3.4), or the one without a locale.
   */
  readonly locale?: string;
}

/** Is what a config comes to. */
export interface ResolvedConnector {
  readonly options: SmtpClientOptions;
  readonly templates: TemplateSet;
  readonly from: Mailbox;
  readonly replyTo: Mailbox | undefined;
  readonly headers: MessageContent["headers"];
}

/** Reads a config. Throws one ConfigError with all its `problems`. */
export function resolveConnector(
  config: unknown,
  { lookupWithin, refuse }: Partial<Runtime> = {},
): ResolvedConnector {
  const { compiled, fromEmail, replyTo, customHeaders, dnsTimeout, ...read } = readConnectorConfig(config);
  if (dnsTimeout !== undefined && lookupWithin === undefined && refuse !== undefined) {
    const hint = "leave it out: connectionTimeout has the time for it too";
    throw new ConfigError("dnsTimeout", "cannot be set in a runtime that looks names up itself", { hint });
  }
  const options = clientOptions(read);
  return {
    options:
      lookupWithin === undefined ? options : { ...options, lookup: lookupWithin(dnsTimeout ?? DNS_TIMEOUT) },
    templates: compiled,
    from: mailboxOf(fromEmail),
    replyTo: replyTo && mailboxOf(replyTo),
    headers: customHeaders,
  };
}

/** Milliseconds, as nodemailer has them. */
const DNS_TIMEOUT = 30_000;

/** The message that a template makes. Throws a MessageError where its values are not there, or no values. */
export function messageOf(connector: ResolvedConnector, message: ConnectorMessage): MessageContent {
  const { to, type, payload = {}, locale } = message;
  if (typeof payload !== "object" || payload === null) {
    throw new MessageError("payload", `is ${describe(payload)}, not an object`);
  }
  const { subject, text, html, from, replyTo } = connector.templates.choose(type, locale).render(payload);
  const answers = replyTo ?? connector.replyTo;
  return {
    from: from ?? connector.from,
    to: mailboxOf(resolveMailbox(to, "to")),
    ...(answers !== undefined && { replyTo: answers }),
    subject,
    text,
    ...(html !== undefined && { html }),
    ...(connector.headers !== undefined && { headers: connector.headers }),
  };
}

function mailboxOf({ name, address }: Mailbox | ReturnType<typeof resolveMailbox>): Mailbox {
  return name === undefined ? { address } : { name, address };
}
