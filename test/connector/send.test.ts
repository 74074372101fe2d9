// Sending by usage type: what is chosen, what it says, and what no value can do to it.

import { describe, expect, test } from "vitest";
import { createConnector } from "../../src/connector-door.ts";
import { ConfigError, MessageError } from "../../src/errors.ts";
import { CONFIG, configWith, connectorTo, template, USAGE_TYPES } from "../support/connector.ts";
import { polite } from "../support/manners.ts";
import { serve } from "../support/server.ts";
import { errorOf, watchProcess } from "../support/watch.ts";

watchProcess();

const TO = "bob@example.org";
const LOGIN = { offers: ["AUTH PLAIN LOGIN"] };

/** The connector of a server that takes everything, and what that has heard. */
async function sending(more: object = {}) {
  const server = await serve(polite(LOGIN));
  return { server, connector: connectorTo(server, more) };
}

/** The value of a header field of the message, unfolded. */
function field(message: string | undefined, name: string): string | undefined {
  const [section = ""] = (message ?? "").split("\r\n\r\n");
  const unfolded = section.replaceAll(/\r\n(?=[ \t])/g, "").split("\r\n");
  return unfolded
    .find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}: `))
    ?.slice(name.length + 2);
}

describe("the usage type", () => {
  test.each(USAGE_TYPES)("%s gets its own template", async (type) => {
    const { server, connector } = await sending();
    const receipt = await connector.send({ to: TO, type, payload: { code: "042137" } });
    expect(receipt.accepted).toEqual([TO]);
    const [message] = server.messages;
    expect(field(message, "Subject")).toBe(`${type}: 042137`);
    expect(field(message, "From")).toBe("Example <login@example.com>");
    expect(message).toContain(`\r\n\r\nYour ${type} code is 042137.`);
  });

  test("without a template gets Generic", async () => {
    const { server, connector } = await sending();
    await connector.send({ to: TO, type: "OrganizationInvitation", payload: { code: "1" } });
    expect(field(server.messages[0], "Subject")).toBe("Generic: 1");
  });

  test("must be said", async () => {
    const { server, connector } = await sending();
    const error = await errorOf(connector.send({ to: TO, type: undefined as never, payload: { code: "1" } }));
    expect(error).toMatchObject({ name: "MessageError", field: "type", delivery: "not-sent" });
    expect(server.peers).toEqual([]);
  });
});

test("a signal beside the message, where a client has it, is refused and not overlooked", async () => {
  const { server, connector } = await sending();
  const send = connector.send.bind(connector) as (...given: readonly unknown[]) => Promise<unknown>;
  const message = { to: TO, type: "SignIn", payload: { code: "1" } };
  const error = await errorOf(send(message, { signal: AbortSignal.abort() }));
  expect(error).toMatchObject({ name: "ConfigError", option: "options", delivery: "not-sent" });
  expect((error as ConfigError).hint).toContain("signal");
  expect(server.peers).toEqual([]);
  await send(message, undefined);
  expect(server.messages).toHaveLength(1);
});

describe("the language", () => {
  const templates = [
    ...CONFIG.templates,
    ...["en", "zh-Hant", "zh-Hant-TW", "zh"].map((locale) => template("SignIn", { locale, subject: locale })),
    template("Register", { usageType: "Alert", locale: "fr", subject: "fr" }),
  ];

  test.each([
    ["en", "en"],
    ["EN-gb", "en"],
    ["zh-Hant-TW", "zh-Hant-TW"],
    ["zh-hant-hk", "zh-Hant"],
    ["zh-Hant-x-private", "zh-Hant"],
    ["zh-Hans-CN", "zh"],
    ["de", "SignIn: 1"],
    [undefined, "SignIn: 1"],
  ])("%s is looked up", async (locale, subject) => {
    const { server, connector } = await sending({ templates });
    await connector.send({ to: TO, type: "SignIn", payload: { code: "1" }, ...(locale && { locale }) });
    expect(field(server.messages[0], "Subject")).toBe(subject);
  });

  test("of the only template does where no other is there", async () => {
    const { server, connector } = await sending({ templates });
    await connector.send({ to: TO, type: "Alert", payload: { code: "1" }, locale: "de" });
    expect(field(server.messages[0], "Subject")).toBe("fr");
  });

  test("that is no tag is refused", async () => {
    const { connector } = await sending();
    const sent = connector.send({ to: TO, type: "SignIn", payload: { code: "1" }, locale: "en_US" });
    expect(await errorOf(sent)).toMatchObject({ field: "locale" });
  });
});

describe("values", () => {
  const signIn = (more: object) => ({
    templates: [
      ...CONFIG.templates.filter(({ usageType }) => usageType !== "SignIn"),
      template("SignIn", more),
    ],
  });
  const send = async (more: object, payload: object, config: object = {}) => {
    const { server, connector } = await sending({ ...signIn(more), ...config });
    const sent = connector.send({ to: TO, type: "SignIn", payload: { ...payload } });
    return { server, sent };
  };

  test("that are missing refuse the message", async () => {
    const { server, sent } = await send({}, {});
    expect(await errorOf(sent)).toMatchObject({ code: "missing_value", field: "code", delivery: "not-sent" });
    expect(server.peers).toEqual([]);
  });

  test("that are missing stay placeholders where the config wants that", async () => {
    const { server, sent } = await send(
      { content: "{{code}}{{user.name}}." },
      { user: {} },
      { missing: "keep" },
    );
    await sent;
    expect(server.messages[0]).toContain("\r\n\r\n{{code}}.");
    const { server: other, sent: also } = await send({}, {}, { missing: "empty" });
    await also;
    expect(other.messages[0]).toContain("\r\n\r\nYour SignIn code is .");
  });

  test("are escaped in HTML, and themselves in the text beside it", async () => {
    const content = '<p>Hello {{name}}</p><p><a href="https://example.com/?c={{code}}">Sign in</a></p>';
    const { server, sent } = await send(
      { contentType: "text/html", content },
      { code: "1", name: "<b>A & B</b>" },
    );
    await sent;
    const [message] = server.messages;
    expect(message).toContain("Content-Type: multipart/alternative");
    expect(message).toContain("Hello <b>A & B</b>");
    expect(message).toContain("Hello &lt;b&gt;A &amp; B&lt;/b&gt;");
    expect(message).toContain("Sign in (https://example.com/?c=1)");
  });

  test("are in the text of the template where it has one", async () => {
    const more = { contentType: "text/html", content: "<p>{{code}}</p>", text: "Plainly <<code>>" };
    const { server, sent } = await send(more, { code: "<1>" });
    await sent;
    expect(server.messages[0]).toContain("Plainly <1>");
  });

  test("with a line end do not get into a subject", async () => {
    const { server, sent } = await send({}, { code: "1\r\nBcc: eve@example.com" });
    expect(await errorOf(sent)).toMatchObject({ code: "invalid_value", field: "code" });
    expect(server.peers).toEqual([]);
  });

  test("make a name or a part of an address, as the template has them", async () => {
    const more = { sendFrom: '"{{name}}" <{{user}}@example.com>', replyTo: "<<user>>@example.net" };
    const { server, sent } = await send(more, { code: "1", name: 'Doe, "Jane" <x@y>', user: "jane" });
    const receipt = await sent;
    expect(receipt.envelope.from).toBe("jane@example.com");
    expect(field(server.messages[0], "From")).toBe('"Doe, \\"Jane\\" <x@y>" <jane@example.com>');
    expect(field(server.messages[0], "Reply-To")).toBe("jane@example.net");
  });

  test.each([
    "eve@evil.example",
    "eve@evil.example>",
    "a, b",
    "a b",
    'a"b',
    "",
    "a\r\nb",
    "eve@evil.example <a",
    "(",
  ])("%j cannot break out of an address", async (user) => {
    for (const sendFrom of ["{{name}} <{{user}}@example.com>", "{{user}}@example.com"]) {
      const { server, sent } = await send({ sendFrom }, { code: "1", name: "Jane", user });
      expect(await errorOf(sent)).toBeInstanceOf(MessageError);
      expect(server.peers).toEqual([]);
    }
  });

  test("never leave a placeholder in an address", async () => {
    const { sent } = await send({ sendFrom: "{{user}}@example.com" }, { code: "1" }, { missing: "keep" });
    expect(await errorOf(sent)).toMatchObject({ code: "missing_value", field: "user" });
  });

  test("of a whole address are one address alone, behind a name too", async () => {
    for (const sendFrom of ["{{name}} <{{address}}>", " {{name}} <{{address}}> "]) {
      const values = { code: "1", name: "Jane", address: "jane@example.com" };
      const { server, sent } = await send({ sendFrom }, values);
      expect((await sent).envelope.from).toBe("jane@example.com");
      expect(field(server.messages[0], "From")).toBe("Jane <jane@example.com>");
      for (const address of ["a@example.com, b@example.com", "a@example.com> <b@example.com", "x"]) {
        const { sent: bad } = await send({ sendFrom }, { ...values, address });
        expect(await errorOf(bad)).toMatchObject({ field: "templates[3].sendFrom.address" });
      }
    }
  });

  test("of a whole address are no name with an address", async () => {
    const { sent } = await send({ replyTo: "{{address}}" }, { code: "1", address: "Eve <eve@example.com>" });
    expect(await errorOf(sent)).toMatchObject({ field: "templates[3].replyTo.address" });
    const { server, sent: good } = await send(
      { replyTo: "{{address}}" },
      { code: "1", address: "a@example.com" },
    );
    await good;
    expect(field(server.messages[0], "Reply-To")).toBe("a@example.com");
  });
});

describe("the message", () => {
  test("has the config's replyTo and headers", async () => {
    const customHeaders = { "X-Mailer": "connector", "X-Tag": ["one", "{{two}}"] };
    const { server, connector } = await sending({ replyTo: "help@example.com", customHeaders });
    await connector.send({ to: TO, type: "SignIn", payload: { code: "1" } });
    const [message] = server.messages;
    expect(field(message, "Reply-To")).toBe("help@example.com");
    expect(field(message, "X-Mailer")).toBe("connector");
    expect(message).toContain("X-Tag: one\r\nX-Tag: {{two}}\r\n");
  });

  test("is for one recipient", async () => {
    const { connector } = await sending();
    for (const to of [[TO, "eve@example.com"], `${TO}, eve@example.com`]) {
      const sent = connector.send({ to: to as string, type: "SignIn", payload: { code: "1" } });
      expect(await errorOf(sent)).toMatchObject({ name: "MessageError", field: "to" });
    }
  });

  test("takes no other property", async () => {
    const { connector } = await sending();
    const sent = connector.send({
      to: TO,
      type: "SignIn",
      payload: { code: "1" },
      bcc: "eve@example.com",
    } as never);
    expect(await errorOf(sent)).toMatchObject({ message: 'message: has no property "bcc"' });
  });

  test("goes nowhere once the signal is aborted", async () => {
    const { connector } = await sending();
    const signal = AbortSignal.abort();
    const sent = connector.send({ to: TO, type: "SignIn", payload: { code: "1" }, signal });
    expect(await errorOf(sent)).toMatchObject({ code: "aborted", delivery: "not-sent" });
  });
});

describe("the connector", () => {
  test("logs in with user and pass", async () => {
    const { server, connector } = await sending({ auth: { type: "LOGIN", user: "alice", pass: "secret" } });
    await connector.send({ to: TO, type: "SignIn", payload: { code: "1" } });
    expect(server.heard).toContain("AUTH PLAIN ");
  });

  test.each([undefined, {}, { type: "login" }])(
    "logs in to no relay that knows it, with auth %j",
    async (auth) => {
      const { server, connector } = await sending({ auth });
      await connector.send({ to: TO, type: "SignIn", payload: { code: "1" } });
      expect(server.heard).not.toContain("AUTH");
    },
  );

  test("is closed once, with its client", async () => {
    const { connector } = await sending();
    {
      await using open = connector;
      await open.send({ to: TO, type: "SignIn", payload: { code: "1" } });
    }
    const sent = connector.send({ to: TO, type: "SignIn", payload: { code: "1" } });
    expect(await errorOf(sent)).toMatchObject({ code: "client_closed" });
  });

  test("is not made of a config that is wrong", () => {
    expect(() => createConnector(configWith({ port: 0 }))).toThrow(ConfigError);
  });
});
