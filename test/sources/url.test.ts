import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { composeStream } from "../../src/compose.ts";
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
      headers: { authorization: "Bearer x" },
    });
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
    const server = createServer((request, response) => {
      asked.push(request.url);
      response.writeHead(302, { location: "/elsewhere" }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const fetch: typeof globalThis.fetch = (_, init) =>
      globalThis.fetch(`http://127.0.0.1:${port}/here`, init);
    expect((await errorOf(drain(flowOf(URL_TEXT, { fetch })))).message).toContain("status 302");
    expect(asked).toEqual(["/here"]);
    server.closeAllConnections();
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

  test("gives no name where its path ends in none", () => {
    for (const url of ["https://x.example/", "https://x.example/a%2Fb.pdf", "https://x.example/download"]) {
      expect(attachment.url(url).filename).toBeUndefined();
    }
  });
});

function flowOf(url: string, request: UrlRequest): Flow {
  const source = resolveSource(attachment.url(url, {}, request).content, FIELD);
  if (source.kind === "memory") throw new Error("it is in memory");
  return source.flow;
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
