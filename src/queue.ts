// First come, first served, and whoever gives up leaves from the middle. Those who wait are the links themselves: ten
// thousand of them cost no more than they are, and the first is found without looking past those who have left.

/** What may wait in a queue, in one at a time. */
export abstract class Link<T extends Link<T>> {
  /** The queue that it waits in; only the queue sets these. */
  queue: Queue<T> | undefined = undefined;
  next: T | undefined = undefined;
  previous: T | undefined = undefined;
}

export class Queue<T extends Link<T>> {
  #first: T | undefined;
  #last: T | undefined;
  #size = 0;

  get first(): T | undefined {
    return this.#first;
  }

  get size(): number {
    return this.#size;
  }

  add(one: T): void {
    one.queue = this;
    one.previous = this.#last;
    if (this.#last === undefined) this.#first = one;
    else this.#last.next = one;
    this.#last = one;
    this.#size++;
  }

  /** Moves all who wait in `others` before those who wait here, in their order. */
  admit(others: Queue<T>): void {
    for (let one = others.#last; one !== undefined; one = others.#last) {
      others.delete(one);
      one.queue = this;
      one.next = this.#first;
      if (this.#first === undefined) this.#last = one;
      else this.#first.previous = one;
      this.#first = one;
      this.#size++;
    }
  }

  delete(one: T): void {
    if (one.queue !== this) return;
    if (one.previous === undefined) this.#first = one.next;
    else one.previous.next = one.next;
    if (one.next === undefined) this.#last = one.previous;
    else one.next.previous = one.previous;
    one.queue = one.next = one.previous = undefined;
    this.#size--;
  }
}
