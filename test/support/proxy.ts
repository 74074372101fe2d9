// A proxy that is one: it connects to where it is asked to, on this machine, and passes octets both ways.

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { onTestFinished } from "vitest";
import type { Identity } from "./certificates.ts";

export interface RealProxy {
  readonly port: number;
  /** What was asked for, as `host:port`. */
  readonly asked: readonly string[];
  /** Sockets that are open, on either side. */
  readonly open: ReadonlySet<Socket>;
}

/** Speaks CONNECT or SOCKS 5, without credentials, and over TLS where it is given an identity. Every name is 127.0.0.1. */
export async function serveProxy(
  kind: "http" | "socks5",
  { tls }: { readonly tls?: Identity } = {},
): Promise<RealProxy> {
  const asked: string[] = [];
  const open = new Set<Socket>();
  const watch = (socket: Socket): void => {
    open.add(socket);
    socket.on("error", () => {}).on("close", () => open.delete(socket));
  };
  const serve = async (client: Socket): Promise<void> => {
    watch(client);
    const ask = kind === "http" ? askedByHttp : askedBySocks;
    const place = await ask(client);
    asked.push(place);
    const server = connect({ host: "127.0.0.1", port: Number(place.split(":").at(-1)) });
    watch(server);
    server.on("close", () => client.destroy());
    client.on("close", () => server.destroy());
    await once(server, "connect");
    client.write(
      kind === "http"
        ? "HTTP/1.1 200 Connection established\r\n\r\n"
        : Buffer.from("05000001000000000000", "hex"),
    );
    client.pipe(server).pipe(client);
  };
  const accept = (client: Socket): void => void serve(client).catch(() => client.destroy());
  const listener = tls === undefined ? createServer(accept) : createTlsServer(tls, accept);
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  onTestFinished(async () => {
    for (const socket of open) socket.destroy();
    await once(listener.close(), "close");
  });
  return { port: (listener.address() as AddressInfo).port, asked, open };
}

async function askedByHttp(client: Socket): Promise<string> {
  let head = "";
  while (!head.endsWith("\r\n\r\n")) head += (await taken(client, 1)).toString("latin1");
  return /^CONNECT (\S+) HTTP\/1\.1\r\n/.exec(head)?.[1] ?? "";
}

async function askedBySocks(client: Socket): Promise<string> {
  const [, methods = 0] = await taken(client, 2);
  await taken(client, methods);
  client.write(Buffer.of(5, 0));
  const [, , , , length = 0] = await taken(client, 5);
  const host = (await taken(client, length)).toString("latin1");
  return `${host}:${(await taken(client, 2)).readUInt16BE()}`;
}

async function taken(client: Socket, octets: number): Promise<Buffer> {
  for (;;) {
    const taken: Buffer | null = client.read(octets);
    if (taken !== null) return taken;
    if (client.readableEnded) throw new Error("the client has left");
    await once(client, "readable");
  }
}
