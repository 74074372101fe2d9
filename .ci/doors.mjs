// The doors of the built package share one copy of every class, however they are loaded.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const ways = {
  import: [await import("pennypost"), await import("pennypost/connector"), await import("pennypost/compose")],
  require: [require("pennypost"), require("pennypost/connector"), require("pennypost/compose")],
};
for (const [way, [pennypost, connector, { composeMessage }]] of Object.entries(ways)) {
  assert.throws(
    () => connector.createConnector({}),
    (error) => error instanceof pennypost.ConfigError && error instanceof pennypost.SmtpError,
    `by ${way}, an error of one door is no instance of the other's class`,
  );
  assert.throws(() => composeMessage({}), pennypost.MessageError, way);
  const client = new pennypost.SmtpClient("smtp://127.0.0.1:1");
  await assert.rejects(client.verify(), (error) => error instanceof pennypost.TransportError, way);
  await client.close();
}
console.log("the doors share their classes, by import and by require");
