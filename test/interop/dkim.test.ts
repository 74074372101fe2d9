// Signed messages, verified by a program that is not ours: each with two keys, in every canonicalization, at once.
import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { composeStream } from "../../src/compose.ts";
import { createDkimSigner } from "../../src/dkim.ts";
import type { Message } from "../../src/message.ts";
import { corpus } from "../mime/corpus/all.ts";
import { fullMessage, shortMessage } from "./sample.ts";

const LIMIT = 60_000; // ms; it takes about six seconds
const DOMAIN = "example.test";
const RSA = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ED25519 = generateKeyPairSync("ed25519");

/** What is published in the DNS, and given to the verifier here. RFC 8463 §4: 32 octets, without what is around them. */
const RECORDS = {
  [`rsa._domainkey.${DOMAIN}`]: `v=DKIM1; k=rsa; p=${base64(RSA.publicKey.export({ type: "spki", format: "der" }))}`,
  [`ed25519._domainkey.${DOMAIN}`]: `v=DKIM1; k=ed25519; p=${base64(
    ED25519.publicKey.export({ type: "spki", format: "der" }).subarray(-32),
  )}`,
};

const signers = [
  { selector: "rsa", privateKey: RSA.privateKey.export({ type: "pkcs1", format: "pem" }).toString() },
  { selector: "ed25519", privateKey: ED25519.privateKey.export({ type: "pkcs8", format: "pem" }).toString() },
].flatMap((key) =>
  (["relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple"] as const).map(
    (canonicalization) => createDkimSigner({ ...key, domain: DOMAIN, canonicalization, expiresIn: 86_400 }),
  ),
);
const VALID: readonly unknown[] = signers.map(() => true);

/** Every message that is composed anywhere in the tests. */
const messages: readonly { readonly name: string; readonly message: Message | (() => Message) }[] = [
  { name: "a short message", message: shortMessage("short") },
  { name: "everything at once", message: fullMessage("everything at once") },
  ...corpus,
];

/** What no composer writes, and a message that is given whole may hold. */
const BY_HAND: Readonly<Record<string, string>> = {
  "no body": "From: a@example.test\r\nSubject: x\r\n\r\n",
  "an empty line for a body": "From: a@example.test\r\n\r\n\r\n",
  "line ends at its end": "From: a@example.test\r\n\r\nx\r\n\r\n\r\n\r\n",
  "white space everywhere":
    "FROM:\t a@example.test \r\nTo:\r\n\tb@example.test\r\nSubject: \t\r\n\r\n \t\r\n\tx  y\t \r\n \r\n",
  "fields that occur more than once":
    "To: 1\r\nFrom: a@example.test\r\nto: 2\r\nList-Id: 3\r\nTO: 4\r\nList-Id: 5\r\n\r\nx\r\n",
  "octets beyond ASCII":
    "From: a@example.test\r\nSubject: \u00c3\u00a9\u00a0\r\n\r\n\u00a0\u00e2\u0080\u00a8 \u00ff\r\n",
  "dots, and a long body": `From: a@example.test\r\n\r\n${".\r\n..\r\n  <td>\t x </td> \r\n".repeat(2000)}`,
};

const signed = new Map<string, Uint8Array>();
const verdicts = new Map<string, readonly unknown[]>();

beforeAll(async () => {
  for (const { name, message } of messages) {
    const composed = await composeStream(typeof message === "function" ? message() : message);
    signed.set(name, await sign(await composed.toUint8Array()));
  }
  for (const [name, message] of Object.entries(BY_HAND)) {
    signed.set(name, await sign(Buffer.from(message, "latin1")));
  }
  const [example = Buffer.of()] = signed.values();
  signed.set("a body that was changed", edit(example, "042137", "666666"));
  signed.set("a subject that was changed", edit(example, "Subject: short", "Subject: other"));
  signed.set("a subject that was added", edit(example, "\r\nSubject:", "\r\nSubject: other\r\nSubject:"));
  const results = await verify([...signed.values()]);
  [...signed.keys()].forEach((name, at) => {
    verdicts.set(name, results[at] ?? []);
  });
}, LIMIT);

afterAll(() => {
  const count = [...verdicts.values()].filter(
    (each) => each.length > 0 && each.every((one) => one === true),
  ).length;
  console.log(
    `interop dkim: all ${signers.length} signatures of ${count} messages verify, of 3 that were changed none`,
  );
});

describe("python3-dkim", () => {
  test.each([...messages.map(({ name }) => name), ...Object.keys(BY_HAND)])("verifies %s", (name) => {
    expect(verdicts.get(name)).toEqual(VALID);
  });

  test.each(["a body that was changed", "a subject that was changed", "a subject that was added"])(
    "does not verify %s",
    (name) => {
      const found = verdicts.get(name) ?? [];
      expect(found).toHaveLength(signers.length);
      expect(found).not.toContain(true);
    },
  );
});

/** A message with all the signatures before it; half of them are made of it in pieces. */
async function sign(content: Uint8Array): Promise<Uint8Array> {
  const fields = await Promise.all(
    signers.map((signer, at) => signer.sign(at % 2 === 0 ? content : inPieces(content), new Date())),
  );
  return Buffer.concat([...fields.map((field) => Buffer.from(field)), content]);
}

async function* inPieces(content: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += 1000) yield content.subarray(at, at + 1000);
}

function edit(message: Uint8Array, from: string, to: string): Uint8Array {
  const before = Buffer.from(message).toString("latin1");
  expect(before).toContain(from);
  return Buffer.from(before.replace(from, to), "latin1");
}

function base64(octets: Uint8Array): string {
  return Buffer.from(octets).toString("base64");
}

async function verify(octets: readonly Uint8Array[]): Promise<readonly (readonly unknown[])[]> {
  const script = fileURLToPath(new URL("dkim.sh", import.meta.url));
  const verifier = spawn("bash", [script, "verify"], { stdio: ["pipe", "pipe", "inherit"] });
  verifier.stdin.end(JSON.stringify({ keys: RECORDS, messages: octets.map(base64) }));
  return JSON.parse(await text(verifier.stdout)) as (readonly unknown[])[];
}
