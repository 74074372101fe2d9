// What a command has of the world: its arguments, its streams, its environment. Handed in, so that a test can be one.

export interface World {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly version: string;
  /** Calls `listener` when the person wants to stop (Ctrl-C); returns what ends that. */
  onInterrupt(listener: () => void): () => void;
}

export interface Input extends AsyncIterable<Uint8Array> {
  readonly isTTY?: boolean;
  /** Whether all of it has been read: nothing more comes then, not even from a terminal. */
  readonly readableEnded?: boolean;
  /** A terminal that is told so hands over each key as it is pressed, and shows none. */
  setRawMode?(isRaw: boolean): unknown;
}

export interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}
