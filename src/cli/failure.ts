// What went wrong, in a line or two, and what to do; as an exit code, and as JSON.

import { escapeText as printable } from "../excerpt.ts";
import { ConfigError, isSmtpError, MessageError, ReplyError, type SmtpError } from "../index.ts";
import { EXIT, type ExitCode } from "./command.ts";
import type { Style } from "./style.ts";

/** Text of others, fit for a terminal. */
export { printable };

export function exitCodeOf(error: unknown): ExitCode {
  if (!isSmtpError(error)) return EXIT.failed;
  if (error.accepted !== undefined && error.accepted.length > 0) return EXIT.partly;
  if (error.delivery === "unknown") return EXIT.unknown;
  if (error.code === "aborted") return EXIT.interrupted;
  const isUnusable =
    error instanceof ConfigError || (error instanceof MessageError && error.phase === "message");
  return isUnusable ? EXIT.unusable : EXIT.failed;
}

/** What became of the message, for a person. */
export const OUTCOMES: Readonly<Record<SmtpError["delivery"], string>> = {
  "not-sent": "not sent",
  rejected: "refused, and not sent",
  unknown: "perhaps sent: nobody knows whether it arrives, so look before you send it again",
};

/** The lines that say it. `about` is what it happened to: a message, whose fate is told, or something else. */
export function describeFailure(
  error: unknown,
  style: Style,
  about: "message" | "other" = "other",
): string[] {
  if (!isSmtpError(error)) return [`${style.sign("error")} ${reasonOf(error)}`];
  const problems = error instanceof ConfigError ? (error.problems ?? []) : [];
  if (problems.length > 0) return describeProblems(problems, style);
  const isFate = about === "message" && exitCodeOf(error) !== EXIT.unusable;
  const accepted = error.accepted ?? [];
  const fate =
    accepted.length === 0
      ? OUTCOMES[error.delivery]
      : `sent to ${accepted.map(printable).join(", ")}, and not known to be sent to the others`;
  const each =
    error instanceof ReplyError && error.rejected !== undefined && error.rejected.length > 1
      ? error.rejected
      : [];
  return [
    `${style.sign("error")} ${isFate ? `${fate}: ` : ""}${printable(error.message)}`,
    ...each.map(
      ({ recipient, reply }) =>
        `  ${printable(recipient)}: ${reply.code} ${printable(reply.lines.join(" "))}`,
    ),
    ...(error.hint === undefined ? [] : [`${style.sign("hint")} ${printable(error.hint)}`]),
  ];
}

/** Everything that is wrong with a config, a line each; a hint stands below those that it is for. */
export function describeProblems(problems: NonNullable<ConfigError["problems"]>, style: Style): string[] {
  return problems.flatMap(({ path, message, hint }, at) => [
    `${style.sign("error")} ${printable(path)}: ${printable(message)}`,
    ...(hint === undefined || hint === problems[at + 1]?.hint
      ? []
      : [`${style.sign("hint")} ${printable(hint)}`]),
  ]);
}

/** The same for machines. */
export function failureAsJson(error: unknown): object {
  if (!isSmtpError(error)) return { name: "Error", message: reasonOf(error) };
  const { name, code, phase, delivery, retryable, message, hint, accepted } = error;
  return {
    name,
    code,
    phase,
    delivery,
    retryable,
    message,
    ...(hint !== undefined && { hint }),
    ...(accepted !== undefined && { accepted }),
    ...(error instanceof ConfigError && error.problems !== undefined && { problems: error.problems }),
    ...(error instanceof ReplyError && { reply: error.reply, rejected: error.rejected }),
  };
}

function reasonOf(error: unknown): string {
  return printable(error instanceof Error ? error.message : String(error));
}
