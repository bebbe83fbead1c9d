// Drives the extension with a stand-in for the editor, and prints what it did as JSON.
"use strict";

const Module = require("module");
const [, , folder, file] = process.argv;
const answers = JSON.parse(require("fs").readFileSync(0, "utf8"));

const did = { asked: [], pages: [], tasks: [], commands: [] };
const commands = {};
const hear = {};
const listener = (name) => (callback) => ((hear[name] = callback), { dispose() {} });
const document = {
  uri: "file:///net.arch",
  fileName: file,
  languageId: "arch",
  getText: () => "// reference: torchvision:resnet18\n",
  save: async () => true,
};
const vscode = {
  workspace: {
    getConfiguration: () => ({ get: () => "archdsl" }),
    onDidChangeTextDocument: listener("text"),
  },
  window: {
    activeTextEditor: { document },
    activeColorTheme: { kind: 2 },
    createWebviewPanel: (kind, title, where, options) => {
      did.options = options;
      return { webview: { set html(html) { did.pages.push(html); } }, onDidDispose: listener("closed"), reveal() {} };
    },
    showQuickPick: async (items) => items[0],
    showInputBox: async ({ value }) => value,
    onDidChangeActiveTextEditor: listener("editor"),
    onDidChangeActiveColorTheme: listener("theme"),
  },
  commands: { registerCommand: (name, run) => ((commands[name] = run), { dispose() {} }) },
  tasks: { executeTask: async (task) => did.tasks.push(task.process) },
  ViewColumn: { Beside: -2 },
  ColorThemeKind: { Light: 1, Dark: 2, HighContrast: 3 },
  TaskScope: { Workspace: 2 },
  ProcessExecution: class { constructor(program, words) { Object.assign(this, { program, words }); } },
  Task: class { constructor(kind, scope, name, source, process) { this.process = process; } },
};
class LanguageClient {
  running = true;
  async start() {}
  async stop() {}
  async sendRequest(name, params) {
    did.asked.push([name, params]);
    const answer = answers.shift();
    if (answer === null) this.running = false;
    if (!this.running) throw new Error("Client is not running");
    return answer;
  }
  isRunning() {
    return this.running;
  }
}
const load = Module._load;
Module._load = (name, ...more) =>
  ({ vscode, "vscode-languageclient/node": { LanguageClient } })[name] ?? load(name, ...more);

(async () => {
  const extension = require(folder);
  await extension.activate({ subscriptions: { push() {} } });
  did.commands = Object.keys(commands);
  await commands["archdsl.preview"]();
  hear.text({ document });
  hear.text({ document }); // a burst of keystrokes is drawn once
  await new Promise((done) => setTimeout(done, 500));
  hear.theme();
  await new Promise((done) => setTimeout(done, 500));
  for (const name of ["compile", "draw", "verify"]) await commands[`archdsl.${name}`]();
  await extension.deactivate();
  console.log(JSON.stringify(did));
})();
