// The process behind soak.mjs: a sink that takes messages and, time and again, drops a connection: between two messages,
// amid a command or amid mail data, or with the verdict on its lips. It counts what it has taken, message by message,
// whatever it managed to say of it.

import { createServer } from "node:net";
import { SinkSession } from "./sink-session.mjs";

const GREETING = "220 sink.example ESMTP\r\n";
const EXTENSIONS = ["PIPELINING", "8BITMIME", "SIZE 104857600", "ENHANCEDSTATUSCODES"];
const CLOSING = "421 4.3.2 Going down\r\n";
/** The reply to whatever comes next, where nothing is waiting to be said. */
const OK = "250 2.0.0 Ok\r\n";

/** As long as an opening, and as a small message with its envelope: where a drop may be, in octets. */
const OPENING_OCTETS = 20;
const MESSAGE_OCTETS = 700;
/** One drop in so many is of a connection that has just been opened. */
const FRESH_SHARE = 8;

/** How a connection is dropped: what is said, of the replies that are due, and how it ends. */
const WAYS = [
  { name: "FIN", say: (replies) => replies, end: (socket) => socket.end() },
  { name: "FIN, nothing said", say: () => "", end: (socket) => socket.end() },
  { name: "RST", say: (replies) => replies, end: (socket) => socket.resetAndDestroy() },
  { name: "RST, nothing said", say: () => "", end: (socket) => socket.resetAndDestroy() },
  { name: "421", say: (replies) => replies + CLOSING, end: (socket) => socket.end() },
  { name: "half a reply", say: half, end: (socket) => socket.end() },
];

const figures = { messages: 0 };
const drops = Object.fromEntries(WAYS.map(({ name }) => [name, 0]));
const sockets = new Set();
let takenOf;
let random;
let untilDrop;
let dropEvery;
let onQuiet = () => {};

/** The session puts each message it has taken on the shelf. Its number is in the reverse-path. */
const shelf = {
  keep: true,
  set last({ from }) {
    takenOf[Number(/^n(\d+)@/.exec(from)?.[1])]++;
    untilDrop--;
  },
};

const requests = {
  listen,
  /** What was taken, once no connection is left. */
  count: async () => {
    if (sockets.size > 0) {
      await new Promise((resolve) => {
        onQuiet = resolve;
      });
    }
    return { messages: figures.messages, taken: Buffer.from(takenOf).toString("base64"), drops };
  },
};

process.on("message", async (request) => {
  let answer;
  try {
    answer = await requests[request.do](request);
  } catch (error) {
    answer = { failed: error.message };
  }
  if (process.connected) process.send(answer);
});
process.on("disconnect", () => process.exit());

function listen({ count, every, seed }) {
  // Once, or too often: beyond that a number of one octet need not count, but it may not come round to nothing.
  takenOf = new Uint8ClampedArray(count);
  random = randomness(seed);
  dropEvery = every;
  untilDrop = upTo(2 * dropEvery);
  const server = createServer({ noDelay: true }, serve);
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => resolve({ port: server.address().port }));
  });
}

function serve(socket) {
  // Which way messages come is decided for each connection.
  const offers = random() < 0.5 ? EXTENSIONS : [...EXTENSIONS, "CHUNKING"];
  const session = new SinkSession({ figures, shelf }, offers);
  let doom;
  sockets.add(socket);
  socket.on("error", () => socket.destroy());
  socket.on("close", () => {
    sockets.delete(socket);
    if (sockets.size === 0) onQuiet();
  });
  socket.on("data", receive);
  socket.write(GREETING);
  if (upTo(dropEvery * FRESH_SHARE) < 1) doom = { octets: upTo(OPENING_OCTETS) };

  function receive(octets) {
    let replies = "";
    for (let at = 0; at < octets.length; ) {
      if (doom === undefined && untilDrop <= 0) {
        untilDrop = 1 + upTo(2 * dropEvery);
        doom = random() < 0.5 ? { verdict: true } : { octets: upTo(MESSAGE_OCTETS) };
      }
      // Octet by octet where it matters at which of them it ends; else up to the end of a line, which may end a message.
      const end = doom === undefined ? lineEnd(octets, at) : at + 1;
      const before = figures.messages;
      replies += session.receive(octets.subarray(at, end));
      at = end;
      if (doom !== undefined && (doom.verdict ? figures.messages > before : doom.octets-- <= 0)) {
        drop(replies);
        return;
      }
      if (session.next !== undefined) {
        finish(replies);
        return;
      }
    }
    if (replies !== "") socket.write(replies, "latin1");
  }

  function drop(replies) {
    const way = WAYS[upTo(WAYS.length)];
    drops[way.name]++;
    socket.off("data", receive);
    socket.resume();
    socket.write(way.say(replies), "latin1");
    way.end(socket);
  }

  function finish(replies) {
    socket.off("data", receive);
    socket.resume();
    socket.end(replies, "latin1");
  }
}

function lineEnd(octets, at) {
  const end = octets.indexOf(0x0a, at);
  return end < 0 ? octets.length : end + 1;
}

/** All that is due but for the end of it. */
function half(replies) {
  const due = replies === "" ? OK : replies;
  return due.slice(0, due.length - 1 - upTo(due.length - 1));
}

/** A whole number from 0, and less than `end`. */
function upTo(end) {
  return Math.floor(random() * end);
}

/** mulberry32: the same in every run with the same seed, as far as the order of what arrives is. */
function randomness(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
