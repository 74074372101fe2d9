// Stands in for Bun and Deno where they are not installed: serves the default export of a module as they do.
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const { default: module } = await import(pathToFileURL(process.argv.at(-1)).href);
const server = createServer(async (incoming, outgoing) => {
  const { method, headers } = incoming;
  const body = method === "GET" ? undefined : Buffer.concat(await incoming.toArray());
  const response = await module.fetch(
    new Request(`http://localhost${incoming.url}`, { method, headers, body }),
  );
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(await response.text());
});
server.listen(0, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}/`));
