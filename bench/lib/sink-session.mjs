// One session of the sink: octets in, replies out. It parses as little as it can while it still refuses what a server
// would refuse, so that no contestant is fast by saying less than SMTP asks for.

const MAX_LINE = 65_536;
const LF = 0x0a;
const END_OF_DATA = Buffer.from("\r\n.\r\n");
const NOTHING = Buffer.alloc(0);

const OK = "250 2.0.0 Ok\r\n";
const TAKEN = "250 2.0.0 Ok: taken\r\n";
const OUT_OF_ORDER = "503 5.5.1 Bad sequence of commands\r\n";
const NO_LOGIN = "530 5.7.0 Authentication required\r\n";

const MAIL = verb("MAIL");
const RCPT = verb("RCPT");
const DATA = verb("DATA");
const BDAT = verb("BDAT");
const RSET = verb("RSET");
const NOOP = verb("NOOP");
const QUIT = verb("QUIT");
const EHLO = verb("EHLO");
const HELO = verb("HELO");
const AUTH = verb("AUTH");
const STARTTLS = verb("STAR");

export class SinkSession {
  /** What is to be done with the wire once the replies are written: nothing, `end` it, or put `tls` on it. */
  next;

  /** The replies go out together once all that was received has been read (RFC 2920 §3.2). */
  #replies = "";
  #settings;
  #offers;
  /** What reads the next octets, and says up to where it did. */
  #reading = this.#readCommand;
  #partial = NOTHING;
  #loggedIn;
  /** Recipients of the open transaction; -1 where there is none. */
  #recipients = -1;
  #chunk = { left: 0, isLast: false, isRefused: false };
  /** The last octets of mail data seen, for an end of data that is split between two reads. */
  #tail = NOTHING;
  #kept;

  /**
   * @param {object} settings  what all sessions of a sink share
   * @param {readonly string[]} offers  the extensions, on this side of STARTTLS
   */
  constructor(settings, offers) {
    this.#settings = settings;
    this.#offers = offers;
    this.#loggedIn = settings.credentials === undefined;
  }

  /** Reads octets and returns the replies to write. */
  receive(octets) {
    let unread = octets;
    if (this.#partial.length > 0) {
      unread = Buffer.concat([this.#partial, octets]);
      this.#partial = NOTHING;
    }
    this.#replies = "";
    // What trails STARTTLS or QUIT is not read (RFC 3207 §4.2).
    for (let at = 0; at < unread.length && this.next === undefined; ) at = this.#reading(unread, at);
    return this.#replies;
  }

  #readCommand(octets, at) {
    const end = octets.indexOf(LF, at);
    if (end < 0) {
      this.#partial = octets.subarray(at);
      if (this.#partial.length > MAX_LINE) this.next = "end";
      return octets.length;
    }
    // Letters in upper case without a string: bit 5 is what tells the cases apart.
    const word = end - at < 4 ? 0 : octets.readUInt32BE(at) & 0xdfdfdfdf;
    this.#replies += this.#obey(word, octets, at, end);
    return end + 1;
  }

  #obey(word, octets, at, end) {
    switch (word) {
      case MAIL:
        if (!this.#loggedIn) return NO_LOGIN;
        if (this.#recipients >= 0) return OUT_OF_ORDER;
        this.#recipients = 0;
        this.#kept = this.#settings.shelf.keep
          ? { from: path(octets, at, end), to: [], content: [] }
          : undefined;
        return OK;
      case RCPT:
        if (this.#recipients < 0) return OUT_OF_ORDER;
        this.#recipients++;
        this.#kept?.to.push(path(octets, at, end));
        return OK;
      case DATA:
        if (this.#recipients < 1) return OUT_OF_ORDER;
        this.#reading = this.#readData;
        // The line end before a dot that ends an empty message is the one of DATA.
        this.#tail = END_OF_DATA.subarray(0, 2);
        return "354 End data with <CR><LF>.<CR><LF>\r\n";
      case BDAT:
        return this.#beginChunk(octets.latin1Slice(at, end));
      case RSET:
        this.#recipients = -1;
        return OK;
      case EHLO:
      case HELO: {
        this.#recipients = -1;
        const lines = word === HELO ? ["sink.example"] : ["sink.example", ...this.#offers];
        return lines.map((line, index) => `250${index < lines.length - 1 ? "-" : " "}${line}\r\n`).join("");
      }
      case AUTH:
        return this.#authenticate(octets.latin1Slice(at, end).trim().split(" "));
      case STARTTLS:
        if (!this.#offers.includes("STARTTLS")) return OUT_OF_ORDER;
        this.next = "tls";
        return "220 2.0.0 Ready to start TLS\r\n";
      case NOOP:
        return OK;
      case QUIT:
        this.next = "end";
        return "221 2.0.0 Bye\r\n";
      default:
        return "500 5.5.2 Command not recognized\r\n";
    }
  }

  #readData(octets, at) {
    const seam = Buffer.concat([this.#tail, octets.subarray(at, at + END_OF_DATA.length - 1)]);
    const inSeam = seam.indexOf(END_OF_DATA);
    let end = -1;
    if (inSeam >= 0) end = at + inSeam + END_OF_DATA.length - this.#tail.length;
    else {
      const found = octets.indexOf(END_OF_DATA, at);
      if (found >= 0) end = found + END_OF_DATA.length;
    }
    const upTo = end < 0 ? octets.length : end;
    this.#kept?.content.push(Buffer.from(octets.subarray(at, upTo)));
    if (end < 0) {
      this.#tail = Buffer.concat([this.#tail, octets.subarray(Math.max(at, upTo - 4))]).subarray(-4);
      return upTo;
    }
    this.#reading = this.#readCommand;
    this.#replies += this.#take(undoTransparency);
    return upTo;
  }

  #beginChunk(line) {
    const [, size, last] = line.trim().split(" ");
    if (!/^\d{1,15}$/.test(size)) {
      this.next = "end";
      return "501 5.5.4 Syntax: BDAT count [LAST]\r\n";
    }
    // RFC 3030 §2: the octets follow whatever we think of it, so they are read before the refusal is said.
    this.#chunk = { left: Number(size), isLast: last !== undefined, isRefused: this.#recipients < 1 };
    if (this.#chunk.left > 0) {
      this.#reading = this.#readChunk;
      return "";
    }
    return this.#endChunk();
  }

  #readChunk(octets, at) {
    const chunk = this.#chunk;
    const end = Math.min(octets.length, at + chunk.left);
    chunk.left -= end - at;
    this.#kept?.content.push(Buffer.from(octets.subarray(at, end)));
    if (chunk.left === 0) {
      this.#reading = this.#readCommand;
      this.#replies += this.#endChunk();
    }
    return end;
  }

  #endChunk() {
    if (this.#chunk.isRefused) return OUT_OF_ORDER;
    return this.#chunk.isLast ? this.#take((content) => content) : OK;
  }

  #take(read) {
    const { figures, shelf } = this.#settings;
    figures.messages++;
    this.#recipients = -1;
    if (this.#kept !== undefined) {
      const { from, to, content } = this.#kept;
      shelf.last = { from, to, content: read(Buffer.concat(content)) };
      this.#kept = undefined;
    }
    return TAKEN;
  }

  #authenticate([, mechanism, initialResponse]) {
    if (this.#settings.credentials === undefined || !this.#offers.includes("AUTH PLAIN")) return OUT_OF_ORDER;
    if (mechanism.toUpperCase() !== "PLAIN") return "504 5.5.4 Unrecognized authentication type\r\n";
    if (initialResponse !== undefined) return this.#login(initialResponse);
    this.#reading = this.#readResponse;
    return "334 \r\n";
  }

  #readResponse(octets, at) {
    const end = octets.indexOf(LF, at);
    if (end < 0) {
      this.#partial = octets.subarray(at);
      return octets.length;
    }
    this.#reading = this.#readCommand;
    this.#replies += this.#login(octets.latin1Slice(at, end).trim());
    return end + 1;
  }

  #login(response) {
    const { user, pass } = this.#settings.credentials;
    this.#loggedIn = Buffer.from(response, "base64").toString() === `\0${user}\0${pass}`;
    return this.#loggedIn ? "235 2.7.0 Authentication successful\r\n" : "535 5.7.8 Credentials invalid\r\n";
  }
}

/** The first four letters of a command as one number. */
function verb(letters) {
  return Buffer.from(letters, "latin1").readUInt32BE(0);
}

/** The address in a line of MAIL or RCPT. */
function path(octets, at, end) {
  const line = octets.utf8Slice(at, end);
  return line.slice(line.indexOf("<") + 1, line.indexOf(">"));
}

/** The message that was meant: without the dots of RFC 5321 §4.5.2 and the line that ended it. */
function undoTransparency(data) {
  const text = `\r\n${data.toString("latin1")}`.slice(0, -".\r\n".length);
  return Buffer.from(text.replaceAll("\r\n.", "\r\n").slice(2), "latin1");
}
