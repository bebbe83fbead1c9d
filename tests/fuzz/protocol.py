"""Sessions with the language server as lines of JSON, and whether it keeps to the protocol in them.

A line is a message; the server is asked in this process.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Sequence
from functools import cache
from threading import Event
from typing import Any

_TEXT = """\
template <int N, typename SUBNET> using block = relu<con<N,3,3,1,1,SUBNET>>;
using net_type = fc<10,block<8,block<4,input<1,8,8>>>>;
"""
_URI = "untitled:net.arch"


def message(method: str, params: Any, id: Any = None) -> dict[str, Any]:
    """A request, or without an id a notification."""
    document = {"jsonrpc": "2.0", "method": method, "params": params}
    return document if id is None else document | {"id": id}


@cache
def sessions() -> Sequence[bytes]:
    """A session with every request that the server knows, and with edits and cancellations."""
    document = {"uri": _URI}
    where = {"textDocument": document, "position": {"line": 1, "character": 26}}
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": 2, "character": 0}}
    edit = {
        "textDocument": document | {"version": 2},
        "contentChanges": [{"text": _TEXT.replace("block", "part")}],
    }
    item = document | {"languageId": "arch", "version": 1, "text": _TEXT}
    messages = [
        message("initialize", {"capabilities": {}, "processId": None, "rootUri": None}, 1),
        message("initialized", {}),
        message("textDocument/didOpen", {"textDocument": item}),
        message("textDocument/hover", where, 2),
        message("textDocument/definition", where, "three"),
        message("$/cancelRequest", {"id": 2}),
        message("textDocument/references", where | {"context": {"includeDeclaration": True}}, 4),
        message("textDocument/documentSymbol", {"textDocument": document}, 5),
        message("textDocument/didChange", edit),
        message("textDocument/prepareRename", where, 6),
        message("textDocument/rename", where | {"newName": "other"}, 7),
        message("textDocument/completion", where, 8),
        message("textDocument/signatureHelp", where, 9),
        message("textDocument/inlayHint", {"textDocument": document, "range": whole}, 10),
        message(
            "textDocument/formatting",
            {"textDocument": document, "options": {"tabSize": 4, "insertSpaces": True}},
            11,
        ),
        message("textDocument/didSave", {"textDocument": document}),
        message("textDocument/unknown", {}, 12),
        message("textDocument/didClose", {"textDocument": document}),
        message("shutdown", None, 13),
    ]
    return ["\n".join(map(json.dumps, messages)).encode()]


def answers(session: bytes) -> list[dict[str, Any]]:
    """What the server sends in a session; AssertionError where a request has no answer, or two.

    Nor may a traceback go to the editor, and nothing but messages.
    """
    lines = [line for line in session.split(b"\n") if line.strip()]
    sent = asyncio.run(_session(lines))
    asked = Counter(key for line in lines if (key := _request(line)) is not None)
    answered = Counter(
        json.dumps(each["id"]) for each in sent if "method" not in each and "id" in each
    )
    assert asked == answered, f"asked {asked - answered}, answered {answered - asked}"
    told = json.dumps(sent)
    assert "Traceback" not in told and "traceback" not in told, told
    assert "fault of archdsl" not in told, told
    return sent


def _request(line: bytes) -> str | None:
    """The id of a line that is a request; None for all others."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    request = isinstance(message, dict) and "jsonrpc" in message
    if not request or not {"id", "method"} <= message.keys() or {"error"} & message.keys():
        return None
    known = isinstance(message["id"], (int, float, str)) and not isinstance(message["id"], bool)
    return json.dumps(message["id"]) if known else None


class _Reader:
    """The lines with the headers of the protocol."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        framed = (b"Content-Length: %d\r\n\r\n%s" % (len(line), line) for line in lines)
        self._rest = b"".join(framed)

    async def readline(self) -> bytes:
        line, end, self._rest = self._rest.partition(b"\n")
        return line + end

    async def readexactly(self, count: int) -> bytes:
        found, self._rest = self._rest[:count], self._rest[count:]
        return found


class _Writer:
    def __init__(self) -> None:
        self.content = b""

    def write(self, content: bytes) -> None:
        self.content += content

    def close(self) -> None: ...


async def _session(lines: Sequence[bytes]) -> list[dict[str, Any]]:
    from pygls.io_ import run_async

    from archdsl.editor.server import make_server

    server, writer = make_server(), _Writer()
    server.protocol.set_writer(writer, include_headers=False)
    writer.content = b""
    logging.disable(logging.CRITICAL)
    sent: list[bytes] = []
    writer.write = sent.append  # type: ignore[method-assign]
    try:
        await run_async(Event(), _Reader(lines), server.protocol, None, server.report_server_error)
        for _ in range(10):  # what waits for a text is told in some turns of the loop
            await asyncio.sleep(0)
    finally:
        logging.disable(logging.NOTSET)
    return [json.loads(part) for part in sent]
