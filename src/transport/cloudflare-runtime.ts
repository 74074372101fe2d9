// What the doors for Cloudflare Workers bring along.

import type { Runtime } from "../runtime.ts";
import { connectCloudflare } from "./cloudflare.ts";
import { perInvocation } from "./cloudflare-invocations.ts";
import { refuse } from "./cloudflare-limits.ts";

export function cloudflareRuntime(): Runtime {
  return { connect: connectCloudflare, perInvocation, refuse };
}
