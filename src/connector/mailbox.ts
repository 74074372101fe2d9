// A mailbox with placeholders in it. Which part of it is the name and which the address is settled before there are
// values: a value can then be a strange name, or no address, and never another mailbox.

import { type Mailbox, resolveMailbox } from "../address.ts";
import {
  compileTemplate,
  listPlaceholders,
  type Missing,
  type Payload,
  type Template,
} from "../templates.ts";

export interface MailboxTemplate {
  /** `field` is named by the error where the values make no mailbox. */
  render(payload: Payload, field: string): Mailbox;
}

// As templates.ts reads them.
const PLACEHOLDERS = /\{\{\s*[\w.]+\s*\}\}|<<\s*[\w.]+\s*>>/g;

/** Throws what is wrong with it, of `field`. */
export function compileMailbox(
  written: string,
  field: string,
  { missing }: { readonly missing: Missing },
): MailboxTemplate {
  const text = written.trim();
  if (listPlaceholders(text).length === 0) {
    const { name, address } = resolveMailbox(text, field);
    const mailbox = name === undefined ? { address } : { name, address };
    return { render: () => mailbox };
  }
  // With as many letters in place of each, so that the brackets left are those of the mailbox.
  const outline = text.replace(PLACEHOLDERS, (placeholder) => "x".repeat(placeholder.length));
  const open = outline.endsWith(">") ? outline.lastIndexOf("<") : -1;
  const [display, spec] = open < 0 ? ["", text] : [text.slice(0, open), text.slice(open + 1, -1)];
  // As it will be with ordinary values: a group, a list or a stray quote is told now.
  const ordinary = spec.replace(PLACEHOLDERS, (placeholder) =>
    placeholder === spec ? "x@example.com" : "x",
  );
  resolveMailbox(open < 0 ? ordinary : `${display.replace(PLACEHOLDERS, "x")}<${ordinary}>`, field);
  const name = open < 0 ? undefined : compile(unquoted(display.trim()), missing);
  // An address with a placeholder left in it would be one, of somebody else.
  const address = compile(spec, "error");
  return {
    render(payload, at) {
      const mailbox = { ...(name && { name: name.render(payload) }), address: address.render(payload) };
      resolveMailbox(mailbox, at);
      return mailbox;
    },
  };
}

/** The address of a mailbox that is the same for every message; `undefined` where it is not, or is none. */
export function fixedAddress(written: string | undefined): string | undefined {
  if (written === undefined || listPlaceholders(written).length > 0) return undefined;
  try {
    return resolveMailbox(written.trim(), "").address;
  } catch {
    // What is wrong with it is told where it is compiled.
    return undefined;
  }
}

function compile(part: string, missing: Missing): Template {
  return compileTemplate<string, Missing>(part, { contentType: "header", missing });
}

/** The text of a quoted-string (RFC 5322 §3.2.4), or what is none as it stands. */
function unquoted(text: string): string {
  return text.length > 1 && text.startsWith('"') && text.endsWith('"')
    ? text.slice(1, -1).replace(/\\(.)/g, "$1")
    : text;
}
