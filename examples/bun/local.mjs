// What `bun main.js` serves, asked as a sign-in system would.
import { fileURLToPath } from "node:url";
import { rehearse, show, withProgram } from "../rehearse.mjs";

await rehearse(async ({ url }) => {
  const { hostname, port, username, password } = new URL(url);
  const environment = {
    SMTP_HOST: hostname,
    SMTP_PORT: port,
    SMTP_USER: decodeURIComponent(username),
    SMTP_PASS: decodeURIComponent(password),
    MAIL_FROM: "Example <login@example.com>",
    MAILER_TOKEN: crypto.randomUUID(),
    HOST: "127.0.0.1",
    PORT: "0",
  };
  const args = [fileURLToPath(new URL("main.js", import.meta.url))];
  await withProgram("bun", args, environment, async (base) => {
    const ask = (order, token = environment.MAILER_TOKEN) =>
      fetch(base, {
        method: "POST",
        headers: { Authorization: `Bearer ${token}` },
        body: JSON.stringify(order),
      });
    const order = { to: "bob@example.org", type: "SignIn", payload: { code: "042137" } };
    await show(await ask(order));
    await show(await ask({ ...order, locale: "zh-CN" }));
    await show(await ask({ ...order, payload: {} }));
    await show(await ask({ ...order, to: ["bob@example.org", "carol@example.org"] }));
    await show(await ask(order, "guessed"));
  });
});
