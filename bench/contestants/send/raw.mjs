// Not a library: hand-written octets straight to the socket. The modes are ways to use what the server offers:
//   DATA         MAIL, RCPT and DATA in one write, then the mail data: two turns (RFC 2920)
//   overlapped   the mail data and the next envelope in one write: one turn, where another message waits (RFC 2920 §3.1)
//   BDAT         the envelope and the message in one write: one turn (RFC 3030)
//   window       the same for 32 messages in one write, where as many wait

import { open } from "node:fs/promises";
import { supply } from "../../lib/outgoing.mjs";
import { wrapBase64, wrappedSize } from "../../lib/raw-base64.mjs";
import { RawConnection } from "../../lib/raw-connection.mjs";
import { aroundFile, rawMessage } from "../../lib/raw-message.mjs";

const WINDOW = 32;
const END = Buffer.from(".\r\n");

/** @param {import("../../lib/outgoing.mjs").SendOptions} options */
export function send({ mode = "DATA", connections, kind, file, inMemory, recipients, ...where }) {
  const next = supply({ kind, file, inMemory, recipients });
  const opened = [];
  const connection = (index) => {
    opened[index] ??= RawConnection.open(where);
    return opened[index];
  };
  const ways = { one: file !== undefined && !inMemory ? sendFile : ONE[mode], several: SEVERAL[mode] };
  return {
    once: async () => ways.one(await connection(0), next()),
    many: async (count) => {
      let left = count;
      const take = () => (left-- > 0 ? next() : undefined);
      const lines = Array.from({ length: connections }, (_, index) => connection(index));
      await Promise.all((await Promise.all(lines)).map((line) => ways.several(line, take)));
    },
    close: async () => {
      for (const line of await Promise.all(opened)) line.close();
    },
  };
}

const ONE = { DATA: sendData, overlapped: sendData, BDAT: sendChunk, window: sendChunk };
const SEVERAL = {
  DATA: sendEach(sendData),
  overlapped: sendOverlapped,
  BDAT: sendEach(sendChunk),
  window: sendWindows,
};

function sendEach(one) {
  return async (line, take) => {
    for (let message = take(); message !== undefined; message = take()) await one(line, message);
  };
}

async function sendData(line, message) {
  const content = mailData(message);
  await announce(line, message);
  await line.exchange(content, 1);
}

/** Says the envelope and DATA: at once where the server offers PIPELINING, else one by one. */
async function announce(line, message) {
  const commands = [...envelope(message), "DATA\r\n"];
  if (line.offers.pipelining) await line.exchange(commands.join(""), commands.length);
  else for (const command of commands) await line.exchange(command, 1);
}

async function sendOverlapped(line, take) {
  if (!line.offers.pipelining) return sendEach(sendData)(line, take);
  let message = take();
  if (message === undefined) return;
  let content = mailData(message);
  await announce(line, message);
  for (message = take(); message !== undefined; message = take()) {
    const commands = [...envelope(message), "DATA\r\n"];
    const both = Buffer.concat([content, Buffer.from(commands.join(""), "latin1")]);
    const replied = line.exchange(both, 1 + commands.length);
    content = mailData(message);
    await replied;
  }
  await line.exchange(content, 1);
}

async function sendChunk(line, message) {
  if (!line.offers.chunking) return sendData(line, message);
  const commands = envelope(message);
  const chunk = chunkOf(message);
  if (!line.offers.pipelining) {
    for (const command of commands) await line.exchange(command, 1);
    await line.exchange(Buffer.concat(chunk), 1);
    return;
  }
  await line.exchange(
    Buffer.concat([Buffer.from(commands.join(""), "latin1"), ...chunk]),
    commands.length + 1,
  );
}

async function sendWindows(line, take) {
  if (!line.offers.pipelining || !line.offers.chunking) return sendEach(sendChunk)(line, take);
  for (;;) {
    const octets = [];
    let replies = 0;
    for (let count = 0; count < WINDOW; count++) {
      const message = take();
      if (message === undefined) break;
      // RFC 3030 §2: after a BDAT that failed only RSET is sure to be understood, and which will fail is not known yet.
      const commands = ["RSET\r\n", ...envelope(message)];
      octets.push(Buffer.from(commands.join(""), "latin1"), ...chunkOf(message));
      replies += commands.length + 1;
    }
    if (replies === 0) return;
    await line.exchange(Buffer.concat(octets), replies);
  }
}

/** 8,192 lines of base64: large enough to make the calls cheap, small enough to stay in the cache. */
const PIECE = 57 * 8192;

/** A file of any size in the same memory: two buffers to read into, two to write from. */
async function sendFile(line, message) {
  const { before, after } = aroundFile(message);
  const sources = [Buffer.allocUnsafeSlow(PIECE), Buffer.allocUnsafeSlow(PIECE)];
  const targets = [Buffer.allocUnsafeSlow(wrappedSize(PIECE)), Buffer.allocUnsafeSlow(wrappedSize(PIECE))];
  const file = await open(message.attachments[0].path);
  try {
    await announce(line, message);
    let written = line.write(Buffer.from(before, "latin1"));
    let reading = file.read(sources[0], 0, PIECE);
    for (let turn = 0; ; turn++) {
      const { bytesRead, buffer } = await reading;
      if (bytesRead === 0) break;
      reading = file.read(sources[(turn + 1) & 1], 0, PIECE);
      const target = targets[turn & 1];
      const end = wrapBase64(buffer.subarray(0, bytesRead), target, 0);
      await written;
      written = line.write(target.subarray(0, end));
    }
    await written;
    await line.exchange(`${after}.\r\n`, 1);
  } finally {
    await file.close();
  }
}

function envelope({ from, to }) {
  return [`MAIL FROM:<${from.address}>\r\n`, ...to.map(({ address }) => `RCPT TO:<${address}>\r\n`)];
}

/** The message, its lines that begin with a dot, and the line that ends it (RFC 5321 §4.5.2). */
function mailData(message) {
  const content = rawMessage(message);
  if (!content.includes("\r\n.")) return Buffer.concat([content, END]);
  return Buffer.from(`${content.latin1Slice().replaceAll("\r\n.", "\r\n..")}.\r\n`, "latin1");
}

function chunkOf(message) {
  const content = rawMessage(message);
  return [Buffer.from(`BDAT ${content.length} LAST\r\n`, "latin1"), content];
}
