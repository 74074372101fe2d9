// The suite in Node, Bun and Deno: the orders are the first argument, what was told is the only line that is printed.
// The process is to end by itself: nothing that was closed may keep it alive.
import process from "node:process";
import * as pennypost from "pennypost";
import * as compose from "pennypost/compose";
import * as connector from "pennypost/connector";
import * as dkim from "pennypost/dkim";
import * as oauth2 from "pennypost/oauth2";
import { run } from "./suite.mjs";

const modules = { pennypost, connector, compose, dkim, oauth2 };
console.log(JSON.stringify(await run(modules, JSON.parse(process.argv[2]))));
