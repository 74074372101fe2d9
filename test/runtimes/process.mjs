// The suite in Node, Bun and Deno: the orders are the first argument, what was told is the only line that is printed.
// The process is to end by itself: nothing that was closed may keep it alive.
import process from "node:process";
import * as pennypost from "pennypost";
import * as compose from "pennypost/compose";
import * as connector from "pennypost/connector";
import { run } from "./suite.mjs";

console.log(JSON.stringify(await run({ pennypost, connector, compose }, JSON.parse(process.argv[2]))));
