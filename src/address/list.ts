// Where the mailboxes of a list begin and end (RFC 5322 §3.4), and no more: each is then read as strictly as if it
// stood alone. Two readers who divide a list at different commas would see two different sets of recipients.

import { MessageError } from "../errors.ts";
import { refuseControls } from "../input.ts";
import { NO_COMMENTS, QUOTE_IT } from "./hints.ts";
import { endOfQuotedString, nameSpecial } from "./tokens.ts";

/** A bound on memory and time, in a message as in a list; servers take a hundred or a few thousand in one transaction. */
export const MAX_MAILBOXES = 100_000;
/** Characters: that many mailboxes, with names and addresses of common length. */
const MAX_LIST = MAX_MAILBOXES * 100;

/** The text of each mailbox in the list; those in a group stand among the others. */
export function splitList(text: string, field: string): string[] {
  if (text.length > MAX_LIST) throw new MessageError(field, `is longer than ${MAX_LIST} characters`);
  refuseControls(text, field);
  if (trimSpaces(text) === "") {
    throw new MessageError(field, "is empty", { hint: "a list of nobody is an empty array: []" });
  }
  const mailboxes: string[] = [];
  const add = (mailbox: string): void => {
    if (mailbox === "") throw new MessageError(field, "has a comma too many: there is no mailbox beside it");
    if (mailboxes.length === MAX_MAILBOXES) {
      throw new MessageError(field, `has more than ${MAX_MAILBOXES} mailboxes`);
    }
    mailboxes.push(mailbox);
  };
  // RFC 5322 §3.4: groups do not nest, so one word says where we are, and there is no depth to bound.
  let group: "none" | "begun" | "going on" | "ended" = "none";
  for (let begin = 0; begin <= text.length; ) {
    const end = nextSeparator(text, begin, field);
    const piece = trimSpaces(text.slice(begin, end));
    const separator = text[end];
    begin = end + 1;
    if (group === "none") {
      if (separator === ";") {
        throw new MessageError(field, "has a ; that ends no group", {
          hint: "mailboxes are divided by commas (RFC 5322 §3.4)",
        });
      }
      if (separator === ":") {
        checkGroupName(piece, field);
        group = "begun";
      } else {
        add(piece);
      }
    } else if (group === "ended") {
      if (piece !== "" || separator === ":" || separator === ";") {
        throw new MessageError(field, "has no comma after a group");
      }
      group = "none";
    } else {
      if (separator === undefined) {
        throw new MessageError(field, "has a group that is not closed", { hint: "a group ends in a ;" });
      }
      if (separator === ":") {
        throw new MessageError(field, "has a group within a group, or an unquoted : in a display name", {
          hint: QUOTE_IT,
        });
      }
      // A group may be empty: "undisclosed-recipients:;".
      if (group === "going on" || separator === "," || piece !== "") add(piece);
      group = separator === "," ? "going on" : "ended";
    }
  }
  return mailboxes;
}

/** Where the next comma, colon or semicolon stands that is not in quotes or brackets; the end, where there is none. */
function nextSeparator(text: string, from: number, field: string): number {
  for (let at = from; at < text.length; at++) {
    switch (text[at]) {
      case ",":
      case ":":
      case ";":
        return at;
      case '"':
        at = endOfQuotedString(text, at, field) - 1;
        break;
      case "[":
        // The colons in an address literal begin no group.
        at = text.indexOf("]", at);
        if (at < 0) throw new MessageError(field, "has a [ that is not closed");
        break;
      case "(":
        throw new MessageError(field, "has a comment, or an unquoted ( in a display name", {
          hint: NO_COMMENTS,
        });
    }
  }
  return text.length;
}

function checkGroupName(name: string, field: string): void {
  if (name === "") throw new MessageError(field, "has a group without a name");
  if (name.startsWith('"') && endOfQuotedString(name, 0, field) === name.length) return;
  const special = nameSpecial(name);
  if (special === undefined) return;
  throw new MessageError(field, `has an unquoted ${special} in the name of a group`, { hint: QUOTE_IT });
}

/** Without the spaces around it; a regular expression would look at a run of them once from each of them. */
function trimSpaces(text: string): string {
  let begin = 0;
  let end = text.length;
  while (text[begin] === " ") begin++;
  while (end > begin && text[end - 1] === " ") end--;
  return text.slice(begin, end);
}
