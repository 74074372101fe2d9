import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import type { ChannelBinding } from "../../src/channel-binding.ts";
import { ConfigError, ProtocolError, type SmtpError } from "../../src/errors.ts";
import { type Account, answers, base64 } from "../support/scram.ts";
import { greeted, signIn } from "../support/sign-in.ts";
import { type Played, play, playToError } from "../support/transcript.ts";

/** The example of RFC 5802 §5. */
const SHA1 = {
  mechanism: "SCRAM-SHA-1",
  nonce: "fyko+d2lbbFgONRv9qkxdawL",
  first: "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
  serverFirst: "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
  final: "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
  serverFinal: "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
};
/** The example of RFC 7677 §3. */
const SHA256 = {
  mechanism: "SCRAM-SHA-256",
  nonce: "rOprNGfwEbeRWgbNEkqO",
  first: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
  serverFirst: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
  final:
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
  serverFinal: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
};
const USER = { user: "user", pass: "pencil" };
const signInAs = ({ nonce }: { readonly nonce: string }) => signIn(USER, { login: { nonce: () => nonce } });

/** The script of a login, up to the response that `from` on is replaced. */
function begun({ mechanism, first, serverFirst, final }: typeof SHA1): string {
  return `${greeted(mechanism)}
    C: AUTH ${mechanism} ${base64(first)}
    S: 334 ${base64(serverFirst)}
    C: ${base64(final)}`;
}

describe.each([SHA1, SHA256])("$mechanism", (vector) => {
  test("proves the password, hears the server's proof, and says an empty response to it", () => {
    const { state, shown } = play(
      `${begun(vector)}
       S: 334 ${base64(vector.serverFinal)}
       C: 
       S: 235 2.7.0 welcome`,
      signInAs(vector),
    );
    expect(state).toBe("ready");
    expect(shown.slice(1)).toEqual([`AUTH ${vector.mechanism} ********`, "********", "********"]);
  });

  test("accepted before the server has proved anything is no login", () => {
    for (const script of [
      `${greeted(vector.mechanism)}\nC: AUTH ${vector.mechanism} ${base64(vector.first)}\nS: 235 welcome`,
      `${begun(vector)}\nS: 235 welcome`,
    ]) {
      expectUnproven(playToError(script, signInAs(vector)));
    }
  });

  test.each([
    ["one bit wrong", (proof: string) => `v=${flipped(proof)}`],
    ["cut short", (proof: string) => `v=${base64(Buffer.from(proof, "base64").subarray(0, 12))}`],
    ["of no octets", () => "v="],
    ["that is not base64", () => "v=!!!!"],
    ["left out", () => ""],
    ["that is the client's", () => vector.final.slice(vector.final.lastIndexOf(",") + 1).replace("p=", "v=")],
    ["behind something that must be understood", (proof: string) => `m=x,v=${proof}`],
    ["before something that must be understood", (proof: string) => `v=${proof},m=x`],
    ["in capitals", (proof: string) => `V=${proof}`],
  ])("a proof %s breaks the login off", (_, tamper) => {
    const error = playToError(
      `${begun(vector)}
       S: 334 ${base64(tamper(vector.serverFinal.slice(2)))}
       C: *
       S: 501 5.7.0 cancelled`,
      signInAs(vector),
    );
    expectUnproven(error);
  });

  test("what a server adds that need not be understood is ignored", () => {
    const { state } = play(
      `${begun(vector)}
       S: 334 ${base64(`${vector.serverFinal},x=y,Z=a=b`)}
       C: 
       S: 235 welcome`,
      signInAs(vector),
    );
    expect(state).toBe("ready");
  });

  test("a refusal as a word of its own is heard, and the reply behind it is what is told", () => {
    const error = playToError(
      `${begun(vector)}
       S: 334 ${base64("e=invalid-proof")}
       C: 
       S: 535 5.7.8 wrong password`,
      signInAs(vector),
    );
    expect(error).toMatchObject({
      code: "authentication_refused",
      mechanism: vector.mechanism,
      retryable: false,
    });
    expect(error.message).toContain("535 5.7.8 wrong password");
  });

  test("a refusal without such a word is one too", () => {
    const error = playToError(`${begun(vector)}\nS: 535 5.7.8 wrong password`, signInAs(vector));
    expect(error).toMatchObject({ code: "authentication_refused", mechanism: vector.mechanism });
  });

  test("a server that refuses and then accepts has proved nothing", () => {
    const error = playToError(
      `${begun(vector)}
       S: 334 ${base64("e=other-error")}
       C: 
       S: 235 welcome`,
      signInAs(vector),
    );
    expectUnproven(error);
  });

  test("a challenge behind the last is cancelled", () => {
    for (const last of [vector.serverFinal, "e=other-error"]) {
      const error = playToError(
        `${begun(vector)}
         S: 334 ${base64(last)}
         C: 
         S: 334 
         C: *
         S: 501 cancelled`,
        signInAs(vector),
      );
      expect(error).toMatchObject({ code: "invalid_challenge", phase: "auth", delivery: "not-sent" });
    }
  });
});

describe("the server's first message", () => {
  const NONCE = SHA1.nonce;
  const told = (serverFirst: string): ProtocolError => {
    const error = playToError(
      `${greeted("SCRAM-SHA-1")}
       C: AUTH SCRAM-SHA-1 ${base64(SHA1.first)}
       S: 334 ${base64(serverFirst)}
       C: *
       S: 501 cancelled`,
      signInAs(SHA1),
    );
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error).toMatchObject({ code: "invalid_challenge", phase: "auth", delivery: "not-sent" });
    return error as ProtocolError;
  };

  test.each([
    ["is empty", ""],
    ["asks for something that must be understood", `m=x,r=${NONCE}a,s=QSXC,i=4096`],
    ["asks for that at its end", `r=${NONCE}a,s=QSXC,i=4096,m=x`],
    ["has another order", `s=QSXC,r=${NONCE}a,i=4096`],
    ["has no salt", `r=${NONCE}a,i=4096`],
    ["has an empty salt", `r=${NONCE}a,s=,i=4096`],
    ["has a salt without padding", `r=${NONCE}a,s=QSX,i=4096`],
    ["has a salt with spare bits", `r=${NONCE}a,s=QR==,i=4096`],
    ["has a salt that is not base64", `r=${NONCE}a,s=Q_-C,i=4096`],
    ["has no iteration count", `r=${NONCE}a,s=QSXC`],
    ["has a count that is negative", `r=${NONCE}a,s=QSXC,i=-4096`],
    ["has a count in another notation", `r=${NONCE}a,s=QSXC,i=4.1e3`],
    ["has a count in hexadecimal", `r=${NONCE}a,s=QSXC,i=0x1000`],
    ["has a count with a zero before it", `r=${NONCE}a,s=QSXC,i=04096`],
    ["has a count with a blank", `r=${NONCE}a,s=QSXC,i= 4096`],
    ["has a count in other digits", `r=${NONCE}a,s=QSXC,i=\u0664\u0660\u0669\u0666`],
    ["has a control in its nonce", `r=${NONCE}\x07,s=QSXC,i=4096`],
    ["has letters beyond ASCII in its nonce", `r=${NONCE}ä,s=QSXC,i=4096`],
    ["ends in a line end", `r=${NONCE}a,s=QSXC,i=4096\n`],
    ["is a refusal", "e=unknown-user"],
    ["is the last", "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="],
    ["is JSON", '{"status":"400"}'],
  ])("that %s is cancelled", (_, serverFirst) => {
    expect(told(serverFirst).message).toContain("RFC 5802");
  });

  test.each([
    ["is ours alone", `r=${NONCE},s=QSXC,i=4096`],
    ["is another", "r=3rfcNHYJY1ZVvWVs7j,s=QSXC,i=4096"],
    ["has ours at its end", `r=a${NONCE},s=QSXC,i=4096`],
    ["is shorter than ours", `r=${NONCE.slice(0, -1)},s=QSXC,i=4096`],
    ["has ours in other case", `r=${NONCE.toUpperCase()}a,s=QSXC,i=4096`],
  ])("with a nonce that %s is cancelled", (_, serverFirst) => {
    expect(told(serverFirst).message).toContain("nonce");
  });

  test.each([
    ["1", "fewer than 4096"],
    ["4095", "fewer than 4096"],
    ["2000001", "more than 2000000"],
    ["4294967296", "more than 2000000"],
    ["9".repeat(400), "more than 2000000"],
  ])("that asks for %s iterations is cancelled before anything is computed", (count, words) => {
    expect(told(`r=${NONCE}a,s=QSXC,i=${count}`).message).toContain(words);
  });

  test("that is longer than a reply may be ends the session", () => {
    const error = playToError(
      `${greeted("SCRAM-SHA-1")}
       C: AUTH SCRAM-SHA-1 ${base64(SHA1.first)}
       S: 334 ${base64(`r=${NONCE}${"a".repeat(10_000)},s=QSXC,i=4096`)}`,
      signInAs(SHA1),
    );
    expect(error).toMatchObject({ code: "reply_too_long", phase: "auth", delivery: "not-sent" });
  });

  test("may have a long salt and what need not be understood", () => {
    const account: Account = {
      hash: "sha256",
      pass: "pencil",
      salt: base64("s".repeat(300)),
      iterations: 5000,
    };
    expect(playScram(account, { more: ",x=y,Q=ü" }).state).toBe("ready");
  });
});

const EXPORTER: ChannelBinding = { type: "tls-exporter", data: Uint8Array.of(0, 255, 10, 61, 44, 13) };
const END_POINT: ChannelBinding = { type: "tls-server-end-point", data: new Uint8Array(32).fill(200) };

describe("a login that is tied to the TLS", () => {
  test.each([
    ["SCRAM-SHA-256-PLUS", "sha256", EXPORTER, "p=tls-exporter,,"],
    ["SCRAM-SHA-1-PLUS", "sha1", EXPORTER, "p=tls-exporter,,"],
    ["SCRAM-SHA-256-PLUS", "sha256", END_POINT, "p=tls-server-end-point,,"],
  ] as const)("by %s says by what, and proves it", (name, hash, binding, header) => {
    const channel = base64(Buffer.concat([Buffer.from(header), binding.data]));
    const offered = `${name} ${name.replace("-PLUS", "")} PLAIN`;
    const { state } = playScram({ hash, pass: "pencil" }, { name, offered, header, channel, binding });
    expect(state).toBe("ready");
  });

  test("is preferred, whatever its hash", () => {
    const channel = base64(Buffer.concat([Buffer.from("p=tls-exporter,,"), EXPORTER.data]));
    const { state } = playScram(
      { hash: "sha1", pass: "pencil" },
      {
        name: "SCRAM-SHA-1-PLUS",
        offered: "PLAIN SCRAM-SHA-256 SCRAM-SHA-1 SCRAM-SHA-1-PLUS",
        header: "p=tls-exporter,,",
        channel,
        binding: EXPORTER,
      },
    );
    expect(state).toBe("ready");
  });

  test("is not made where this TLS has nothing to tie it by, and the server is told so", () => {
    const offered = "SCRAM-SHA-256-PLUS SCRAM-SHA-256";
    const account: Account = { hash: "sha256", pass: "pencil" };
    expect(playScram(account, { offered, header: "n,,", binding: undefined }).state).toBe("ready");
    expect(playScram(account, { offered, header: "n,," }).state).toBe("ready");
  });

  test("was possible, says a client whose server did not offer it: one that did knows that somebody took it away", () => {
    const account: Account = { hash: "sha256", pass: "pencil" };
    expect(playScram(account, { header: "y,,", binding: EXPORTER }).state).toBe("ready");
  });

  test.each([
    ["SCRAM-SHA-256 SCRAM-SHA-512-PLUS", USER],
    ["SCRAM-SHA-256 X-PLUS", USER],
    ["SCRAM-SHA-256 SCRAM-SHA-1-PLUS", { ...USER, allow: ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"] }],
  ])(
    "was possible, says a client also where another is offered that it does not use (%s)",
    (offered, auth) => {
      const account: Account = { hash: "sha256", pass: "pencil" };
      expect(playScram(account, { auth, offered, header: "y,,", binding: EXPORTER }).state).toBe("ready");
    },
  );

  test("is not said to be possible where it is offered and the user does not allow it", () => {
    const account: Account = { hash: "sha256", pass: "pencil" };
    const auth = { ...USER, mechanism: "SCRAM-SHA-256" };
    const offered = "SCRAM-SHA-256 SCRAM-SHA-256-PLUS";
    expect(playScram(account, { auth, offered, header: "n,,", binding: EXPORTER }).state).toBe("ready");
  });

  test("is not made where the user wants none, and then it is not said to be possible", () => {
    const account: Account = { hash: "sha256", pass: "pencil" };
    const auth = { ...USER, channelBinding: false };
    for (const offered of ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS SCRAM-SHA-256"])
      expect(playScram(account, { auth, offered, header: "n,,", binding: EXPORTER }).state).toBe("ready");
  });

  test("is an error where nothing else is allowed and there is nothing to tie it by", () => {
    const error = playToError(
      greeted("SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN"),
      signIn({ ...USER, mechanism: "SCRAM-SHA-256-PLUS" }, { binding: undefined }),
    );
    expect(error).toMatchObject({ code: "authentication_unavailable", delivery: "not-sent" });
  });
});

describe("names and passwords", () => {
  test.each([
    ["a,b=c", "a=2Cb=3Dc", "pencil", "pencil"],
    ["=2C", "=3D2C", "pencil", "pencil"],
    ["I\u00adX", "IX", "\u2168", "IX"],
    ["Jürgen", "Jürgen", "pa\u00dfw\u00f6rt\u00a0\u{1f511}", "pa\u00dfw\u00f6rt \u{1f511}"],
    ["u\u0308", "\u00fc", "\uff50\uff45\uff4e", "pen"],
    ["alice@example.com", "alice@example.com", " p, =", " p, ="],
    ["u".repeat(300), "u".repeat(300), "p".repeat(5000), "p".repeat(5000)],
  ])("%j is said as %j, and %j is %j", (user, name, pass, prepared) => {
    const { state } = playScram({ hash: "sha256", pass: prepared }, { auth: { user, pass }, name256: name });
    expect(state).toBe("ready");
  });

  test("on whose behalf is said in the header, and proved with it", () => {
    const auth = { ...USER, authorizationId: "bob=,ü" };
    const header = "n,a=bob=3D=2Cü,";
    expect(playScram({ hash: "sha256", pass: "pencil" }, { auth, header }).state).toBe("ready");
  });

  test.each([
    ["auth.user", { user: "\ue000", pass: "pencil" }],
    ["auth.user", { user: "\u00ad", pass: "pencil" }],
    ["auth.pass", { user: "user", pass: "s3cret\u06271" }],
    ["auth.pass", { user: "user", pass: "s3cret\u0085" }],
  ])(
    "%s that has no prepared form is told before AUTH is said, and another mechanism takes it",
    (option, auth) => {
      const error = playToError(greeted("SCRAM-SHA-256 PLAIN"), signIn(auth));
      expect(error).toBeInstanceOf(ConfigError);
      expect(error).toMatchObject({ option, phase: "auth", delivery: "not-sent", retryable: false });
      expect(error.hint).toContain("auth.mechanism");
      expect(inspect(error, { depth: 9 })).not.toContain("s3cret");

      const { state } = play(
        `${greeted("SCRAM-SHA-256 PLAIN")}
       C: AUTH PLAIN ${base64(`\0${auth.user}\0${auth.pass}`)}
       S: 235 ok`,
        signIn({ ...auth, mechanism: "PLAIN" }),
      );
      expect(state).toBe("ready");
    },
  );
});

describe("what is not heard in time", () => {
  test("a server that hangs up within the exchange is told as that", () => {
    const error = playToError(`${begun(SHA1)}\nFIN`, signInAs(SHA1));
    expect(error).toMatchObject({ code: "connection_lost", phase: "auth", delivery: "not-sent" });
  });

  test("an initial response that makes the line too long waits for the 334", () => {
    const user = "u".repeat(400);
    const { state } = playScram(
      { hash: "sha256", pass: "pencil" },
      { auth: { user, pass: "pencil" }, name256: user, isLong: true },
    );
    expect(state).toBe("ready");
  });
});

interface Scene {
  readonly auth?: object;
  readonly name?: string;
  readonly offered?: string;
  readonly header?: string;
  readonly channel?: string;
  readonly binding?: ChannelBinding | undefined;
  /** The user as it is said. */
  readonly name256?: string;
  /** What the server adds to its first message. */
  readonly more?: string;
  readonly isLong?: boolean;
}

/** Plays a login to its good end; the server's side of it is made by `answers`. */
function playScram(account: Account, scene: Scene): Played<unknown> {
  const { name = "SCRAM-SHA-256", header = "n,,", more = "", name256 = "user", auth = USER } = scene;
  const { offered = name, channel = base64(header) } = scene;
  const nonce = "rOprNGfwEbeRWgbNEkqO";
  const bare = `n=${name256},r=${nonce}`;
  const serverFirst = `r=${nonce}theirs,s=${account.salt ?? "QSXCR+Q6sek8bf92"},i=${account.iterations ?? 4096}${more}`;
  const withoutProof = `c=${channel},r=${nonce}theirs`;
  const { proof, verifier } = answers(account, { bare, serverFirst, withoutProof });
  const first = base64(header + bare);
  const given = { login: { nonce: () => nonce }, ...("binding" in scene && { binding: scene.binding }) };
  return play(
    `${greeted(offered)}
     C: AUTH ${name}${scene.isLong === true ? `\nS: 334 \nC: ${first}` : ` ${first}`}
     S: 334 ${base64(serverFirst)}
     C: ${base64(`${withoutProof},p=${proof}`)}
     S: 334 ${base64(`v=${verifier}`)}
     C: 
     S: 235 welcome`,
    signIn(auth, given),
  );
}

function expectUnproven(error: SmtpError): void {
  expect(error).toBeInstanceOf(ProtocolError);
  expect(error).toMatchObject({
    code: "server_unproven",
    phase: "auth",
    delivery: "not-sent",
    retryable: false,
  });
}

function flipped(proof: string): string {
  const octets = Buffer.from(proof, "base64");
  octets[7] = (octets[7] ?? 0) ^ 1;
  return octets.toString("base64");
}
