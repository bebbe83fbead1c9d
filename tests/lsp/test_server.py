"""The server, driven over standard input and output by a client of the protocol."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from editor import Editor, session
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from archdsl.cli import main

NET = """\
// 😀 a unit
/* 😀😀 */ template <int N, typename SUBNET> using unit = relu<con<N,3,3,2,2,SUBNET>>;
using net_type =
  fc<10,
    unit<8,
    input<3,32,32>>>;
"""


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


def test_the_figure_beside_the_text(tmp_path: Path) -> None:
    async def script(editor: Editor) -> None:
        async def figure(**params: object) -> dict[str, object]:
            protocol = editor.client.protocol
            told = await protocol.send_request_async("archdsl/figure", params)
            return told._asdict()

        at = {"uri": editor.document.uri}
        assert await editor.open("fc<10,relu<") != []
        told = await figure(textDocument=at)
        assert told["svg"] is None and not told["current"]
        await editor.type(NET)
        told = await figure(textDocument=at)
        assert told["current"] and "18,234 parameters" in str(
            told["message"]
        )  # (3·3·3 + 1)·8 and (8·15·15 + 1)·10
        assert str(told["svg"]).startswith("<svg") and ">unit" in str(told["svg"])
        # The names that the command line gives the network of net.arch.
        assert ">net<" in str(told["svg"]) and str(told["message"]).startswith("net: ")
        await editor.type(NET.replace("fc<10", "softmx<10"))
        assert await figure(textDocument=at) == {
            **told,
            "current": False,
            "message": "The text has errors; this is the last one without.",
        }
        dark = await figure(textDocument=at, style="dark")
        assert dark["svg"] not in (None, told["svg"])
        for wrong in ({}, {"textDocument": {}}, {"textDocument": at, "style": ["x"]}):
            with pytest.raises(JsonRpcException):
                await figure(**wrong)

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
        assert isinstance(items, types.CompletionList)
        assert {"padding=", "N"} <= {item.label for item in items.items}
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
    code = "import archdsl.editor.server, sys; assert 'torch' not in sys.modules"
    done = asyncio.run(_exit_code(code))
    assert done == 0


async def _exit_code(code: str) -> int:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    return await process.wait()
