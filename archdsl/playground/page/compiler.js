// Asks the worker, one request at a time; a worker that takes too long is replaced.

const PATIENCE = 20_000; // milliseconds for an answer, once Python runs

export class Compiler {
  #worker = null;
  #waiting = Promise.resolve();
  #ready = false;

  /** The answer to a request; requests wait for each other. */
  ask(request) {
    const answer = this.#waiting.then(() => this.#post(request));
    this.#waiting = answer.catch(() => {});
    return answer;
  }

  #post(request) {
    this.#worker ??= new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    const worker = this.#worker;
    return new Promise((resolve) => {
      const end = (answer) => {
        clearTimeout(timer);
        resolve(answer);
      };
      const restart = (fault) => {
        worker.terminate();
        this.#worker = null;
        this.#ready = false;
        end({ fault });
      };
      const timer = this.#ready
        ? setTimeout(restart, PATIENCE, "This takes too long for a browser; the command line has no such limit.")
        : undefined;
      worker.onmessage = ({ data }) => {
        this.#ready = true;
        end(JSON.parse(data));
      };
      worker.onerror = (event) => restart(event.message || "Python could not be loaded.");
      worker.postMessage(JSON.stringify(request));
    });
  }
}
