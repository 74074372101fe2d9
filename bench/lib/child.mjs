// A child process that answers one request at a time, each within a bounded time.

import { fork } from "node:child_process";

const WORKER = new URL("./worker.mjs", import.meta.url);
/** Time to load a contestant, or to finish what it has begun when a slice is over. */
const PATIENCE_MS = 30_000;

export class Child {
  #process;
  #settle;
  #lastWords = "";

  /**
   * @param {{ script?: URL, execArgv?: string[] }} [options]
   */
  constructor({ script = WORKER, execArgv = [] } = {}) {
    this.#process = fork(script, { execArgv, stdio: ["ignore", "ignore", "pipe", "ipc"] });
    this.#process.stderr.setEncoding("utf8").on("data", (text) => {
      this.#lastWords = `${this.#lastWords}${text}`.slice(-2000);
    });
    this.#process.on("message", (answer) => this.#settle?.(answer));
    this.#process.on("error", (error) => this.#settle?.({ failed: error.message }));
    this.#process.on("close", (code, signal) => {
      const words = this.#lastWords.match(/^\w*Error.*$/m)?.[0];
      this.#settle?.({ failed: words ?? `ended with ${signal ?? code}` });
    });
  }

  /**
   * Asks for something and resolves to the answer, or to `{ failed }`: it never rejects.
   * @param {object} request
   * @param {number} [patience] milliseconds
   * @returns {Promise<any>}
   */
  async ask(request, patience = PATIENCE_MS) {
    if (!this.#process.connected) return { failed: "has ended" };
    let timer;
    const answer = await new Promise((resolve) => {
      this.#settle = resolve;
      timer = setTimeout(() => resolve({ failed: `no answer in ${patience / 1000} s` }), patience);
      this.#process.send(request, (error) => {
        if (error) resolve({ failed: error.message });
      });
    });
    clearTimeout(timer);
    this.#settle = undefined;
    return answer;
  }

  /** Ends the process, whatever it is doing. */
  kill() {
    this.#process.kill("SIGKILL");
  }
}
