// The config of an account: a file, and the secrets that are not in it.

import { type ConnectorConfig, createConnector } from "../connector-door.ts";
import { ConfigError, type Logger } from "../index.ts";
import type { Work } from "./command.ts";
import { printable } from "./failure.ts";
import { nameOf } from "./files.ts";
import { parseJson } from "./json.ts";
import { askSecret } from "./prompt.ts";
import type { World } from "./world.ts";

export const DEFAULT_CONFIG = "smtp.json";

type Properties = Readonly<Record<string, unknown>>;

/** Reads a config. What is wrong in it is for the connector to say; here is what a person may have left out of it. */
export async function readConfig(path: string | undefined, { files, world }: Work): Promise<ConnectorConfig> {
  const file = path ?? DEFAULT_CONFIG;
  const text = await files.text(file, "--config").catch((error: unknown) => {
    if (path !== undefined || !(error instanceof ConfigError)) throw error;
    throw new ConfigError("--config", error.message.replace(/^--config: /, ""), {
      hint: "pennypost init writes one; --config FILE names another",
    });
  });
  const config = parseJson(text, nameOf(file));
  if (!isObject(config)) throw new ConfigError(nameOf(file), "is not an object: { … }");
  const { auth, logger } = config;
  const whole: Properties = {
    ...config,
    ...(isObject(auth) && { auth: await withSecrets(auth, config, world) }),
    // The console would write into what is printed.
    ...(logger === true && { logger: loggerOf(world) }),
  };
  return asConfig(whole);
}

/** Whatever it is: who takes it reads it as if anybody had written it. */
function asConfig(config: unknown): ConnectorConfig {
  return config as ConnectorConfig;
}

/** Which variable has what belongs beside what; the connector says what goes together. */
const SECRETS = [
  { name: "clientSecret", variable: "PENNYPOST_CLIENT_SECRET", beside: "clientId" },
  { name: "refreshToken", variable: "PENNYPOST_REFRESH_TOKEN", beside: "clientId" },
  { name: "privateKey", variable: "PENNYPOST_PRIVATE_KEY", beside: "serviceClient" },
] as const;

/** Whatever makes credentials something else than a user and a password. */
const OAUTH2 = ["clientId", "refreshToken", "accessToken", "serviceClient", "privateKey"];

async function withSecrets(auth: Properties, config: Properties, world: World): Promise<Properties> {
  const filled: Record<string, unknown> = { ...auth };
  for (const { name, variable, beside } of SECRETS) {
    if (Object.hasOwn(auth, beside) && !Object.hasOwn(auth, name) && world.env[variable])
      filled[name] = world.env[variable];
  }
  if (OAUTH2.some((name) => Object.hasOwn(filled, name))) return filled;
  if (typeof auth.type === "string" && auth.type.toLowerCase() === "oauth2") {
    const { PENNYPOST_ACCESS_TOKEN: accessToken } = world.env;
    return accessToken ? { ...filled, accessToken } : filled;
  }
  const { user, pass, host, service } = { ...config, ...auth };
  if (typeof user !== "string" || pass !== undefined) return filled;
  // Whatever else is wrong is told before anybody types a password.
  if (!world.env.PENNYPOST_PASSWORD)
    await createConnector(asConfig({ ...config, auth: { ...filled, pass: "x" } })).close();
  return { ...filled, pass: await password(user, String(host ?? service), world) };
}

/** The password of `user`: from the environment, or from who sits at the terminal. */
export async function password(user: string, server: string, world: World): Promise<string> {
  const { PENNYPOST_PASSWORD: known } = world.env;
  if (known) return known;
  if (world.stdin.isTTY !== true || world.stdin.setRawMode === undefined) {
    throw new ConfigError("auth.pass", "is missing, and there is no terminal to ask for it", {
      hint: "put it into PENNYPOST_PASSWORD, or into the config",
    });
  }
  if (world.stdin.readableEnded) {
    throw new ConfigError(
      "auth.pass",
      "is missing, and standard input, where it would be typed, has been read",
      {
        hint: "put it into PENNYPOST_PASSWORD, or the text into a file or an option",
      },
    );
  }
  return askSecret(world, `Password of ${printable(user)} at ${printable(server)}: `);
}

/** The log, a line of JSON each, where it does not mix with what is printed. */
function loggerOf({ stderr }: World): Logger {
  const write =
    (level: string) =>
    (text: string, details: object): void =>
      void stderr.write(`${level}: ${text} ${JSON.stringify(details)}\n`);
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

function isObject(value: unknown): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
