// Tables for a terminal.

/**
 * Lays rows out in columns; what looks like a figure stands to the right. A row of a name and one cell more is a note.
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 * @returns {string}
 */
export function table(head, rows) {
  const isNote = (row) => row.length === 2 && head.length > 2;
  const full = rows.filter((row) => !isNote(row));
  const widths = head.map((title, column) =>
    Math.max(title.length, ...full.map((row) => row[column].length)),
  );
  widths[0] = Math.max(widths[0], ...rows.map(([label]) => label.length));
  const right = head.map((_, column) => full.some((row) => /^[-+]?\d/.test(row[column])));
  const line = (cells) =>
    cells
      .map((cell, column) => (right[column] ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
      .join("  ")
      .trimEnd();
  const note = ([label, text]) => `${label.padEnd(widths[0])}  ${text}`;
  return [
    line(head),
    line(widths.map((width) => "-".repeat(width))),
    ...rows.map((row) => (isNote(row) ? note(row) : line(row))),
  ].join("\n");
}

/**
 * The rows of a contest: CPU, messages a second, and the ratio to the baseline, with their quartiles.
 * @param {readonly import("./contest.mjs").Row[]} rows
 * @param {{ title: string, of: (row: import("./contest.mjs").Row) => string }[]} [further]  columns of the scenario's own
 */
export function ratioTable(rows, further = []) {
  const head = ["", "CPU µs/message", "messages/s", "nodemailer = 1", ...further.map(({ title }) => title)];
  return table(
    head,
    rows.map((row) =>
      row.status === "ok"
        ? [
            row.name,
            spread(row.cpu),
            spread(row.rate),
            spread(row.ratio, "×"),
            ...further.map(({ of }) => of(row)),
          ]
        : [
            row.name,
            row.status === "failed" ? `FAILED: ${row.note}` : row.note,
            ...head.slice(2).map(() => ""),
          ],
    ),
  );
}

/**
 * A median with its quartiles.
 * @param {import("./stats.mjs").Summary | undefined} summary
 */
export function spread(summary, unit = "") {
  if (summary === undefined) return "";
  return `${figure(summary.median)}${unit} [${figure(summary.q1)}–${figure(summary.q3)}]`;
}

/** Three digits are more than any of these figures can be trusted with. */
export function figure(value) {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Octets as megabytes of 10^6. */
export function megabytes(octets) {
  return `${figure(octets / 1e6)} MB`;
}

/** Octets as kilobytes of 10^3. */
export function kilobytes(octets) {
  return `${figure(octets / 1e3)} kB`;
}
