// The compiler in a thread of its own: takes requests as JSON, answers in JSON.
import { loadPyodide } from "./npm/pyodide/pyodide.mjs";

const HOME = "/lib/archdsl";

async function start() {
  const beside = (path) => new URL(path, import.meta.url).href;
  const archive = fetch(beside("archdsl.zip")).then((response) => response.arrayBuffer());
  const python = await loadPyodide({ indexURL: beside("npm/pyodide/") });
  python.unpackArchive(await archive, "zip", { extractDir: HOME });
  python.runPython(`import sys; sys.path.insert(0, "${HOME}")`);
  return python.pyimport("archdsl.playground.answers").Session();
}

const session = start();

onmessage = async ({ data }) => {
  try {
    postMessage((await session).answer(data));
  } catch (error) {
    postMessage(JSON.stringify({ fault: String(error?.message ?? error) }));
  }
};
