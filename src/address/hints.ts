// What is told to whoever wrote something else than a mailbox.

export const FORMS = 'write "a@b.example", "Name <a@b.example>" or { name, address }';
export const ONE_EACH =
  "give several mailboxes as an array, one to each element, or read a list with parseMailboxList";
export const QUOTE_IT = "put the display name in double quotes, or write { name, address }";
export const NO_COMMENTS =
  "comments in parentheses are not read; a display name with parentheses is put in double quotes";

/** What was probably meant by `text`, which is not a mailbox. */
export function hintFor(text: string): string {
  if (text.includes("(")) return NO_COMMENTS;
  return text.includes(",") || text.includes(";") ? `${ONE_EACH}; ${QUOTE_IT}` : FORMS;
}
