// What a contestant of a sending scenario sends, one message after the other.

import { readFileSync } from "node:fs";
import { messagesOf, rotate } from "./messages.mjs";

/**
 * @typedef {object} What
 * @property {string} kind           a kind of message
 * @property {string} [file]         the path of the file that "file25" attaches
 * @property {boolean} [inMemory]    the file is read before, and attached as octets
 * @property {number} [recipients]   how many, where not those of the message
 *
 * @typedef {object} Where
 * @property {number} port           on 127.0.0.1
 * @property {"none" | "starttls" | "tls"} security
 * @property {{ user: string, pass: string }} [auth]
 * @property {string} [ca]           PEM
 * @property {number} connections    at most
 * @property {string} [mode]         "bulk" asks for the call that takes many messages; "raw" has modes of its own
 *
 * @typedef {What & Where} SendOptions  what the `send` of a contestant is called with
 */

/**
 * The messages that are sent in turn.
 * @param {What} what
 * @returns {import("./messages.mjs").NeutralMessage[]}
 */
export function outgoing({ kind, file, inMemory = false, recipients }) {
  return messagesOf(kind, { file }).map((message) => ({
    ...message,
    ...(recipients !== undefined && { to: people(recipients) }),
    ...(inMemory && { attachments: message.attachments.map(load) }),
  }));
}

/** The same without end. */
export function supply(/** @type {What} */ what) {
  return rotate(outgoing(what));
}

function people(count) {
  return Array.from({ length: count }, (_, n) => ({ name: `Bob ${n}`, address: `bob${n}@example.org` }));
}

function load({ path, ...file }) {
  return { ...file, content: readFileSync(path) };
}
