// The physical limit of composing: the least work that still ends in the same message. Nothing is checked, and nothing
// is possible but the messages of this bench; what differs from message to message is done for each.

import { randomFillSync } from "node:crypto";
import { wrapBase64, wrappedSize } from "./raw-base64.mjs";
import { quotedPrintable } from "./raw-quoted-printable.mjs";

/** RFC 5322 §2.1.1: octets in a line without its end. */
const MAX_LINE = 998;

/**
 * Composes a message whose attachment, if it has one, is in memory.
 * @param {import("./messages.mjs").NeutralMessage} message
 * @returns {Buffer}
 */
export function rawMessage(message) {
  const { text, html, attachments } = message;
  if (attachments !== undefined) return rawWithFile(message, attachments[0].content);
  const section = fields(message);
  if (html === undefined) return Buffer.from(`${section}${textPart("plain", text)}`, "latin1");
  if (text === undefined) return rawWithBase64(`${section}${TEXT_BASE64}`, html);
  const boundary = `=_${random()}`;
  return Buffer.from(
    `${section}Content-Type: multipart/alternative; boundary="${boundary}"\r\n\r\n--${boundary}\r\n${textPart("plain", text)}\r\n--${boundary}\r\n${textPart("html", html)}\r\n--${boundary}--\r\n`,
    "latin1",
  );
}

/**
 * What stands before and after the base64 of a file.
 * @param {import("./messages.mjs").NeutralMessage} message
 */
export function aroundFile(message) {
  const { filename, contentType } = message.attachments[0];
  const boundary = `=_${random()}`;
  return {
    before: `${fields(message)}Content-Type: multipart/mixed; boundary="${boundary}"\r\n\r\n--${boundary}\r\n${textPart("plain", message.text)}\r\n--${boundary}\r\nContent-Type: ${contentType}\r\nContent-Disposition: attachment; filename=${filename}\r\nContent-Transfer-Encoding: base64\r\n\r\n`,
    after: `--${boundary}--\r\n`,
  };
}

/** For a text that is mostly beyond ASCII: quoted-printable takes three octets for one, base64 four for three. */
const TEXT_BASE64 = "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n";
const scratch = Buffer.allocUnsafeSlow(64 * 1024);

function rawWithBase64(before, text) {
  const size = scratch.utf8Write(text.replace(/\n/g, "\r\n"), 0);
  return encloseBase64(before, scratch.subarray(0, size), "");
}

function rawWithFile(message, content) {
  const { before, after } = aroundFile(message);
  return encloseBase64(before, content, after);
}

function encloseBase64(before, content, after) {
  const whole = Buffer.allocUnsafe(before.length + wrappedSize(content.length) + after.length + 8);
  // The encoder writes words: its lines begin where a word does.
  const start = -(whole.byteOffset + before.length) & 3;
  whole.latin1Write(before, start);
  const end = wrapBase64(content, whole, start + before.length);
  whole.latin1Write(after, end);
  return whole.subarray(start, end + after.length);
}

/** The header section, as far as it does not depend on the body. */
function fields({ from, to, subject }) {
  return `Date: ${date()}\r\nFrom: ${mailbox(from)}\r\nTo: ${to.map(mailbox).join(",\r\n ")}\r\nSubject: ${unstructured(subject)}\r\nMessage-ID: <${random()}@pennypost.example>\r\nMIME-Version: 1.0\r\n`;
}

function mailbox({ name, address }) {
  return `${unstructured(name)} <${address}>`;
}

/** One encoded-word is enough for the texts of this bench: at most 75 characters (RFC 2047 §2). */
function unstructured(text) {
  const octets = Buffer.byteLength(text);
  return octets === text.length ? text : `=?UTF-8?B?${Buffer.from(text).toString("base64")}?=`;
}

/** A text that is mostly ASCII, in the cheapest legal form. */
function textPart(subtype, text) {
  const type = `Content-Type: text/${subtype}; charset=utf-8\r\nContent-Transfer-Encoding: `;
  return Buffer.byteLength(text) === text.length && hasShortLines(text)
    ? `${type}7bit\r\n\r\n${text.replaceAll("\n", "\r\n")}`
    : `${type}quoted-printable\r\n\r\n${quotedPrintable(text)}`;
}

function hasShortLines(text) {
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf("\n", start);
    if ((end < 0 ? text.length : end) - start > MAX_LINE) return false;
    if (end < 0) return true;
    start = end + 1;
  }
  return true;
}

const clock = { second: 0, text: "" };

/** A date says no more than the second. */
function date() {
  const now = Date.now();
  const second = Math.floor(now / 1000);
  if (second !== clock.second) {
    clock.second = second;
    clock.text = new Date(now).toUTCString().replace("GMT", "+0000");
  }
  return clock.text;
}

const ID_LENGTH = 32;
const supply = { octets: Buffer.alloc(4096), hex: "", used: 0 };

/** 128 random bits from a supply: one call for the system's randomness costs more than the rest of a message. */
function random() {
  if (supply.used === supply.hex.length) {
    supply.hex = randomFillSync(supply.octets).toString("hex");
    supply.used = 0;
  }
  const start = supply.used;
  supply.used += ID_LENGTH;
  return supply.hex.slice(start, supply.used);
}
