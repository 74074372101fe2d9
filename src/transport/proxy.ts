// Through a proxy: a wire to the proxy, a dialogue with it, and from then on a wire to the server. Over any runtime's
// wires, for it is all said and heard as octets.

import { ConfigError, SmtpError, TransportError } from "../errors.ts";
import { abortReason, placeOf } from "./place.ts";
import { Conversation, ProxyRefusal } from "./proxy/conversation.ts";
import { askHttp } from "./proxy/http.ts";
import { askSocks } from "./proxy/socks.ts";
import { Tunnel } from "./proxy/tunnel.ts";
import type { Connect, Target, TlsOptions, Wire } from "./wire.ts";

/** How a proxy is reached, and what it is to know us by. */
export interface ProxyServer {
  readonly kind: "http" | "socks5";
  readonly host: string;
  readonly port: number;
  /** Set where TLS comes before the dialogue with the proxy. */
  readonly tls: TlsOptions | undefined;
  readonly credentials: { readonly user: string; readonly pass: string } | undefined;
}

/** Connects by `connect` to the proxy, and through it to the target. */
export function proxied(connect: Connect, proxy: ProxyServer): Connect {
  const ask = proxy.kind === "http" ? askHttp : askSocks;
  return async (target) => {
    const { signal } = target;
    const wire = await reach(connect, proxy, target);
    const abort = (): void => wire.destroy(abortReason(signal));
    signal.addEventListener("abort", abort);
    try {
      if (signal.aborted) throw signal.reason;
      const conversation = new Conversation(wire);
      try {
        await ask(conversation, target, proxy.credentials);
      } catch (error) {
        throw refused(error, proxy, target);
      }
      const tunnel = new Tunnel(wire, target, conversation.rest);
      if (target.implicitTls) await tunnel.startTls();
      return tunnel;
    } catch (error) {
      wire.destroy();
      throw signal.aborted ? abortReason(signal) : error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  };
}

async function reach(connect: Connect, proxy: ProxyServer, target: Target): Promise<Wire> {
  const { host, port, tls } = proxy;
  const { localAddress, lookup, family, signal } = target;
  try {
    return await connect({
      host,
      port,
      implicitTls: tls !== undefined,
      servername: host,
      tls: tls ?? {},
      localAddress,
      lookup,
      family,
      signal,
    });
  } catch (cause) {
    if (signal.aborted) throw cause;
    const isCertificate = cause instanceof SmtpError && cause.code === "tls_certificate";
    throw new TransportError(
      `the proxy cannot be reached: ${cause instanceof Error ? cause.message : cause}`,
      {
        code: "proxy",
        phase: "connect",
        transient: cause instanceof SmtpError && cause.retryable,
        cause,
        hint: isCertificate ? "proxy.tls says which authorities to trust for the proxy" : "check proxy",
      },
    );
  }
}

/** What came of the dialogue, with the names of both ends; never what the proxy said, who may repeat the credentials. */
function refused(error: unknown, { host, port }: ProxyServer, target: Target): SmtpError {
  if (error instanceof ConfigError) return error;
  const isRefusal = error instanceof ProxyRefusal;
  const reason = isRefusal ? error.message : `did not answer: ${(error as Error).message}`;
  const way = `on the way to ${placeOf({ ...target, via: undefined })}`;
  return new TransportError(`the proxy ${host} on port ${port} ${reason} (${way})`, {
    code: "proxy",
    phase: "connect",
    transient: !isRefusal || error.isTransient,
    hint: isRefusal ? error.hint : undefined,
    cause: isRefusal ? undefined : error,
  });
}
