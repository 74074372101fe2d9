// The doors of the built package share one copy of every class, however they are loaded.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const require = createRequire(import.meta.url);
const ways = {
  import: [await import("pennypost"), await import("pennypost/connector"), await import("pennypost/compose")],
  require: [require("pennypost"), require("pennypost/connector"), require("pennypost/compose")],
  "import, for Workers": await bundledForWorkers(
    'export * as a from "pennypost"; export * as b from "pennypost/connector"; export * as c from "pennypost/compose";',
  ),
  "require, for Workers": await bundledForWorkers(
    'exports.a = require("pennypost"); exports.b = require("pennypost/connector"); exports.c = require("pennypost/compose");',
  ),
};
for (const [way, [pennypost, connector, { composeMessage }]] of Object.entries(ways)) {
  assert.throws(
    () => connector.createConnector({}),
    (error) => error instanceof pennypost.ConfigError && error instanceof pennypost.SmtpError,
    `by ${way}, an error of one door is no instance of the other's class`,
  );
  assert.throws(() => composeMessage({}), pennypost.MessageError, way);
  const client = new pennypost.SmtpClient("smtp://127.0.0.1:1");
  // There is no cloudflare:sockets here, which is told as a fault of the options.
  const { TransportError, ConfigError } = pennypost;
  const expected = way.endsWith("Workers") ? ConfigError : TransportError;
  await assert.rejects(client.verify(), (error) => error instanceof expected, way);
  await client.close();
}
console.log("the doors share their classes, by import and by require");

/** As wrangler bundles a program. */
async function bundledForWorkers(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL("..", import.meta.url)) },
    bundle: true,
    write: false,
    format: "cjs",
    conditions: ["workerd"],
    external: ["cloudflare:*"],
  });
  const module = { exports: {} };
  new Function("module", "exports", "require", outputFiles[0].text)(module, module.exports, require);
  const { a, b, c } = module.exports;
  return [a, b, c];
}
