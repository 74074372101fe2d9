// The suite with the package as CommonJS has it.
const pennypost = require("pennypost");
const compose = require("pennypost/compose");
const connector = require("pennypost/connector");
const dkim = require("pennypost/dkim");
const oauth2 = require("pennypost/oauth2");

const modules = { pennypost, connector, compose, dkim, oauth2 };

import("./suite.mjs").then(async ({ run }) => {
  console.log(JSON.stringify(await run(modules, JSON.parse(process.argv[2]))));
});
