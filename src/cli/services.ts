// pennypost services: the providers known by name.

import { findService, listServices, nearServices, type Service } from "../connector-door.ts";
import { ConfigError } from "../index.ts";
import { type Command, EXIT } from "./command.ts";
import { table } from "./help.ts";

export const services: Command<"json"> = {
  name: "services",
  summary: "Lists the providers that are known by name, or says what is known of one.",
  usage: "[name] [options]",
  operands: 1,
  options: { json: { help: "for machines" } },
  notes: ["A name is an id, another name of the provider, or an address at one of its domains."],
  examples: ["pennypost services", "pennypost services gmail", "pennypost services jane@qq.com"],
  async run(given, { print, style }) {
    const [name] = given.operands;
    const found = name === undefined ? listServices() : [serviceCalled(name, "services")];
    if (given.has("json")) {
      print(JSON.stringify(name === undefined ? found : found[0], undefined, 2));
    } else if (name === undefined) {
      const rows = found.map(({ id, name, host, port }): [string, string] => [
        id,
        `${name}, ${host}:${port}`,
      ]);
      for (const line of table(rows)) print(line);
    } else {
      for (const service of found) {
        print(style.bold(service.name));
        for (const line of table(facts(service))) print(line);
      }
    }
    return EXIT.done;
  },
};

const SECURITY: Readonly<Record<Service["security"], string>> = {
  tls: "TLS from the first octet",
  starttls: "STARTTLS",
  none: "no TLS",
};

function facts({ id, host, port, security, user, aliases, domains }: Service): [string, string][] {
  return [
    ["  service", id],
    ["  host", host],
    ["  port", `${port}, ${SECURITY[security]}`],
    ...(user === undefined ? [] : [["  user", user] satisfies [string, string]]),
    ...(aliases.length === 0 ? [] : [["  also", aliases.join(", ")] satisfies [string, string]]),
    ...(domains.length === 0 ? [] : [["  domains", domains.join(", ")] satisfies [string, string]]),
  ];
}

/** The provider that somebody means; `option` is where they said it. */
export function serviceCalled(name: string, option: string): Service {
  const service = findService(name);
  if (service !== undefined) return service;
  const near = nearServices(name);
  throw new ConfigError(
    option,
    `no provider is known by this name${near.length === 0 ? "" : `; is ${near.join(" or ")} meant?`}`,
    {
      hint: "pennypost services lists them all",
    },
  );
}
