// What a config has in store: the words for it, which steps there is nothing to do for, and where an error belongs.

import type { SmtpError } from "../errors.ts";
import type { Step, StepName } from "./steps.ts";

/** What is to happen, as the config has it. */
export interface Plan {
  readonly host: string;
  readonly port: number;
  /** The proxy on the way, which looks the host up itself. */
  readonly via: string | undefined;
  readonly security: "tls" | "starttls" | "opportunistic" | "none";
  readonly hasLogin: boolean;
}

const SECURITY: Readonly<Record<Plan["security"], string>> = {
  tls: "TLS from the first octet",
  starttls: "TLS by STARTTLS",
  opportunistic: "TLS by STARTTLS if it is offered",
  none: "without TLS",
};

export function summaryOfPlan({ host, port, via, security }: Plan): string {
  const way = via === undefined ? "" : `, through the proxy ${via}`;
  return `${host} on port ${port}${way}, ${SECURITY[security]}`;
}

/** Whether there is a name to be looked up, by us. */
export function needsLookup({ host, via }: Plan): boolean {
  return via === undefined && !/^[\d.]+$|:/.test(host);
}

/** Why a step was passed over, when a later one has come to this. */
export function reasonFor(name: StepName, status: Step["status"], plan: Plan): string {
  const { via, security, hasLogin } = plan;
  if (name === "dns") {
    if (via !== undefined) return "the proxy looks the host up";
    return needsLookup(plan) ? "not told" : "host is an IP address";
  }
  if (name === "auth" && !hasLogin) return "auth is not given";
  if (name === "tls" && security === "none") return "not used: others may read what is sent";
  if (name === "tls" && status !== "failed") return "not offered: others may read what is sent";
  return NOT_REACHED;
}

export const NOT_REACHED = "not reached";

const STEP_OF: Readonly<Partial<Record<SmtpError["phase"], StepName>>> = {
  greeting: "greeting",
  starttls: "tls",
  tls: "tls",
  ehlo: "extensions",
  auth: "auth",
  mail: "transaction",
  rcpt: "transaction",
  data: "transaction",
  content: "transaction",
  "end-of-data": "transaction",
  rset: "transaction",
};

/** The step that an error ended; `next` is the first that had not been told. */
export function stepOf({ phase }: SmtpError, plan: Plan, next: StepName): StepName {
  const known = STEP_OF[phase];
  if (known !== undefined) return known;
  if (phase === "config" || phase === "message") return next === "config" ? "config" : "transaction";
  // It was given up before there was anything to be seen.
  const under = next === "config" ? "dns" : next;
  return under === "dns" && !needsLookup(plan) ? "tcp" : under;
}
