// One connection of the server that is right but once: strict SMTP, step by step, and the fault in its place.

import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Identity } from "../support/certificates.ts";
import type { Fault, Place } from "./faults.ts";
import { drip, pour, spell } from "./pace.ts";

export interface Strike {
  readonly fault: Fault;
  readonly place: Place;
  /** The how-manieth time something comes there, from 1, since the server was armed. */
  readonly time: number;
  /** Amid mail data: after how many octets of it. */
  readonly midway: number;
}

export interface Nature {
  readonly offers: readonly string[];
  readonly strike: Strike;
  readonly identity?: Identity | undefined;
  /** Whether replies to one group come in one segment. */
  readonly isGathering: boolean;
}

/** Mail from here has no recipient that is taken. */
export const UNWANTED = "unwanted@example.com";

export interface House {
  readonly nature: Nature;
  readonly strange: string[];
  /** The fault that strikes now, if it does. */
  struck(place: Place): Fault | undefined;
  take(message: string): void;
}

export class Line {
  readonly #socket: Socket;
  readonly #house: House;
  #stream: Socket;
  #buffer = "";
  #scanned = 0;
  #mode: "commands" | "hello" | "response" | "data" | "chunk" | "busy" | "deaf" = "commands";
  /** How many recipients were taken; `undefined` outside a transaction. */
  #recipients: number | undefined;
  #isUnwanted = false;
  #content = "";
  #chunk = { octets: 0, isLast: false };
  /** The transaction came to nothing, and only RSET puts it back (RFC 3030 §2). */
  #isBroken = false;
  /** What was said amid the mail data was the reply to it. */
  #isAnswered = false;
  #hasPassedMidway = false;
  #questions: string[] = [];
  #spoiltHandshake: Fault | undefined;

  constructor(socket: Socket, house: House) {
    this.#socket = socket;
    this.#stream = socket;
    this.#house = house;
    socket.setNoDelay(true);
    socket.on("error", () => {});
    this.#listen();
    this.#reply("GREETING", "220 oracle.example ESMTP\r\n");
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  destroy(): void {
    this.#stream.destroy();
    this.#socket.destroy();
  }

  strikeIdle(): void {
    const fault = this.#house.struck("IDLE");
    if (fault !== undefined) this.#suffer(fault, "IDLE", "250 2.0.0 unasked\r\n", () => {});
  }

  #listen(): void {
    this.#stream.on("data", (octets: Buffer) => {
      if (this.#mode === "deaf") return;
      this.#buffer += octets.toString("latin1");
      this.#work();
    });
    this.#stream.on("end", () => (this.#stream === this.#socket ? this.#stream.end() : this.destroy()));
  }

  #work(): void {
    if (this.#house.nature.isGathering) this.#stream.cork();
    while (this.#step());
    this.#flush();
  }

  /** One line, or one piece of mail data; whether there may be more. */
  #step(): boolean {
    switch (this.#mode) {
      case "commands":
      case "response": {
        const line = this.#until("\r\n");
        if (line === undefined) return false;
        if (this.#mode === "commands") this.#command(line);
        else this.#question();
        return true;
      }
      case "data":
        return this.#data();
      case "chunk":
        return this.#chunked();
      case "hello": {
        const fault = this.#spoiltHandshake;
        if (fault === undefined || this.#buffer === "") return false;
        this.#spoiltHandshake = undefined;
        this.#suffer(fault, "HANDSHAKE", "250 2.0.0 in the clear\r\n", () => {});
        return false;
      }
      default:
        return false;
    }
  }

  #command(line: string): void {
    const [verb = "", first = "", second] = line.split(" ");
    const { offers } = this.#house.nature;
    switch (verb) {
      case "EHLO":
        this.#reply(
          "EHLO",
          ["250-oracle.example", ...offers.map((word) => `250-${word}`), "250 HELP", ""].join("\r\n"),
        );
        break;
      case "HELO":
        this.#say("250 oracle.example\r\n");
        break;
      case "STARTTLS":
        this.#reply("STARTTLS", "220 2.0.0 go\r\n", () => this.#secure());
        break;
      case "AUTH":
        this.#questions =
          first === "LOGIN" ? ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 ok"] : ["334 ", "235 ok"];
        if (second !== undefined) this.#questions.shift();
        this.#question("AUTH");
        break;
      case "MAIL":
        if (this.#recipients !== undefined) {
          this.#refuse(line, "503 5.5.1 nested");
          break;
        }
        this.#isUnwanted = line.includes(UNWANTED);
        this.#reply("MAIL", "250 2.1.0 ok\r\n", () => {
          this.#recipients = 0;
        });
        break;
      case "RCPT":
        if (this.#recipients === undefined) this.#say("503 5.5.1 nobody sends\r\n");
        else if (this.#isUnwanted) this.#say("550 5.1.1 unwanted\r\n");
        else
          this.#reply("RCPT", "250 2.1.5 ok\r\n", () => {
            if (this.#recipients !== undefined) this.#recipients++;
          });
        break;
      case "DATA":
        if (!this.#recipients) this.#say("554 5.5.1 nobody would get it\r\n");
        else this.#reply("DATA", "354 go\r\n", () => this.#expect("data"));
        break;
      case "BDAT":
        this.#chunk = { octets: Number(first), isLast: second === "LAST" };
        this.#expect("chunk");
        break;
      case "RSET":
        this.#reset();
        this.#reply("RSET", "250 2.0.0 ok\r\n");
        break;
      case "QUIT":
        this.#reply("QUIT", "221 2.0.0 bye\r\n", () => {
          this.#mode = "deaf";
          this.#stream.end();
        });
        break;
      default:
        this.#refuse(line, "500 5.5.1 what");
    }
  }

  #refuse(line: string, reply: string): void {
    this.#house.strange.push(line.slice(0, 80));
    this.#say(`${reply}\r\n`);
  }

  #question(place: Place = "RESPONSE"): void {
    const question = this.#questions.shift() ?? "503 5.5.1 no more";
    this.#mode = "commands";
    this.#reply(place, `${question}\r\n`, () => {
      if (question.startsWith("334")) this.#mode = "response";
    });
  }

  #secure(): void {
    this.#spoiltHandshake = this.#house.struck("HANDSHAKE");
    if (this.#spoiltHandshake !== undefined) {
      this.#mode = "hello";
      return;
    }
    this.#flush();
    this.#socket.removeAllListeners("data").removeAllListeners("end");
    this.#stream = new TLSSocket(this.#socket, { isServer: true, ...this.#house.nature.identity });
    this.#stream.on("error", () => this.destroy()).on("close", () => this.destroy());
    this.#listen();
  }

  #expect(mode: "data" | "chunk"): void {
    this.#mode = mode;
    this.#scanned = 0;
    this.#isAnswered = false;
  }

  #data(): boolean {
    if (this.#isStruckMidway()) return true;
    // The line end before the dot may be that of DATA.
    const isEmpty = this.#buffer.startsWith(".\r\n");
    const message = isEmpty ? "" : this.#until("\r\n.\r\n");
    if (message === undefined) return false;
    if (isEmpty) this.#buffer = this.#buffer.slice(3);
    this.#reset();
    this.#mode = "commands";
    if (!this.#isAnswered) this.#reply("END", "250 2.0.0 queued\r\n", () => this.#house.take(message));
    return true;
  }

  #chunked(): boolean {
    const { octets, isLast } = this.#chunk;
    if (this.#isStruckMidway(octets)) return true;
    if (this.#buffer.length < octets) return false;
    const chunk = this.#buffer.slice(0, octets);
    this.#buffer = this.#buffer.slice(octets);
    this.#mode = "commands";
    if (this.#isAnswered) return true;
    if (!this.#recipients || this.#isBroken) {
      this.#say("503 5.5.1 nobody would get it\r\n");
    } else if (isLast) {
      const message = this.#content + chunk;
      this.#recipients = undefined;
      this.#reply("END", "250 2.0.0 queued\r\n", () => {
        this.#reset();
        this.#house.take(message);
      });
    } else {
      this.#reply("BDAT", "250 2.0.0 go on\r\n", () => {
        this.#content += chunk;
      });
    }
    return true;
  }

  /** Whether the fault has struck just now, amid mail data of which `octets` are to come at most. */
  #isStruckMidway(octets = Number.POSITIVE_INFINITY): boolean {
    const { midway } = this.#house.nature.strike;
    const isCounted = this.#recipients !== undefined && this.#recipients > 0 && !this.#isBroken;
    if (!isCounted || this.#isAnswered || this.#hasPassedMidway) return false;
    if (this.#buffer.length < Math.min(midway, octets)) return false;
    this.#hasPassedMidway = true;
    const fault = this.#house.struck("CONTENT");
    if (fault === undefined) return false;
    this.#suffer(fault, "CONTENT", "250 2.0.0 early\r\n", () => {});
    return true;
  }

  #reset(): void {
    this.#recipients = undefined;
    this.#isBroken = false;
    this.#hasPassedMidway = false;
    this.#content = "";
  }

  #reply(place: Place, right: string, deed: () => void = () => {}): void {
    const fault = this.#house.struck(place);
    if (fault !== undefined) {
      this.#suffer(fault, place, right, deed);
    } else {
      this.#say(right);
      deed();
    }
  }

  #suffer(fault: Fault, place: Place, right: string, deed: () => void): void {
    const isVerdict = place === "END" || place === "CONTENT";
    const isDone = fault.obeys && !(isVerdict && fault.refuses === true);
    const words = fault.words(right, place);
    const mode = this.#mode;
    const stream = this.#stream;
    const end = (): void => {
      this.#mode = mode;
      if (!isDone) this.#balk(place);
      // Who does not go on begins no TLS and needs no goodbye.
      else if (fault.after === "goes on" || (place !== "STARTTLS" && place !== "QUIT")) deed();
      this.#part(fault.after);
    };
    if (fault.pace === "octet by octet") {
      this.#mode = "busy";
      void spell(stream, words).then(() => {
        end();
        this.#work();
      });
      return;
    }
    if (fault.pace === undefined) this.#say(words);
    end();
    if (fault.pace === "slowly") drip(stream, words);
    if (fault.pace === "endlessly") pour(stream, words);
  }

  /** Does not do what it was told. */
  #balk(place: Place): void {
    if (place === "CONTENT") this.#isAnswered = true;
    if (this.#chunk.octets > 0 && ["BDAT", "CONTENT", "END"].includes(place)) {
      this.#recipients ??= 0;
      this.#isBroken = true;
    }
  }

  #part(how: Fault["after"]): void {
    if (how === "goes on") return;
    if (how !== "closes its side") this.#mode = "deaf";
    if (how === "hangs up") {
      this.#flush();
      this.#socket.resetAndDestroy();
    } else if (how !== "goes deaf") {
      this.#stream.end();
    }
  }

  #flush(): void {
    while (this.#stream.writableCorked > 0) this.#stream.uncork();
  }

  #say(words: string): void {
    if (words !== "" && this.#stream.writable) this.#stream.write(words, "latin1");
  }

  #until(end: string): string | undefined {
    const at = this.#buffer.indexOf(end, this.#scanned);
    if (at < 0) {
      this.#scanned = Math.max(0, this.#buffer.length - end.length + 1);
      return undefined;
    }
    const text = this.#buffer.slice(0, at);
    this.#buffer = this.#buffer.slice(at + end.length);
    this.#scanned = 0;
    return text;
  }
}
