"""An editor for tests: a client of the protocol, with a server of its own over standard input."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.client import LanguageClient


class Editor:
    """One text in an editor, its server, and the diagnostics that it was sent."""

    def __init__(self, client: LanguageClient, path: Path) -> None:
        self.client = client
        self.document = types.TextDocumentIdentifier(path.as_uri())
        self.text = ""
        self._version = 0
        self._published: asyncio.Queue[types.PublishDiagnosticsParams] = asyncio.Queue()

        @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def published(params: types.PublishDiagnosticsParams) -> None:
            self._published.put_nowait(params)

    async def open(self, text: str) -> list[types.Diagnostic]:
        self.text = text
        item = types.TextDocumentItem(self.document.uri, "arch", 0, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return await self.published()

    async def type(self, text: str) -> list[types.Diagnostic]:
        self.text = text
        self._version += 1
        identifier = types.VersionedTextDocumentIdentifier(self._version, self.document.uri)
        change = types.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(identifier, [change])
        )
        return await self.published()

    async def published(self) -> list[types.Diagnostic]:
        found = await asyncio.wait_for(self._published.get(), 20)
        return list(found.diagnostics)

    def at(self, marked: str) -> dict[str, Any]:
        """The parameters of a request where ``|`` stands in a part of the text."""
        offset = self.text.index(marked.replace("|", "")) + marked.index("|")
        line = self.text.count("\n", 0, offset)
        before = self.text[:offset].rpartition("\n")[2]
        units = len(before.encode("utf-16-le")) // 2
        return {"text_document": self.document, "position": types.Position(line, units)}


def session(path: Path, script: Callable[[Editor], Awaitable[None]]) -> None:
    """Run a script in an editor with a server of its own; the server must end well."""

    async def run() -> None:
        client = LanguageClient("test", "1")
        await client.start_io(sys.executable, "-m", "archdsl", "lsp")
        folder = types.WorkspaceFolder(path.parent.as_uri(), "folder")
        await client.initialize_async(
            types.InitializeParams(types.ClientCapabilities(), workspace_folders=[folder])
        )
        client.initialized(types.InitializedParams())
        await script(Editor(client, path))
        await client.shutdown_async(None)
        client.exit(None)
        process = client._server
        assert process is not None
        assert await asyncio.wait_for(process.wait(), 20) == 0
        await client.stop()

    asyncio.run(run())
