// The opening of a session inside TLS, up to the end of AUTH, for transcripts.

import type { ChannelBinding } from "../../src/channel-binding.ts";
import type { Dialogue } from "../../src/protocol/dialogue.ts";
import type { Extensions } from "../../src/protocol/extensions.ts";
import type { Login } from "../../src/protocol/login.ts";
import { opening } from "../../src/protocol/opening.ts";
import { loginWith } from "./login.ts";

/** What a script begins with, where the server offers these mechanisms. */
export function greeted(offered: string): string {
  return `S: 220 mx.example
    C: EHLO client.example
    S: 250-mx.example
    S: 250 AUTH ${offered}`;
}

/** Signs in with these options of `auth`, over TLS to which a login can be tied by `binding`, or cannot (`undefined`). */
export function signIn(
  auth: object,
  {
    login,
    ...others
  }: { readonly login?: Partial<Login>; readonly binding?: ChannelBinding | undefined } = {},
): () => Dialogue<Extensions> {
  const bind = "binding" in others ? () => others.binding : undefined;
  return () =>
    opening(
      { name: "client.example", security: "tls", withheld: new Set(), login: loginWith(auth, login) },
      { secure: true, trusted: true, bind },
    );
}
