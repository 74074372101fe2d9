// The suite with the package as CommonJS has it.
const pennypost = require("pennypost");
const compose = require("pennypost/compose");
const connector = require("pennypost/connector");

import("./suite.mjs").then(async ({ run }) => {
  console.log(JSON.stringify(await run({ pennypost, connector, compose }, JSON.parse(process.argv[2]))));
});
