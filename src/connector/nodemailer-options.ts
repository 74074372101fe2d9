// The connection as nodemailer's options say it, as our own say it. Only options are read here: whoever takes a config of
// another form needs the same.

import type { Logger } from "../logger.ts";
import type { Security, SmtpClientOptions } from "../options.ts";
import { withService } from "../services.ts";
import { authOptions } from "./auth.ts";
import type { ReadConfig } from "./table.ts";

/** The options of a connection, whatever is sent over it. */
export type ReadConnection = Omit<
  ReadConfig,
  "fromEmail" | "replyTo" | "templates" | "customHeaders" | "missing"
>;

const USUAL_PORT_OF_TLS = 465;
// Milliseconds, as nodemailer has them.
const CONNECTION_TIMEOUT = 120_000;
const GREETING_TIMEOUT = 30_000;
const SOCKET_TIMEOUT = 600_000;
const RATE_DELTA = 1000;

/** `disableFileAccess` and `disableUrlAccess` are not read: no message names a file or URL that would be. */
export function clientOptions(config: ReadConnection): SmtpClientOptions {
  const { auth, authMethod, localAddress, name, proxy, maxConnections, idleTimeout, lmtp } = config;
  const { servername: nameInTls, ...tls } = config.tls ?? { servername: undefined };
  const {
    servername = nameInTls,
    connectionTimeout = CONNECTION_TIMEOUT,
    greetingTimeout = GREETING_TIMEOUT,
    socketTimeout = SOCKET_TIMEOUT,
  } = config;
  return defined({
    ...placeOf(config),
    tls,
    servername,
    name,
    localAddress,
    proxy,
    protocol: lmtp ? "lmtp" : undefined,
    auth: authOptions(auth, authMethod),
    timeouts: {
      connect: connectionTimeout,
      greeting: greetingTimeout,
      tls: greetingTimeout,
      command: socketTimeout,
      data: socketTimeout,
      content: socketTimeout,
      endOfData: socketTimeout,
    },
    maxConnections,
    maxMessagesPerConnection: config.pool === false ? 1 : config.maxMessages,
    idleTimeout,
    rateLimit: rateOf(config),
    retry: retryOf(config),
    logger: loggerOf(config),
  });
}

/** The properties that say something. */
type Loosely<T> = { readonly [K in keyof T]: T[K] | undefined };

function defined(options: Loosely<SmtpClientOptions>): SmtpClientOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function placeOf(config: ReadConnection): Loosely<SmtpClientOptions> {
  const { service, host, port } = config;
  const security = securityOf(config);
  if (service === undefined) return { host, port, security };
  // STARTTLS is what is left where TLS is not to come first.
  const differs = config.secure === false && service.security === "tls" ? "starttls" : undefined;
  return withService({ host, port, security: security ?? differs }, service);
}

/** What the words for it come to; `undefined` where there are none, and the client takes the safest that fits. */
function securityOf({
  port,
  secure,
  ignoreTLS,
  opportunisticTLS,
  requireTLS,
  service,
}: ReadConnection): Security | undefined {
  if (secure ?? port === USUAL_PORT_OF_TLS) return "tls";
  if (ignoreTLS) return "none";
  if (opportunisticTLS) return "opportunistic";
  // TLS from the first octet, where the provider has it, is no less than is required.
  const isMet = secure === undefined && port === undefined && service?.security === "tls";
  return requireTLS && !isMet ? "starttls" : undefined;
}

function rateOf({ rateLimit = 0, rateDelta = RATE_DELTA }: ReadConnection): SmtpClientOptions["rateLimit"] {
  return rateLimit === 0 ? undefined : { messages: rateLimit, per: rateDelta };
}

/** The first attempt is none that is made again. */
function retryOf({ maxRequeues }: ReadConnection): SmtpClientOptions["retry"] {
  if (maxRequeues === undefined) return undefined;
  return maxRequeues === 0 ? false : { attempts: maxRequeues + 1 };
}

/** Commands and replies are told where `debug` asks for them. */
function loggerOf({ logger, debug }: ReadConnection): Logger | undefined {
  if (logger === undefined || logger === false) return undefined;
  const whole: Logger = logger === true ? console : logger;
  if (debug) return whole;
  // As methods, looked up each time: loggers replace theirs when their level is changed.
  return {
    info: (text, details) => whole.info?.(text, details),
    warn: (text, details) => whole.warn?.(text, details),
    error: (text, details) => whole.error?.(text, details),
  };
}
