// A config to begin with: every parameter, and a template for each usage type. What is the user's own is in angle
// brackets, and refused for as long as it is still there.

import { readService, type ServiceName } from "../services.ts";
import { USAGE_TYPES } from "./template-set.ts";
import type { ConnectorConfig } from "./types.ts";

type Particulars = Pick<ConnectorConfig, "fromEmail" | "auth" | "customHeaders">;

/** Where a provider has words of its own for what it asks for. */
const PARTICULARS: Readonly<Partial<Record<ServiceName, Particulars>>> = {
  gmail: {
    fromEmail: "<your Gmail address>",
    auth: { type: "login", user: "<your Gmail address>", pass: "<your app password of sixteen letters>" },
  },
  sendgrid: {
    fromEmail: "<your verified sender>",
    auth: { type: "login", user: "apikey", pass: "<your API key>" },
    customHeaders: { "X-SMTPAPI": '{"category": ["verification"]}' },
  },
  aliyun: {
    fromEmail: "<your sender address of the DirectMail console>",
    auth: {
      type: "login",
      user: "<your sender address of the DirectMail console>",
      pass: "<your SMTP password of that address>",
    },
  },
};

const WORDS = {
  Register: ["Welcome: your code is {{code}}", "Your code to register is"],
  SignIn: ["{{code}} is your code to sign in", "Your code to sign in is"],
  ForgotPassword: ["{{code}} is your code to set a new password", "Your code to set a new password is"],
  Generic: ["Your code is {{code}}", "Your code is"],
} as const;

/**
 * Makes a config with every parameter, for a provider or for any server. What only its user knows is in angle brackets,
 * such as `<your API key>`: put your own values there, and leave out the lines of `name`, `localAddress` and `proxy` where
 * you have none. It is told which are still there when the config is read.
 *
 * @throws ConfigError where no provider of that name is known, with those that resemble it
 * @example
 * ```ts
 * const config = exampleConfig("gmail");
 * config.host; // "smtp.gmail.com"
 * JSON.stringify(config, undefined, 2); // to fill in
 * ```
 */
export function exampleConfig(service?: ServiceName | (string & {})): ConnectorConfig {
  const provider = service === undefined ? undefined : readService(service, "service");
  const isTls = provider?.security === "tls";
  const particulars = (provider && PARTICULARS[provider.id]) ?? {
    fromEmail: "<your address>",
    auth: { type: "login", user: provider?.user ?? "<your user name>", pass: "<your password>" },
  };
  return {
    $schema: "./node_modules/pennypost/dist/connector.schema.json",
    host: provider?.host ?? "<the name of your server>",
    port: provider?.port ?? 587,
    secure: isTls,
    ...particulars,
    replyTo: "<your address for answers>",
    templates: USAGE_TYPES.map((usageType) => {
      const [subject, says] = WORDS[usageType];
      return {
        usageType,
        contentType: "text/html" as const,
        subject,
        content: `<p>${says} <strong>{{code}}</strong>. It is valid for 10 minutes.</p>`,
        text: `${says} {{code}}. It is valid for 10 minutes.\n`,
      };
    }),
    customHeaders: particulars.customHeaders ?? {},
    missing: "error",
    requireTLS: !isTls && provider?.security !== "none",
    ignoreTLS: false,
    opportunisticTLS: false,
    tls: { rejectUnauthorized: true, minVersion: "TLSv1.2" },
    ...(provider !== undefined && { servername: provider.host }),
    name: "<your domain name for EHLO, or leave it out>",
    localAddress: "<your address to connect from, or leave it out>",
    proxy: "<your proxy, or leave it out>",
    lmtp: false,
    connectionTimeout: 120_000,
    greetingTimeout: 30_000,
    socketTimeout: 600_000,
    dnsTimeout: 30_000,
    pool: true,
    maxConnections: 5,
    maxMessages: 100,
    idleTimeout: 30_000,
    rateLimit: 0,
    rateDelta: 1000,
    maxRequeues: 1,
    logger: false,
    debug: false,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}
