// Looks for secrets in what a program may print: as they are, and in every form that gives them away. It shares no code
// with what it watches.

import { inspect } from "node:util";

/** A shorter one stands in the words of others too. */
const MIN_SECRET = 8;
/** What is left of a secret that was cut, where the secret is at least twice as long. */
const REMNANT = 12;

interface Form {
  readonly text: string;
  readonly what: string;
}

export interface Leak {
  readonly where: string;
  readonly what: string;
}

export class CanaryWatch {
  readonly #secrets: Set<string> = new Set();
  #forms: readonly Form[] = [];
  #leaks: Leak[] = [];

  get isIdle(): boolean {
    return this.#forms.length === 0;
  }

  learn(...values: readonly unknown[]): void {
    const fresh = values.filter(
      (value): value is string =>
        typeof value === "string" && value.length >= MIN_SECRET && !this.#secrets.has(value),
    );
    for (const secret of fresh) this.#secrets.add(secret);
    if (fresh.length > 0) this.#forms = [...this.#forms, ...fresh.flatMap(formsOf)];
  }

  /** Says what of a secret stands in `text`, in the clear or in what looks like base64. */
  find(text: string): string | undefined {
    if (this.isIdle || text.length < MIN_SECRET) return undefined;
    const direct = this.#findForm(text);
    if (direct !== undefined) return direct;
    for (const run of text.match(/[A-Za-z0-9+/_-]{12,}/g) ?? []) {
      const decoded = this.#findForm(Buffer.from(run, "base64").toString("latin1"));
      if (decoded !== undefined) return `${decoded}, within base64`;
    }
    return undefined;
  }

  /** Takes note of what it finds in `text`. */
  scan(where: string, text: string): void {
    const what = this.find(text);
    if (what !== undefined) this.#leaks.push({ where, what });
  }

  /** Looks at a value the way loggers and debuggers do. */
  examine(where: string, value: unknown): void {
    if (this.isIdle) return;
    const seen: Leak[] = [];
    for (const [how, text] of facesOf(value)) {
      const what = this.find(text);
      if (what !== undefined) seen.push({ where: `${where}, ${how}`, what });
    }
    // The same in several faces is one.
    if (seen[0] !== undefined) this.#leaks.push(seen[0]);
  }

  /** The leaks since it was last asked. */
  take(): readonly Leak[] {
    const leaks = this.#leaks;
    this.#leaks = [];
    return leaks;
  }

  #findForm(text: string): string | undefined {
    const small = text.toLowerCase();
    return this.#forms.find((form) => small.includes(form.text))?.what;
  }
}

/** What there is to see of a value: printed, as JSON, as text, and each of its properties. */
function* facesOf(value: unknown): Generator<readonly [how: string, text: string]> {
  const whole = {
    depth: 12,
    showHidden: true,
    getters: true,
    maxStringLength: 200_000,
    maxArrayLength: 2_000,
  } as const;
  yield ["inspected", inspect(value, whole)];
  yield ["as JSON", attempt(() => JSON.stringify(value) ?? "")];
  yield ["as text", attempt(() => String(value))];
  yield* propertiesOf(value, "", 12, new Set());
}

/** Texts are looked at as they are: what prints them may escape a part, or cut them. */
function* propertiesOf(
  value: unknown,
  path: string,
  depth: number,
  seen: Set<unknown>,
): Generator<readonly [how: string, text: string]> {
  if (typeof value === "string") yield [path, value];
  if (value instanceof Uint8Array) yield [path, Buffer.from(value).toString("latin1")];
  else if (typeof value === "object" && value !== null && depth > 0 && !seen.has(value)) {
    seen.add(value);
    for (const key of Reflect.ownKeys(value)) {
      const inner = attemptTo(() => Reflect.get(value, key));
      yield [`${path}.${String(key)} (its name)`, String(key)];
      yield* propertiesOf(inner, `${path}.${String(key)}`, depth - 1, seen);
    }
  }
}

function attemptTo(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function attempt(read: () => string): string {
  return String(attemptTo(read) ?? "");
}

/** All in small letters: a server may shout. */
function formsOf(secret: string): readonly Form[] {
  const octets = Buffer.from(secret);
  const percent = attempt(() => encodeURIComponent(secret));
  const forms: [what: string, text: string][] = [
    ["a secret as it is", secret],
    ["a secret as octets", octets.toString("latin1")],
    ["a secret within JSON", JSON.stringify(secret).slice(1, -1)],
    ["a secret percent-encoded", percent],
    ["a secret in a form", percent.replaceAll("%20", "+")],
    ["a secret in hexadecimal", octets.toString("hex")],
  ];
  for (const before of [0, 1, 2]) {
    // Without the characters at either end, which tell of what is beside the secret too.
    const text = Buffer.concat([Buffer.alloc(before), octets]).toString("base64");
    const inner = text.slice(before === 0 ? 0 : before + 1, Math.floor(((octets.length + before) * 4) / 3));
    forms.push([`a secret in base64, behind ${before} octets`, inner]);
    forms.push([
      `a secret in base64url, behind ${before} octets`,
      inner.replaceAll("+", "-").replaceAll("/", "_"),
    ]);
  }
  if (secret.length >= 2 * REMNANT) {
    forms.push(["the beginning of a secret", secret.slice(0, REMNANT)]);
    forms.push(["the end of a secret", secret.slice(-REMNANT)]);
  }
  const known = new Set<string>();
  return forms.flatMap(([what, text]) => {
    const small = text.toLowerCase();
    if (small.length < MIN_SECRET || known.has(small)) return [];
    known.add(small);
    return [{ what, text: small }];
  });
}
