// What this very version of the runtime says of a handshake behind STARTTLS, asked without the client.

/// <reference path="../../src/transport/cloudflare-sockets.d.ts" />

export interface Place {
  readonly host: string;
  readonly port: number;
}

/** Whether a socket that was upgraded says that it is open while the handshake stalls, as `stalled` knows. */
export async function opensEarly({ host, port }: Place, stalled: () => Promise<unknown>): Promise<boolean> {
  const { connect } = await import("cloudflare:sockets");
  const clear = connect({ hostname: host, port }, { secureTransport: "starttls", allowHalfOpen: false });
  clear.closed.catch(() => {});
  await clear.opened;
  const secure = clear.startTls();
  secure.closed.catch(() => {});
  let isOpen = false;
  secure.opened.then(
    () => {
      isOpen = true;
    },
    () => {},
  );
  await stalled();
  const wasOpen = isOpen;
  secure.close().catch(() => {});
  return wasOpen;
}
