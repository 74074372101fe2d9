// One timer for many times: it rings at the earliest that it was set to.

/** The longest that a timer can wait: setTimeout fires at once beyond 31 bits. */
const MAX_TIMER = 2_147_483_647;

export class Alarm {
  readonly #ring: () => void;
  readonly #keepsAlive: boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #at = 0;

  /** `holds`: whether the process is to stay alive until it rings. */
  constructor(ring: () => void, { holds }: { readonly holds: boolean }) {
    this.#ring = ring;
    this.#keepsAlive = holds;
  }

  /** Rings at this time of the monotonic clock, or before: whoever hears it looks at the clock and sets it again. */
  set(at: number): void {
    if (this.#timer !== undefined && this.#at <= at) return;
    clearTimeout(this.#timer);
    this.#at = at;
    const timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#ring();
      },
      Math.min(MAX_TIMER, Math.max(1, Math.ceil(at - performance.now()))),
    );
    this.#timer = timer;
    // Where timers are numbers they keep nothing alive.
    if (!this.#keepsAlive) (timer as { unref?(): void }).unref?.();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
