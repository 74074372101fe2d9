// The templates of a config: each compiled once, the one that is asked for chosen by its usage type and language.

import type { Mailbox } from "../address.ts";
import { ConfigError, MessageError, type Problem } from "../errors.ts";
import { escapeText } from "../excerpt.ts";
import { describe } from "../input.ts";
import { compileTemplate, type Missing, type Payload, type Template } from "../templates.ts";
import { noting } from "./field.ts";
import { lookUp } from "./locale.ts";
import { compileMailbox, type MailboxTemplate } from "./mailbox.ts";
import { toPlainText } from "./plain-text.ts";
import { LANGUAGE_RANGE, type ReadConfig } from "./table.ts";
import type { ConnectorTemplate } from "./types.ts";

/** What is sent where there is no template of the type that was asked for. */
const FALLBACK = "Generic";
/** What every config has a template for. */
export const USAGE_TYPES = ["Register", "SignIn", "ForgotPassword", "Generic"] as const;

/** What a template says with the values of one message. */
export interface Rendered {
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
  readonly from?: Mailbox;
  readonly replyTo?: Mailbox;
}

/** A template that is ready. */
export interface Compiled {
  readonly usageType: string;
  readonly locale: string | undefined;
  render(payload: Payload): Rendered;
}

export interface TemplateSet {
  /** The template for a usage type, or `Generic`, in the language nearest to `locale`. */
  choose(type: unknown, locale: unknown): Compiled;
}

/** Compiles the templates that can be read; what is wrong with them, or missing, is added to `problems`. */
export function readTemplates(
  given: unknown,
  { templates = [], missing = "error" }: ReadConfig,
  problems: Problem[],
): TemplateSet {
  const set: Compiled[] = [];
  for (const [at, template] of templates.entries()) {
    if (template === undefined) continue;
    const { usageType, contentType, subject, content } = template;
    if (!usageType || !contentType || !subject || !content) continue;
    const whole = { ...template, usageType, contentType, subject, content };
    set.push(compile(whole, `templates[${at}]`, missing, problems));
  }
  if (Array.isArray(given)) checkTypes(given, problems);
  return {
    choose(type, locale) {
      if (typeof type !== "string") throw new MessageError("type", `is ${describe(type)}, not a usage type`);
      const range = locale === undefined ? undefined : readLocale(locale);
      const fit = set.filter(({ usageType }) => usageType === type);
      const found = lookUp(
        fit.length > 0 ? fit : set.filter(({ usageType }) => usageType === FALLBACK),
        range,
      );
      if (found !== undefined) return found;
      throw new ConfigError("templates", `no template for ${FALLBACK}`);
    },
  };
}

/** Whether there is a template of each type, and not two for the same. */
function checkTypes(given: readonly (Partial<ConnectorTemplate> | null)[], problems: Problem[]): void {
  const seen = new Map<string, number>();
  for (const [at, template] of given.entries()) {
    const { usageType, locale } = template ?? {};
    // What is of another type has been told, and need not even have a form as text.
    if (typeof usageType !== "string" || !["undefined", "string"].includes(typeof locale)) continue;
    const kind = escapeText(locale === undefined ? usageType : `${usageType} in ${locale.toLowerCase()}`);
    const before = seen.get(kind);
    if (before === undefined) seen.set(kind, at);
    else
      problems.push({ path: `templates[${at}]`, message: `is for ${kind}, and so is templates[${before}]` });
  }
  const lacking = USAGE_TYPES.filter((type) => !given.some((template) => template?.usageType === type));
  if (lacking.length > 0) {
    problems.push({ path: "templates", message: `no template for ${lacking.join(", ")}` });
  }
}

function readLocale(locale: unknown): string {
  if (typeof locale === "string" && new RegExp(LANGUAGE_RANGE).test(locale)) return locale;
  const is = typeof locale === "string" ? "is no language tag" : `is ${describe(locale)}, not a string`;
  throw new MessageError("locale", is, { hint: "write en, pt-BR or zh-Hant" });
}

function compile(template: ConnectorTemplate, path: string, missing: Missing, problems: Problem[]): Compiled {
  const { usageType, contentType, locale, sendFrom, replyTo } = template;
  const text = (
    name: "subject" | "content" | "text",
    type: "text/plain" | "text/html" | "header",
  ): Template | undefined => {
    const written = template[name];
    if (written === undefined) return undefined;
    return noting(problems, `${path}.${name}`, () =>
      compileTemplate<string, Missing>(written, { contentType: type, missing }),
    );
  };
  const mailbox = (name: "sendFrom" | "replyTo", written: string | undefined): MailboxTemplate | undefined =>
    written === undefined
      ? undefined
      : noting(problems, `${path}.${name}`, () => compileMailbox(written, `${path}.${name}`, { missing }));
  const isHtml = contentType === "text/html";
  if (!isHtml && template.text !== undefined) {
    problems.push({
      path: `${path}.text`,
      message: "is given where content is plain text already: leave it out",
    });
  }
  const subject = text("subject", "header");
  const content = text("content", contentType);
  const beside = text("text", "text/plain");
  const from = mailbox("sendFrom", sendFrom);
  const answers = mailbox("replyTo", replyTo);
  return {
    usageType,
    locale,
    render(payload) {
      const body = content?.render(payload) ?? "";
      return {
        subject: subject?.render(payload) ?? "",
        text: isHtml ? (beside?.render(payload) ?? toPlainText(body)) : body,
        ...(isHtml && { html: body }),
        ...(from && { from: from.render(payload, `${path}.sendFrom`) }),
        ...(answers && { replyTo: answers.render(payload, `${path}.replyTo`) }),
      };
    },
  };
}
