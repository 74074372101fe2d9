// Bar charts as SVG, written by hand: they are read in a browser and in a repository's page, in the light and in the
// dark, and need no library.

const WIDTH = 720;
const LEFT = 190;
const RIGHT = 120;
const BAR = 22;
const GAP = 10;
const TOP = 58;

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; }
  .quiet { fill: #656d76; }
  .bar { fill: #8c959f; }
  .ours { fill: #0969da; }
  .limit { fill: none; stroke: #8c959f; stroke-dasharray: 4 3; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .quiet { fill: #9198a1; }
    .ours { fill: #4493f8; }
  }`;

/**
 * @typedef {{ label: string, value?: number, note?: string }} Bar  without a value, the note stands alone
 * @typedef {{ file: string, title: string, unit: string, bars: Bar[] }} Chart
 */

/**
 * Draws a chart. The bar labelled "pennypost" stands out, and "raw" is drawn as the limit it is.
 * @param {Chart} chart
 * @returns {string}
 */
export function barChart({ title, unit, bars }) {
  const most = Math.max(...bars.map(({ value }) => value ?? 0)) || 1;
  const height = TOP + bars.length * (BAR + GAP) + GAP;
  const drawn = bars.map((bar, index) => drawBar(bar, TOP + index * (BAR + GAP), most));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}">
<style>${STYLE}
</style>
<text class="title" x="16" y="26">${escaped(title)}</text>
<text class="quiet" x="16" y="45">${escaped(unit)}</text>
${drawn.join("\n")}
</svg>
`;
}

function drawBar({ label, value, note }, y, most) {
  const baseline = y + BAR - 6;
  const name = `<text x="${LEFT - 10}" y="${baseline}" text-anchor="end">${escaped(label)}</text>`;
  if (value === undefined)
    return `${name}\n<text class="quiet" x="${LEFT}" y="${baseline}">${escaped(note ?? "")}</text>`;
  const width = Math.max(1, Math.round(((WIDTH - LEFT - RIGHT) * value) / most));
  const kind = label.startsWith("pennypost") ? "ours" : label.startsWith("raw") ? "limit" : "bar";
  return `${name}
<rect class="${kind}" x="${LEFT}" y="${y}" width="${width}" height="${BAR}" rx="3"/>
<text x="${LEFT + width + 8}" y="${baseline}">${escaped(note ?? String(value))}</text>`;
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
