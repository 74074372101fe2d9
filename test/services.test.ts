import { describe, expect, test } from "vitest";
import { ConfigError } from "../src/errors.ts";
import {
  findService,
  isDirectMail,
  listServices,
  nearServices,
  readService,
  refuseOtherSender,
  withService,
} from "../src/services.ts";

const services = listServices();

function thrown(attempt: () => unknown): ConfigError {
  try {
    attempt();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("every provider", () => {
  test.each(services)("$id has a host, a port and a security that go together", (service) => {
    expect(service.host).toMatch(/^(?:[a-z0-9-]+(?:\.[a-z0-9-]+)+|localhost)$/);
    expect(service.name).toMatch(/^[ -~]+$/);
    expect([465, 587, 1025, 2525]).toContain(service.port);
    const usual = service.port === 465 ? "tls" : "starttls";
    expect(service.security).toBe(service.host === "localhost" ? "none" : usual);
    for (const domain of service.domains) expect(domain).toMatch(/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/);
    for (const alias of service.aliases) expect(alias).toBe(alias.trim());
    if (service.user !== undefined) expect(service.user).toMatch(/^[!-~]+$/);
  });

  test.each(services)("$id is found by each of its names, however they are written", (service) => {
    for (const name of [service.id, service.name, ...service.aliases, ...service.domains]) {
      for (const written of [name, name.toUpperCase(), ` ${name} `, name.replace(/[ -]/g, "_")]) {
        expect(findService(written)?.id, written).toBe(service.id);
      }
    }
    for (const domain of service.domains) {
      expect(findService(`jane.doe@${domain}`)?.id).toBe(service.id);
      expect(findService(`"a@b"@${domain.toUpperCase()}`)?.id).toBe(service.id);
    }
  });

  test("has names and domains that are no other's", () => {
    const owner = new Map<string, string>();
    for (const { id, name, aliases, domains } of services) {
      for (const one of [id, name, ...aliases, ...domains]) {
        const key = one.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
        expect(key).not.toBe("");
        expect(owner.get(key) ?? id, one).toBe(id);
        owner.set(key, id);
      }
    }
    expect(new Set(services.map(({ id }) => id)).size).toBe(services.length);
    expect(new Set(services.map(({ host }) => host)).size).toBe(services.length);
  });
});

describe("a provider", () => {
  // What the providers' own documents say.
  test.each([
    ["gmail", "smtp.gmail.com", 465, "tls"],
    ["sendgrid", "smtp.sendgrid.net", 587, "starttls"],
    ["aliyun", "smtpdm.aliyun.com", 465, "tls"],
    ["aliyun-ap-southeast-1", "smtpdm-ap-southeast-1.aliyuncs.com", 465, "tls"],
    ["aliyun-us-east-1", "smtpdm-us-east-1.aliyuncs.com", 465, "tls"],
    ["aliyun-eu-central-1", "smtpdm-eu-central-1.aliyuncs.com", 465, "tls"],
    ["outlook365", "smtp.office365.com", 587, "starttls"],
    ["postmark", "smtp.postmarkapp.com", 587, "starttls"],
    ["SES-EU-WEST-1", "email-smtp.eu-west-1.amazonaws.com", 465, "tls"],
    ["SES", "email-smtp.us-east-1.amazonaws.com", 465, "tls"],
    ["maildev", "localhost", 1025, "none"],
  ] as const)("%s is %s:%i with %s", (name, host, port, security) => {
    expect(findService(name)).toMatchObject({ host, port, security });
  });

  test.each([
    ["Google Mail", "gmail"],
    ["googlemail", "gmail"],
    ["me@GoogleMail.com", "gmail"],
    ["Twilio-SendGrid", "sendgrid"],
    ["阿里云邮件推送", "aliyun"],
    ["jane@aliyun.com", "aliyun-mail"],
    ["Hotmail", "outlook"],
    ["Office 365", "outlook365"],
    ["SendinBlue", "brevo"],
    ["QQ Enterprise", "qqex"],
    ["Mail.ru", "mail.ru"],
    ["AliyunQiye", "aliyun-qiye"],
    ["Feishu Mail", "feishu"],
    ["FE", "forwardemail"],
  ])("may be called %s: it is %s", (name, id) => {
    expect(findService(name)?.id).toBe(id);
  });

  test.each([
    "",
    "  ",
    "@",
    "me@",
    "me@g-mail.com",
    "me@gmail",
    "me@mail.gmail.com",
    "me@sendgrid",
    "toString",
    "__proto__",
  ])("is not %j", (name) => {
    expect(findService(name)).toBeUndefined();
  });

  test("has the user name that all of its accounts have", () => {
    expect(findService("sendgrid")?.user).toBe("apikey");
    expect(findService("resend")?.user).toBe("resend");
    expect(findService("gmail")?.user).toBeUndefined();
  });
});

describe("a name that is not known", () => {
  test.each([
    ["gmial", "gmail"],
    ["gmal", "gmail"],
    ["sengrid", "sendgrid"],
    ["SendGird", "sendgrid"],
    ["outlok", "outlook"],
    ["me@gmial.com", "gmail"],
    ["aliyun-us-west-1", "aliyun-us-east-1"],
    ["ses-eu-west-9", "ses-eu-west-1"],
    ["postmark app smtp", "postmark"],
  ])("%s resembles %s", (name, id) => {
    expect(findService(name)).toBeUndefined();
    expect(nearServices(name)).toContain(id);
  });

  test("resembles few, the nearest first, and mostly none", () => {
    expect(nearServices("sengrid")[0]).toBe("sendgrid");
    expect(nearServices("ses-eu-west")).toHaveLength(3);
    expect(nearServices("s")).toEqual([]);
    expect(nearServices("")).toEqual([]);
    expect(nearServices("my own mail server")).toEqual([]);
    expect(nearServices("g".repeat(1_000_000))).toEqual([]);
    for (const { id } of services) expect(nearServices(`${id}x`).length).toBeLessThanOrEqual(5);
  });

  test("is refused with those that may be meant, under the path of the option", () => {
    const error = thrown(() => readService("gmial", "service"));
    expect(error.option).toBe("service");
    expect(error.message).toBe('service: is no provider known here: "gmial"; is "gmail" meant?');
    expect(error.hint).toContain("host and port");
    expect(thrown(() => readService("my own", "service")).message).toBe(
      'service: is no provider known here: "my own"',
    );
  });

  test("is shown as far as it is safe: no password of a URL, no control character, no more than forty", () => {
    const url = thrown(() => readService("smtps://user:hunter2@smtp.example.com", "service"));
    expect(url.message).not.toMatch(/user|hunter2/);
    expect(thrown(() => readService("a\u001b[2Jb", "service")).message).toContain("a\\u{1b}[2Jb");
    expect(thrown(() => readService("x".repeat(5000), "service")).message.length).toBeLessThan(100);
  });

  test.each([undefined, 7, ["gmail"], { toString: () => "gmail" }])("is a string, not %j", (value) => {
    expect(thrown(() => readService(value, "service")).message).toMatch(/^service: is .*, not a string$/);
  });
});

describe("what the user says", () => {
  const gmail = readService("gmail", "service");
  const postmark = readService("postmark", "service");

  test("wins, and the provider says the rest", () => {
    expect(withService({}, gmail)).toEqual({ host: "smtp.gmail.com", port: 465, security: "tls" });
    expect(withService({ host: "relay.example.com" }, gmail)).toEqual({
      host: "relay.example.com",
      port: 465,
      security: "tls",
    });
    expect(withService({ port: 465 }, gmail).security).toBe("tls");
    expect(withService({ security: "tls" }, gmail).port).toBe(465);
    expect(withService({ port: 587, security: "starttls" }, postmark)).toEqual({
      host: "smtp.postmarkapp.com",
      port: 587,
      security: "starttls",
    });
  });

  test("about the port leaves the security to that port, and the other way round", () => {
    expect(withService({ port: 587 }, gmail)).toEqual({ host: "smtp.gmail.com", port: 587 });
    expect(withService({ security: "starttls" }, gmail)).toEqual({
      host: "smtp.gmail.com",
      security: "starttls",
    });
    expect(withService({ port: 2525, security: "none" }, gmail)).toEqual({
      host: "smtp.gmail.com",
      port: 2525,
      security: "none",
    });
    expect(withService({ port: 2525 }, postmark)).toEqual({ host: "smtp.postmarkapp.com", port: 2525 });
  });
});

describe("Aliyun DirectMail", () => {
  test("is told by its hosts, of every region and of either age", () => {
    const hosts = services.filter(({ id }) => /^aliyun(?!-mail|-qiye)/.test(id)).map(({ host }) => host);
    expect(hosts).toHaveLength(5);
    for (const host of [...hosts, "smtpdm-ap-southeast-1.aliyun.com", "SMTPDM.aliyun.com."]) {
      expect(isDirectMail(host), host).toBe(true);
    }
    for (const host of [
      "smtp.aliyun.com",
      "smtpdm.aliyun.com.example.org",
      "xsmtpdm.aliyun.com",
      "smtpdm-.x",
    ]) {
      expect(isDirectMail(host), host).toBe(false);
    }
  });

  test("takes no sender but the one who logs in, in whatever case", () => {
    const host = "smtpdm.aliyun.com";
    refuseOtherSender(host, "Login@mail.example.com", "login@MAIL.example.com", "fromEmail");
    const error = thrown(() => refuseOtherSender(host, "login@example.com", "help@example.com", "fromEmail"));
    expect(error.option).toBe("fromEmail");
    expect(error.message).toContain("Aliyun DirectMail");
    expect(error.message).not.toContain("login@");
    refuseOtherSender("smtp.example.com", "login@example.com", "help@example.com", "fromEmail");
  });
});
