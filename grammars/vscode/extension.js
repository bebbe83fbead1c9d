// Starts `archdsl lsp` and connects the editor with it over standard input and output; shows the
// figure beside the text, and runs the command line on it.
"use strict";

const path = require("path");
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");
const { page } = require("./preview");

const PAUSE = 150; // milliseconds without a keystroke before the figure is drawn anew
const FIGURE = "archdsl/figure";
const NO_SERVER =
  "The language server does not run. It needs pip install 'archdsl[lsp]', and the setting " +
  "archdsl.command where archdsl is not on the search path.";
const COMPILED = [".py", ".onnx", ".pt2", ".ts", ".safetensors", ".json"];
const DRAWN = [".svg", ".png", ".pdf", ".html", ".tex", ".pptx"];

let client;
let panel; // the figure's, while it is open
let shown; // the address of the text whose figure it is
let timer;

function activate(context) {
  client = new LanguageClient(
    "archdsl",
    "archdsl",
    { command: program(), args: ["lsp"] },
    { documentSelector: [{ language: "arch" }] },
  );
  const { registerCommand } = vscode.commands;
  context.subscriptions.push(
    registerCommand("archdsl.preview", preview),
    registerCommand("archdsl.compile", compile),
    registerCommand("archdsl.draw", draw),
    registerCommand("archdsl.verify", verify),
    vscode.workspace.onDidChangeTextDocument(({ document }) => {
      if (String(document.uri) === shown) later();
    }),
    vscode.window.onDidChangeActiveTextEditor((editor) => {
      if (editor?.document.languageId === "arch") turn(editor.document);
    }),
    vscode.window.onDidChangeActiveColorTheme(later),
  );
  return client.start().catch(() => undefined); // the client has told it; colours and commands stay
}

function deactivate() {
  clearTimeout(timer);
  return client?.stop();
}

function program() {
  return vscode.workspace.getConfiguration("archdsl").get("command");
}

function text() {
  const document = vscode.window.activeTextEditor?.document;
  return document?.languageId === "arch" ? document : undefined;
}

// ---- the figure beside the text

function preview() {
  const document = text();
  if (!document) return undefined;
  if (panel) panel.reveal(undefined, true);
  else {
    panel = vscode.window.createWebviewPanel(
      "archdsl.figure",
      "Figure",
      { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
      { enableScripts: false, localResourceRoots: [] },
    );
    panel.onDidDispose(() => {
      panel = shown = undefined;
    });
  }
  shown = undefined;
  return turn(document);
}

function turn(document) {
  if (!panel || shown === String(document.uri)) return undefined;
  shown = String(document.uri);
  panel.title = `Figure of ${path.basename(document.fileName)}`;
  return update();
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(update, PAUSE);
}

async function update() {
  const uri = shown;
  if (!panel || !uri) return;
  const dark = [vscode.ColorThemeKind.Dark, vscode.ColorThemeKind.HighContrast];
  const style = dark.includes(vscode.window.activeColorTheme.kind) ? "dark" : "paper";
  let told;
  try {
    told = await client.sendRequest(FIGURE, { textDocument: { uri }, style });
  } catch (error) {
    const message = client.isRunning() ? error.message : NO_SERVER;
    told = { svg: null, current: false, message };
  }
  if (panel && shown === uri) panel.webview.html = page(told);
}

// ---- the command line

async function compile() {
  const suffix = await vscode.window.showQuickPick(COMPILED, { placeHolder: "Compile into" });
  return suffix && run("compile", (file) => ["-o", beside(file, suffix)]);
}

async function draw() {
  const suffix = await vscode.window.showQuickPick(DRAWN, { placeHolder: "Draw into" });
  return suffix && run("draw", (file) => ["-o", beside(file, suffix)]);
}

async function verify() {
  const value = /^\/\/ reference: (\S+)/m.exec(text()?.getText() ?? "")?.[1] ?? "torchvision:";
  const against = await vscode.window.showInputBox({ prompt: "Verify against", value });
  return against && run("verify", () => ["--against", against]);
}

function beside(file, suffix) {
  return file.slice(0, -path.extname(file).length || undefined) + suffix;
}

async function run(command, options) {
  const document = text();
  if (!document || !(await document.save())) return undefined;
  const file = document.fileName;
  // Words, and not a line for a shell: a file may have any name.
  const process = new vscode.ProcessExecution(program(), [command, file, ...options(file)], {
    cwd: path.dirname(file),
  });
  const scope = vscode.TaskScope.Workspace;
  return vscode.tasks.executeTask(
    new vscode.Task({ type: "archdsl" }, scope, command, "archdsl", process, []),
  );
}

module.exports = { activate, deactivate };
