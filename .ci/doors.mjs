// The doors of the built package share one copy of every class, however they are loaded.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const require = createRequire(import.meta.url);
const DOORS = ["pennypost", "pennypost/connector", "pennypost/compose", "pennypost/dkim", "pennypost/oauth2"];
const ways = {
  import: await Promise.all(DOORS.map((door) => import(door))),
  require: DOORS.map((door) => require(door)),
  "import, for Workers": await bundledForWorkers(
    DOORS.map((door, at) => `export * as door${at} from "${door}";`).join(""),
  ),
  "require, for Workers": await bundledForWorkers(
    DOORS.map((door, at) => `exports.door${at} = require("${door}");`).join(""),
  ),
};
for (const [
  way,
  [pennypost, connector, { composeMessage }, { createDkimSigner }, { refreshTokenGrant }],
] of Object.entries(ways)) {
  assert.throws(
    () => connector.createConnector({}),
    (error) => error instanceof pennypost.ConfigError && error instanceof pennypost.SmtpError,
    `by ${way}, an error of one door is no instance of the other's class`,
  );
  assert.throws(() => composeMessage({}), pennypost.MessageError, way);
  assert.throws(() => createDkimSigner({}), pennypost.ConfigError, way);
  assert.throws(() => refreshTokenGrant({}), pennypost.ConfigError, way);
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
  return DOORS.map((_, at) => module.exports[`door${at}`]);
}
