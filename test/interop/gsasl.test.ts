// SCRAM with somebody else's other half, over real TLS: tied to that, and what happens where somebody is in between.
import { beforeAll, describe, expect, test } from "vitest";
import type { AuthenticationError, SmtpClientOptions } from "../../src/index.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { connectTo, MESSAGE } from "../support/client.ts";
import { polite } from "../support/manners.ts";
import { type Server, serve } from "../support/server.ts";
import { errorOf } from "../support/watch.ts";
import { byGsasl, type Manner, pass, user } from "./gsasl.ts";
import { witness } from "./witness.ts";

const saw = witness("gsasl");
const ALL = ["SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "PLAIN"];
const PLUS = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"] as const;
const PLAIN = ["SCRAM-SHA-256", "SCRAM-SHA-1"] as const;

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});

const exporter = (exported: Buffer): Buffer => exported;

async function submission(offered: readonly string[], manner: Manner): Promise<Server> {
  const manners = { offers: [`AUTH ${offered.join(" ")}`], AUTH: byGsasl(manner) };
  return serve(polite(manners), { tls: certificates.good });
}

function clientOf(server: Server, auth: object = {}) {
  const options: SmtpClientOptions = { security: "tls", tls: { ca: certificates.ca } };
  return connectTo(server, { ...options, auth: { user, pass, ...auth } }).client;
}

/** What was said first, in the clear. */
function begun({ peers }: Server): string {
  const [, mechanism, initial = ""] =
    peers[0]?.lines.find((line) => line.startsWith("AUTH"))?.split(" ") ?? [];
  return `${mechanism} ${Buffer.from(initial, "base64").toString().split("n=")[0]}`;
}

describe("a login that is tied to the TLS", () => {
  test.each(PLUS)("is accepted, and accepts the server: %s", async (mechanism) => {
    const server = await submission(ALL, { binding: exporter });
    const receipt = await clientOf(server, { mechanism }).send(MESSAGE);
    expect(server.messages).toHaveLength(1);
    expect(begun(server)).toBe(`${mechanism} p=tls-exporter,,`);
    saw(mechanism, receipt.reply, "tied to what both ends of the TLS export");
  });

  test("is what is chosen of all that is offered", async () => {
    const server = await submission(ALL, { binding: exporter });
    await clientOf(server).send(MESSAGE);
    expect(begun(server)).toBe("SCRAM-SHA-256-PLUS p=tls-exporter,,");
  });

  test.each(PLUS)("is on behalf of somebody else where that is said: %s", async (mechanism) => {
    const server = await submission(ALL, { binding: exporter });
    await clientOf(server, { mechanism, authorizationId: "a,b=c" }).send(MESSAGE);
    expect(begun(server)).toBe(`${mechanism} p=tls-exporter,a=a=2Cb=3Dc,`);
  });

  test.each(PLUS)("is refused with a wrong password: %s", async (mechanism) => {
    const server = await submission(ALL, { binding: exporter });
    const error = await errorOf(clientOf(server, { mechanism, pass: "wr0ng pass" }).send(MESSAGE));
    expect(error).toMatchObject({ code: "authentication_refused", mechanism, delivery: "not-sent" });
    expect(server.messages).toEqual([]);
  });

  test.each(PLUS)("is refused where the server's end is that of another TLS: %s", async (mechanism) => {
    const binding = (exported: Buffer): Buffer =>
      Buffer.from(exported.map((octet, at) => (at === 31 ? octet ^ 1 : octet)));
    const server = await submission(ALL, { binding });
    const error = await errorOf(clientOf(server, { mechanism }).send(MESSAGE));
    expect(error).toMatchObject({ code: "authentication_refused", mechanism, delivery: "not-sent" });
    expect(error).toMatchObject({ reply: { code: 535 } });
    expect(server.messages).toEqual([]);
    saw(`${mechanism}, a bit of the binding changed`, (error as AuthenticationError).reply, "refused");
  });
});

describe("a login that could be tied to the TLS", () => {
  test.each(PLAIN)("is accepted where the server cannot do that: %s", async (mechanism) => {
    const server = await submission([mechanism], {});
    await clientOf(server).send(MESSAGE);
    expect(server.messages).toHaveLength(1);
    expect(begun(server)).toBe(`${mechanism} y,,`);
  });

  test.each(PLAIN)("is refused where the offer was taken out on its way: %s", async (mechanism) => {
    const server = await submission([mechanism], { binding: exporter });
    const error = await errorOf(clientOf(server).send(MESSAGE));
    expect(error).toMatchObject({ code: "authentication_refused", mechanism, delivery: "not-sent" });
    expect(begun(server)).toBe(`${mechanism} y,,`);
    expect(server.messages).toEqual([]);
  });

  test("is not, where the user wants that, and the server need not mind", async () => {
    const server = await submission(ALL, { binding: exporter });
    await clientOf(server, { channelBinding: false }).send(MESSAGE);
    expect(begun(server)).toBe("SCRAM-SHA-256 n,,");
  });
});

test.each([...PLUS, ...PLAIN])("a server whose proof is wrong gets no message: %s", async (mechanism) => {
  const manner: Manner = {
    challenge: (text) => text.replace(/^v=(.)/, (_, first) => `v=${first === "A" ? "B" : "A"}`),
    ...(mechanism.endsWith("-PLUS") && { binding: exporter }),
  };
  const server = await submission([mechanism], manner);
  const error = await errorOf(clientOf(server).send(MESSAGE));
  expect(error).toMatchObject({ code: "server_unproven", phase: "auth", delivery: "not-sent" });
  expect(server.messages).toEqual([]);
  expect(server.peers[0]?.lines).toContain("*");
});
