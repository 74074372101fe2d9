// What runs in the Worker: what is made in its global scope, as people do, and what its invocations do with that.

import { createDkimSigner } from "../../src/dkim-door.ts";
import { clientCredentialsGrant, refreshTokenGrant, serviceAccountGrant } from "../../src/oauth2-door.ts";
import {
  attachment,
  compileTemplate,
  type Message,
  renderTemplate,
  SmtpClient,
  type SmtpClientOptions,
  type SmtpError,
  type Template,
  type TokenSource,
} from "../../src/workerd.ts";
import {
  type Connector,
  type ConnectorConfig,
  createConnector,
  testConnector,
} from "../../src/workerd-connector.ts";
import { opensEarly, type Place } from "./worker-upgrade.ts";

/** What the test says of its servers before the script runs. */
export interface Setup {
  readonly host: string;
  readonly port: number;
  readonly tokenUrl: string;
  /** PEM. */
  readonly rsa: string;
  readonly ed25519: string;
  readonly locked: string;
  readonly passphrase: string;
}

/** What the Worker is to do in one invocation. */
export interface Order {
  readonly act: Act;
  /** A client of the global scope; else one is made of `options`, and kept in a global. */
  readonly client?: ClientName;
  readonly options?: SmtpClientOptions;
  readonly messages?: readonly Message[];
  /** A URL that answers when it is time to go on. */
  readonly until?: string;
}

type ClientName =
  | "plain"
  | "scram"
  | "refresh"
  | "other"
  | "application"
  | "account"
  | "locked"
  | "rsa"
  | "ed25519";

export interface Shown {
  readonly code: string;
  readonly phase: string;
  readonly option?: string;
  readonly field?: string;
  readonly message: string;
  readonly hint?: string;
}

/** What came of it. */
export interface Outcome {
  readonly value?: unknown;
  readonly error?: Shown;
}

interface Context {
  waitUntil(promise: Promise<unknown>): void;
}

const global = globalThis as {
  readonly setup?: Setup;
  addEventListener?(type: string, listener: (event: { promise: unknown; reason: unknown }) => void): void;
};

/** Rejections that nobody handled. Runtimes of old dates tell before they know, and take it back. */
const faults = new Map<unknown, string>();
global.addEventListener?.("unhandledrejection", ({ promise, reason }) => faults.set(promise, String(reason)));
global.addEventListener?.("rejectionhandled", ({ promise }) => faults.delete(promise));

interface Globals {
  readonly clients: Readonly<Record<ClientName, SmtpClient>>;
  readonly config: ConnectorConfig;
  readonly connector: Connector;
  readonly template: Template;
}

const made = global.setup && makeGlobals(global.setup);

function makeGlobals({ host, port, tokenUrl, rsa, ed25519, locked, passphrase }: Setup): Globals {
  const template = { contentType: "text/plain", subject: "Your code", content: "It is {{code}}." } as const;
  const secrets = { clientId: "client", clientSecret: "canary-client" };
  const place = { host, port, security: "none" } as const;
  const by = (oauth2: TokenSource): SmtpClient =>
    new SmtpClient({ ...place, auth: { user: "alice@example.com", oauth2, allowInsecure: true } });
  const signedBy = (privateKey: string): SmtpClient =>
    new SmtpClient({
      ...place,
      dkim: createDkimSigner({ domain: "example.com", selector: "s", privateKey }),
    });
  const config: ConnectorConfig = {
    ...{ host, port, ignoreTLS: true },
    fromEmail: "alice@example.com",
    templates: ["Register", "SignIn", "ForgotPassword", "Generic"].map((usageType) => ({
      usageType,
      ...template,
    })),
  };
  const refresh = refreshTokenGrant({ ...secrets, tokenUrl, refreshToken: "refresh-0" });
  return {
    clients: {
      plain: new SmtpClient(place),
      scram: new SmtpClient({
        ...place,
        auth: { user: "user", pass: "pencil", mechanism: "SCRAM-SHA-256", allowInsecure: true },
      }),
      refresh: by(refresh),
      /** Has the grant in common with the one before. */
      other: by(refresh),
      application: by(clientCredentialsGrant({ ...secrets, tokenUrl })),
      account: by(serviceAccountGrant({ clientEmail: "a@example.com", privateKey: rsa, tokenUrl })),
      locked: by(
        serviceAccountGrant({
          clientEmail: "a@example.com",
          privateKey: { key: locked, passphrase },
          tokenUrl,
        }),
      ),
      rsa: signedBy(rsa),
      ed25519: signedBy(ed25519),
    },
    config,
    connector: createConnector(config),
    template: compileTemplate("<b>{{code}}</b>", { contentType: "text/html" }) as Template,
  };
}

const clients = new Map<string, SmtpClient>();

function clientOf({ client, options = {} }: Order): SmtpClient {
  if (client !== undefined && made !== undefined) return made.clients[client];
  const key = JSON.stringify(options);
  const known = clients.get(key) ?? new SmtpClient(options);
  clients.set(key, known);
  return known;
}

async function goOn({ until }: Order): Promise<void> {
  if (until !== undefined) await (await fetch(until)).text();
}

async function sendEach(order: Order, client: SmtpClient): Promise<number> {
  for (const message of order.messages ?? []) await client.send(message);
  return client.stats.opened;
}

/** Begins to send the first message, whatever becomes of it. */
function begin(
  { messages: [message] = [] }: Order,
  client: SmtpClient,
  signal?: AbortSignal,
): Promise<unknown> {
  if (message === undefined) throw new Error("there is no message");
  return client.send(message, signal && { signal });
}

type Act =
  | "send"
  | "sendAndClose"
  | "leave"
  | "answerFirst"
  | "answerFirstAndClose"
  | "abort"
  | "closeByForce"
  | "verify"
  | "connector"
  | "testConnector"
  | "template"
  | "attachUrls"
  | "opensEarly"
  | "fault"
  | "faults";

const ACTS: Readonly<Record<Act, (order: Order, context: Context) => Promise<unknown>>> = {
  send: (order: Order) => sendEach(order, clientOf(order)),

  async sendAndClose(order: Order) {
    const client = clientOf(order);
    const opened = await sendEach(order, client);
    await client.close();
    return opened;
  },

  async leave(order: Order) {
    begin(order, clientOf(order)).catch(() => {});
    await goOn(order);
  },

  async answerFirst(order: Order, context: Context) {
    context.waitUntil(begin(order, clientOf(order)));
  },

  async answerFirstAndClose(order: Order, context: Context) {
    const client = clientOf(order);
    context.waitUntil(begin(order, client));
    context.waitUntil(client.close());
  },

  async abort(order: Order) {
    const controller = new AbortController();
    const sending = begin(order, clientOf(order), controller.signal);
    void goOn(order).then(() => controller.abort());
    await sending;
  },

  async closeByForce(order: Order) {
    const client = clientOf(order);
    const sending = begin(order, client);
    const closing = goOn(order).then(() => client.close({ force: true }));
    await sending.finally(() => closing);
  },

  verify: (order: Order) => clientOf(order).verify(),

  async testConnector(): Promise<unknown> {
    const report = made && (await testConnector(made.config, { to: "bob@example.org" }));
    return report?.steps.map(({ name, status }) => `${name} ${status}`);
  },

  async connector() {
    const receipt = await made?.connector.send({
      to: "bob@example.org",
      type: "SignIn",
      payload: { code: "042137" },
    });
    return receipt?.accepted;
  },

  template: async () => [made?.template.render({ code: "1<2" }), renderTemplate("<<code>>", { code: 7 })],

  attachUrls: (order: Order) =>
    clientOf(order).send({
      from: "alice@example.com",
      to: "bob@example.org",
      attachments: [
        attachment.dataUrl("data:text/plain,from%20a%20data%20URL", { filename: "one.txt" }),
        attachment.url(
          "https://files.example/two.txt",
          {},
          { fetch: async () => new Response("from a URL") },
        ),
        attachment.stream(() => new Response("from a stream").body as ReadableStream<Uint8Array>),
      ],
    }),

  opensEarly: (order: Order) => opensEarly(order.options as Place, () => goOn(order)),

  /** Leaves a rejection that nobody handles, to see that it is seen. */
  async fault() {
    void Promise.reject(new Error("nobody handles this"));
  },

  async faults(): Promise<readonly string[]> {
    const told = [...faults.values()];
    faults.clear();
    return told;
  },
};

function shown(error: unknown): Shown {
  const { code, phase, option, field, message, hint } = error as SmtpError & Partial<Shown>;
  return { code, phase, message, ...(option && { option }), ...(field && { field }), ...(hint && { hint }) };
}

// biome-ignore lint/style/noDefaultExport: it is how the runtime finds a Worker.
export default {
  async fetch(request: Request, _: unknown, context: Context): Promise<Response> {
    const order = (await request.json()) as Order;
    try {
      return Response.json({ value: await ACTS[order.act](order, context) } satisfies Outcome);
    } catch (error) {
      return Response.json({ error: shown(error) } satisfies Outcome);
    }
  },
};
