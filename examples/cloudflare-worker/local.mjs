// The Worker in workerd, the runtime it is deployed to, bundled as wrangler does it.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { rehearse, show } from "../rehearse.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const config = JSON.parse(readFileSync(here("wrangler.jsonc"), "utf8"));
const { outputFiles } = await build({
  entryPoints: [here(config.main)],
  bundle: true,
  format: "esm",
  target: "es2022",
  conditions: ["workerd", "worker"],
  external: ["cloudflare:*", "node:*"],
  write: false,
});

await rehearse(async ({ url, ca }) => {
  const worker = new Miniflare({
    modules: true,
    script: outputFiles[0].text,
    compatibilityDate: config.compatibility_date,
    // A Worker takes only certificates that it can verify, on every host.
    bindings: { ...config.vars, SMTP_URL: `${url}?security=starttls`, CODE_KEY: crypto.randomUUID() },
    ratelimits: Object.fromEntries(config.ratelimits.map(({ name, simple }) => [name, { simple }])),
    outboundService: { network: { allow: ["private"], tlsOptions: { trustedCertificates: [ca] } } },
    cf: false,
    host: "127.0.0.1",
    port: 0,
  });
  try {
    for (const to of ["bob@example.org", "bob@example.org, carol@example.org"]) {
      const body = JSON.stringify({ to });
      const headers = { "Content-Type": "application/json" };
      await show(await worker.dispatchFetch("http://localhost/code", { method: "POST", headers, body }));
    }
  } finally {
    await worker.dispose();
  }
});
