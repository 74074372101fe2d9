// What all grants have in common: they ask an endpoint, and tell what to do where it refuses. Loaded with the first request.

import { type Issued, readAnswer } from "./answer.ts";
import type { Endpoint } from "./endpoint.ts";
import { formOf, post } from "./request.ts";

interface Grant {
  /** The parameters of the form. */
  readonly own: Readonly<Record<string, string | undefined>>;
  /** What to do where the grant itself is refused (`invalid_grant`, RFC 6749 §5.2). */
  readonly hint: string;
  /** The same where the client may not have tokens in this way (`unauthorized_client`). @default to see its settings */
  readonly unauthorized?: string;
  /** Whether it says what time it is. */
  readonly tellsTime?: boolean;
}

const HINTS = {
  invalid_client: "check clientId and clientSecret: another secret, or one that has expired",
  unauthorized_client:
    "the endpoint does not let this client have tokens in this way: see its settings there",
  invalid_scope: "check scope, and what the client was granted",
};

export async function issue(
  endpoint: Endpoint,
  { own, hint, unauthorized = HINTS.unauthorized_client, tellsTime = false }: Grant,
  signal: AbortSignal,
): Promise<Issued> {
  const { host, headers } = endpoint;
  const form = formOf(endpoint, own);
  const hints = { ...HINTS, unauthorized_client: unauthorized, invalid_grant: hint };
  return readAnswer(await post(endpoint, form, signal), { host, form, headers, hints, tellsTime });
}
