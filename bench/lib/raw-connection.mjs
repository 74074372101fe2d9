// The physical limit of talking SMTP: a socket, octets out, replies counted and their first digit looked at.

import { connect } from "node:net";
import { connect as connectTls } from "node:tls";

const TWO = 0x32;
const THREE = 0x33;
const SPACE = 0x20;

export class RawConnection {
  /** Whether the server offered them. */
  offers = { pipelining: false, chunking: false };

  #socket;
  #ca;
  #heard = "";
  /** Who waits for replies, first come, first served. */
  #waiting = [];
  #receive = (octets) => this.#read(octets.latin1Slice());
  #fail = (error) => {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  };

  /**
   * Connects, secures the connection, and logs in.
   * @param {import("./outgoing.mjs").Where} where
   */
  static async open({ port, security, auth, ca }) {
    const connection = new RawConnection();
    connection.#ca = ca;
    connection.#listen(connect({ port, host: "127.0.0.1", noDelay: true }));
    if (security === "tls") connection.#secure();
    await connection.#expect(1);
    await connection.#greet();
    if (security === "starttls") {
      await connection.exchange("STARTTLS\r\n", 1);
      connection.#secure();
      await connection.#greet();
    }
    if (auth !== undefined) {
      const response = Buffer.from(`\0${auth.user}\0${auth.pass}`).toString("base64");
      await connection.exchange(`AUTH PLAIN ${response}\r\n`, 1);
    }
    return connection;
  }

  /**
   * Says something, in one write, and resolves to what was replied once all replies are there.
   * @param {string | Uint8Array} words
   * @param {number} replies
   * @returns {Promise<string>}  rejects when one of them is a refusal
   */
  exchange(words, replies) {
    this.#socket.write(words, "latin1");
    return this.#expect(replies);
  }

  /** Writes octets that may be used again once this resolves. No reply is expected. */
  write(octets) {
    return new Promise((resolve, reject) => {
      this.#socket.write(octets, (error) => (error ? reject(error) : resolve()));
    });
  }

  close() {
    this.#socket.destroy();
  }

  async #greet() {
    const reply = await this.exchange("EHLO localhost\r\n", 1);
    this.offers = { pipelining: reply.includes("PIPELINING"), chunking: reply.includes("CHUNKING") };
  }

  #listen(socket) {
    this.#socket = socket;
    socket.on("data", this.#receive);
    socket.on("error", this.#fail);
    socket.on("close", () => this.#fail(new Error("the connection was closed")));
  }

  /** What is written from now on leaves with the end of the handshake. */
  #secure() {
    const raw = this.#socket;
    raw.off("data", this.#receive);
    this.#listen(connectTls({ socket: raw, ca: this.#ca, servername: "localhost" }));
  }

  #expect(replies) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ replies, resolve, reject });
    });
  }

  #read(text) {
    const heard = this.#heard === "" ? text : this.#heard + text;
    let start = 0;
    for (let end = heard.indexOf("\n"); end >= 0; end = heard.indexOf("\n", start)) {
      const first = heard.charCodeAt(start);
      if (first !== TWO && first !== THREE) return this.#fail(new Error(heard.slice(start, end).trim()));
      if (heard.charCodeAt(start + 3) === SPACE && --this.#waiting[0].replies === 0) {
        this.#waiting.shift().resolve(heard);
      }
      start = end + 1;
    }
    this.#heard = heard.slice(start);
  }
}
