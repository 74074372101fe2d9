// Header fields that no message is given by name: they have properties, or belong to others.

/** What to do instead, where `headers` of a message may not hold the field; the name is in lower case. */
export function reservedField(name: string): string | undefined {
  const property = OWN_LIST.test(name) ? "list" : OWN_PROPERTY.get(name);
  if (property !== undefined) return `use the property "${property}" of the message`;
  return RESERVED.test(name)
    ? "it is made from the message itself, or belongs to its signer or the servers on its way"
    : undefined;
}

// What has a property is checked there, and said once. RFC 5321 §4.4: the trace belongs to servers, and so do the results
// of their checks (RFC 8601, RFC 8617); a signature is made over what is sent. Resent-Bcc would show who it hides, and
// Apparently-To whom the envelope names; resending is a server's or a reader's business.
const OWN_PROPERTY: ReadonlyMap<string, string> = new Map([
  ["from", "from"],
  ["sender", "sender"],
  ["reply-to", "replyTo"],
  ["to", "to"],
  ["cc", "cc"],
  ["bcc", "bcc"],
  ["subject", "subject"],
  ["date", "date"],
  ["message-id", "messageId"],
  ["in-reply-to", "inReplyTo"],
  ["references", "references"],
  ["otp-token", "otp"],
  ["keywords", "keywords"],
  ["comments", "comments"],
  ["auto-submitted", "autoSubmitted"],
  ["importance", "priority"],
  ["priority", "priority"],
  ["x-priority", "priority"],
  ["x-msmail-priority", "priority"],
]);
const OWN_LIST = /^list-(?:id|unsubscribe|unsubscribe-post|help|subscribe|post|owner|archive)$/;
const RESERVED =
  /^(?:content-.*|resent-.*|mime-version|received|return-path|apparently-to|dkim-signature|authentication-results|arc-.*)$/;
