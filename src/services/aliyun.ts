// Aliyun DirectMail logs a sender address in, not an account: the user name is the address, and a message from another
// is refused when its MAIL or its end is heard, long after the settings looked right.

import { ConfigError } from "../errors.ts";

// smtpdm.aliyun.com for Hangzhou; a region in the name for the others, of which the older ones are under aliyun.com.
const DIRECT_MAIL = /^smtpdm(?:-[a-z0-9-]+)?\.aliyun(?:cs)?\.com\.?$/i;

export function isDirectMail(host: string): boolean {
  return DIRECT_MAIL.test(host);
}

/**
 * Refuses a sender that is not the one who logs in, where the host takes no other. `sender` is the address alone, and
 * `option` what said it, such as `fromEmail`.
 *
 * @throws ConfigError
 */
export function refuseOtherSender(host: string, user: string, sender: string, option: string): void {
  if (!isDirectMail(host) || user.toLowerCase() === sender.toLowerCase()) return;
  throw new ConfigError(
    option,
    "is not the sender address that auth.user logs in, and Aliyun DirectMail takes no other",
    {
      hint: "auth.user and the sender are the same address: one of the console's sender addresses, with its own SMTP password",
    },
  );
}
