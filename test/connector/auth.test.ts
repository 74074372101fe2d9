// Credentials in all the forms that a config may have them in, down to what the server hears.

import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { readConnectorConfig } from "../../src/connector.ts";
import { caught, configWith, connectorTo, problemsOf } from "../support/connector.ts";
import { polite } from "../support/manners.ts";
import { serve } from "../support/server.ts";
import { serveTokens } from "../support/token-server.ts";
import { errorOf, watchProcess } from "../support/watch.ts";

watchProcess();

const MESSAGE = { to: "bob@example.org", type: "SignIn", payload: { code: "1" } };
const USER = "alice@example.com";
const problems = (auth: unknown): string[] => problemsOf(() => readConnectorConfig(configWith({ auth })));
const key = (): string =>
  generateKeyPairSync("rsa", { modulusLength: 2048 })
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();

/** What the server heard as the token of each login. */
function tokens(heard: string): string[] {
  const logins = [...heard.matchAll(/^AUTH XOAUTH2 (\S+)/gm)];
  return logins.map(([, response = ""]) => /Bearer ([^\x01]*)/.exec(atob(response))?.[1] ?? "");
}

describe("the forms", () => {
  test.each([
    { user: USER, pass: "secret" },
    { type: "login", user: USER, pass: "secret" },
    { type: "Login", user: USER, pass: "secret" },
  ])("%j logs in with the password", async (auth) => {
    const server = await serve(polite({ offers: ["AUTH PLAIN LOGIN XOAUTH2"] }));
    await connectorTo(server, { auth }).send(MESSAGE);
    expect(server.heard).toContain(`AUTH PLAIN ${btoa(`\0${USER}\0secret`)}\r\n`);
  });

  test("a mechanism by its name in nodemailer", async () => {
    const server = await serve(
      polite({
        offers: ["AUTH PLAIN LOGIN"],
        AUTH: async (peer) => {
          await peer.say("334 VXNlcm5hbWU6");
          await peer.line();
          await peer.say("334 UGFzc3dvcmQ6");
          await peer.line();
          return "235 2.7.0 ok";
        },
      }),
    );
    await connectorTo(server, { auth: { user: USER, pass: "secret" }, authMethod: "LOGIN" }).send(MESSAGE);
    expect(server.heard).toContain(`AUTH LOGIN\r\n${btoa(USER)}\r\n${btoa("secret")}\r\n`);
  });

  test("OAuth2 with a refresh token gets a token and logs in with it", async () => {
    const endpoint = await serveTokens({
      body: { access_token: "got", token_type: "Bearer", expires_in: 3600 },
    });
    const server = await serve(polite({ offers: ["AUTH XOAUTH2"] }));
    const auth = {
      type: "OAuth2",
      user: USER,
      clientId: "client",
      clientSecret: "secret",
      refreshToken: "1//refresh",
      accessUrl: endpoint.url,
    };
    await connectorTo(server, { auth }).send(MESSAGE);
    expect(tokens(server.heard)).toEqual(["got"]);
    expect(endpoint.heard[0]?.form).toMatchObject({
      grant_type: "refresh_token",
      client_id: "client",
      client_secret: "secret",
      refresh_token: "1//refresh",
    });
  });

  test("a first access token is used until it ends", async () => {
    const endpoint = await serveTokens({
      body: { access_token: "got", token_type: "Bearer", expires_in: 3600 },
    });
    const oauth2 = { user: USER, clientId: "client", refreshToken: "1//refresh", accessUrl: endpoint.url };
    const first = await serve(polite({ offers: ["AUTH XOAUTH2"] }));
    const auth = { ...oauth2, accessToken: "first", expires: Date.now() + 3_600_000 };
    await connectorTo(first, { auth }).send(MESSAGE);
    expect(tokens(first.heard)).toEqual(["first"]);
    expect(endpoint.heard).toEqual([]);

    const second = await serve(polite({ offers: ["AUTH XOAUTH2"] }));
    await connectorTo(second, { auth: { ...auth, expires: Date.now() - 1 } }).send(MESSAGE);
    expect(tokens(second.heard)).toEqual(["got"]);
  });

  test("a first access token that is refused is replaced", async () => {
    const endpoint = await serveTokens({
      body: { access_token: "got", token_type: "Bearer", expires_in: 3600 },
    });
    const server = await serve(
      polite({
        offers: ["AUTH XOAUTH2"],
        AUTH: (_peer, line) => (tokens(line)[0] === "got" ? "235 2.7.0 ok" : "535 5.7.8 no"),
      }),
    );
    const auth = {
      user: USER,
      clientId: "a",
      refreshToken: "b",
      accessUrl: endpoint.url,
      accessToken: "first",
    };
    await connectorTo(server, { auth }).send(MESSAGE);
    expect(tokens(server.heard)).toEqual(["first", "got"]);
  });

  test("an access token alone is all there is", async () => {
    const server = await serve(polite({ offers: ["AUTH XOAUTH2"] }));
    await connectorTo(server, { auth: { user: USER, accessToken: "only" } }).send(MESSAGE);
    expect(tokens(server.heard)).toEqual(["only"]);

    const auth = { type: "OAUTH2", user: USER, accessToken: "only", expires: Date.now() - 1 };
    expect(await errorOf(connectorTo(server, { auth }).send(MESSAGE))).toMatchObject({
      name: "TokenError",
      reason: "reauthorise",
      hint: expect.stringContaining("auth.accessToken"),
    });
  });

  test.each(["a string", "an object"])(
    "a service account signs for the user, with a key that is %s",
    async (form) => {
      const endpoint = await serveTokens({
        body: { access_token: "got", token_type: "Bearer", expires_in: 3600 },
      });
      const server = await serve(polite({ offers: ["AUTH XOAUTH2"] }));
      const pem = key();
      const locked = (): object => {
        const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
        const cipher = { cipher: "aes-256-cbc", passphrase: "open" };
        return {
          key: privateKey.export({ type: "pkcs8", format: "pem", ...cipher }).toString(),
          passphrase: "open",
        };
      };
      const serviceClient = "mailer@project.iam.gserviceaccount.com";
      const privateKey = form === "a string" ? pem : locked();
      const auth = { type: "OAuth2", user: USER, serviceClient, privateKey, accessUrl: endpoint.url };
      await connectorTo(server, { auth }).send(MESSAGE);
      expect(tokens(server.heard)).toEqual(["got"]);
      const claims = endpoint.heard[0]?.form.assertion?.split(".")[1] ?? "";
      expect(JSON.parse(Buffer.from(claims, "base64url").toString())).toMatchObject({
        iss: serviceClient,
        sub: USER,
        scope: "https://mail.google.com/",
        aud: endpoint.url,
      });
    },
  );
});

describe("a form that is not whole", () => {
  const missing = (name: string, more = ""): string[] => [`auth.${name}: is missing${more}`];

  test.each([
    [{ user: USER }, missing("pass")],
    [{ pass: "secret" }, missing("user")],
    [{ type: "OAuth2", user: USER }, missing("refreshToken")],
    [{ user: USER, clientId: "a", clientSecret: "b" }, missing("refreshToken")],
    [{ user: USER, refreshToken: "a" }, missing("clientId", ": a refreshToken needs it")],
    [{ clientId: "a", refreshToken: "a" }, missing("user")],
    [{ user: USER, serviceClient: "a" }, missing("privateKey", ": a serviceClient needs it")],
    [
      { user: USER, accessToken: "a", clientId: "b" },
      ["auth.clientId: is given, and there is no refreshToken to use it with"],
    ],
    [
      { user: USER, refreshToken: "a", clientId: "b", expires: 5 },
      ["auth.expires: is given without the accessToken that it is about"],
    ],
    [
      { user: USER, pass: "a", accessToken: "b" },
      ["auth.pass: is a password, and the rest of auth is OAuth2: one of them"],
    ],
    [
      { type: "login", user: USER, accessToken: "b" },
      ['auth.type: is "login", and the rest of auth is OAuth2: set it to "OAuth2", or leave it out'],
    ],
    [{ type: "ntlm", user: USER, pass: "a" }, ['auth.type: is neither "login" nor "OAuth2"']],
    [null, ["auth: is null, not an object"]],
  ])("%j", (auth, expected) => {
    expect(problems(auth)).toEqual(expected);
  });

  test("names a key that cannot sign by its place in the config, and does not show it", () => {
    const auth = {
      user: USER,
      serviceClient: "a@example.com",
      privateKey: "-----BEGIN PRIVATE KEY-----\\nhunter2",
    };
    const [problem, ...others] = caught(() => readConnectorConfig(configWith({ auth })));
    expect(problem?.path).toBe("auth.privateKey");
    expect(others).toEqual([]);
    expect(JSON.stringify(problem)).not.toContain("hunter2");
  });
});
