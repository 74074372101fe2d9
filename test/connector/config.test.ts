// The config of a connector: the tables of the guide row by row, and what is said of a config that is wrong.

import { describe, expect, test } from "vitest";
import { readConnectorConfig } from "../../src/connector.ts";
import { ConfigError } from "../../src/errors.ts";
import { CONFIG, caught, configWith, problemsOf, template, USAGE_TYPES } from "../support/connector.ts";

const problems = (more: object): string[] => problemsOf(() => readConnectorConfig(configWith(more)));
const without = (name: keyof typeof CONFIG): object =>
  Object.fromEntries(Object.entries(CONFIG).filter(([key]) => key !== name));

describe("the table of the config", () => {
  test("host is a name or an address", () => {
    for (const host of ["smtp.example.com", "192.0.2.1", "2001:db8::1", "localhost", "mail_1.example.com."]) {
      expect(problems({ host })).toEqual([]);
    }
    expect(problems({ host: "smtp://example.com" })).toEqual([
      "host: is neither a host name nor an IP address",
    ]);
    expect(problems({ host: 5 })).toEqual(["host: is a number, not a string"]);
    expect(problems({ host: "" })).toEqual(["host: is empty"]);
  });

  test("host or service must be there", () => {
    expect(problemsOf(() => readConnectorConfig(without("host")))).toEqual(["host: is missing"]);
    expect(
      problemsOf(() => readConnectorConfig({ ...without("host"), port: 465, service: "gmail" })),
    ).toEqual([]);
  });

  test("port is a string, as in the table, or a number, as in the examples", () => {
    expect(readConnectorConfig(configWith({ port: "2525" })).port).toBe(2525);
    expect(readConnectorConfig(configWith({ port: 2525 })).port).toBe(2525);
    for (const port of ["0", "65536", "025", " 25", "25 ", "2.5e1", "0x19", "", 0, 65_536, 1.5, true, null]) {
      expect(problems({ port }), JSON.stringify(port)).toEqual([
        "port: is not a whole number from 1 to 65535",
      ]);
    }
  });

  test("fromEmail is one mailbox", () => {
    expect(readConnectorConfig(CONFIG).fromEmail).toMatchObject({
      name: "Example",
      address: "login@example.com",
    });
    expect(problemsOf(() => readConnectorConfig(without("fromEmail")))).toEqual(["fromEmail: is missing"]);
    expect(problems({ fromEmail: "nobody" })).toHaveLength(1);
    expect(problems({ fromEmail: "a@example.com, b@example.com" })).toHaveLength(1);
    expect(problems({ fromEmail: { address: "a@example.com" } })).toEqual([
      "fromEmail: is an object, not a string",
    ]);
  });

  test("templates must be there, one for each usage type", () => {
    expect(problemsOf(() => readConnectorConfig(without("templates")))).toEqual(["templates: is missing"]);
    expect(problems({ templates: [] })).toEqual([
      "templates: no template for Register, SignIn, ForgotPassword, Generic",
    ]);
    expect(problems({ templates: [template("Register"), template("ForgotPassword")] })).toEqual([
      "templates: no template for SignIn, Generic",
    ]);
    expect(problems({ templates: {} })).toEqual(["templates: is an object, not an array"]);
  });
});

describe("the table of a template", () => {
  const with4 = (first: object): object => ({
    templates: [...USAGE_TYPES.slice(1).map((type) => template(type)), { ...template("Register"), ...first }],
  });

  test("usageType is one of the four, or any further string", () => {
    expect(problems({ templates: [...CONFIG.templates, template("OrganizationInvitation")] })).toEqual([]);
    expect(problems(with4({ usageType: 5 }))).toEqual([
      "templates[3].usageType: is a number, not a string",
      "templates: no template for Register",
    ]);
  });

  test("contentType is text/plain or text/html", () => {
    expect(problems(with4({ contentType: "text/html", content: "<p>{{code}}</p>" }))).toEqual([]);
    expect(problems(with4({ contentType: "html" }))).toEqual([
      'templates[3].contentType: is not "text/plain" or "text/html"',
    ]);
  });

  test("subject and content are text", () => {
    expect(problems(with4({ subject: undefined, content: undefined }))).toEqual([
      "templates[3].subject: is missing",
      "templates[3].content: is missing",
    ]);
    expect(problems(with4({ subject: "a\nBcc: eve@example.com", content: "" }))).toEqual([
      "templates[3].subject: holds a control character",
      "templates[3].content: is empty",
    ]);
  });

  test("a content that cannot be compiled is named", () => {
    const [problem] = caught(() =>
      readConnectorConfig(
        configWith(with4({ contentType: "text/html", content: "<script>{{code}}</script>" })),
      ),
    );
    expect(problem?.path).toBe("templates[3].content");
    expect(problem?.message).toMatch(/line 1/);
  });

  test("text stands beside HTML alone", () => {
    expect(
      problems(with4({ contentType: "text/html", content: "<p>{{code}}</p>", text: "{{code}}" })),
    ).toEqual([]);
    expect(problems(with4({ text: "{{code}}" }))).toEqual([
      "templates[3].text: is given where content is plain text already: leave it out",
    ]);
  });

  test("locale is a language tag", () => {
    expect(problems(with4({ locale: "zh-Hant-TW" }))).toEqual([]);
    expect(problems(with4({ locale: "en_US" }))).toEqual(["templates[3].locale: is no language tag"]);
  });

  test("two for the same usage type and language are one too many", () => {
    expect(problems({ templates: [...CONFIG.templates, template("SignIn", { locale: "en" })] })).toEqual([]);
    expect(problems({ templates: [...CONFIG.templates, template("SignIn")] })).toEqual([
      "templates[4]: is for SignIn, and so is templates[1]",
    ]);
    const twice = [template("SignIn", { locale: "en" }), template("SignIn", { locale: "EN" })];
    expect(problems({ templates: [...CONFIG.templates, ...twice] })).toEqual([
      "templates[5]: is for SignIn in en, and so is templates[4]",
    ]);
  });

  test("locale is text, and what is none is told like all the rest", () => {
    const [first, ...others] = CONFIG.templates;
    for (const locale of [{}, [{}], [[]], 5]) {
      const config = configWith({ port: 0, templates: [{ ...first, locale }, ...others] });
      expect(problemsOf(() => readConnectorConfig(config)).map((text) => text.split(":")[0])).toEqual([
        "port",
        "templates[0].locale",
      ]);
    }
  });

  test("a usage type that is there twice is shown without its control characters", () => {
    const one = template("\u009b2J", { subject: "{{code}}" });
    const twice = [one, one];
    const [problem] = problems({ templates: [...CONFIG.templates, ...twice] });
    expect(problem).toContain("templates[5]: is for ");
    expect(problem).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
  });

  test("sendFrom and replyTo are mailboxes, with placeholders or without", () => {
    const mailboxes = [
      "a@example.com",
      "Example <a@example.com>",
      '"{{app}}, Inc." <a@example.com>',
      "{{name}} <{{user}}@example.com>",
      "<<name>> <<<user>>@example.com>",
      "{{address}}",
      "<<address>>",
      "me@{{domain}}",
      "{{name}} <{{address}}>",
      "Example <{{ address }}>",
      "<<name>> <<<address>>>",
      " {{name}} <{{user}}@example.com> ",
    ];
    for (const mailbox of mailboxes) {
      expect(problems(with4({ sendFrom: mailbox, replyTo: mailbox })), mailbox).toEqual([]);
    }
    for (const mailbox of [
      "a@example.com, {{more}}",
      "{{name}}: <a@example.com>;",
      "{{name}} <a@example.com",
      "{{a}} {{b}}",
      "{{name}} <x>",
      "{{name}} <{{a}} {{b}}>",
    ]) {
      const [problem] = caught(() => readConnectorConfig(configWith(with4({ sendFrom: mailbox }))));
      expect(problem?.path, mailbox).toBe("templates[3].sendFrom");
    }
  });
});

describe("what is said together", () => {
  test.each([587, "587", 25])("port %s speaks STARTTLS, and secure: true does not", (port) => {
    expect(problems({ port, secure: true })).toEqual([
      `port: ${port} speaks STARTTLS, secure: true expects TLS from the first octet: set secure to false, or port to 465`,
    ]);
    expect(problems({ port, secure: false })).toEqual([]);
  });

  test("port 465 speaks TLS at once, and secure: false does not", () => {
    expect(problems({ port: 465, secure: false })).toEqual([
      "port: 465 speaks TLS from the first octet, secure: false expects STARTTLS: set secure to true, or port to 587",
    ]);
    expect(problems({ port: 465, secure: true })).toEqual([]);
    expect(problems({ port: 465, ignoreTLS: true })).toEqual([
      "ignoreTLS: is true where the connection begins with TLS: leave it out, or set secure to false and port to 587",
    ]);
  });

  test("words for TLS that contradict each other", () => {
    expect(problems({ requireTLS: true, ignoreTLS: true })).toEqual([
      "ignoreTLS: is true, and so is requireTLS: only one of them can be",
    ]);
    expect(problems({ requireTLS: true, ignoreTLS: false })).toEqual([]);
  });

  test("credentials that others could read", () => {
    const auth = { user: "alice", pass: "secret" };
    const unsafe = "would send the credentials over a connection that others may read";
    expect(problems({ host: "mail.example.com", ignoreTLS: true, auth })).toEqual([`ignoreTLS: ${unsafe}`]);
    expect(problems({ host: "mail.example.com", tls: { rejectUnauthorized: false }, auth })).toEqual([
      `tls.rejectUnauthorized: ${unsafe}`,
    ]);
    expect(problems({ ignoreTLS: true, auth })).toEqual([]);
    expect(problems({ ignoreTLS: true, auth: { ...auth, allowInsecure: false } })).toHaveLength(1);
    expect(problems({ ignoreTLS: true, proxy: "http://127.0.0.1:3128", auth })).toHaveLength(1);
    expect(
      problems({ host: "mail.example.com", ignoreTLS: true, auth: { ...auth, allowInsecure: true } }),
    ).toEqual([]);
    expect(problems({ host: "mail.example.com", ignoreTLS: true })).toEqual([]);
  });

  test.each([
    [{ debug: true }, "debug: is true, and there is no logger to tell: set logger to true as well"],
    [{ rateDelta: 5 }, "rateDelta: is given without rateLimit, the number of messages in that time"],
    [
      { pool: false, maxMessages: 5 },
      "maxMessages: is given where pool: false opens a connection for each message: leave one of them out",
    ],
    [
      { servername: "a.example", tls: { servername: "b.example" } },
      "tls.servername: is given, and so is servername: leave one of them out",
    ],
    [{ lmtp: true, port: 25 }, "port: is 25, where LMTP must not be spoken (RFC 2033 §5)"],
    [{ authMethod: "PLAIN" }, "authMethod: is given, and auth is not"],
  ])("%j", (more, problem) => {
    expect(problems(more)).toEqual([problem]);
  });

  test("Aliyun DirectMail takes no sender but the one that logs in", () => {
    const auth = { user: "other@example.com", pass: "secret" };
    const [problem, ...more] = caught(() =>
      readConnectorConfig(configWith({ host: undefined, port: 465, service: "aliyun", auth })),
    );
    expect(problem?.path).toBe("fromEmail");
    expect(more).toEqual([]);
    expect(problems({ host: "smtpdm.aliyun.com", auth: { ...auth, user: "login@example.com" } })).toEqual([]);
    const said = { host: "smtpdm.aliyun.com", auth: { ...auth, user: "login@example.com" } };
    const from = (sendFrom: string) =>
      ["Register", "SignIn", "ForgotPassword", "Generic"].map((type) => ({ ...template(type), sendFrom }));
    expect(problems({ ...said, templates: from("Ops <login@example.com>") })).toEqual([]);
    expect(problems({ ...said, templates: from("{{who}} <login@example.com>") })).toEqual([]);
    expect(problems({ ...said, templates: from("ops@example.com") })[0]).toMatch(
      /^templates\[0\]\.sendFrom: is not the sender/,
    );
  });
});

describe("a config that is wrong", () => {
  test("is told whole, in one error", () => {
    const config = {
      port: 587,
      secure: true,
      fromEmail: "x",
      templates: [template("Register")],
      replyto: "a@example.com",
    };
    let error: unknown;
    try {
      readConnectorConfig(config);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ code: "invalid_option", option: "config", phase: "config" });
    expect((error as Error).message.split("\n")).toEqual([
      'config: has no property "replyto"; is "replyTo" meant?',
      expect.stringMatching(/^fromEmail: /),
      "host: is missing",
      expect.stringMatching(/^port: 587 speaks STARTTLS/),
      "templates: no template for SignIn, ForgotPassword, Generic",
    ]);
    expect((error as ConfigError).problems).toHaveLength(5);
  });

  test("names options of nodemailer that mean nothing here, and what does it instead", () => {
    expect(problems({ transactionLog: true, auth: { method: "PLAIN" } })).toEqual([
      "transactionLog: means nothing here: debug: true does the same",
      "auth.method: means nothing here: say authMethod, beside auth",
    ]);
  });

  test("names unknown properties where they are, and those they resemble", () => {
    const templates = [{ ...template("Register"), usagetype: "x" }, ...CONFIG.templates.slice(1)];
    expect(problems({ templates, tls: { cipher: "x" }, auth: { usr: "x" } })).toEqual([
      'templates[0]: has no property "usagetype"; is "usageType" meant?',
      'auth: has no property "usr"; is "user" meant?',
      'tls: has no property "cipher"; is "ciphers" meant?',
    ]);
  });

  test("names a provider that is not known, and those it resembles", () => {
    expect(problems({ service: "gmial" })).toEqual([
      'service: is no provider known here: "gmial"; is "gmail" meant?',
    ]);
  });

  test("names header fields that no message takes", () => {
    const customHeaders = { "X-Ok": ["a", "b"], Subject: "x", "X-Bad": "a\nb", "X-Not": 5, "X-None": [] };
    expect(problems({ customHeaders })).toEqual([
      'customHeaders["Subject"]: is not set here',
      'customHeaders["X-Bad"]: holds the control character U+000A',
      'customHeaders["X-Not"]: is a number, not a string or an array of strings',
      'customHeaders["X-None"]: is an empty array',
    ]);
  });

  test.each([[undefined], [null], ["{}"], [[]], [new Map([["host", "x"]])]])("%s is none", (config) => {
    expect(caught(() => readConnectorConfig(config))).toMatchObject([
      { path: "config", message: expect.stringMatching(/^is .*, not an object$/) },
    ]);
  });

  test("shows no secret, whatever is wrong with it", () => {
    const secrets = {
      pass: "hunter2\n",
      clientSecret: "hunter2\n",
      refreshToken: "hunter2 x",
      accessToken: "hunter2 x",
    };
    const auth = {
      user: "a",
      ...secrets,
      privateKey: { key: "hunter2", passphrase: 2 },
      accessUrl: "http://hunter2@x/",
    };
    const proxy = "ftp://a:hunter2@proxy.example";
    const found = caught(() =>
      readConnectorConfig(configWith({ auth, proxy, customHeaders: { "X-A": "hunter2\n" } })),
    );
    expect(found.length).toBeGreaterThan(5);
    expect(JSON.stringify(found)).not.toContain("hunter2");
  });
});

describe("reading a config", () => {
  test("takes own properties, each once", () => {
    let reads = 0;
    const config = Object.defineProperty(configWith({}), "host", {
      enumerable: true,
      get: () => (reads++ === 0 ? "mail.example.com" : "evil.example"),
    });
    expect(readConnectorConfig(config).host).toBe("mail.example.com");
    expect(reads).toBe(1);
    const inherited = Object.create({ replyTo: "eve@example.com" }, Object.getOwnPropertyDescriptors(CONFIG));
    expect(readConnectorConfig(inherited).replyTo).toBeUndefined();
  });

  test("finds nothing on a polluted prototype", () => {
    const polluted = Object.prototype as { replyTo?: string };
    polluted.replyTo = "eve@example.com";
    try {
      expect(readConnectorConfig(CONFIG).replyTo).toBeUndefined();
    } finally {
      delete polluted.replyTo;
    }
    const own: unknown = JSON.parse(JSON.stringify(CONFIG).replace("{", '{"__proto__": {}, '));
    expect(problemsOf(() => readConnectorConfig(own))).toEqual(['config: has no property "__proto__"']);
  });

  test("leaves what it was given as it was", () => {
    const config = JSON.parse(
      JSON.stringify(configWith({ tls: { ca: ["x"] }, auth: { user: "a", pass: "b" } })),
    );
    const before = JSON.stringify(config);
    const deepFreeze = (value: unknown): void => {
      if (typeof value !== "object" || value === null) return;
      Object.freeze(value);
      Object.values(value).forEach(deepFreeze);
    };
    deepFreeze(config);
    readConnectorConfig(config);
    expect(JSON.stringify(config)).toBe(before);
  });
});
