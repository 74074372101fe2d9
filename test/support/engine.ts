// All tests but those of the first call itself begin with the engine loaded: what a call does, it does at once.

import { loadEngine } from "../../src/engine.ts";

await loadEngine();
