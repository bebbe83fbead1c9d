"""The server: documents by their address, and one handler for each request of the protocol."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, BinaryIO, cast
from typing import Protocol as Interface

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

import archdsl
from archdsl.diagnostics import ArchError, fail
from archdsl.editor import (
    completion as completing,
)
from archdsl.editor import (
    diagnostics as diagnosing,
)
from archdsl.editor import (
    figure as drawing,
)
from archdsl.editor import (
    hover as hovering,
)
from archdsl.editor import (
    navigation as navigating,
)
from archdsl.editor.document import Document, Reading
from archdsl.editor.files import Files
from archdsl.editor.protocol import Pieces, Protocol
from archdsl.frontend.format import formatted
from archdsl.text.paths import resolved

if TYPE_CHECKING:
    from pygls.server import ServerErrors

FIGURE = "archdsl/figure"
"""A request of our own: the figure of a text, see :mod:`archdsl.editor.figure`."""

_PAUSE = 0.02
"""Seconds without a keystroke before a text is checked; a burst of them is checked once."""

_log = logging.getLogger(__name__)


class _Positioned(Interface):
    """The parameters of a request about a position."""

    text_document: types.TextDocumentIdentifier
    position: types.Position


class Server(LanguageServer):
    """Holds the open documents. Texts are sent whole, so that lines are counted by one rule."""

    def __init__(self) -> None:
        full = types.TextDocumentSyncKind.Full
        super().__init__(
            "archdsl", archdsl.__version__, text_document_sync_kind=full, protocol_cls=Protocol
        )
        self.files = Files()
        self.documents: dict[str, Document] = {}
        self._waiting: dict[str, asyncio.TimerHandle] = {}
        self._reading: set[str] = set()

    protocol: Protocol

    def report_server_error(self, error: Exception, source: ServerErrors) -> None:
        """Log an error outside of a request; by default editors show it, with its traceback."""
        _log.error("%s: %s", type(error).__name__, error)
        if isinstance(error, (UnicodeDecodeError, json.JSONDecodeError, RecursionError)):
            self.protocol.unreadable()

    def serve(self) -> None:
        """Answer on standard output what comes on standard input, until that ends.

        The process then ends with the status that the protocol states.
        """
        if sys.stdin is None or sys.stdout is None:
            raise fail("an editor talks to the language server over pipes", code="E407")
        self.start_io(cast("BinaryIO", Pieces(sys.stdin.buffer)))
        if self.protocol.left_early:
            raise SystemExit(1)

    def document(self, uri: str) -> Document:
        if uri not in self.documents:
            raise JsonRpcInvalidParams(f"{uri} is not open")
        return self.documents[uri]

    def at(self, where: _Positioned, *, settled: bool = False) -> tuple[Document, int]:
        """The document of a request, and the offset of its position.

        ``settled`` is for what edits the text, which must not be that of a moment ago.
        """
        document = self.document(where.text_document.uri)
        if settled:
            document.settle()
        return document, document.offset(where.position)

    def check_soon(self, *uris: str) -> None:
        """Publish what is wrong with documents, once nobody has typed for a moment."""
        loop = asyncio.get_running_loop()
        for uri in uris:
            if uri in self._waiting:
                self._waiting[uri].cancel()
            self._waiting[uri] = loop.call_later(_PAUSE, self._publish, uri)

    def _publish(self, uri: str) -> None:
        self._waiting.pop(uri, None)
        document = self.documents.get(uri)
        if document is None:
            return
        if document.behind:
            self._read_behind(uri, document)
            return
        try:
            found = diagnosing.diagnostics(document)
        except Exception:  # whatever it is, the editor still has a server
            _log.exception("checking %s failed", uri)
            return
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found))

    def _read_behind(self, uri: str, document: Document) -> None:
        """Read a long text in a thread, once at a time; meanwhile answers are of the last one."""
        if uri in self._reading:
            return  # it goes on with the newest version
        self._reading.add(uri)
        loop = asyncio.get_running_loop()

        def read() -> None:
            reading = None
            try:
                reading = document.read()
            except Exception:  # whatever it is, the editor still has a server
                _log.exception("reading %s failed", uri)
            with contextlib.suppress(RuntimeError):  # the session has ended meanwhile
                loop.call_soon_threadsafe(self._was_read, uri, document, reading)

        # A daemon: nobody waits for it when the session ends.
        Thread(target=read, daemon=True).start()

    def _was_read(self, uri: str, document: Document, reading: Reading | None) -> None:
        self._reading.discard(uri)
        if reading is None or self.documents.get(uri) is not document:
            return
        document.take(reading)
        if document.behind:
            self.check_soon(uri)
        else:
            self._publish(uri)

    def includers(self, path: Path | None) -> list[str]:
        """The open documents that include a file, all of their findings forgotten."""
        found = []
        for uri, document in self.documents.items():
            if path in (file.source.path for file in document.view.files[1:]):
                document.recheck()
                found.append(uri)
        return found


def make_server() -> Server:
    """A server with all its handlers; it does not listen yet."""
    server = Server()
    _handle_texts(server)
    _handle_names(server)
    _handle_writing(server)
    server.feature(FIGURE)(_figure)
    return server


async def _figure(ls: Server, params: object) -> dict[str, object]:
    uri, style = drawing.asked(params)
    document = ls.document(uri)
    _ = document.checked
    # In a thread: meanwhile other requests have their answers.
    return await asyncio.to_thread(drawing.figure, document.last_good, document.is_good, style)


def _path(uri: str) -> Path | None:
    path = to_fs_path(uri) if uri.startswith("file:") else None
    return None if path is None else resolved(path)


def _handle_texts(server: Server) -> None:
    @server.feature(types.INITIALIZED)
    def initialized(ls: Server, _: types.InitializedParams) -> None:
        agreed = ls.workspace.position_encoding or types.PositionEncodingKind.Utf16
        ls.files.encoding = types.PositionEncodingKind(agreed).value
        uris = [*ls.workspace.folders] or [ls.workspace.root_uri or ""]
        ls.files.folders = [path for path in map(_path, uris) if path is not None]

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
        item = params.text_document
        path = _path(item.uri)
        ls.documents[item.uri] = Document(ls.files, item.uri, path, item.text)
        ls.check_soon(item.uri, *ls.includers(path))

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(ls: Server, params: types.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        document = ls.document(uri)
        document.change(params.content_changes[-1].text)
        ls.check_soon(uri, *ls.includers(document.path))

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(ls: Server, _: types.DidSaveTextDocumentParams) -> None:
        # Files that are not open may have changed as well.
        for document in ls.documents.values():
            document.recheck()
        ls.check_soon(*ls.documents)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        document = ls.documents.pop(uri, None)
        if document is not None and document.path is not None:
            ls.files.closed(document.path)
            ls.check_soon(*ls.includers(document.path))
        ls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))


def _handle_names(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(ls: Server, params: types.HoverParams) -> types.Hover | None:
        return hovering.hover(*ls.at(params))

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def definition(ls: Server, params: types.DefinitionParams) -> types.Location | None:
        document, offset = ls.at(params)
        return navigating.definition(document, ls.files, offset)

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    def references(ls: Server, params: types.ReferenceParams) -> list[types.Location]:
        document, offset = ls.at(params)
        declaration = params.context.include_declaration
        return navigating.references(document, ls.files, offset, declaration=declaration)

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def symbols(ls: Server, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        return navigating.symbols(ls.document(params.text_document.uri))

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    def renamable(ls: Server, params: types.PrepareRenameParams) -> types.Range:
        document, offset = ls.at(params, settled=True)
        try:
            return navigating.renamable(document, ls.files, offset).location.range
        except ArchError as error:
            raise JsonRpcInvalidParams(error.diagnostics[0].message) from None

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    def rename(ls: Server, params: types.RenameParams) -> types.WorkspaceEdit:
        document, offset = ls.at(params, settled=True)
        try:
            return navigating.rename(document, ls.files, offset, params.new_name)
        except ArchError as error:
            raise JsonRpcInvalidParams(error.diagnostics[0].message) from None


def _handle_writing(server: Server) -> None:
    triggers = types.CompletionOptions(trigger_characters=["<", ",", "=", '"', "/"])

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, triggers)
    def completions(ls: Server, params: types.CompletionParams) -> list[types.CompletionItem]:
        return completing.completions(*ls.at(params))

    signatures = types.SignatureHelpOptions(trigger_characters=["<", ",", "="])

    @server.feature(types.TEXT_DOCUMENT_SIGNATURE_HELP, signatures)
    def signature(ls: Server, params: types.SignatureHelpParams) -> types.SignatureHelp | None:
        return completing.signature_help(*ls.at(params))

    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    def hints(ls: Server, params: types.InlayHintParams) -> list[types.InlayHint]:
        document = ls.document(params.text_document.uri)
        places = document.file.places
        start, end = places.offset(params.range.start), places.offset(params.range.end)
        return hovering.inlay_hints(document, start, end)

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    def formatting(ls: Server, params: types.DocumentFormattingParams) -> list[types.TextEdit]:
        document = ls.document(params.text_document.uri)
        document.settle()
        try:
            text = formatted(document.file.source)
        except ArchError as error:
            raise JsonRpcInvalidParams(error.diagnostics[0].message) from None
        if text == document.text:
            return []
        return [types.TextEdit(document.file.places.range(0, len(document.text)), text)]
