// A Lambda function that mails what a queue (SQS) holds: {"to": "bob@example.org", "code": "042137"} in each record.
import { compileTemplate, isSmtpError, parseMailbox, SmtpClient } from "pennypost";

// In module scope: made with the environment, and its connections serve one invocation after the other. One that slept
// through a freeze is not used again. The limit is below the function's own: otherwise Lambda ends it, and nobody learns
// what became of the message.
const client = new SmtpClient({ url: process.env.SMTP_URL, timeout: 20_000 });
const subject = compileTemplate("{{code}} is your code", { contentType: "header" });
const text = compileTemplate("Your code is {{code}}.\n");

export async function handler({ Records: records }) {
  const failed = await Promise.all(records.map(deliver));
  // What is named here comes again; all else is done with. Needs ReportBatchItemFailures.
  return { batchItemFailures: failed.filter((failure) => failure !== undefined) };
}

async function deliver({ messageId, body }) {
  try {
    const { to, code } = JSON.parse(body);
    await client.send({
      from: process.env.MAIL_FROM,
      to: parseMailbox(to).address,
      subject: subject.render({ code }),
      text: text.render({ code }),
      autoSubmitted: "auto-generated",
      // The same each time the record comes.
      messageId: `<${messageId}@${process.env.MAIL_DOMAIN}>`,
    });
  } catch (error) {
    console.error(messageId, error.code ?? error.name, error.delivery ?? "", error.hint ?? "");
    // What may have been sent is not sent again: the reader would have two. All else was not: it comes again, and what can
    // never be sent ends in the dead-letter queue, where somebody looks at it.
    return isSmtpError(error) && error.delivery === "unknown" ? undefined : { itemIdentifier: messageId };
  }
  return undefined;
}
