// The child of a contest. It holds one contestant, so that nobody's garbage is collected in another's time, and does
// what the parent asks, one request after the other.

/** A batch of synchronous turns between two looks at the clock; the look itself costs 0.1 µs here. */
const BATCH_MS = 0.5;

const held = { contestant: undefined, batch: undefined, queued: undefined, turns: 1, peak: 0 };
/** The kernel's own high-water mark is inherited from the parent, so memory is looked at from time to time. */
const LOOK_MS = 5;
const SETTLE_MS = 100;

const requests = {
  prepare,
  check: async () => ({ message: Buffer.from(await held.contestant.produce()).toString("base64") }),
  slice,
  queue,
  drain: async () => {
    await held.queued;
    held.queued = undefined;
    return { drained: true };
  },
  rss: memory,
  close: async () => {
    await held.contestant?.close?.();
    return { closed: true };
  },
};

process.on("message", async (request) => {
  let answer;
  try {
    answer = await requests[request.do](request);
  } catch (error) {
    answer = { failed: reason(error) };
  }
  // A parent that has gone away has nothing left to ask.
  if (process.connected) process.send(answer);
});
process.on("disconnect", () => process.exit());

async function prepare({ module, export: name, options = {} }) {
  const make = (await import(module))[name];
  if (make === undefined) return { failed: `exports no "${name}"` };
  // Code that is loaded by the first message is no part of what the messages to come take.
  if (options.rehearsal !== undefined) await rehearse(await make(options.rehearsal));
  const contestant = await make(options);
  if (contestant.notYet !== undefined) return { notYet: contestant.notYet };
  held.contestant = contestant;
  held.batch = options.batch;
  if (options.watchMemory) setInterval(look, LOOK_MS).unref();
  return { ready: true };
}

async function rehearse(contestant) {
  await contestant.once?.();
  await contestant.close?.();
}

/** Works for `ms` milliseconds, and to the end of the message or batch that is under way then. */
async function slice({ ms, batch = held.batch }) {
  const { contestant } = held;
  const cpu = process.cpuUsage();
  const start = performance.now();
  const end = start + ms;
  let count = 0;
  do {
    if (batch !== undefined) {
      await contestant.many(batch);
      count += batch;
    } else {
      count += await turn(contestant);
    }
  } while (performance.now() < end);
  const wall = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { count, cpu: user + system, wall };
}

/** One message where it takes a promise; as many as fill half a millisecond where it does not. */
async function turn(contestant) {
  const first = contestant.once();
  if (typeof first?.then === "function") {
    await first;
    return 1;
  }
  const turns = held.turns;
  const start = performance.now();
  for (let done = 1; done < turns; done++) contestant.once();
  if (performance.now() - start < BATCH_MS) held.turns = turns * 2;
  return turns;
}

/** Hands over `count` messages at once, and answers while they wait. */
async function queue({ count }) {
  // What the calls return is dropped: a program that has read its receipts does not keep them.
  held.queued = held.contestant.many(count).then(() => undefined);
  // "drain" is where a failure is told; until then it must not end the process.
  held.queued.catch(() => undefined);
  await new Promise((resolve) => setImmediate(resolve));
  return { queued: true };
}

function look() {
  held.peak = Math.max(held.peak, process.memoryUsage.rss());
}

/** What is resident, what of it is alive, and the most that was seen resident. */
async function memory() {
  if (globalThis.gc !== undefined) {
    // What a first collection finds dead may have held more, and pages are given back a little later.
    for (let times = 0; times < 3; times++) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    }
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, live: heapUsed + external, peak: held.peak };
}

function reason(error) {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
