// Which invocation is running, told by objects that refuse all others. Versions of the runtime differ in which do.

import { afterEach, describe, expect, test, vi } from "vitest";
import { perInvocation } from "../src/invocations.ts";

let running = 0;

function refuseOthers(mine: number): void {
  if (running !== mine) throw new Error("Cannot perform I/O on behalf of a different request.");
}

const SIGNAL = {
  AbortController: class {
    readonly #mine = running;
    readonly signal: { readonly aborted: boolean };
    constructor() {
      const check = (): void => refuseOthers(this.#mine);
      this.signal = {
        get aborted() {
          check();
          return false;
        },
      };
    }
  },
};

/** Also of November 2026, where anybody may look at a signal. */
const SOCKET = {
  WebSocketPair: class {
    readonly 0: object;
    constructor() {
      const mine = running;
      this[0] = {
        get readyState() {
          refuseOthers(mine);
          return 1;
        },
      };
    }
  },
};

describe.each([
  ["a signal", SIGNAL],
  ["a socket", SOCKET],
])("where %s refuses others", (_, globals) => {
  afterEach(() => vi.unstubAllGlobals());

  test("each invocation has one of its own, and keeps it", () => {
    for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
    let made = 0;
    const ours = perInvocation(() => ++made);
    const seen = [1, 2, 1, 3, 2, 1].map((invocation) => {
      running = invocation;
      return ours();
    });
    expect(seen).toEqual([1, 2, 1, 3, 2, 1]);
  });
});

test("elsewhere all is one", () => {
  let made = 0;
  const ours = perInvocation(() => ++made);
  expect([ours(), ours(), ours()]).toEqual([1, 1, 1]);
});
