// What there is to tell of a pool.

/** Counts connections by what they do, and the messages that wait for one. */
export interface PoolStats {
  readonly opening: number;
  readonly idle: number;
  /** Those with a message under way, or more. */
  readonly busy: number;
  /** Those that are saying goodbye. */
  readonly closing: number;
  /** How many there may be: fewer than `maxConnections` for a while where the server had too much. */
  readonly allowed: number;
  /** Messages that wait for a connection. */
  readonly waiting: number;
  /** How many were opened in all, and how many of them have ended. */
  readonly opened: number;
  readonly closed: number;
}
