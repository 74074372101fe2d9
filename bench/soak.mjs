// The soak: `npm run soak`. 100,000 small messages in one call, while the sink drops a connection in about every 500th:
// what is said of each message must be so, and the memory must stay as it is.

import { SmtpClient } from "pennypost";
import { soak } from "./lib/soak.mjs";
import { megabytes } from "./lib/table.mjs";

const COUNT = 100_000;
const DROP_EVERY = 500;
const SAMPLE_EVERY = 10_000;
/** What garbage that is not collected yet, and pages that are not given back, may differ by. */
const SLACK = { heap: 4e6, rss: 16e6 };

const seed = Number(process.argv[2] ?? Date.now() % 1e6);
const began = performance.now();
const { told, taken, drops, samples, wrongs } = await soak({
  SmtpClient,
  count: COUNT,
  dropEvery: DROP_EVERY,
  seed,
  sampleEvery: SAMPLE_EVERY,
});

const memory = Object.entries(SLACK).map(([key, slack]) => {
  const [first, last] = thirds(samples.map((sample) => sample[key]));
  if (last - first > slack) wrongs.push(`${key} grew by more than ${megabytes(slack)}`);
  return `${key} ${megabytes(first)} → ${megabytes(last)}`;
});
const counted = Object.entries(told).map(([outcome, count]) => `${count} ${outcome}`);
const dropped = Object.values(drops).reduce((sum, count) => sum + count, 0);
const seconds = ((performance.now() - began) / 1000).toFixed(0);
console.log(
  `${wrongs.length === 0 ? "held" : "FAILED"}: ${counted.join(", ")}; ${taken} taken; ${dropped} drops; ${memory.join(", ")}; ${seconds} s, seed ${seed}`,
);
if (wrongs.length > 0) {
  console.error(wrongs.join("\n"));
  process.exitCode = 1;
}

/** The median of the first third, and of the last. */
function thirds(values) {
  const third = Math.floor(values.length / 3);
  return [median(values.slice(0, third)), median(values.slice(-third))];
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
