// What the server delivered, read back from its Maildir.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import PostalMime, { type Email } from "postal-mime";
import { expect, vi } from "vitest";

/** A copy of a message as the server stored it for one recipient. */
export interface StoredCopy {
  /** From Delivered-To, where there is one. */
  readonly recipient: string;
  /** A character for each octet, with the trace fields the server put before it taken off, lines ended by LF. */
  readonly content: string;
  /** What an independent parser makes of it. */
  readonly email: Email;
  /** How the server says it came: protocol, TLS version, who signed in. */
  readonly trace: string;
}

/** The copies of the message, once there is one for each of `recipients`; fails where there is one for another. */
export async function deliveredCopies(
  maildir: string,
  messageId: string,
  recipients: readonly string[],
): Promise<StoredCopy[]> {
  const copies = await vi.waitFor(
    async () => {
      const found = await copiesOf(maildir, messageId);
      expect(found.length, `copies of ${messageId}`).toBeGreaterThanOrEqual(recipients.length);
      return found;
    },
    { timeout: 8_000, interval: 25 },
  );
  expect(copies.map((copy) => copy.recipient).sort()).toEqual([...recipients].sort());
  return copies;
}

/** The copies there are now. */
export async function copiesOf(maildir: string, messageId: string): Promise<StoredCopy[]> {
  return Promise.all(
    (await storedFiles(maildir)).filter((octets) => octets.includes(messageId)).map(readCopy),
  );
}

/** Files that have been read: what is in a Maildir is never written to. */
const known = new Map<string, Promise<Buffer>>();

/** Everything that is in a Maildir now. */
export async function storedFiles(maildir: string): Promise<Buffer[]> {
  const directory = join(maildir, "new");
  const paths = (await readdir(directory)).map((file) => join(directory, file));
  for (const path of paths) if (!known.has(path)) known.set(path, readFile(path));
  return Promise.all(paths.map((path) => known.get(path) ?? Buffer.of()));
}

async function readCopy(octets: Uint8Array): Promise<StoredCopy> {
  const stored = Buffer.from(octets).toString("latin1").replaceAll("\r\n", "\n");
  const fields = stored.slice(0, stored.indexOf("\n\n") + 1).split(/\n(?![ \t])/);
  const own = fields.findIndex(
    (field) => !/^(Return-Path|X-Original-To|Delivered-To|Received):/i.test(field),
  );
  const trace = fields
    .slice(0, own)
    .map((field) => `${field}\n`)
    .join("");
  return {
    recipient: /^Delivered-To: (.*)$/m.exec(trace)?.[1] ?? "nobody",
    content: stored.slice(trace.length),
    email: await PostalMime.parse(octets),
    trace: describeTrace(trace),
  };
}

/** For example "ESMTPSA, TLSv1.3, sender alice", from a Received field as Postfix or Dovecot writes it. */
function describeTrace(trace: string): string {
  const protocol = /\swith (\w+)\s+id /.exec(trace)?.[1] ?? "unknown protocol";
  const tls = /using (TLSv[\d.]+)/.exec(trace)?.[1] ?? "no TLS";
  const sender = /Authenticated sender: (\S+)\)/.exec(trace)?.[1];
  return [protocol, tls, ...(sender === undefined ? [] : [`sender ${sender}`])].join(", ");
}
