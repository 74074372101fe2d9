// The function as Lambda calls it: loaded once, then invoked again and again.
import { rehearse } from "../rehearse.mjs";

await rehearse(async ({ url }) => {
  Object.assign(process.env, {
    SMTP_URL: url,
    MAIL_FROM: "Example <login@example.com>",
    MAIL_DOMAIN: "example.com",
  });
  const { handler } = await import("./index.mjs");
  const record = (messageId, message) => ({ messageId, body: JSON.stringify(message) });
  const first = record("059f36b4-87a3-44ab-83d2-661975830a7d", { to: "bob@example.org", code: "042137" });
  const second = record("2e1424d4-f796-459a-8184-9c92662be6da", { to: "carol", code: "271828" });
  console.log(await handler({ Records: [first] }));
  console.log(await handler({ Records: [second] }));
});
