import { describe, expect, test } from "vitest";
import { nextState, type State, type Subject } from "../../src/protocol/state.ts";

const STATES: readonly State[] = [
  "connected",
  "greeted",
  "ready",
  "challenged",
  "securing",
  "mail",
  "rcpt",
  "data",
  "chunks",
  "closed",
];

const SUBJECTS: readonly Subject[] = [
  "GREETING",
  "EHLO",
  "HELO",
  "LHLO",
  "STARTTLS",
  "TLS",
  "AUTH",
  "RESPONSE",
  "MAIL",
  "RCPT",
  "DATA",
  "BDAT",
  "BDAT LAST",
  "CONTENT",
  "RSET",
  "VRFY",
  "NOOP",
  "QUIT",
];

// The positive side of the machine, written a second time and from the RFCs: state, what is replied to, codes, state.
const ALLOWED: readonly [State, Subject, readonly number[], State][] = [
  ["connected", "GREETING", [220], "greeted"],
  ["greeted", "EHLO", [250], "ready"],
  ["greeted", "HELO", [250], "ready"],
  ["greeted", "LHLO", [250], "ready"],
  ["greeted", "QUIT", [221], "closed"],
  ["ready", "EHLO", [250], "ready"],
  ["ready", "STARTTLS", [220], "securing"],
  ["ready", "AUTH", [235], "ready"],
  ["ready", "AUTH", [334], "challenged"],
  ["ready", "MAIL", [250], "mail"],
  ["ready", "LHLO", [250], "ready"],
  ["ready", "VRFY", [250, 251, 252], "ready"],
  ["ready", "NOOP", [250], "ready"],
  ["ready", "RSET", [250], "ready"],
  ["ready", "QUIT", [221], "closed"],
  ["challenged", "RESPONSE", [235], "ready"],
  ["challenged", "RESPONSE", [334], "challenged"],
  ["securing", "TLS", [220], "greeted"],
  ["mail", "RCPT", [250, 251, 252], "rcpt"],
  ["mail", "DATA", [354], "data"],
  ["mail", "RSET", [250], "ready"],
  ["mail", "QUIT", [221], "closed"],
  ["rcpt", "RCPT", [250, 251, 252], "rcpt"],
  ["rcpt", "DATA", [354], "data"],
  // RFC 3030 §2: chunks where there is somebody to get them; none of them and DATA.
  ["mail", "BDAT LAST", [250], "ready"],
  ["rcpt", "BDAT", [250], "chunks"],
  ["rcpt", "BDAT LAST", [250], "ready"],
  ["chunks", "BDAT", [250], "chunks"],
  ["chunks", "BDAT LAST", [250], "ready"],
  ["chunks", "RSET", [250], "ready"],
  ["chunks", "QUIT", [221], "closed"],
  ["rcpt", "RSET", [250], "ready"],
  ["rcpt", "QUIT", [221], "closed"],
  ["data", "CONTENT", [250], "ready"],
];

describe("the state machine", () => {
  test.each(ALLOWED)("%s: %s %j leads to %s", (state, subject, codes, next) => {
    for (const code of codes) expect(nextState(state, subject, code)).toBe(next);
  });

  test("nothing else that is positive leads anywhere", () => {
    const exact: readonly Subject[] = ["GREETING", "STARTTLS", "TLS", "AUTH", "RESPONSE", "DATA", "QUIT"];
    for (const state of STATES) {
      for (const subject of SUBJECTS) {
        for (let code = 200; code < 400; code++) {
          const isAllowed = ALLOWED.some(
            ([from, of, codes]) =>
              from === state && of === subject && (exact.includes(of) ? codes.includes(code) : code < 300),
          );
          expect(nextState(state, subject, code) !== undefined, `${state} ${subject} ${code}`).toBe(
            isAllowed,
          );
        }
      }
    }
  });

  test("a refusal leaves the state as it was, but for the greeting, the last SASL response, the mail data, RSET and QUIT", () => {
    for (const state of STATES) {
      for (const subject of SUBJECTS) {
        for (const code of [450, 454, 500, 503, 535, 550, 554]) {
          const next = nextState(state, subject, code);
          if (state === "connected" && subject === "GREETING") expect(next).toBe("closed");
          else if (state === "challenged" && subject === "RESPONSE") expect(next).toBe("ready");
          else if (state === "data" && subject === "CONTENT") expect(next).toBe("ready");
          else if (subject === "RSET") expect(next).toBeUndefined();
          else if (ALLOWED.some(([from, of]) => from === state && of === subject && of === "QUIT"))
            expect(next).toBe("closed");
          else expect(next).toBe(state);
        }
      }
    }
  });

  test("421 ends the session wherever it comes", () => {
    for (const state of STATES) {
      for (const subject of SUBJECTS) expect(nextState(state, subject, 421)).toBe("closed");
    }
  });
});
