// Every check, in the order of the table; what the runtime does in each is in suite.mjs, under the same name.

import type { Checks } from "./check.ts";
import { logins } from "./checks/logins.ts";
import { messages } from "./checks/messages.ts";
import { options } from "./checks/options.ts";
import { ways } from "./checks/ways.ts";

export const CHECKS: Checks = { ...ways, ...messages, ...logins, ...options };
