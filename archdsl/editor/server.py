"""The server: documents by their address, and one handler for each request of the protocol."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import sys
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast
from typing import Protocol as Interface

from lsprotocol import types
from pygls.exceptions import JsonRpcContentModified, JsonRpcInternalError, JsonRpcInvalidParams
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
from archdsl.editor.files import File, Files
from archdsl.editor.protocol import Pieces, Protocol
from archdsl.frontend.format import formatted
from archdsl.ir.gc_pause import collector_paused
from archdsl.text.paths import resolved

if TYPE_CHECKING:
    from pygls.server import ServerErrors

FIGURE = "archdsl/figure"
"""A request of our own: the figure of a text, see :mod:`archdsl.editor.figure`."""

_PAUSE = 0.02
"""Seconds without a keystroke before a text is checked; a burst of them is checked once."""
_COLLECTED_AFTER = 20
"""Readings of long texts; each leaves some 35 MB for a megabyte that only a collection frees."""

T = TypeVar("T")
Steps = Generator[Any, Any, T]
Edit = types.TextEdit

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
        self._reading: dict[str, asyncio.Task[None]] = {}
        self._readings = 0
        self._failed: dict[str, File] = {}
        self._told = asyncio.Event()

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

    def at(self, where: _Positioned) -> tuple[Document, int]:
        """The document of a request, and the offset of its position."""
        document = self.document(where.text_document.uri)
        return document, document.file.offset(where.position)

    async def read(self, document: Document, asked: File) -> None:
        """Wait until every text has been read as it is now.

        That is for what edits texts, which has to know all of them. An error says so where the
        document is another one than was asked about: the editor's positions are not of that.
        """
        self._same(document, asked)
        while any(self._waits(each) for each in self.documents.values()):
            await self._told.wait()
            self._same(document, asked)
        if self.behind:
            raise JsonRpcInternalError("a text could not be read")

    async def work(self, document: Document, asked: File, call: Callable[[], T]) -> T:
        """Result of what takes long; an error where the document was edited meanwhile."""
        result = await _apart(call)
        self._same(document, asked)
        return result

    @property
    def behind(self) -> bool:
        """True if a text waits for being read."""
        return any(document.behind for document in self.documents.values())

    def _waits(self, document: Document) -> bool:
        return document.behind and self._failed.get(document.uri) is not document.newest

    def _same(self, document: Document, asked: File) -> None:
        if self.documents.get(document.uri) is not document or document.newest is not asked:
            raise JsonRpcContentModified("the text has been edited since")

    def tell(self) -> None:
        """Let those look again who wait for readings."""
        self._told.set()
        self._told = asyncio.Event()

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
            if uri not in self._reading:  # otherwise it goes on with the newest version
                self._reading[uri] = asyncio.ensure_future(self._read_behind(uri, document))
            return
        try:
            found = diagnosing.diagnostics(document)
        except Exception:  # whatever it is, the editor still has a server
            _log.exception("checking %s failed", uri)
            return
        self._show(uri, found)

    def _show(self, uri: str, found: list[types.Diagnostic]) -> None:
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found))

    async def _read_behind(self, uri: str, document: Document) -> None:
        """Read a long text in a thread, once at a time; meanwhile answers are of the last one."""

        def read() -> tuple[Reading, list[types.Diagnostic]]:
            with collector_paused():
                reading = document.read()
                found = diagnosing.diagnostics(document, reading)
            self._keep()
            return reading, found

        asked = document.newest
        try:
            reading, found = await _apart(read)
        except Exception:  # whatever it is, the editor still has a server
            _log.exception("reading %s failed", uri)
            self._failed[uri] = asked
        else:
            document.take(reading)
        del self._reading[uri]
        present = self.documents.get(uri)
        if present is document and not document.behind:
            self._show(uri, found)
        elif present is not None and self._waits(present):
            self.check_soon(uri)
        self.tell()

    def _keep(self) -> None:
        """Let the garbage collector pass over what has been read.

        It would look at millions of objects, and for that second nothing is answered. The circles
        that readings leave behind are freed once in a while.
        """
        self._readings += 1
        if self._readings % _COLLECTED_AFTER == 0:
            gc.unfreeze()
            gc.collect()
        gc.freeze()

    def includers(self, path: Path | None) -> list[str]:
        """The open documents that include a file, all of their findings forgotten."""
        found = []
        for uri, document in self.documents.items():
            if path in (file.source.path for file in document.view.files[1:]):
                document.recheck()
                found.append(uri)
        return found


async def _apart(call: Callable[[], T]) -> T:
    """Result of a call in a thread, for which nobody waits when the session ends."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except Exception as error:
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return await asyncio.wrap_future(future)


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
    return await _apart(partial(drawing.figure, document.last_good, document.is_good, style))


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
        ls.tell()
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
        ls.tell()
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
    def renamable(ls: Server, params: types.PrepareRenameParams) -> Steps[types.Range]:
        document, offset = yield from _settled(ls, params)
        with _refused():
            return navigating.renamable(document, ls.files, offset).location.range

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    def rename(ls: Server, params: types.RenameParams) -> Steps[types.WorkspaceEdit]:
        document, offset = yield from _settled(ls, params)
        with _refused():
            return navigating.rename(document, ls.files, offset, params.new_name)


def _settled(ls: Server, where: _Positioned) -> Steps[tuple[Document, int]]:
    """The document of a request, and the offset of its position, once every text has been read.

    What a generator yields is awaited by the protocol; until then it runs at once.
    """
    document = ls.document(where.text_document.uri)
    if ls.behind:
        yield ls.read, (document, document.newest), None
    return ls.at(where)


@contextlib.contextmanager
def _refused() -> Iterator[None]:
    """Errors of ours go to the editor as its request's."""
    try:
        yield
    except ArchError as error:
        raise JsonRpcInvalidParams(error.diagnostics[0].message) from None


def _handle_writing(server: Server) -> None:
    triggers = types.CompletionOptions(trigger_characters=["<", ",", "=", '"', "/"])

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, triggers)
    def completions(ls: Server, params: types.CompletionParams) -> types.CompletionList:
        return completing.completions(*ls.at(params))

    signatures = types.SignatureHelpOptions(trigger_characters=["<", ",", "="])

    @server.feature(types.TEXT_DOCUMENT_SIGNATURE_HELP, signatures)
    def signature(ls: Server, params: types.SignatureHelpParams) -> types.SignatureHelp | None:
        return completing.signature_help(*ls.at(params))

    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    def hints(ls: Server, params: types.InlayHintParams) -> list[types.InlayHint]:
        document = ls.document(params.text_document.uri)
        start, end = map(document.file.offset, (params.range.start, params.range.end))
        return hovering.inlay_hints(document, start, end)

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    def formatting(ls: Server, params: types.DocumentFormattingParams) -> Steps[list[Edit]]:
        document = ls.document(params.text_document.uri)
        file = document.newest
        with _refused():
            if document.long:
                text = yield ls.work, (document, file, partial(formatted, file.source)), None
            else:
                text = formatted(file.source)
        return [] if text == file.text else [Edit(file.range(0, len(file.text)), text)]
