// `deno serve` with no more permissions than it needs.
import { fileURLToPath } from "node:url";
import { rehearse, show, withProgram } from "../rehearse.mjs";

await rehearse(async ({ url, messages }) => {
  const main = fileURLToPath(new URL("main.js", import.meta.url));
  const environment = {
    SMTP_URL: url,
    LINK_KEY: crypto.randomUUID(),
    MAIL_FROM: "Example <login@example.com>",
    ORIGIN: "https://example.com",
  };
  const { host } = new URL(url);
  const permissions = [`--allow-net=127.0.0.1:0,${host}`, `--allow-env=${Object.keys(environment)}`];
  const args = ["serve", "--no-prompt", "--host", "127.0.0.1", "--port", "0", ...permissions, main];
  await withProgram("deno", args, environment, async (base) => {
    const ask = (to) => fetch(`${base}/login`, { method: "POST", body: JSON.stringify({ to }) });
    await show(await ask("bob@example.org"));
    await show(await ask("bob@example.org\r\nBcc: everybody@example.org"));
    // What the reader of the message does.
    const letter = messages[0]?.octets.toString().replaceAll("=\r\n", "").replaceAll("=3D", "=");
    const [link] = /\/login\?\S+/.exec(letter ?? "") ?? [];
    await show(await fetch(`${base}${link}`));
    await show(await fetch(`${base}${link?.replace("bob", "eve")}`));
  });
});
