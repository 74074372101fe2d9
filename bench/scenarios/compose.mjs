// Composing alone: from the message as a program has it to the octets that follow DATA, but for dot-stuffing.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkMessage } from "../lib/check.mjs";
import { contest } from "../lib/contest.mjs";
import { goalOf, medianOf, ratioOf, rowOf } from "../lib/goals.mjs";
import { messagesOf, writeFileOfSize } from "../lib/messages.mjs";
import { figure, megabytes, ratioTable } from "../lib/table.mjs";

export const name = "compose";
export const title = "Composing a message";

const NAMES = ["raw", "pennypost", "nodemailer", "emailjs", "upyo"];
const MIB = 2 ** 20;
const SMALL_FILE = 64 * 1024;

const TITLES = {
  otp: "a verification code, 200 B of text",
  html: "html + text, 10 kB of ASCII",
  "html-qp": "html + text, 10 kB with a few characters beyond ASCII",
  cjk: "html, 10 kB of Chinese",
  mb: "1 MiB attached, from memory",
  file25: "25 MiB attached, from a file",
};

/** @param {{ quick: boolean, report: (text: string) => void }} context */
export async function run({ quick, report }) {
  const folder = mkdtempSync(join(tmpdir(), "pennypost-bench-"));
  const file = join(folder, "report.pdf");
  const smallFile = join(folder, "small.pdf");
  const kinds = {};
  try {
    writeFileOfSize(file, (quick ? 4 : 25) * MIB);
    writeFileOfSize(smallFile, SMALL_FILE);
    for (const kind of Object.keys(TITLES)) {
      const isFile = kind === "file25";
      const options = isFile
        ? { kind, file, watchMemory: true, rehearsal: { kind, file: smallFile } }
        : { kind };
      kinds[kind] = await runKind(options, quick);
      const heading = isFile && quick ? `${TITLES[kind]} (in this quick run: 4 MiB)` : TITLES[kind];
      report(`\n${heading}\n${ratioTable(kinds[kind], isFile ? [MEMORY] : [])}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return { kinds };
}

/** The most memory a process ever held, over what it held before its first message. */
const MEMORY = {
  title: "peak RSS over start",
  of: ({ memory }) => `+${megabytes(memory.peak - memory.start)}`,
};

function runKind({ kind, file, ...others }, quick) {
  const [expected] = messagesOf(kind, { file });
  for (const attachment of expected.attachments ?? []) attachment.content ??= readFileSync(file);
  return contest({
    names: NAMES,
    export: "compose",
    options: { kind, file, ...others },
    rounds: quick ? 2 : 9,
    ms: quick ? 100 : 300,
    warmup: quick ? 450 : 2500,
    check: (octets) => checkMessage(octets, expected),
    freshAfterCheck: file !== undefined,
  });
}

/** @param {Awaited<ReturnType<typeof run>>} figures */
export function goals({ kinds }) {
  const { otp, html, "html-qp": forced, cjk, mb, file25 } = kinds;
  const { status, memory } = rowOf(file25, "pennypost");
  const file = goalOf(file25);
  return {
    "compose-otp": goalOf(otp),
    "compose-html": {
      raw: `${ratioOf(html, "raw")} / ${ratioOf(forced, "raw")}`,
      pennypost: `${ratioOf(html, "pennypost")} / ${ratioOf(forced, "pennypost")}`,
      figures: [medianOf(html, "pennypost"), medianOf(forced, "pennypost")],
    },
    "compose-cjk": goalOf(cjk),
    "compose-mb": goalOf(mb),
    "compose-file25":
      status === "ok"
        ? {
            ...file,
            pennypost: `${file.pennypost}, ${MEMORY.of({ memory })}`,
            figures: [...file.figures, memory.peak - memory.start],
          }
        : file,
  };
}

/** @param {Awaited<ReturnType<typeof run>>} figures */
export function charts({ kinds }) {
  return Object.entries(kinds).map(([kind, rows]) => ({
    file: `compose-${kind}`,
    title: `Composing ${TITLES[kind]}`,
    unit: "messages for the CPU time of one of nodemailer's; longer is better",
    bars: rows.map(({ name, status, note, ratio }) =>
      status === "ok"
        ? { label: name, value: ratio.median, note: `${figure(ratio.median)}×` }
        : { label: name, note: status === "failed" ? "failed its check" : note },
    ),
  }));
}
