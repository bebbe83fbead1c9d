"""The server, driven over standard input and output by a client of the protocol."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.client import LanguageClient

from archdsl.cli import main

NET = """\
// 😀 a unit
/* 😀😀 */ template <int N, typename SUBNET> using unit = relu<con<N,3,3,2,2,SUBNET>>;
using net_type =
  fc<10,
    unit<8,
    input<3,32,32>>>;
"""


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


def test_a_text_is_written_broken_and_mended(tmp_path: Path) -> None:
    async def script(editor: Editor) -> None:
        assert await editor.open(NET) == []
        (error,) = await editor.type(NET.replace("fc<10", "softmx<10"))
        assert "did you mean 'softmax'" in error.message
        assert (error.range.start, error.range.end) == (types.Position(3, 2), types.Position(3, 8))
        (error,) = await editor.type(NET.replace("/* 😀😀 */", "/* 😀😀 */ using x = relu<%;"))
        # two units for each of the pictures: where an editor has the character
        assert error.range.start == types.Position(1, 26)
        assert await editor.type(NET) == []

    session(tmp_path / "net.arch", script)


def test_every_request(tmp_path: Path) -> None:
    async def script(editor: Editor) -> None:
        client = editor.client
        await editor.open(NET)
        hover = await client.text_document_hover_async(types.HoverParams(**editor.at("u|nit<8")))
        assert hover is not None and "8×15×15" in str(hover.contents)  # (32 - 3) / 2 + 1
        behind = types.HoverParams(**editor.at("re|lu<con"))  # behind characters of two units
        hover = await client.text_document_hover_async(behind)
        assert hover is not None and hover.range is not None
        assert hover.range.start.character == editor.at("|relu<con")["position"].character

        items = await client.text_document_completion_async(
            types.CompletionParams(**editor.at("2,2,|SUBNET"))
        )
        assert isinstance(items, list) and {"padding=", "N"} <= {item.label for item in items}
        help = await client.text_document_signature_help_async(
            types.SignatureHelpParams(**editor.at("con<N,|3"))
        )
        assert help is not None and help.active_parameter == 1

        place = await client.text_document_definition_async(
            types.DefinitionParams(**editor.at("u|nit<8"))
        )
        assert isinstance(place, types.Location)
        assert place.range.start == editor.at("using |unit")["position"]
        found = await client.text_document_references_async(
            types.ReferenceParams(
                context=types.ReferenceContext(include_declaration=True), **editor.at("u|nit<8")
            )
        )
        assert found is not None and [r.range.start.line for r in found] == [1, 4]
        symbols = await client.text_document_document_symbol_async(
            types.DocumentSymbolParams(editor.document)
        )
        assert symbols is not None and [s.name for s in symbols] == ["unit", "net_type"]

        whole = types.Range(types.Position(0, 0), types.Position(9, 0))
        hints = await client.text_document_inlay_hint_async(
            types.InlayHintParams(editor.document, whole)
        )
        assert hints is not None
        assert [h.label for h in hints] == ["8×15×15", "10", "8×15×15", "3×32×32"]

        edit = await client.text_document_rename_async(
            types.RenameParams(new_name="block", **editor.at("u|nit<8"))
        )
        assert edit is not None and edit.changes is not None
        assert [e.range.start.line for e in edit.changes[editor.document.uri]] == [1, 4]
        with pytest.raises(JsonRpcException, match="built in"):
            await client.text_document_rename_async(
                types.RenameParams(new_name="x", **editor.at("re|lu<con"))
            )
        with pytest.raises(JsonRpcException, match="built in"):
            await client.text_document_prepare_rename_async(
                types.PrepareRenameParams(**editor.at("re|lu<con"))
            )

        options = types.FormattingOptions(4, True)
        edits = await client.text_document_formatting_async(
            types.DocumentFormattingParams(editor.document, options)
        )
        assert edits is not None and len(edits) == 1
        assert await editor.type(edits[0].new_text) == []
        edits = await client.text_document_formatting_async(
            types.DocumentFormattingParams(editor.document, options)
        )
        assert not edits

    session(tmp_path / "net.arch", script)


def test_a_failing_request_does_not_end_the_server(tmp_path: Path) -> None:
    async def script(editor: Editor) -> None:
        elsewhere = types.TextDocumentIdentifier((tmp_path / "never_opened.arch").as_uri())
        with pytest.raises(JsonRpcException, match="not open"):
            await editor.client.text_document_hover_async(
                types.HoverParams(elsewhere, types.Position(0, 0))
            )
        await editor.open(NET)
        far = types.HoverParams(editor.document, types.Position(9999, 9999))
        assert await editor.client.text_document_hover_async(far) is None
        (error,) = await editor.type("\ud83d" + NET)  # half a character
        assert "no meaning" in error.message
        assert await editor.type(NET) == []

    session(tmp_path / "net.arch", script)


def test_without_pygls_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    done = CliRunner().invoke(main, ["lsp"])
    assert done.exit_code == 1 and "pip install 'archdsl[lsp]'" in done.stderr


def test_the_server_never_imports_torch() -> None:
    code = "import archdsl.lsp.server, sys; assert 'torch' not in sys.modules"
    done = asyncio.run(_exit_code(code))
    assert done == 0


async def _exit_code(code: str) -> int:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    return await process.wait()
