// pennypost render: what a template makes of a payload.

import { ConfigError, type RenderOptions, renderTemplate } from "../index.ts";
import { type Command, EXIT, type Work } from "./command.ts";
import { nameOf } from "./files.ts";
import { parseJson } from "./json.ts";

type ContentType = "text/plain" | "text/html";

const MISSING = ["error", "keep", "empty"] as const;

export const render: Command<"template" | "payload" | "content-type" | "missing"> = {
  name: "render",
  summary: "Fills in a template, and prints what comes of it.",
  usage: "--template FILE [options]",
  options: {
    template: { value: "FILE", help: "text with {{code}} or <<code>> in it; - is standard input" },
    payload: { value: "JSON", help: 'a file, or {"code":"042137"} itself' },
    "content-type": { value: "TYPE", help: "text/plain or text/html; by default, what the file is called" },
    missing: { value: "RULE", help: "where the payload has no value: error (the default), keep or empty" },
  },
  examples: [
    "pennypost render --template t.html --payload p.json",
    `echo "Your code is {{code}}" | pennypost render --template - --payload '{"code":"042137"}'`,
  ],
  async run(given, work) {
    const path = given.one("template");
    if (path === undefined) throw new ConfigError("--template", "is missing: which file?");
    const missing = given.one("missing");
    const rule = MISSING.find((one) => one === missing);
    if (missing !== undefined && rule === undefined) {
      throw new ConfigError("--missing", `is none of ${MISSING.join(", ")}`);
    }
    const type = given.one("content-type") ?? typeOf(path);
    if (type !== "text/plain" && type !== "text/html") {
      throw new ConfigError("--content-type", "is neither text/plain nor text/html");
    }
    const payload = (await readPayload(given.one("payload"), work)) ?? {};
    const template = await work.files.text(path, "--template");
    const text = fill(template, payload, { contentType: type, ...(rule !== undefined && { missing: rule }) });
    // As it is; but a prompt should not begin behind its last line.
    work.world.stdout.write(work.world.stdout.isTTY && !text.endsWith("\n") ? `${text}\n` : text);
    return EXIT.done;
  },
};

/** Renders a template that nobody knew when this was compiled. */
export function fill(template: string, payload: object, options: RenderOptions): string {
  return renderTemplate(template, payload, options as RenderOptions<"error">);
}

export function typeOf(path: string): ContentType {
  return /\.html?$/i.test(path) ? "text/html" : "text/plain";
}

/** The payload that `--payload` gives: JSON itself where it begins as an object does, else the name of a file. */
export async function readPayload(given: string | undefined, { files }: Work): Promise<object | undefined> {
  if (given === undefined) return undefined;
  const isJson = given.trimStart().startsWith("{");
  const text = isJson ? given : await files.text(given, "--payload");
  const payload = parseJson(text, isJson ? "--payload" : nameOf(given));
  if (typeof payload === "object" && payload !== null && !Array.isArray(payload)) return payload;
  throw new ConfigError("--payload", 'is not an object, such as {"code":"042137"}');
}
