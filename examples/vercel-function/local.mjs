// The function as Vercel calls it: with a Request, for a Response.
import { rehearse, show } from "../rehearse.mjs";

await rehearse(async ({ url }) => {
  Object.assign(process.env, { SMTP_URL: url, MAIL_FROM: "site@example.com", MAIL_TO: "owner@example.com" });
  const { POST } = await import("./api/contact.js");
  const fields = { name: "Bob", email: "bob@example.org", message: "Is table 042137 free tonight?" };
  for (const name of [fields.name, "Bob\r\nBcc: everybody@example.org"]) {
    const body = new URLSearchParams({ ...fields, name });
    await show(await POST(new Request("http://localhost/api/contact", { method: "POST", body })));
  }
});
