// The config as JSON Schema: the table and the rules as they are, and what only a schema has to spell out.

import { forbid } from "./condition.ts";
import { DESCRIPTIONS } from "./descriptions.ts";
import type { Schema } from "./field.ts";
import { connectionRules, loginRules } from "./rules.ts";
import { serviceSchema } from "./service-schema.ts";
import { configField } from "./table.ts";
import { USAGE_TYPES } from "./template-set.ts";

/**
 * Makes the JSON Schema (2020-12) of a `ConnectorConfig`, which is also the file `pennypost/connector.schema.json`.
 *
 * What it refuses `createConnector` refuses, and the other way round, but for what no schema can say: that templates
 * can be compiled and are there once for each usage type and language, that addresses and keys are well-formed to the
 * last character, and that Aliyun DirectMail sends for the address that logs in.
 */
export function connectorSchema(): object {
  const { properties, ...rest } = described(configField().schema, "");
  const { service, templates } = properties as Readonly<Record<string, Schema>>;
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "The config of a pennypost connector",
    ...rest,
    properties: {
      ...(properties as object),
      service: { ...service, ...serviceSchema() },
      templates: { ...templates, allOf: USAGE_TYPES.flatMap(oneFor) },
    },
    ...forbid([...connectionRules(), ...loginRules()].map(({ when }) => when)),
  };
}

/** A schema with a description at every field that has one. */
function described(schema: Schema, path: string): Schema {
  const { properties, items, ...rest } = schema as {
    readonly properties?: Readonly<Record<string, Schema>>;
    readonly items?: Schema;
  };
  const at = (name: string): string => (path === "" ? name : `${path}.${name}`);
  const description = Object.hasOwn(DESCRIPTIONS, path) ? DESCRIPTIONS[path] : undefined;
  return {
    ...(description !== undefined && { description }),
    ...rest,
    ...(items !== undefined && { items: described(items, path) }),
    ...(properties !== undefined && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, inner]) => [name, described(inner, at(name))]),
      ),
    }),
  };
}

/** At least one template of each type, and not two for all languages. */
function oneFor(usageType: string): readonly Schema[] {
  const isOne = { required: ["usageType"], properties: { usageType: { const: usageType } } };
  return [
    { contains: isOne },
    { contains: { ...isOne, not: { required: ["locale"] } }, minContains: 0, maxContains: 1 },
  ];
}
