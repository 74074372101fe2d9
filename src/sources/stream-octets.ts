// What a caller opened, as pieces. Loaded when the first is.

import type { Pieces } from "../flow.ts";
import { resolveSource } from "../source.ts";

export function piecesOf(value: unknown, field: string): Pieces {
  const source = resolveSource(value, field);
  if (source.kind === "memory") return [source.octets].values();
  source.flow.take();
  return source.flow.open();
}
