// What pennypost is tuned to: how many times less CPU than nodemailer in the same round, and how much is there to gain.

/**
 * Key by key as the scenarios' `goals` fill them in. `limit` is what was measured of hand-written octets before anything
 * was tuned.
 * @type {readonly { key: string, what: string, nodemailer: string, limit: string, reach: string }[]}
 */
export const GOALS = [
  row("compose-otp", "compose, 200 B text: CPU per message", "1", "65×", "25× less"),
  row(
    "compose-html",
    "compose, html + text 10 kB (7bit where legal / quoted-printable forced)",
    "1",
    "42× / 13×",
    "20× / 8× less",
  ),
  row("compose-cjk", "compose, CJK html 10 kB", "1", "17–23×", "10× less"),
  row("compose-mb", "compose, 1 MiB attachment", "1", "2.9–3.6×", "2.4× less"),
  row("compose-file25", "compose, 25 MiB file", "1", "2.9×", "2.4× less, RSS over start ≤ 10 MB"),
  row(
    "send-sequence",
    "send, one connection, one after the other: CPU per message",
    "1",
    "6× (DATA), 13× (BDAT)",
    "4.5× less",
  ),
  row("send-queue", "send, 5 connections", "1", "19×", "9× less"),
  row("import", "import: CPU over an empty script", "54 ms", "7 ms", "≤ 10 ms"),
  row("bundle", "bundle of `SmtpClient`, minified + gzip", "69 kB", "4 kB", "≤ 16 kB"),
];

function row(key, what, nodemailer, limit, reach) {
  return { key, what, nodemailer, limit, reach };
}

/**
 * The goals' table with the figures of one run.
 * @param {Record<string, { raw: string, pennypost: string, nodemailer?: string }>} figures
 * @returns {string}  Markdown
 */
export function goalsTable(figures) {
  const cells = GOALS.map(({ key, what, nodemailer, limit, reach }) => {
    const { raw = "–", pennypost = "–", nodemailer: theirs = nodemailer } = figures[key] ?? {};
    return [what, limit, reach, theirs, raw, `**${pennypost}**`];
  });
  const head = ["scenario", "limit, before", "reach at least", "nodemailer", "raw", "pennypost"];
  return [head, head.map(() => "---"), ...cells].map((line) => `| ${line.join(" | ")} |`).join("\n");
}
