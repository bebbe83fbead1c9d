// Starts `archdsl lsp` and connects the editor with it over standard input and output.
"use strict";

const { workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

function activate() {
  const command = workspace.getConfiguration("archdsl").get("command");
  client = new LanguageClient(
    "archdsl",
    "archdsl",
    { command, args: ["lsp"] },
    { documentSelector: [{ language: "arch" }] },
  );
  return client.start();
}

function deactivate() {
  return client?.stop();
}

module.exports = { activate, deactivate };
