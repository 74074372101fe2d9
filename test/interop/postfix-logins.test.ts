// Signing in to a real Postfix, where Dovecot says who may.
import { describeLogins } from "./logins.ts";
import { deliveredCopies } from "./maildir.ts";
import { maildir, mechanismOf, overStartTls } from "./postfix.ts";

describeLogins({
  name: "postfix",
  way: overStartTls,
  maildir,
  async loginOf({ messageId, reply }) {
    const [copy] = await deliveredCopies(maildir, messageId, ["bob@example.test"]);
    return `${/sender (\S+)/.exec(copy?.trace ?? "")?.[1]} by ${await mechanismOf(reply)}`;
  },
});
