// The domain of an address (RFC 5321 §4.1.2): letters, digits and hyphens, with A-labels for what was not ASCII, or an
// address literal. Every runtime has the tables of UTS 46 in its parser of URLs and nowhere else, so that is asked;
// but only about what has the grammar of a domain, and only to have its answer checked.

import { isAsciiText } from "../bytes.ts";
import { MessageError } from "../errors.ts";
import { codePoint } from "../input.ts";
import { hintFor } from "./hints.ts";

// RFC 5321 §4.5.3.1.2 and RFC 1035 §2.3.4: octets on the wire.
const MAX_DOMAIN = 255;
const MAX_LABEL = 63;

/** The domain as it goes on the wire; what it was written as is either the same name or refused. */
export function parseDomain(text: string, field: string): string {
  if (text.startsWith("[")) return checkAddressLiteral(text, field);
  const domain = isAsciiText(text) ? text : toALabels(text, field);
  checkLabels(domain, field);
  // An A-label that decodes to nothing, or to what would be encoded otherwise.
  if (domain.toLowerCase().includes("xn--") && hostnameOf(domain) !== domain.toLowerCase()) {
    throw new MessageError(field, "has an invalid A-label in its domain (RFC 5890 §2.3.2.1)");
  }
  return domain;
}

const NOT_LDH = /[^A-Za-z0-9.-]/;
// As parsers of URLs tell an IPv4 address: 127.1, 127.0x1 and 0x7f000001 are all the loopback host to them.
const NUMBER = /^(?:[0-9]+|0x[0-9a-f]*)$/i;

function checkLabels(domain: string, field: string): void {
  if (domain.length > MAX_DOMAIN) {
    throw new MessageError(field, `has a domain of more than ${MAX_DOMAIN} octets (RFC 5321 §4.5.3.1.2)`);
  }
  const found = NOT_LDH.exec(domain);
  if (found !== null) {
    throw new MessageError(field, `has ${found[0] === " " ? "a space" : found[0]} in its domain`, {
      hint: hintFor(domain),
    });
  }
  const labels = domain.split(".");
  for (const label of labels) {
    if (label === "") throw new MessageError(field, "has no domain, or an empty label in it");
    if (label.length > MAX_LABEL)
      throw new MessageError(field, `has a label of more than ${MAX_LABEL} octets`);
    if (label.startsWith("-") || label.endsWith("-")) {
      throw new MessageError(field, "has a label in its domain that begins or ends with a hyphen");
    }
  }
  if (NUMBER.test(labels.at(-1) ?? "")) {
    throw new MessageError(field, "has a domain that ends in a number", {
      hint: "an IP address is written in brackets: user@[192.0.2.1]",
    });
  }
}

// Letters, marks and digits of any script, and the few signs that are allowed among some of them (RFC 5892
// Appendix A). Checked before the URL parser sees the domain, because that cuts at "/", "?", "#" and "\", drops tabs
// and decodes "%65": the host it returns is then not the one that was written. For the same reason not the marks
// and letters that it drops because they show nothing; nor capital sharp s, which is "ss" or "ß" by the edition of
// UTS 46.
// As text, of which a pattern is made when it is needed: engines read the tables of Unicode for each at import.
const NOT_U_LABEL =
  "[^\\p{L}\\p{M}\\p{Nd}\\u00b7\\u0375\\u05f3\\u05f4\\u200c-\\u200d\\u30fb.\\-]|(?![\\u200c\\u200d])\\p{Default_Ignorable_Code_Point}|\\u1e9e";

// A full-width "ｇ" or the Kelvin sign is mapped to the ASCII letter that it looks like. What is compared with the
// domain before, such as a list of those allowed, would not see that it is the same one; so it is written as it is.
const HAS_ASCII = /[\0-\x7f]/;

// RFC 5891 §4.2.3.1; the URL parser is lenient about them.
const MISPLACED_HYPHEN = /^-|^..--|-$/u;

function toALabels(domain: string, field: string): string {
  const notULabel = new RegExp(NOT_U_LABEL, "u");
  for (const character of domain) {
    const isLookAlike = character > "\x7f" && HAS_ASCII.test(character.normalize("NFKC"));
    if (isLookAlike || notULabel.test(character)) {
      throw new MessageError(field, `has ${codePoint(character)} in its domain`, {
        hint: "write the domain in plain letters and digits of its script, with ASCII dots between the labels",
      });
    }
  }
  const before = domain.split(".");
  const after = hostnameOf(domain)?.split(".");
  const kept = before.every((label, at) =>
    isAsciiText(label)
      ? after?.[at] === label.toLowerCase()
      : !MISPLACED_HYPHEN.test(label) && after?.[at]?.startsWith("xn--"),
  );
  if (after === undefined || after.length !== before.length || !kept) {
    throw new MessageError(field, "has a domain that is not a valid internationalized one (RFC 5890)");
  }
  return after.join(".");
}

function hostnameOf(domain: string): string | undefined {
  try {
    return new URL(`http://${domain}`).hostname;
  } catch {
    return undefined;
  }
}

const IPV6_LITERAL = /^\[IPv6:[0-9A-Fa-f:.]{2,45}\]$/i;
const IPV4_LITERAL = /^\[[0-9.]{7,15}\]$/;

// RFC 5321 §4.1.3.
function checkAddressLiteral(text: string, field: string): string {
  const inside = text.slice(1, -1);
  if (IPV4_LITERAL.test(text)) {
    const octets = inside.split(".");
    if (
      octets.length === 4 &&
      octets.every((octet) => String(Number(octet)) === octet && Number(octet) < 256)
    ) {
      return text;
    }
  } else if (IPV6_LITERAL.test(text) && hostnameOf(`[${inside.slice(5)}]`) !== undefined) {
    return text;
  }
  throw new MessageError(field, "has an invalid address literal", {
    hint: "write [192.0.2.1] or [IPv6:2001:db8::1]",
  });
}
