// What a full run leaves behind: figures as JSON, charts as SVG, and both in the README, where nothing is typed by hand.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { barChart } from "./chart.mjs";
import { goalsTable } from "./goals.mjs";

const RESULTS = new URL("../results/", import.meta.url);
const README = new URL("../README.md", import.meta.url);

/**
 * Writes results/NAME.json and the charts of one scenario.
 * @param {{ name: string, charts?: (figures: any) => import("./chart.mjs").Chart[] }} scenario
 * @param {{ figures: object, machine: object }} results
 */
export function writeResults(scenario, { figures, machine }) {
  mkdirSync(RESULTS, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const text = JSON.stringify({ scenario: scenario.name, date, machine, figures }, rounded, 1);
  writeFileSync(new URL(`${scenario.name}.json`, RESULTS), `${text}\n`);
  for (const chart of scenario.charts?.(figures) ?? []) {
    writeFileSync(new URL(`${chart.file}.svg`, RESULTS), barChart(chart));
  }
}

/** Puts the goals' table and the charts of what has been measured between their marks in the README. */
export async function fillReadme(names) {
  let text = readFileSync(README, "utf8");
  const goals = {};
  const runs = new Set();
  for (const name of names) {
    const file = new URL(`${name}.json`, RESULTS);
    if (!existsSync(file)) continue;
    const { date, machine, figures } = JSON.parse(readFileSync(file, "utf8"));
    const scenario = await import(`../scenarios/${name}.mjs`);
    Object.assign(goals, scenario.goals?.(figures));
    runs.add(caption(date, machine));
    const charts = scenario.charts?.(figures) ?? [];
    text = fill(
      text,
      `charts ${name}`,
      charts.map(({ file, title }) => `![${title}](results/${file}.svg)`).join("\n"),
    );
  }
  text = fill(text, "figures", `${goalsTable(goals)}\n\n${[...runs].join("\n\n")}`);
  writeFileSync(README, text);
}

function caption(date, { cpu, cores, memory, system, node, versions }) {
  const peers = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `Measured on ${date}: ${cpu}, ${cores} cores, ${memory}, ${system}, Node ${node}; ${peers.join(", ")}.`;
}

function fill(text, mark, content) {
  const open = `<!-- ${mark} -->`;
  const close = `<!-- /${mark} -->`;
  const start = text.indexOf(open);
  const end = text.indexOf(close);
  if (start < 0 || end < start) throw new Error(`bench/README.md has lost its mark ${open} … ${close}`);
  return `${text.slice(0, start + open.length)}\n${content}\n${text.slice(end)}`;
}

/** Five digits: the others are noise, and would make every diff as long as the file. */
function rounded(_key, value) {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
}
