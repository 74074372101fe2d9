// The process behind sink.mjs: listens, hands octets to sessions, and counts.

import { createServer } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import { SinkSession } from "./sink-session.mjs";

const EXTENSIONS = ["PIPELINING", "8BITMIME", "SIZE 104857600", "ENHANCEDSTATUSCODES", "CHUNKING"];

const GREETING = "220 sink.example ESMTP\r\n";

const figures = { connections: 0, messages: 0, reads: 0, octets: 0 };
const sockets = new Set();
const shelf = { keep: false, last: undefined };
let paused = false;
let baseline;

const requests = {
  listen: ({ options }) => listen(options),
  figures: () => {
    const { user, system } = process.cpuUsage(baseline);
    return { ...figures, cpu: user + system };
  },
  keep: ({ on }) => {
    shelf.keep = on;
    shelf.last = undefined;
    return {};
  },
  last: () => ({
    last: shelf.last && { ...shelf.last, content: shelf.last.content.toString("base64") },
  }),
  pause: () => {
    paused = true;
    for (const socket of sockets) socket.pause();
    return {};
  },
  resume: () => {
    paused = false;
    for (const socket of sockets) socket.resume();
    return {};
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

function listen({ security, hide, pace, cert, key, credentials }) {
  const secureContext = security === "none" ? undefined : createSecureContext({ cert, key });
  const secured = (socket) => new TLSSocket(socket, { isServer: true, secureContext });
  const settings = { figures, shelf, credentials };
  const extensions = EXTENSIONS.filter((line) => !hide.includes(line.split(" ", 1)[0]));
  const offers = credentials === undefined ? extensions : [...extensions, "AUTH PLAIN"];
  // RFC 4954 §4: where there will be TLS, no login is offered before it.
  const offersInTheClear = security === "starttls" ? [...extensions, "STARTTLS"] : offers;

  const server = createServer({ noDelay: true }, (raw) => {
    figures.connections++;
    const socket = security === "tls" ? secured(raw) : raw;
    socket.write(GREETING);
    serve(socket, offersInTheClear);
  });

  function serve(socket, offered) {
    const session = new SinkSession(settings, offered);
    const receive = (octets) => {
      figures.reads++;
      figures.octets += octets.length;
      if (pace !== undefined) rest(socket, octets.length / pace);
      const replies = session.receive(octets);
      if (replies !== "") socket.write(replies, "latin1");
      if (session.next === undefined) return;
      socket.off("data", receive);
      sockets.delete(socket);
      if (session.next === "tls") serve(secured(socket), offers);
      else socket.end();
    };
    sockets.add(socket);
    socket.on("data", receive);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    if (paused) socket.pause();
  }

  /** While nothing is read the kernel's buffers fill, and then the client has to wait. */
  function rest(socket, seconds) {
    socket.pause();
    setTimeout(() => {
      if (!paused) socket.resume();
    }, seconds * 1000);
  }

  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      baseline = process.cpuUsage();
      resolve({ port: server.address().port });
    });
  });
}
