// What a server takes at most, and the recipients of a message in as many transactions as that makes.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limitsOf, parseExtensions } from "../../src/protocol/extensions.ts";
import { splitRecipients } from "../../src/protocol/split.ts";

function limits(...lines: readonly string[]): unknown {
  return limitsOf(parseExtensions({ code: 250, lines: ["mx.example", ...lines] }));
}

describe("LIMITS", () => {
  test.each([
    ["LIMITS MAILMAX=10 RCPTMAX=100 RCPTDOMAINMAX=1", { mailMax: 10, rcptMax: 100, rcptDomainMax: 1 }],
    ["limits rcptmax=999999", { rcptMax: 999_999 }],
    ["LIMITS RCPTMAX=5 X=1 FUTURE RCPTMAX=7", { rcptMax: 5 }],
    ["LIMITS RCPTMAX=7 RCPTMAX=5", { rcptMax: 5 }],
    ["LIMITS", {}],
    ["LIMITS RCPTMAX", {}],
    ["LIMITS RCPTMAX=", {}],
    ["LIMITS RCPTMAX=0", {}],
    ["LIMITS RCPTMAX=05", {}],
    ["LIMITS RCPTMAX=-5", {}],
    ["LIMITS RCPTMAX=1e2", {}],
    ["LIMITS RCPTMAX=1000000", {}],
    ["LIMITS RCPTMAX=5;MAILMAX=5", {}],
    ["LIMITS __PROTO__=5 CONSTRUCTOR=5 RCPTMAX==5", {}],
    ["SIZE 5", {}],
  ])("%j", (line, expected) => {
    expect(limits(line)).toEqual(expected);
  });

  test("in two lines are the lesser of both", () => {
    expect(limits("LIMITS RCPTMAX=7", "LIMITS RCPTMAX=9 MAILMAX=1")).toEqual({ rcptMax: 7, mailMax: 1 });
  });
});

describe("recipients", () => {
  const to = ["a@x.example", "b@y.example", "c@X.example", "d@z.example", "e@y.example"];

  test.each([
    [{}, [to]],
    [{ rcptMax: 5 }, [to]],
    [{ rcptMax: 2 }, [to.slice(0, 2), to.slice(2, 4), to.slice(4)]],
    [{ rcptMax: 1 }, to.map((one) => [one])],
    [{ rcptDomainMax: 3 }, [to]],
    [{ rcptDomainMax: 1 }, [["a@x.example", "c@X.example"], ["b@y.example", "e@y.example"], ["d@z.example"]]],
    [{ rcptDomainMax: 2 }, [["a@x.example", "b@y.example", "c@X.example", "e@y.example"], ["d@z.example"]]],
    [
      { rcptMax: 2, rcptDomainMax: 2 },
      [
        ["a@x.example", "b@y.example"],
        ["c@X.example", "d@z.example"],
      ].concat([["e@y.example"]]),
    ],
  ])("with %j go so", (given, expected) => {
    expect(splitRecipients(to, given)).toEqual(expected);
  });

  test("whose local part holds an @ belong to the domain behind the last", () => {
    const quoted = ['"a@x"@y.example', "b@y.example"];
    expect(splitRecipients(quoted, { rcptDomainMax: 1 })).toEqual([quoted]);
  });

  const lists = fc.array(
    fc.tuple(fc.nat(999), fc.nat(9)).map(([local, domain]) => `${local}@d${domain}.example`),
    { minLength: 1, maxLength: 60 },
  );
  const most = fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined });

  test("are all there, each once, in the order of their group, and no group is too large", () => {
    fc.assert(
      fc.property(lists, most, most, (list, rcptMax, rcptDomainMax) => {
        const unique = [...new Set(list)];
        const groups = splitRecipients(unique, {
          ...(rcptMax !== undefined && { rcptMax }),
          ...(rcptDomainMax !== undefined && { rcptDomainMax }),
        });
        expect(groups.flat().sort()).toEqual([...unique].sort());
        for (const group of groups) {
          expect(group.length).toBeGreaterThan(0);
          expect(group.length).toBeLessThanOrEqual(rcptMax ?? unique.length);
          expect(new Set(group.map((one) => one.split("@")[1])).size).toBeLessThanOrEqual(
            rcptDomainMax ?? 10,
          );
          const places = group.map((one) => unique.indexOf(one));
          expect(places).toEqual([...places].sort((a, b) => a - b));
        }
      }),
    );
  });

  test("are parted in time that grows with them", () => {
    const time = (count: number): number => {
      const many = Array.from({ length: count }, (_, at) => `r${at}@d${at % 1000}.example`);
      const started = performance.now();
      splitRecipients(many, { rcptMax: 50, rcptDomainMax: 1 });
      return performance.now() - started;
    };
    const least = (count: number) => Math.min(...Array.from({ length: 5 }, () => time(count)));
    least(1000);
    expect(least(40_000)).toBeLessThan(least(10_000) * 4 * 3 + 5);
  });
});
