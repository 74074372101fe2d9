// The example config: what it has, what its reader is told, and that it works once it is filled in.

import { describe, expect, test } from "vitest";
import { configField } from "../../src/connector/table.ts";
import { connectorSchema, exampleConfig, readConnectorConfig } from "../../src/connector.ts";
import { ConfigError } from "../../src/errors.ts";
import { listServices } from "../../src/services.ts";
import { caught, USAGE_TYPES } from "../support/connector.ts";

/** As somebody would fill it in. */
const filledIn = (service?: string): Record<string, unknown> => {
  const example = JSON.stringify(exampleConfig(service))
    .replaceAll(/"<[^>]*leave it out>"/g, "null")
    .replaceAll("<the name of your server>", "mail.example.com")
    .replaceAll(/<your [^>]*>/g, "me@example.com");
  const lines = Object.entries(JSON.parse(example) as object);
  return Object.fromEntries(lines.filter(([, value]) => value !== null));
};

describe("the example", () => {
  const SERVICES = [undefined, "gmail", "sendgrid", "aliyun"];

  test("has every parameter that can stand in one config", () => {
    const { properties } = configField().schema as { readonly properties: object };
    const missing = Object.keys(properties).filter((name) => !Object.hasOwn(exampleConfig("gmail"), name));
    // A service says what host, port and secure do; a mechanism is chosen by itself.
    expect(missing).toEqual(["service", "authMethod"]);
  });

  test.each(SERVICES)("of %s has a template for each usage type", (service) => {
    const { templates } = exampleConfig(service);
    expect(templates.map(({ usageType }) => usageType)).toEqual(USAGE_TYPES);
    for (const { subject, content, text } of templates)
      expect(subject + content + text).toContain("{{code}}");
  });

  test.each(SERVICES)("of %s is refused for what is still to be filled in, and nothing else", (service) => {
    const problems = caught(() => readConnectorConfig(exampleConfig(service)));
    expect(new Set(problems.map(({ message }) => message))).toEqual(
      new Set(["is still what the example says"]),
    );
    const left: string[] = [];
    const visit = (value: unknown, path: string): void => {
      if (typeof value === "string" && value.startsWith("<your ")) left.push(path);
      if (typeof value === "string" && value.startsWith("<the ")) left.push(path);
      if (typeof value !== "object" || value === null || Array.isArray(value)) return;
      for (const [name, inner] of Object.entries(value)) visit(inner, path === "" ? name : `${path}.${name}`);
    };
    visit(exampleConfig(service), "");
    expect(problems.map(({ path }) => path).sort()).toEqual(left.sort());
    expect(left).toContain("auth.pass");
  });

  test.each([undefined, ...listServices().map(({ id }) => id)])(
    "of %s works once it is filled in",
    (service) => {
      const { fromEmail, compiled } = readConnectorConfig(filledIn(service));
      expect(fromEmail.address).toBe("me@example.com");
      const { subject } = compiled.choose("SignIn", undefined).render({ code: "042137" });
      expect(subject).toBe("042137 is your code to sign in");
    },
  );

  test("of an unknown service names those that it resembles", () => {
    expect(() => exampleConfig("gmial")).toThrow(ConfigError);
    expect(() => exampleConfig("gmial")).toThrow('is "gmail" meant?');
  });

  test("is JSON, and points at the schema", () => {
    const example = exampleConfig("sendgrid");
    expect(JSON.parse(JSON.stringify(example))).toEqual(example);
    expect(example.$schema).toContain("connector.schema.json");
    expect(JSON.parse(JSON.stringify(connectorSchema()))).toEqual(connectorSchema());
  });
});
