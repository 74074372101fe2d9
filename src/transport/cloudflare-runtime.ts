// What the doors for Cloudflare Workers bring along. The wire itself is loaded with the first connection.

import { perInvocation } from "../invocations.ts";
import type { Runtime } from "../runtime.ts";
import { refuse } from "./cloudflare-limits.ts";
import type { Connect } from "./wire.ts";

export function cloudflareRuntime(): Runtime {
  return { connect, prepare, perInvocation, refuse };
}

const prepare = (): Promise<unknown> => import("./cloudflare.ts");

const connect: Connect = async (target) => (await import("./cloudflare.ts")).connectCloudflare(target);
