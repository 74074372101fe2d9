// What a check of the conformance suite is on this side: the server, and the judgement.

import assert from "node:assert/strict";
import type { Certificates } from "../support/certificates.ts";
import { type Manners, polite } from "../support/manners.ts";
import { base64 } from "../support/scram.ts";
import { type Server, serve } from "../support/server.ts";

/** What suite.mjs tells of one check. */
export interface Told {
  readonly sent?: number;
  readonly hash?: string;
  readonly opened?: number;
  readonly open?: number;
  readonly renewed?: readonly string[];
  readonly results?: readonly string[];
  readonly late?: string;
  readonly made?: boolean;
  readonly ok?: boolean;
  readonly refused?: string;
  /** A character for each octet. */
  readonly composed?: string;
  readonly steps?: readonly string[];
  readonly error?: Failure;
}

export interface Failure {
  readonly name?: string;
  readonly code?: string;
  readonly option?: string;
  readonly message: string;
  readonly delivery?: string;
  readonly stack?: string;
  /** It was thrown when the client was made. */
  readonly atOnce?: boolean;
}

export interface Setting {
  readonly certificates: Certificates;
  /** Who looks at certificates: we do over `sockets`, its runtime does for a `worker`, and does not say what it saw. */
  readonly kind: "sockets" | "worker";
  /** A file that the runtime may read. */
  readonly file: string;
}

export interface Check {
  /** For suite.mjs. */
  readonly order: object;
  /** What is to be done when every server has its port. */
  readonly begin?: () => Promise<void>;
  /** Throws where what was told, or what the server heard, is not as it should be. */
  readonly judge: (told: Told) => void | Promise<void>;
}

/** Starts what a check needs, by the name of the check. */
export type Checks = Readonly<Record<string, (setting: Setting) => Promise<Check>>>;

export const AUTH = { user: "alice", pass: "s3cret pass" } as const;

/** Takes that login alone. */
export const plainLogin: Pick<Manners, "AUTH"> = {
  AUTH: (_, line) =>
    line === `AUTH PLAIN ${base64(`\0${AUTH.user}\0${AUTH.pass}`)}` ? "235 2.7.0 welcome" : "535 5.7.8 no",
};

export function to({ port }: { readonly port: number }, more: object = {}): object {
  return { host: "localhost", port, ...more };
}

/** Options by which a server of ours is trusted: a Worker's runtime is told by its configuration. */
export function trusting({ certificates: { ca }, kind }: Setting): { readonly tls?: object } {
  return kind === "sockets" ? { tls: { ca } } : {};
}

/** A server that speaks TLS as `security` says, and offers AUTH only inside. */
export function secured(
  security: "tls" | "starttls",
  { good }: Pick<Certificates, "good">,
  manners: Manners = {},
): Promise<Server> {
  if (security === "tls") return serve(polite(manners), { tls: good });
  const { offers = [], ...others } = manners;
  return serve(polite({ ...others, identity: good, offers: ["STARTTLS"], offersInside: offers }));
}

export function judgeSent(server: Server, told: Told, count = 1): void {
  assertDone(told);
  assert.equal(told.sent, count, "messages that the client calls sent");
  assert.equal(server.messages.length, count, "messages that the server has");
}

export function assertDone({ error }: Told): void {
  if (error !== undefined) assert.fail(error.stack ?? `${error.name} ${error.code}: ${error.message}`);
}

/** The message was not sent, by an error with this code, and the server heard neither who wrote nor who signs in. */
export function judgeUnsent(server: Server, told: Told, code: string): void {
  assert.equal(told.error?.code, code, told.error?.message ?? "it was sent");
  assert.equal(told.error?.delivery, "not-sent");
  assert.doesNotMatch(server.heard, /AUTH|MAIL/);
}
