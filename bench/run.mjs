// The bench: `npm run bench`, `npm run bench -- compose send`, `npm run bench -- --quick`.
// A full run writes its figures and charts to bench/results and to bench/README.md; a quick one only prints.

import { describeMachine } from "./lib/machine.mjs";
import { fillReadme, writeResults } from "./lib/results.mjs";

const SCENARIOS = ["compose", "send", "turns", "distance", "dkim", "cold", "memory"];

const args = process.argv.slice(2);
const quick = args.includes("--quick");
const chosen = args.filter((arg) => arg !== "--quick");
const unknown = chosen.filter((name) => !SCENARIOS.includes(name));
if (unknown.length > 0) {
  console.error(
    `There is no ${unknown.join(", ")}: choose from ${SCENARIOS.join(", ")}; --quick for a minute's run.`,
  );
  process.exit(2);
}

const machine = describeMachine();
console.log(
  `${machine.cpu}, ${machine.cores} cores, ${machine.memory}, ${machine.system}, Node ${machine.node}`,
);
console.log(
  Object.entries(machine.versions)
    .map((entry) => entry.join(" "))
    .join(", "),
);
console.log("Medians [quartiles]. CPU is that of the contestant's process, with all its threads.");
if (quick) console.log("A quick run: it shows that everything works; its figures are not to be quoted.");

const failures = [];
for (const name of chosen.length > 0 ? chosen : SCENARIOS) {
  const scenario = await import(`./scenarios/${name}.mjs`);
  console.log(`\n\n== ${scenario.title} (${name})`);
  const began = performance.now();
  try {
    const figures = await scenario.run({ quick, report: (text) => console.log(text) });
    for (const failure of failuresIn(figures)) failures.push(`${name}: ${failure}`);
    if (!quick) writeResults(scenario, { figures, machine });
  } catch (error) {
    console.error(error);
    failures.push(`${name}: ${error.message}`);
  }
  console.log(`\n${((performance.now() - began) / 1000).toFixed(0)} s`);
}
if (!quick) await fillReadme(SCENARIOS);

if (failures.length > 0) {
  console.error(`\nFailed:\n${failures.join("\n")}`);
  process.exitCode = 1;
}

/** Rows that failed, wherever they stand in the figures of a scenario, and what it calls its faults. */
function failuresIn(figures) {
  if (typeof figures !== "object") return [];
  if (figures.status === "failed") return [`${figures.name}: ${figures.note}`];
  const { faults = {}, ...others } = figures;
  return [
    ...Object.entries(faults).map(([contestant, fault]) => `${contestant}: ${fault}`),
    ...Object.values(others).flatMap(failuresIn),
  ];
}
