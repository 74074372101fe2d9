// From the trace of a connection to the steps of a test: what has happened, and what must have come to nothing.

import { AuthenticationError, type Reply, ReplyError, type SmtpError } from "../errors.ts";
import { describeReply, escapeText } from "../excerpt.ts";
import { parseExtensions } from "../protocol/extensions.ts";
import type { Receipt } from "../receipt.ts";
import type { TraceEvent } from "../trace.ts";
import { hintFor } from "./report-hints.ts";
import { certificateDetails, certificateSummary, problemDetails, summaryOf } from "./report-words.ts";
import type { Step, StepName, Steps } from "./steps.ts";
import { Attempts } from "./steps-attempts.ts";
import { NOT_REACHED, type Plan, reasonFor, stepOf, summaryOfPlan } from "./steps-plan.ts";

type Handshake = Extract<TraceEvent, { kind: "handshake" }>;
type Event<K extends TraceEvent["kind"]> = Extract<TraceEvent, { kind: K }>;

export class Progress {
  readonly #plan: Plan;
  readonly #steps: Steps;
  readonly #attempts = new Attempts();
  #isConnecting = false;
  #handshake: Handshake | undefined;
  /** What was said last: `""` before there was anything. */
  #asked = "";
  /** The reply to EHLO, for as long as it may be followed by STARTTLS, and then by another. */
  #hello: { readonly reply: Reply; readonly at: number } | undefined;
  #mechanism: string | undefined;
  #octets: number | undefined;

  constructor(plan: Plan, steps: Steps) {
    this.#plan = plan;
    this.#steps = steps;
    if (plan.security === "tls") steps.expectTlsFirst();
  }

  hear(event: TraceEvent): void {
    switch (event.kind) {
      case "connecting":
        this.#isConnecting = true;
        this.#configured(event.at);
        break;
      case "lookup":
        if (event.addresses.length > 0) this.#found(event);
        break;
      case "attempt":
        this.#attempted(event);
        break;
      case "connected":
        this.#reached(event.at);
        break;
      case "handshake":
        this.#handshake = event;
        break;
      case "secured":
        this.#secured(event);
        break;
      case "command":
        this.#said(event.line);
        break;
      case "reply":
        this.#heard(event.reply, event.at);
        break;
      case "content":
        this.#octets = event.octets;
        break;
      case "retry":
      case "closed":
        break;
    }
  }

  /** All that was to be done is done. */
  finish(receipt: Receipt | undefined): void {
    const at = performance.now();
    this.#greeted();
    if (receipt === undefined) {
      const summary = "no message was sent: nobody was named to send it to";
      this.#tell("transaction", { status: "skipped", summary }, at);
      return;
    }
    const { messageId, envelope, accepted, reply, extensions } = receipt;
    this.#tell(
      "transaction",
      {
        status: "ok",
        summary: `the server has taken the message: ${describeReply(reply)}`,
        reply,
        details: {
          messageId,
          from: envelope.from,
          to: accepted,
          ...(this.#octets !== undefined && { octets: this.#octets }),
          extensions,
        },
      },
      at,
    );
  }

  /** It ended with an error, and the step that it belongs to with it. */
  fail(error: SmtpError): void {
    const at = performance.now();
    const isGreeting = HELLO.test(this.#asked) && this.#hello === undefined;
    const name = stepOf(error, this.#plan, isGreeting ? "extensions" : this.#steps.next);
    if (name !== "config") this.#configured(at);
    // The reply to EHLO was not the last word where TLS was to follow.
    if (name !== "tls" && name !== "extensions") this.#greeted();
    const reply = error instanceof ReplyError ? error.reply : undefined;
    const hint = hintFor(error, {
      ...this.#plan,
      step: name,
      certificate: this.#handshake?.certificate,
      isUnanswered: this.#attempts.hasUnanswered,
    });
    this.#tell(
      name,
      {
        status: "failed",
        summary: summaryOf(error),
        details: this.#detailsOf(name, error),
        error,
        ...(reply && { reply }),
        ...(hint !== undefined && { hint }),
      },
      at,
    );
    for (const left of this.#steps.left("after", name)) {
      this.#steps.tell(left, { status: "skipped", summary: NOT_REACHED }, at);
    }
  }

  #configured(at: number): void {
    const { host, port, via, security } = this.#plan;
    const details = {
      host,
      port,
      ...(via !== undefined && { via }),
      security,
    };
    this.#tell("config", { status: "ok", summary: summaryOfPlan(this.#plan), details }, at);
  }

  #found({ host, addresses, at }: Event<"lookup">): void {
    const shown = addresses.map(escapeText);
    this.#tell(
      "dns",
      { status: "ok", summary: `${host} is ${shown.join(", ")}`, details: { addresses: shown } },
      at,
    );
  }

  #attempted(event: Event<"attempt">): void {
    this.#attempts.note(event);
    if (event.state === "connected") this.#reached(event.at);
  }

  #reached(at: number): void {
    const { host, port, via } = this.#plan;
    const address = this.#attempts.connected ?? host;
    const summary =
      via !== undefined ? `connected through the proxy ${via}` : `connected to ${address} on port ${port}`;
    this.#tell("tcp", { status: "ok", summary, details: { attempts: this.#attempts.details } }, at);
  }

  #secured({ version = "TLS", verified, doubt, at }: Event<"secured">): void {
    const certificate = this.#handshake?.certificate;
    const trust = verified ? "" : `, not verified${doubt === undefined ? "" : ` (${doubt})`}`;
    const summary = `${[version, ...certificateSummary(certificate)].join(", ")}${trust}`;
    const details = { ...this.#tlsDetails(), version, verified, ...(doubt !== undefined && { doubt }) };
    this.#tell("tls", { status: "ok", summary, details }, at);
  }

  #said(line: string): void {
    // A response to a challenge is no verb.
    if (this.#asked === "AUTH") return;
    const [verb = "", mechanism] = line.split(" ", 2);
    this.#asked = verb;
    if (verb === "STARTTLS") this.#hello = undefined;
    if (verb === "AUTH") this.#mechanism = mechanism;
    if (verb === "AUTH" || verb === "MAIL" || verb === "QUIT") this.#greeted();
  }

  #heard(reply: Reply, at: number): void {
    if (this.#asked === "") {
      if (reply.code === 220)
        this.#tell("greeting", { status: "ok", summary: describeReply(reply), reply }, at);
    } else if (HELLO.test(this.#asked)) {
      if (reply.code < 300) this.#hello = { reply, at };
    } else if (this.#asked === "AUTH" && reply.code !== 334) {
      this.#asked = "AUTH ended";
      if (reply.code === 235) this.#loggedIn(reply, at);
    }
  }

  #loggedIn(reply: Reply, at: number): void {
    const mechanism = this.#mechanism ?? "";
    const summary = `logged in by ${mechanism}: ${describeReply(reply)}`;
    this.#tell("auth", { status: "ok", summary, details: { mechanism }, reply }, at);
  }

  /** What the server can do is known for good: nothing but the login or a message comes now. */
  #greeted(): void {
    if (this.#hello === undefined || this.#steps.has("extensions")) return;
    const { reply, at } = this.#hello;
    const extensions = extensionsIn(reply);
    const listed = Object.entries(extensions).map((words) => words.filter(Boolean).join(" "));
    const summary = listed.length === 0 ? "the server lists none" : escapeText(listed.join(", "));
    this.#tell("extensions", { status: "ok", summary, details: { extensions }, reply }, at);
  }

  /** Tells of a step, and before it of those that have turned out to be needless. */
  #tell(name: StepName, facts: Parameters<Steps["tell"]>[1], at: number): void {
    // A connection that was begun once more tells the same again.
    if (this.#steps.has(name)) return;
    for (const left of this.#steps.left("before", name)) {
      if (left === "tcp" && this.#isConnecting) {
        // Some ways there tell nothing of themselves.
        this.#reached(at);
        continue;
      }
      const summary = this.#isConnecting ? reasonFor(left, facts.status, this.#plan) : NOT_REACHED;
      this.#steps.tell(left, { status: "skipped", summary }, at);
    }
    this.#steps.tell(name, facts, at);
  }

  #detailsOf(name: StepName, error: SmtpError): Step["details"] {
    const { host } = this.#plan;
    switch (name) {
      case "config":
        return problemDetails(error);
      case "dns":
        return { host };
      case "tcp":
        return { attempts: this.#attempts.details };
      case "tls":
        return {
          ...this.#tlsDetails(),
          // Where TLS was to come after it.
          ...(this.#hello && { extensions: extensionsIn(this.#hello.reply) }),
        };
      case "auth": {
        const mechanism = error instanceof AuthenticationError ? error.mechanism : this.#mechanism;
        return { ...(mechanism !== undefined && { mechanism }) };
      }
      case "greeting":
      case "extensions":
      case "transaction":
        return {};
    }
  }

  #tlsDetails(): Step["details"] {
    const { version, cipher, certificate } = this.#handshake ?? {};
    return {
      begins: this.#plan.security === "tls" ? "with the first octet" : "by STARTTLS",
      ...(version !== undefined && { version }),
      ...(cipher !== undefined && { cipher }),
      ...certificateDetails(certificate),
    };
  }
}

const HELLO = /^(?:EHLO|HELO|LHLO)$/;

/** Keyword by keyword, with its parameters. */
function extensionsIn(reply: Reply): Readonly<Record<string, string>> {
  const listed = [...parseExtensions(reply)];
  return Object.fromEntries(
    listed.map(([keyword, parameters]) => [keyword, escapeText(parameters.join(" "))]),
  );
}
