// What a DKIM signature costs: composing and signing less composing alone, beside the bare signature with the same key.

import { generateKeyPairSync } from "node:crypto";
import { checkMessage } from "../lib/check.mjs";
import { checkDkim } from "../lib/check-dkim.mjs";
import { contest } from "../lib/contest.mjs";
import { messagesOf } from "../lib/messages.mjs";
import { summarize } from "../lib/stats.mjs";
import { figure, spread, table } from "../lib/table.mjs";

export const name = "dkim";
export const title = "Signing with DKIM";

const BARE = "bare crypto.sign";
const NAMES = ["raw", "pennypost", "nodemailer", "emailjs", "upyo"];

/** @param {{ quick: boolean, report: (text: string) => void }} context */
export async function run({ quick, report }) {
  const pem = {
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  };
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048, ...pem });
  const [expected] = messagesOf("otp");
  const measured = await contest({
    names: [
      { name: BARE, module: "raw", options: { mode: "bare" } },
      ...NAMES.flatMap((module) => [
        { name: unsigned(module), module, options: { mode: "unsigned" } },
        { name: module, module, options: { mode: "signed" } },
      ]),
    ],
    export: "dkim",
    options: { key: privateKey },
    baseline: BARE,
    rounds: quick ? 2 : 9,
    ms: quick ? 100 : 300,
    warmup: quick ? 450 : 2500,
    check: async (octets, contestant) => {
      const wrong = await checkMessage(octets, expected);
      return wrong ?? (NAMES.includes(contestant) ? checkDkim(octets, publicKey) : undefined);
    },
  });
  const find = (contestant) => measured.find((row) => row.name === contestant);
  const bare = find(BARE);
  const rows = NAMES.map((contestant) => added(find(contestant), find(unsigned(contestant)), bare));
  report(`\nRSA-2048, a verification code\n${tableOf(bare, rows)}`);
  return { bare, rows };
}

function unsigned(contestant) {
  return `${contestant}, unsigned`;
}

/** What signing adds, round by round. */
function added(signed, plain, bare) {
  const { name: contestant, status, note } = signed;
  if (status !== "ok" || plain.status !== "ok") return { name: contestant, status, note: note ?? plain.note };
  const costs = signed.rounds.map((cpu, round) => cpu - plain.rounds[round]);
  return {
    name: contestant,
    status,
    whole: signed.cpu,
    added: summarize(costs),
    overBare: summarize(costs.map((cost, round) => cost / bare.rounds[round])),
  };
}

function tableOf(bare, rows) {
  return table(
    ["", "signing adds, CPU µs", "bare signature = 1", "composed and signed"],
    [
      [BARE, spread(bare.cpu), spread(bare.ratio, "×"), ""],
      ...rows.map((row) =>
        row.status === "ok"
          ? [row.name, spread(row.added), spread(row.overBare, "×"), spread(row.whole)]
          : [row.name, row.status === "failed" ? `FAILED: ${row.note}` : row.note],
      ),
    ],
  );
}

/** @param {Awaited<ReturnType<typeof run>>} figures */
export function charts({ rows }) {
  return [
    {
      file: "dkim",
      title: "What a DKIM signature adds",
      unit: "CPU time over that of a bare RSA-2048 signature; 1 is the limit, shorter is better",
      bars: rows.map(({ name: label, status, note, overBare }) =>
        status === "ok"
          ? { label, value: overBare.median, note: `${figure(overBare.median)}×` }
          : { label, note: status === "failed" ? "failed its check" : note },
      ),
    },
  ];
}
