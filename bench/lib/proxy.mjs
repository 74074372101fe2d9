// A TCP proxy that makes the way long: what it is given arrives half a round trip later, in order. It also counts the
// client's turns: how often the client, having waited, speaks again.

import { once } from "node:events";
import { connect, createServer } from "node:net";

/** What may be under way in one direction before its sender has to wait. */
const MAX_UNDER_WAY = 4 * 1024 * 1024;

/**
 * Listens on a free loopback port for connections to `port`.
 * @param {{ port: number, roundTrip: number }} options  `roundTrip` in milliseconds
 */
export async function startProxy({ port, roundTrip }) {
  const half = roundTrip / 2;
  const sockets = new Set();
  let turns = 0;

  const server = createServer({ noDelay: true, allowHalfOpen: true }, async (client) => {
    own(client);
    const accepted = performance.now();
    let mayBeNewTurn = true;
    // SYN, SYN-ACK: the kernel has answered the client at once, so what it says first has to wait for the round trip
    // after which it would have been connected; and the server, for the half more after which it would know.
    const toServer = new Delay(half, accepted + roundTrip);
    const toClient = new Delay(half, accepted);
    client.on("data", () => {
      if (mayBeNewTurn) turns++;
      mayBeNewTurn = false;
    });
    toServer.from(client);
    await sleepUntil(accepted + roundTrip + half);
    if (client.destroyed) return;
    const upstream = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    own(upstream);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ])
      one.on("close", () => other.destroy());
    toClient.from(upstream);
    toClient.to(client, () => {
      mayBeNewTurn = true;
    });
    toServer.to(upstream);
  });

  function own(socket) {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: server.address().port,
    /** A running total over all connections. */
    turns: () => turns,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** One direction of a connection: a queue of octets, each with the time at which it arrives. */
class Delay {
  #delay;
  #notBefore;
  #queue = [];
  #underWay = 0;
  #source;
  #sink;
  #onArrival;
  #timer;

  constructor(delay, notBefore) {
    this.#delay = delay;
    this.#notBefore = notBefore;
  }

  from(source) {
    this.#source = source;
    source.on("data", (octets) => {
      this.#underWay += octets.length;
      if (this.#underWay > MAX_UNDER_WAY) source.pause();
      this.#send(octets);
    });
    source.on("end", () => this.#send(undefined));
  }

  to(sink, onArrival) {
    this.#sink = sink;
    this.#onArrival = onArrival;
    this.#deliver();
  }

  #send(octets) {
    this.#queue.push({ octets, due: Math.max(performance.now(), this.#notBefore) + this.#delay });
    if (this.#timer === undefined) this.#deliver();
  }

  #deliver() {
    this.#timer = undefined;
    if (this.#sink === undefined) return;
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      const wait = head.due - performance.now();
      if (wait > 0) {
        this.#timer = setTimeout(() => this.#deliver(), wait);
        return;
      }
      this.#queue.shift();
      this.#arrive(head.octets);
    }
  }

  #arrive(octets) {
    if (octets === undefined) {
      this.#sink.end();
      return;
    }
    this.#underWay -= octets.length;
    this.#source.resume();
    this.#sink.write(octets);
    this.#onArrival?.();
  }
}

function sleepUntil(time) {
  return new Promise((resolve) => setTimeout(resolve, time - performance.now()));
}
