// A relay between client and server that writes down what the client says, so that a test can hold what was sent
// against what was stored without asking the library what it sent.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** What one client connection said: an element for each piece as it arrived, a character for each octet. */
export type Recording = string[];

export interface Relay extends AsyncDisposable {
  readonly port: number;
  /** One for each connection, in the order they came. */
  readonly recordings: readonly Recording[];
}

/** Listens on a free port and passes everything on to `target`, both on 127.0.0.1. */
export async function recordingRelay(target: number): Promise<Relay> {
  const recordings: Recording[] = [];
  const sockets = new Set<Socket>();
  const listener = createServer((client) => {
    const server = connect(target, "127.0.0.1");
    const recording: Recording = [];
    recordings.push(recording);
    client.on("data", (octets) => recording.push(octets.toString("latin1")));
    for (const socket of [client, server]) {
      sockets.add(socket);
      const other = socket === client ? server : client;
      socket.on("error", () => other.destroy()).pipe(other);
    }
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    port: (listener.address() as AddressInfo).port,
    recordings,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await once(listener.close(), "close");
    },
  };
}

/** What passes over one connection before it is cut: so many octets of what the client says, or of the replies. */
export interface Cut {
  readonly from: "client" | "server";
  readonly after: number;
}

/** The same, where each connection is cut as `cutOf` has it, which is told how many there were before. */
export async function cuttingRelay(
  target: number,
  cutOf: (connection: number) => Cut,
): Promise<AsyncDisposable & { readonly port: number; readonly connections: number }> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const listener = createServer((client) => {
    const cut = cutOf(connections++);
    const server = connect(target, "127.0.0.1");
    let left = cut.after;
    for (const socket of [client, server]) {
      sockets.add(socket);
      const other = socket === client ? server : client;
      const isCut = (cut.from === "client") === (socket === client);
      socket.on("error", () => other.destroy()).on("close", () => other.destroy());
      socket.on("data", (octets) => {
        const passed = isCut ? octets.subarray(0, left) : octets;
        if (isCut) left -= passed.length;
        other.write(passed, () => {
          if (left > 0) return;
          client.destroy();
          server.destroy();
        });
      });
    }
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    port: (listener.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await once(listener.close(), "close");
    },
  };
}

/** The content of the first message in a recording, lines ended by LF: transparency undone, or chunks put together. */
export function sentContent(recording: Recording): string {
  const said = recording.join("");
  const content = said.includes("\r\nDATA\r\n") ? behindData(said) : inChunks(said);
  return content.replaceAll("\r\n", "\n");
}

function inChunks(said: string): string {
  const command = /BDAT (\d+)( LAST)?\r\n/y;
  command.lastIndex = said.indexOf("\r\nBDAT ") + "\r\n".length;
  let content = "";
  for (let last = ""; last !== " LAST"; ) {
    const [, octets = expectedChunk(), ending = ""] = command.exec(said) ?? [];
    const start = command.lastIndex;
    command.lastIndex += Number(octets);
    content += said.slice(start, command.lastIndex);
    last = ending;
  }
  return content;
}

function expectedChunk(): never {
  throw new Error("there should be another chunk");
}

function behindData(said: string): string {
  const start = said.indexOf("\r\nDATA\r\n") + "\r\nDATA".length;
  const end = said.indexOf("\r\n.\r\n", start);
  const stuffed = said.slice(start, end + "\r\n".length);
  return stuffed.replaceAll("\r\n.", "\r\n").slice("\r\n".length);
}
