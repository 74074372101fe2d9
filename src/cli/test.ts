// pennypost test: whether the settings work, step by step, as it happens.

import { type Report, type Step, testConnector } from "../connector-door.ts";
import { ConfigError } from "../index.ts";
import { type Command, EXIT, type ExitCode } from "./command.ts";
import { readConfig } from "./config.ts";
import { describeProblems, exitCodeOf, failureAsJson, OUTCOMES, printable } from "./failure.ts";
import { readPayload } from "./render.ts";
import type { Style } from "./style.ts";

export const test: Command<"config" | "to" | "type" | "payload" | "json"> = {
  name: "test",
  summary: "Tries the settings step by step, and sends a template with a sample code.",
  usage: "[--to ADDRESS] [options]",
  options: {
    config: { value: "FILE", help: "the account and the templates; smtp.json by default" },
    to: { value: "ADDRESS", help: "who gets the template; without, it ends before anything is sent" },
    type: { value: "NAME", help: "which template: Register, SignIn, …; Generic by default" },
    payload: { value: "JSON", help: 'what to fill in: a file, or {"code":"042137"} itself' },
    json: { help: "the whole report at the end, for machines" },
  },
  notes: [
    "The password comes from the config, from PENNYPOST_PASSWORD, or is asked for. Exit codes: pennypost --help",
  ],
  examples: ["pennypost test", "pennypost test --config smtp.json --to me@example.com --type SignIn"],
  async run(given, work) {
    const { print, style } = work;
    const to = given.one("to");
    if (to === undefined) given.refuse(["type", "payload"], "a test without --to, which sends nothing");
    const type = given.one("type");
    const payload = await readPayload(given.one("payload"), work);
    const config = await readConfig(given.one("config"), work);
    const isJson = given.has("json");
    const report = await work.interruptible((signal) =>
      testConnector(config, {
        ...(to !== undefined && { to }),
        ...(type !== undefined && { type }),
        ...(payload !== undefined && { payload: payload as Readonly<Record<string, unknown>> }),
        signal,
        onStep(step) {
          if (!isJson) for (const line of linesOf(step, style)) print(line);
        },
      }),
    );
    if (isJson) print(JSON.stringify(asJson(report), undefined, 2));
    else print(verdict(report, to, style));
    return codeOf(report);
  },
};

function codeOf({ ok, error }: Report): ExitCode {
  return ok ? EXIT.done : exitCodeOf(error);
}

const WIDTH = "transaction".length;

function linesOf(step: Step, style: Style): string[] {
  const { name, status, summary, duration, reply, hint, error } = step;
  const time = status === "skipped" ? "" : style.dim(` (${Math.round(duration)} ms)`);
  const line = `${style.step(status)} ${style.bold(name.padEnd(WIDTH))}  ${printable(summary)}${time}`;
  const problems = error instanceof ConfigError ? (error.problems ?? []) : [];
  if (problems.length > 1) return [line, ...describeProblems(problems, style)];
  return [
    line,
    ...(status === "failed" && reply !== undefined
      ? reply.lines.map((words) => `  S: ${reply.code} ${printable(words)}`)
      : []),
    ...(hint === undefined ? [] : [`${style.sign("hint")} ${printable(hint)}`]),
  ];
}

function verdict({ ok, error }: Report, to: string | undefined, { bold }: Style): string {
  if (ok) {
    const sent =
      to === undefined ? "nothing was sent" : `the server has taken the message to ${printable(to)}`;
    return `${bold("The settings work")}; ${sent}.`;
  }
  const fate =
    error === undefined || exitCodeOf(error) === EXIT.unusable
      ? "nothing was connected"
      : to === undefined
        ? "nothing was sent"
        : `the message is ${OUTCOMES[error.delivery]}`;
  return `${bold(error?.code === "aborted" ? "Stopped" : "The settings do not work")}; ${fate}.`;
}

function asJson({ error, steps, ...report }: Report): object {
  return {
    ...report,
    steps: steps.map(({ error, ...step }) => ({
      ...step,
      ...(error !== undefined && { error: failureAsJson(error) }),
    })),
    ...(error !== undefined && { error: failureAsJson(error) }),
  };
}
