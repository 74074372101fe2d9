// What the user holds: a client that sends messages and says what became of each. It checks what it is told; what it
// does is done at its desk.

import type { SendResult } from "./bulk.ts";
import { ConfigError, type Reply, SmtpError } from "./errors.ts";
import { readText } from "./input.ts";
import type { Message } from "./message.ts";
import { Office } from "./office.ts";
import {
  type CloseOptions,
  readCloseOptions,
  readSendMany,
  readSendOptions,
  type SendManyOptions,
  type SendOptions,
} from "./options/calls.ts";
import { resolveOptions, type SmtpClientOptions } from "./options.ts";
import type { Receipt } from "./receipt.ts";
import { once, type Runtime } from "./runtime.ts";
import type { ClientStats } from "./tally.ts";

/** Is `SmtpClient` without its runtime: the doors hand it the way to connect. */
export class Client {
  readonly #office: () => Office;
  #isClosed = false;

  constructor(options: string | URL | SmtpClientOptions, runtime: Runtime) {
    const resolved = resolveOptions(options, runtime);
    this.#office = (runtime.perInvocation ?? once)(() => new Office(resolved));
  }

  /** How many connections and messages there are, by what they are doing. */
  get stats(): ClientStats {
    return this.#office().stats;
  }

  /**
   * Sends one message and resolves once the server has taken responsibility for it (RFC 5321 §6.1), for at least
   * one of its recipients: `receipt.rejected` names the others.
   *
   * @throws MessageError before anything is sent, when the message cannot be sent as it stands; while it is sent, when
   *   a source fails, and then nobody gets it
   * @throws ReplyError when the server refuses the message, its sender, or every recipient
   * @throws AuthenticationError when it refuses the login, or the credentials would not be safe
   * @throws ProtocolError when it breaks the rules of SMTP
   * @throws TransportError when the network, TLS or time fails, or `signal` is aborted
   */
  send(message: Message, options?: SendOptions): Promise<Receipt> {
    try {
      const signal = readSendOptions(options);
      this.#refuseIfClosed();
      return this.#office().send(message, signal).catch(rethrow);
    } catch (error) {
      return Promise.reject(traced(error, this.send));
    }
  }

  /**
   * Sends any number of messages, of which only a few are in memory at a time: they are taken from `messages` as fast as
   * they are sent and the results are read. A message that fails is a result like any other, and ends nothing.
   *
   * Leaving the loop takes no more messages, and waits for those under way. What `messages` throws is thrown when all
   * that it gave has been told; so is the end of the client, or of `signal`, where there may be more messages.
   *
   * @throws ConfigError naming the option that cannot be used
   * @example
   * ```ts
   * const client = new SmtpClient("smtps://user:pass@smtp.example.com");
   * const subscribers = ["bob@example.org", "carol@example.org"];
   * const messages = subscribers.map((to) => ({ from: "news@example.com", to, subject: "News", text: "…" }));
   * for await (const result of client.sendMany(messages)) {
   *   if (!result.ok) console.log(result.index, result.error.delivery, result.error.message);
   * }
   * await client.close();
   * ```
   */
  sendMany(
    messages: Iterable<Message> | AsyncIterable<Message>,
    options?: SendManyOptions,
  ): AsyncIterableIterator<SendResult, undefined> {
    const settings = readSendMany(messages, options);
    return this.#office().sendMany(settings, () => this.#refuseIfClosed());
  }

  /**
   * Connects, secures the connection, logs in, and says goodbye. Nothing is sent.
   *
   * @throws what `send` throws for a connection that cannot be opened
   */
  async verify(options?: SendOptions): Promise<void> {
    try {
      const signal = readSendOptions(options);
      this.#refuseIfClosed();
      await this.#office().ask((desk, since) => desk.verify(signal, since));
    } catch (error) {
      throw traced(error, this.verify);
    }
  }

  /**
   * Asks the server about an address or a name (VRFY, RFC 5321 §3.5.1) and returns what it said, a refusal too: 250 and
   * 251 know it, 550, 551 and 553 do not. Most servers say 252 to whatever they are asked, which tells nothing, or do not
   * answer such questions at all; whether a message arrives is seen by sending it.
   */
  async vrfy(name: string, options?: SendOptions): Promise<Reply> {
    try {
      const asked = readText(name, "name");
      const signal = readSendOptions(options);
      this.#refuseIfClosed();
      return await this.#office().ask((desk, since) => desk.vrfy(asked, signal, since));
    } catch (error) {
      throw traced(error, this.vrfy);
    }
  }

  /**
   * Sees whether the server is there (NOOP, RFC 5321 §4.1.1.9), over a connection that is open where there is one.
   *
   * @throws ReplyError when it refuses even that
   */
  async noop(options?: SendOptions): Promise<Reply> {
    try {
      const signal = readSendOptions(options);
      this.#refuseIfClosed();
      return await this.#office().ask((desk, since) => desk.noop(signal, since));
    } catch (error) {
      throw traced(error, this.noop);
    }
  }

  /**
   * Takes no more messages, waits for those under way, and says goodbye on every connection. With `force` it waits for
   * nothing, also when it is called a second time.
   */
  close(options?: CloseOptions): Promise<void> {
    try {
      const isForced = readCloseOptions(options);
      this.#isClosed = true;
      return this.#office().close(isForced);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #refuseIfClosed(): void {
    if (!this.#isClosed) return;
    throw new ConfigError("client", "it is closed and takes no more messages", { code: "client_closed" });
  }
}

/** Errors are born on the stack of a socket. Whoever awaits the call wants to know which of theirs it was. */
function traced(error: unknown, method: (...parameters: never[]) => unknown): unknown {
  if (error instanceof SmtpError) Error.captureStackTrace?.(error, method);
  return error;
}

/** One function for all messages: what is above it on the stack is whoever awaits. */
function rethrow(error: unknown): never {
  throw traced(error, rethrow);
}
