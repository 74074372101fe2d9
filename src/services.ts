// Well-known providers by name: whoever has an account with one of them need not look up where it takes mail.

import { ConfigError } from "./errors.ts";
import { escapeText } from "./excerpt.ts";
import { describe } from "./input.ts";
import type { Security } from "./options/route.ts";
import { distance, plain } from "./services/near.ts";
import { PROVIDERS, SES_REGIONS } from "./services/table.ts";

export { isDirectMail, refuseOtherSender } from "./services/aliyun.ts";
export {
  type SmtpApi,
  type SmtpApiFilters,
  type SmtpApiHeader,
  type SmtpApiSettings,
  sendGrid,
} from "./services/sendgrid.ts";

/** Is the id of a provider; in a config, other names of it and the domains of its addresses do as well. */
export type ServiceName = keyof typeof PROVIDERS | `ses-${(typeof SES_REGIONS)[number]}`;

/** Is a provider, and where it takes mail. */
export interface Service {
  readonly id: ServiceName;
  /** For people. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly security: "tls" | "starttls" | "none";
  /** What it is called too. */
  readonly aliases: readonly string[];
  /** Of the addresses that it gives to people. */
  readonly domains: readonly string[];
  /** The user name, where it is the same word for every account. */
  readonly user: string | undefined;
}

/** Lists every provider known, with the ids in their order. */
export function listServices(): readonly Service[] {
  return [
    ...Object.entries(PROVIDERS).map(([id, row]) => readRow(id as keyof typeof PROVIDERS, row)),
    ...SES_REGIONS.map((region) => {
      // Those who do not say a region mean the first that there was.
      const others = region === "us-east-1" ? ",ses,aws ses,amazon ses" : "";
      const names = `aws ses ${region}${others}`;
      return readRow(`ses-${region}`, `Amazon SES (${region})|email-smtp.${region}.amazonaws.com||${names}`);
    }),
  ];
}

/**
 * Finds a provider by its id, another name of it, or an address at one of its domains; case and punctuation do not
 * matter in a name.
 *
 * @example
 * ```ts
 * findService("Google Mail")?.host; // "smtp.gmail.com"
 * findService("jane@gmail.com")?.id; // "gmail"
 * ```
 */
export function findService(name: string): Service | undefined {
  const services = listServices();
  const domain = domainOf(name);
  // A domain is looked up as it stands: g-mail.com belongs to somebody else.
  if (domain !== undefined) return services.find(({ domains }) => domains.includes(domain));
  const key = plain(name);
  return key === "" ? undefined : services.find((service) => namesOf(service).includes(key));
}

/** More would be a list to search, and no help. */
const MAX_NEAR = 5;

/** Lists the ids that may be meant by a name that is not known, the nearest first; at most five. */
export function nearServices(name: string): readonly ServiceName[] {
  const key = plain(domainOf(name) ?? name);
  const near: { readonly id: ServiceName; readonly away: number }[] = [];
  for (const service of listServices()) {
    const found = namesOf(service).flatMap((known) => distance(key, known) ?? []);
    if (found.length > 0) near.push({ id: service.id, away: Math.min(...found) });
  }
  return near
    .sort((a, b) => a.away - b.away)
    .slice(0, MAX_NEAR)
    .map(({ id }) => id);
}

/** The provider that an option names; one that is not known is refused with those it resembles. */
export function readService(value: unknown, option: string): Service {
  if (typeof value !== "string") throw new ConfigError(option, `is ${describe(value)}, not a string`);
  const service = findService(value);
  if (service !== undefined) return service;
  const near = nearServices(value);
  const meant = near.length === 0 ? "" : `; is ${near.map((id) => `"${id}"`).join(" or ")} meant?`;
  // What stands before an "@" may be a password, in a URL that came to the wrong place.
  const shown = escapeText((domainOf(value) ?? value).slice(0, 40));
  throw new ConfigError(option, `is no provider known here: "${shown}"${meant}`, {
    hint: "leave it out, and say host and port as the provider documents them",
  });
}

/** Where to connect to, as far as it was said. */
export interface Said {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly security?: Security | undefined;
}

/**
 * What was said, and below it what is known of the provider. Port and security belong together: where one of them is the
 * user's and differs from the provider's, the other one is not the provider's either.
 */
export function withService(said: Said, service: Service): Said {
  const { host = service.host, port, security } = said;
  const fits =
    (port === undefined || port === service.port) &&
    (security === undefined || security === service.security);
  return fits ? { host, port: service.port, security: service.security } : { host, port, security };
}

const IMPLICIT_TLS = 465;

function readRow(id: ServiceName, row: string): Service {
  const [name = "", host = "", port = "", aliases = "", domains = "", user = ""] = row.split("|");
  const number = Number(port) || IMPLICIT_TLS;
  return {
    id,
    name,
    host,
    port: number,
    security: number === IMPLICIT_TLS ? "tls" : host === "localhost" ? "none" : "starttls",
    aliases: list(aliases),
    domains: list(domains),
    user: user || undefined,
  };
}

function list(text: string): readonly string[] {
  return text === "" ? [] : text.split(",");
}

/** What stands behind the last "@", where there is one. */
function domainOf(name: string): string | undefined {
  const at = name.lastIndexOf("@");
  return at < 0
    ? undefined
    : name
        .slice(at + 1)
        .trim()
        .toLowerCase();
}

function namesOf({ id, name, aliases, domains }: Service): readonly string[] {
  return [id, name, ...aliases, ...domains].map(plain);
}
