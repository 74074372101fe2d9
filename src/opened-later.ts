// Content that is opened when the message is sent. By itself, for it is all that a door needs of sources at import.

import type { Opening } from "./flow.ts";

/** Is content that is opened when the message is sent. Only `attachment` makes one: no value of a message can say so. */
export class OpenedLater {
  readonly #begin: (field: string) => Opening;

  constructor(begin: (field: string) => Opening) {
    this.#begin = begin;
  }

  static begin(value: object, field: string): Opening | undefined {
    return #begin in value ? value.#begin(field) : undefined;
  }
}
