import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { composeStream } from "../../src/compose.ts";
import { MessageError } from "../../src/errors.ts";
import type { Flow } from "../../src/flow.ts";
import { resolveSource } from "../../src/source.ts";
import type { UrlRequest } from "../../src/sources/url.ts";
import { attachment } from "../../src/sources.ts";
import { errorOf, until, watchProcess } from "../support/watch.ts";

watchProcess();

const FIELD = "attachments[0].content";
const URL_TEXT = "https://files.example/a/report.pdf?token=SECRET";

describe("a URL", () => {
  test("is fetched when the message is read, and not before", async () => {
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = async (url) => {
      asked.push(String(url));
      return new Response("%PDF");
    };
    const given = attachment.url(URL_TEXT, {}, { fetch });
    const message = await composeStream({ from: "a@example.com", to: "b@example.org", attachments: [given] });
    expect(asked).toEqual([]);
    expect(message.size).toBeUndefined();
    const text = Buffer.from(await message.toUint8Array()).toString();
    expect(asked).toEqual([URL_TEXT]);
    expect(text).toContain("Content-Type: application/pdf");
    expect(text).toContain("filename=report.pdf");
    expect(text).toContain(Buffer.from("%PDF").toString("base64"));
    expect((await errorOf(message.toUint8Array())).message).toContain("read before");
  });

  test("is asked for with the fields that are given, and without redirects", async () => {
    let init: RequestInit | undefined;
    const headers = { authorization: "Bearer x" };
    const fetch: typeof globalThis.fetch = async (_, given) => {
      init = given;
      return new Response("x");
    };
    const flow = flowOf(URL_TEXT, { fetch, headers });
    headers.authorization = "Bearer y";
    await drain(flow);
    expect(init).toMatchObject({
      redirect: "manual",
      credentials: "omit",
      headers: { authorization: "Bearer x", "accept-encoding": "identity" },
    });
  });

  test("is asked for with fields that a fetch may change, and the next message has them whole", async () => {
    const seen: unknown[] = [];
    const fetch: typeof globalThis.fetch = async (_, init) => {
      const headers = init?.headers as Record<string, string>;
      seen.push({ ...headers });
      delete headers.Cookie;
      return new Response("x");
    };
    const { content } = attachment.url(URL_TEXT, {}, { fetch, headers: { Cookie: "a=b" } });
    for (let round = 0; round < 2; round++) await drain(flowIn(content));
    expect(seen).toEqual(Array(2).fill({ Cookie: "a=b", "accept-encoding": "identity" }));
  });

  test.each([
    [
      { Authorization: "Bearer SECRET\nx" },
      'request.headers["Authorization"]: holds more than printable ASCII',
    ],
    [
      { Authorization: "Bearer SECRET\0" },
      'request.headers["Authorization"]: holds more than printable ASCII',
    ],
    [{ Authorization: "Bearer SECR\u2026T" }, 'request.headers["Authorization"]: holds more than printable'],
    [{ Authorization: ["SECRET"] }, 'request.headers["Authorization"]: is an array, not a string'],
    [{ Authorization: undefined }, 'request.headers["Authorization"]: is missing, not a string'],
    [{ "Authorization: SECRET": "" }, "request.headers: has a key that names no field"],
    [{ "X{}": "SECRET" }, "request.headers: has a key that names no field"],
    [{ "": "SECRET" }, "request.headers: has a key that names no field"],
    [{ "Accept-Encoding": "gzip" }, 'request.headers["Accept-Encoding"]: is not the caller\'s to say'],
    [{ HOST: "inner" }, 'request.headers["HOST"]: is not the caller\'s to say'],
    [{ "content-length": "5" }, 'request.headers["content-length"]: is not the caller\'s to say'],
    [{ "transfer-encoding": "chunked" }, 'request.headers["transfer-encoding"]: is not the caller\'s to say'],
    [new Headers({ Authorization: "SECRET" }), "request.headers: is a Headers, not an object"],
    [new Map([["Authorization", "SECRET"]]), "request.headers: is a Map, not an object"],
    [[["Authorization", "SECRET"]], "request.headers: is an array, not an object"],
    ["Authorization: SECRET", "request.headers: is a string, not an object"],
    [5, "request.headers: is a number, not an object"],
    [null, "request.headers: is null, not an object"],
  ])("is not asked for with the fields %j", (headers, complaint) => {
    const fetch = vi.fn<typeof globalThis.fetch>();
    const make = () => attachment.url(URL_TEXT, {}, { fetch, headers: headers as never });
    expect(make).toThrow(MessageError);
    expect(make).toThrow(complaint);
    expect(make).toThrow(expect.not.stringContaining("SECR"));
    expect(make).toThrow(expect.not.objectContaining({ cause: expect.anything() }));
  });

  test("is asked for with a field of any name, which is no more than a name", async () => {
    let seen: unknown;
    const fetch: typeof globalThis.fetch = async (_, init) => {
      seen = Object.entries(init?.headers ?? {});
      return new Response("x");
    };
    const headers = JSON.parse('{"__proto__":"x"}');
    await drain(flowOf(URL_TEXT, { fetch, headers }));
    expect(seen).toContainEqual(["__proto__", "x"]);
  });

  test.each([
    ["http://files.example/x", "is http:, and must be https:"],
    ["http://127.0.0.1/x", "is http:, and must be https:"],
    ["file:///etc/passwd", "is file:, and must be https:"],
    ["data:,x", "is data:, and must be https:"],
    ["ftp://x/", "is ftp:, and must be https:"],
    ["/etc/passwd", "is not a URL"],
    ["https://", "is not a URL"],
    ["https://user:SECRET@files.example/x", "holds credentials"],
    ["https://SECRET@files.example/x", "holds credentials"],
    [5 as unknown as string, "is not a URL"],
  ])("%s is refused: it %s", (url, complaint) => {
    expect(() => attachment.url(url)).toThrow(complaint);
    expect(() => attachment.url(url)).toThrow(expect.not.stringContaining("SECRET"));
  });

  test.each([
    [{ maxSize: 0 }, "request.maxSize"],
    [{ maxSize: 1.5 }, "request.maxSize"],
    [{ timeout: Number.POSITIVE_INFINITY }, "request.timeout"],
    [{ fetch: "x" }, "request.fetch"],
    [{ redirect: "follow" }, "request"],
  ])("is not fetched as %j says", (request, field) => {
    expect(() => attachment.url(URL_TEXT, {}, request as never)).toThrow(expect.objectContaining({ field }));
  });

  test.each([301, 302, 307, 308])("that leads elsewhere is an error: %i", async (status) => {
    const fetch = answering(
      () => new Response(null, { status, headers: { location: "http://169.254.169.254/" } }),
    );
    const { message } = await errorOf(drain(flowOf(URL_TEXT, { fetch })));
    expect(message).toBe(
      `${FIELD}: could not be read: files.example answered with status ${status}, and no redirect is followed`,
    );
  });

  test("that leads elsewhere is not followed by the runtime either", async () => {
    const asked: (string | undefined)[] = [];
    const fetch = await fetchFrom((request, response) => {
      asked.push(request.url);
      response.writeHead(302, { location: "/elsewhere" }).end();
    });
    expect((await errorOf(drain(flowOf(URL_TEXT, { fetch })))).message).toContain("status 302");
    expect(asked).toEqual(["/here"]);
  });

  test("that leads elsewhere is an error where the fetch has followed", async () => {
    const fetch = answering(() =>
      Object.defineProperty(new Response("inner"), "redirected", { value: true }),
    );
    const { message } = await errorOf(drain(flowOf(URL_TEXT, { fetch })));
    expect(message).toContain("files.example led elsewhere, and no redirect is to be followed");
  });

  test("is asked for as it is, and refused where it comes compressed: the runtime would not see it cut", async () => {
    const compressed = gzipSync("x".repeat(100_000));
    const half = compressed.subarray(0, compressed.length / 2);
    let accepted: string | undefined;
    const fetch = await fetchFrom((request, response) => {
      accepted = request.headers["accept-encoding"];
      response.writeHead(200, { "content-encoding": "gzip", "content-length": half.length }).end(half);
    });
    const { message } = await errorOf(drain(flowOf(URL_TEXT, { fetch })));
    expect(accepted).toBe("identity");
    expect(message).toContain("files.example sent it compressed (gzip), so that its end cannot be told");
  });

  test("may say that it is not compressed", async () => {
    const fetch = answering(() => new Response("abc", { headers: { "content-encoding": "Identity" } }));
    await drain(flowOf(URL_TEXT, { fetch }));
  });

  test.each(["0", "2", "4", "3, 3", "x"])(
    "that is announced with another length is an error: 3 octets, not %s",
    async (length) => {
      const fetch = answering(() => new Response("abc", { headers: { "content-length": length } }));
      const { message } = await errorOf(drain(flowOf(URL_TEXT, { fetch })));
      expect(message).toContain(`files.example sent 3 octets, not ${length}`);
    },
  );

  test("that is cut is an error, and one of the announced length is not", async () => {
    const fetch = await fetchFrom((_, response) => {
      response.writeHead(200, { "content-length": 6 }).write("abc", () => response.destroy());
    });
    expect((await errorOf(drain(flowOf(URL_TEXT, { fetch })))).code).toBe("source_failed");
    const whole = await fetchFrom((_, response) => void response.end("abcdef"));
    await drain(flowOf(URL_TEXT, { fetch: whole }));
  });

  test("that gives text where octets are due is an error, for it would be counted wrongly", async () => {
    const body = new ReadableStream({ start: (controller) => controller.enqueue("\u20ac") });
    const fetch = answering(() => new Response(body));
    const { message } = await errorOf(drain(flowOf(URL_TEXT, { fetch })));
    expect(message).toContain("files.example sent a string, not octets");
  });

  test.each([204, 206, 404, 500])(
    "that is answered with %i is an error, and what came is let go of",
    async (status) => {
      let signal: AbortSignal | null | undefined;
      const fetch: typeof globalThis.fetch = async (_, init) => {
        signal = init?.signal;
        return new Response(status === 204 ? null : "sorry", { status });
      };
      const error = await errorOf(drain(flowOf(URL_TEXT, { fetch })));
      expect(error).toMatchObject({ field: FIELD, code: "source_failed" });
      expect(signal?.aborted).toBe(true);
    },
  );

  test("that cannot be reached is an error that shows no more of it than the host", async () => {
    const cause = new TypeError("fetch failed");
    const fetch = answering(() => {
      throw cause;
    });
    const error = await errorOf(drain(flowOf(URL_TEXT, { fetch })));
    expect(error).toMatchObject({ code: "source_failed", cause });
    expect(`${error.message}${error.hint}`).not.toContain("SECRET");
  });

  test("that gives more than it may is an error when it does, and is closed", async () => {
    let given = 0;
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        given += 1000;
        controller.enqueue(new Uint8Array(1000));
      },
      cancel: () => {
        cancelled = true;
      },
    });
    const fetch: typeof globalThis.fetch = async (_, init) => {
      init?.signal?.addEventListener("abort", () => {
        cancelled = true;
      });
      return new Response(body);
    };
    const { message } = await errorOf(drain(flowOf(URL_TEXT, { fetch, maxSize: 10_000 })));
    expect(message).toContain("files.example sent more than 10000 octets");
    expect(given).toBeLessThan(20_000);
    expect(cancelled).toBe(true);
  });

  test("has a limit of its own where none is given", async () => {
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1_000_000)),
    });
    const { message } = await errorOf(
      drain(flowOf(URL_TEXT, { fetch: answering(() => new Response(body)) })),
    );
    expect(message).toContain("more than 26214400 octets");
  });

  test.each([
    ["answers", (signal: AbortSignal) => rejectedBy(signal)],
    [
      "sends",
      async (signal: AbortSignal) =>
        new Response(
          new ReadableStream({
            start: (controller) => signal.addEventListener("abort", () => controller.error(signal.reason)),
          }),
        ),
    ],
  ])("that never %s is an error in time", async (_, answer) => {
    const fetch: typeof globalThis.fetch = (__, init) => answer(init?.signal as AbortSignal);
    const { message } = await errorOf(drain(flowOf(URL_TEXT, { fetch, timeout: 20 })));
    expect(message).toContain("files.example took longer than 20 ms");
  });

  test("is let go of where the message is not read to its end", async () => {
    let signal: AbortSignal | null | undefined;
    const fetch: typeof globalThis.fetch = async (_, init) => {
      signal = init?.signal;
      return new Response(new Blob([new Uint8Array(1_000_000)]));
    };
    for await (const _ of flowOf(URL_TEXT, { fetch }).open()) break;
    await until(() => signal?.aborted === true);
  });

  test("is let go of before it has answered", async () => {
    let closed = false;
    let asked = false;
    const fetch = await fetchFrom((_, response) => {
      asked = true;
      response.on("close", () => {
        closed = true;
      });
    });
    const octets = flowOf(URL_TEXT, { fetch }).open();
    const next = errorOf(octets.next());
    await until(() => asked);
    await octets.return();
    await next;
    await until(() => closed);
  });

  test("leaves no timer behind", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    await drain(flowOf(URL_TEXT, { fetch: answering(() => new Response("x")) }));
    expect(vi.getTimerCount(), "when it has been read").toBe(0);

    const fetch: typeof globalThis.fetch = (_, init) => rejectedBy(init?.signal as AbortSignal);
    const octets = flowOf(URL_TEXT, { fetch }).open();
    const next = errorOf(octets.next());
    await until(() => vi.getTimerCount() === 1);
    await octets.return();
    expect(vi.getTimerCount(), "when it is given up before it is answered").toBe(0);
    await next;

    await flowOf(URL_TEXT, { fetch }).open().return();
    expect(vi.getTimerCount(), "when it is not asked for").toBe(0);
  });

  test("gives no name where its path ends in none", () => {
    for (const url of ["https://x.example/", "https://x.example/a%2Fb.pdf", "https://x.example/download"]) {
      expect(attachment.url(url).filename).toBeUndefined();
    }
  });
});

function flowOf(url: string, request: UrlRequest): Flow {
  return flowIn(attachment.url(url, {}, request).content);
}

function flowIn(content: unknown): Flow {
  const source = resolveSource(content, FIELD);
  if (source.kind === "memory") throw new Error("it is in memory");
  return source.flow;
}

/** Fetches from a server of the test's own, whatever it is asked for. */
async function fetchFrom(answer: RequestListener): Promise<typeof globalThis.fetch> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return (_, init) => globalThis.fetch(`http://127.0.0.1:${port}/here`, init);
}

function answering(answer: () => Response): typeof globalThis.fetch {
  return async () => answer();
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

async function drain(flow: Flow): Promise<void> {
  for await (const _ of flow.open());
}
