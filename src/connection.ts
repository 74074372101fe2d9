// One session on one wire: carries out what the session asks, and adds what it does not know of, time and the
// caller's wish to stop. The only file where callbacks become promises.

import { concat } from "./bytes.ts";
import { type Command, quit } from "./commands.ts";
import { type Phase, type Reply, SmtpError, TransportError } from "./errors.ts";
import { ask, type Dialogue } from "./protocol/dialogue.ts";
import { type Extensions, NO_EXTENSIONS } from "./protocol/extensions.ts";
import { type OpeningOptions, opening } from "./protocol/opening.ts";
import { type Effect, Session } from "./protocol/session.ts";
import { type Outcome, type Transaction, transaction } from "./protocol/transaction.ts";
import { mailData } from "./protocol/transparency.ts";
import type { Connect, Target, Wire } from "./transport/wire.ts";

/** Tells what happens on a connection, as it happens. Secrets are masked, mail data is counted and not shown. */
export type TraceEvent = { readonly connection: number } & (
  | { readonly kind: "connected"; readonly host: string; readonly port: number; readonly secure: boolean }
  | { readonly kind: "secured"; readonly version: string | undefined; readonly verified: boolean }
  | { readonly kind: "command"; readonly line: string }
  | { readonly kind: "reply"; readonly reply: Reply }
  | { readonly kind: "content"; readonly octets: number }
  | { readonly kind: "closed" }
);

/** Holds the time limits of a connection, each absolute, in milliseconds. */
export interface Timeouts {
  /** Until the wire is up: DNS, TCP, and TLS where it comes first. @default 30000 */
  readonly connect: number;
  /** For the greeting; "Initial 220 Message" in RFC 5321 §4.5.3.2.1. @default 60000 */
  readonly greeting: number;
  /** For the TLS handshake after STARTTLS. @default 30000 */
  readonly tls: number;
  /** For the reply to a command; "MAIL Command", "RCPT Command" in RFC 5321 §4.5.3.2.2 and .3. @default 60000 */
  readonly command: number;
  /** For the reply to DATA; "DATA Initiation" in RFC 5321 §4.5.3.2.4. @default 120000 */
  readonly data: number;
  /** For the server to take each 64 KiB of mail data; "Data Block" in RFC 5321 §4.5.3.2.5. @default 180000 */
  readonly content: number;
  /** For the reply to the end of the mail data; "DATA Termination" in RFC 5321 §4.5.3.2.6. @default 600000 */
  readonly endOfData: number;
  /** For the reply to QUIT, on which nothing depends. @default 2000 */
  readonly quit: number;
}

export interface ConnectionSettings {
  readonly connect: Connect;
  readonly target: Omit<Target, "signal">;
  readonly opening: Omit<OpeningOptions, "name">;
  /** What EHLO calls us; the address of our end of the wire where it is not given. */
  readonly name: string | undefined;
  /** Credentials may travel although the wire is not verified TLS. */
  readonly insecureAllowed: boolean;
  readonly timeouts: Timeouts;
  readonly trace: ((event: TraceEvent) => void) | undefined;
}

export class Connection {
  readonly #id: number;
  readonly #settings: ConnectionSettings;
  readonly #wire: Wire;
  readonly #session: Session;
  readonly #deadline: Deadline;
  #extensions: Extensions = NO_EXTENSIONS;
  #pending: Pending | undefined;
  #watched = "";
  #isLeaving = false;
  #isOver = false;

  /** Is called once, when the connection has ended, for whatever reason. */
  onClosed: () => void = () => {};

  private constructor(id: number, wire: Wire, settings: ConnectionSettings) {
    this.#id = id;
    this.#wire = wire;
    this.#settings = settings;
    const isTraced = settings.trace !== undefined;
    this.#session = new Session(isTraced ? (reply) => this.#trace({ kind: "reply", reply }) : undefined);
    this.#deadline = new Deadline(() => this.#fail(this.#overdue()));
  }

  /** Connects and opens the session: greeting, EHLO, TLS, AUTH. */
  static async open(
    settings: ConnectionSettings,
    { id, signal }: { readonly id: number; readonly signal?: AbortSignal | undefined },
  ): Promise<Connection> {
    const wire = await openWire(settings, signal);
    const connection = new Connection(id, wire, settings);
    const { host, port } = settings.target;
    connection.#trace({ kind: "connected", host, port, secure: wire.secure });
    const name = settings.name ?? addressLiteral(wire.localAddress);
    const channel = {
      get secure() {
        return wire.secure;
      },
      get trusted() {
        return (wire.secure && wire.verified) || settings.insecureAllowed;
      },
    };
    const opened = connection.#run(opening({ ...settings.opening, name }, channel), signal);
    void connection.#read();
    try {
      connection.#extensions = await opened;
    } catch (error) {
      connection.destroy();
      throw error;
    }
    return connection;
  }

  /** Whether the next message may go over this connection. */
  get isReady(): boolean {
    return !this.#isOver && this.#session.isIdle;
  }

  /** Carries one mail transaction. The caller waits for it to end before the next. */
  deliver(one: Transaction, signal?: AbortSignal): Promise<Outcome> {
    return this.#run(transaction(one, this.#extensions), signal);
  }

  /** Says QUIT, waits a little for the answer, and closes. Never fails: nothing depends on it any more. */
  async quit(): Promise<void> {
    if (!this.isReady) return this.destroy();
    this.#isLeaving = true;
    await this.#run(ask(quit())).catch(() => {});
    this.#finish();
  }

  /** Ends the connection at once. What was under way fails with `reason`. */
  destroy(reason: TransportError = new TransportError("the client was closed", { code: "aborted" })): void {
    this.#fail(reason);
    this.#finish();
  }

  /** Whether waiting for this connection keeps the process alive. */
  hold(active: boolean): void {
    this.#wire.hold(active);
  }

  #run<T>(dialogue: Dialogue<T>, signal?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const abort = (): void => this.#fail(abortError(signal));
      signal?.addEventListener("abort", abort, { once: true });
      this.#pending = {
        resolve: (value) => resolve(value as T),
        reject,
        release: () => signal?.removeEventListener("abort", abort),
      };
      this.#perform(this.#session.begin(dialogue));
    });
  }

  /** Reads for as long as the wire lives, so that a server that hangs up while nothing is under way is noticed. */
  async #read(): Promise<void> {
    try {
      while (!this.#isOver) {
        const octets = await this.#wire.read();
        this.#perform(octets === undefined ? this.#session.ended() : this.#session.receive(octets));
        if (this.#session.state === "securing") await this.#secure();
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  async #secure(): Promise<void> {
    await this.#wire.startTls();
    if (this.#isOver) return;
    this.#trace({ kind: "secured", version: this.#wire.tlsVersion, verified: this.#wire.verified });
    this.#perform(this.#session.secured());
  }

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.do) {
        case "write":
          this.#write(effect.commands);
          break;
        case "stream":
          void this.#stream(effect.content);
          break;
        case "upgrade":
          // The read loop does it once this read is over: TLS can only begin where no read is outstanding.
          break;
        case "resolve":
          this.#settle()?.resolve(effect.value);
          break;
        case "reject":
          this.#settle()?.reject(effect.error);
          break;
      }
    }
    if (this.#session.state === "closed") this.#finish();
    else this.#watch();
  }

  #settle(): Pending | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.release();
    return pending;
  }

  /** One write for a group. It is not waited for: a server that cannot write its replies would never read the rest. */
  #write(commands: readonly Command[]): void {
    for (const { shown } of commands) this.#trace({ kind: "command", line: shown });
    this.#wire.write(concat(commands.map(({ octets }) => octets)))?.catch((error) => this.#fail(error));
  }

  async #stream(content: Uint8Array): Promise<void> {
    try {
      for (const { octets, last } of mailData(content)) {
        if (last) this.#session.contentEnds();
        this.#watch("again");
        const full = this.#wire.write(octets);
        if (full !== undefined) await full;
        if (this.#isOver) return;
      }
      this.#trace({ kind: "content", octets: content.length });
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    const known =
      error instanceof SmtpError
        ? error
        : new TransportError(
            `the connection broke: ${error instanceof Error ? error.message : String(error)}`,
            {
              code: "connection_lost",
              transient: true,
              cause: error,
            },
          );
    this.#perform(this.#session.fail(known));
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deadline.clear();
    if (this.#isLeaving) this.#wire.close();
    else this.#wire.destroy();
    this.#trace({ kind: "closed" });
    this.onClosed();
  }

  /** Sets the deadline of what the session waits for now, once for each reply it waits for. */
  #watch(how: "once" | "again" = "once"): void {
    const { phase, heard } = this.#session;
    const watched = phase === "idle" ? "" : `${phase} ${heard}`;
    if (watched === this.#watched && how === "once") return;
    this.#watched = watched;
    if (phase === "idle") this.#deadline.clear();
    else this.#deadline.set(this.#settings.timeouts[TIMEOUT_OF[phase] ?? "command"]);
  }

  #overdue(): TransportError {
    const timeout = TIMEOUT_OF[this.#session.phase] ?? "command";
    const limit = this.#settings.timeouts[timeout];
    return new TransportError(`the server took longer than ${limit} ms (${this.#session.phase})`, {
      code: "deadline",
      transient: true,
      hint: `timeouts.${timeout} sets this limit`,
    });
  }

  #trace(event: DistributiveOmit<TraceEvent, "connection">): void {
    try {
      this.#settings.trace?.({ connection: this.#id, ...event });
    } catch {
      // Whoever listens in must not be able to change what happens.
    }
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  release(): void;
}

const TIMEOUT_OF: Readonly<Partial<Record<Phase, keyof Timeouts>>> = {
  greeting: "greeting",
  tls: "tls",
  data: "data",
  content: "content",
  "end-of-data": "endOfData",
  quit: "quit",
};

/** One timer, however often it is set: it looks at the clock when it fires and sleeps on where it is too early. */
class Deadline {
  readonly #expired: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #firesAt = 0;
  #at = 0;

  constructor(expired: () => void) {
    this.#expired = expired;
  }

  set(limit: number): void {
    // Monotonic: a clock that is set back must not give the server more time.
    this.#at = performance.now() + limit;
    if (this.#timer !== undefined && this.#firesAt <= this.#at) return;
    this.clear();
    this.#sleep(limit);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #sleep(limit: number): void {
    this.#firesAt = performance.now() + limit;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const left = this.#at - performance.now();
      if (left > 0) this.#sleep(left);
      else this.#expired();
    }, Math.ceil(limit));
  }
}

async function openWire(
  { connect, target, timeouts }: ConnectionSettings,
  signal?: AbortSignal,
): Promise<Wire> {
  const attempt = new AbortController();
  const abort = (): void => attempt.abort(abortError(signal));
  if (signal?.aborted) throw abortError(signal);
  signal?.addEventListener("abort", abort, { once: true });
  const timer = setTimeout(() => {
    attempt.abort(
      new TransportError(
        `no connection to ${target.host} on port ${target.port} within ${timeouts.connect} ms`,
        {
          code: "deadline",
          phase: "connect",
          transient: true,
          hint: "check host and port; timeouts.connect sets this limit",
        },
      ),
    );
  }, timeouts.connect);
  const wire = new Promise<Wire>((resolve) => resolve(connect({ ...target, signal: attempt.signal })));
  try {
    return await Promise.race([wire, rejectedBy(attempt.signal)]);
  } catch (error) {
    // A wire that comes up after all has nobody left to use it.
    wire.then(
      (late) => late.destroy(),
      () => {},
    );
    if (error instanceof SmtpError) throw error;
    throw new TransportError(`no connection to ${target.host} on port ${target.port}: ${String(error)}`, {
      code: "connection",
      phase: "connect",
      transient: true,
      cause: error,
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** What an aborted `signal` means: its own time limit, or the caller's wish. */
export function abortError(signal: AbortSignal | undefined): TransportError {
  const cause: unknown = signal?.reason;
  const isTimeout = cause instanceof Error && cause.name === "TimeoutError";
  return isTimeout
    ? new TransportError("the time given for the whole send is over", {
        code: "deadline",
        transient: true,
        cause,
      })
    : new TransportError("aborted by the caller", { code: "aborted", cause });
}

/** RFC 5321 §4.1.3: who has no domain name to give names the address of their end of the connection. */
function addressLiteral(address = "127.0.0.1"): string {
  const [plain = address] = address.split("%");
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  return plain.includes(":") && mapped === undefined ? `[IPv6:${plain}]` : `[${mapped ?? plain}]`;
}
